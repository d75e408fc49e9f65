import t from 'tap';
import { modeProblem } from '../../src/cli/mode-choice.js';
import { file, toggle } from '../../src/config/kinds.js';
import type { OptionTable } from '../../src/config/option.js';
import type { Provided } from '../../src/config/settings.js';

const texts = { help: '', docs: '' };
const TABLE: OptionTable = {
  echo: { ...texts, group: 'Mode', kind: toggle(), default: 'false' },
  record: { ...texts, group: 'Mode', kind: file(), default: 'off' },
  config: { ...texts, group: 'General', kind: file(), default: 'off' },
};

t.test('exactly one mode', async (t) => {
  const problem = (
    echo: boolean,
    record: string | null,
    { source, from }: Omit<Provided, 'value'> = { source: 'flag', from: '(not looked at)' },
  ): string | null => {
    const value = (value: unknown): Provided => ({ value, source, from });
    return modeProblem(TABLE, { echo: value(echo), record: value(record), config: value('x') });
  };
  t.equal(problem(true, null), null);
  t.equal(problem(false, 'a.ndjson'), null);
  t.equal(problem(false, null), 'choose a mode: --echo or --record FILE');
  t.equal(problem(true, 'a.ndjson'), 'choose one mode, not --echo and --record together');
  t.equal(
    problem(true, 'a.ndjson', { source: 'environment', from: '(not looked at)' }),
    'choose one mode, not TWIST_ECHO and TWIST_RECORD together',
  );
  t.equal(
    problem(true, 'a.ndjson', { source: 'file', from: 'twist.json' }),
    'choose one mode, not echo in twist.json and record in twist.json together',
  );
});
