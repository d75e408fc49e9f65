import t from 'tap';
import { settingsOf, valuesInForce } from '../../src/config/in-force.js';
import { count, file } from '../../src/config/values/values.js';
import type { OptionTable } from '../../src/config/options/option.js';
import type { Provided } from '../../src/config/settings.js';

const texts = { group: 'General', help: '', docs: '' } as const;
const TABLE: OptionTable = {
  level: { ...texts, kind: count({ min: 1, max: 9 }), default: '3' },
  path: { ...texts, kind: file(), default: 'off' },
};

const flag = (value: unknown): Provided => ({ value, source: 'flag', from: '--flag' });
const inFile = (value: unknown): Provided => ({ value, source: 'file', from: 'twist.json' });

t.test('the first source that gives an option wins; else the default', async (t) => {
  t.same(valuesInForce(TABLE, []), {
    level: { value: 3, source: 'default', from: 'default' },
    path: { value: null, source: 'default', from: 'default' },
  });
  const weak = new Map([
    ['level', inFile(1)],
    ['path', inFile('a')],
  ]);
  t.same(valuesInForce(TABLE, [new Map([['path', flag(null)]]), weak]), {
    level: inFile(1),
    path: flag(null),
  });
});

t.test('values alone', async (t) => {
  t.same(settingsOf({ level: flag(1), path: inFile(null) }), { level: 1, path: null });
});
