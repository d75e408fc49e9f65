import t from 'tap';
import { EXTENSION_OPTIONS } from '../../../src/config/options/extension-options.js';
import type { Option } from '../../../src/config/options/option.js';

t.test('all stand under one heading', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(EXTENSION_OPTIONS))
    t.equal(group, 'Extensions', key);
});

t.test('the ranges of values', async (t) => {
  const rows: Readonly<Record<string, Option>> = EXTENSION_OPTIONS;
  for (const [key, taken, refused] of [
    ['deflate', [true, false, 'auto'], ['true']],
    ['deflateLevel', [1, 9], [0, 10]],
    ['deflateThreshold', [0, 1024 ** 3], [-1, 1024 ** 3 + 1]],
    ['deflateWindowBits', [8, 15], [7, 16]],
    ['deflateClientWindowBits', [8, 15], [7, 16]],
    ['deflateNoContextTakeover', [[], ['server', 'client']], [['both']]],
    ['deflateMemory', [0, 64 * 1024 ** 3], [-1, 64 * 1024 ** 3 + 1]],
    ['deflateMaxRatio', ['off', 1, 1032], [0, 1033]],
    ['extension', [[], ['a.mjs', 'b.cjs']], [['']]],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.type.schema.safeParse(value).success, key);
  }
});
