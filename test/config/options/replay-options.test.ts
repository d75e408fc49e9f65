import t from 'tap';
import type { Option } from '../../../src/config/options/option.js';
import { REPLAY_OPTIONS } from '../../../src/config/options/replay-options.js';

t.test('all stand under one heading, and only a command has them', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(REPLAY_OPTIONS)) {
    t.equal(group, 'Mode', key);
  }
});

t.test('what is taken', async (t) => {
  const rows: Readonly<Record<string, Option>> = REPLAY_OPTIONS;
  for (const [key, taken, refused] of [
    ['replay', ['off', 'a.ndjson'], ['']],
    ['session', ['off', '01J', 7], ['', 0]],
    ['speed', ['0', '0.5', 10], ['fast', -1]],
    ['strict', [true, false], ['yes']],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.kind.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.kind.schema.safeParse(value).success, key);
  }
});
