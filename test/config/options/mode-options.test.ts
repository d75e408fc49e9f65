import t from 'tap';
import { MODE_OPTIONS } from '../../../src/config/options/mode-options.js';
import type { Option } from '../../../src/config/options/option.js';

t.test('all stand under one heading, and only a command has them', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(MODE_OPTIONS)) {
    t.equal(group, 'Mode', key);
  }
});

t.test('what is taken', async (t) => {
  const rows: Readonly<Record<string, Option>> = MODE_OPTIONS;
  for (const [key, taken, refused] of [
    ['echo', [true, false], ['yes']],
    ['tcp', ['off', 'localhost:1', 'unix:/a'], ['localhost', ':1']],
    ['tokenFile', ['off', 'tokens'], ['']],
    ['mode', ['off', 'a.mjs'], ['']],
    ['route', ['none', { '/': 'echo' }, ['/=token']], [{ a: 'echo' }]],
    ['static', ['off', 'public'], ['']],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.type.schema.safeParse(value).success, key);
  }
});
