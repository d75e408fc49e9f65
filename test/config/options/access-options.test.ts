import t from 'tap';
import { ACCESS_OPTIONS } from '../../../src/config/options/access-options.js';
import type { Option } from '../../../src/config/options/option.js';

const ROWS: Readonly<Record<string, Option>> = ACCESS_OPTIONS;

t.test('all stand under one heading', async (t) => {
  for (const [key, { group }] of Object.entries(ROWS)) t.equal(group, 'Access', key);
});

t.test('what is taken', async (t) => {
  for (const [key, taken, refused] of [
    ['origin', ['auto', 'same', ['https://a.example']], ['none']],
    ['allow', ['any', '10.0.0.0/8'], ['none', []]],
    ['deny', ['none', [], '::1'], ['any']],
    ['trustProxy', ['none', [], '::1'], ['any']],
    ['trustProxyHeader', ['x-forwarded-for', 'proxy-protocol'], ['forwarded']],
    ['authFile', ['off', 'users'], ['']],
    ['auth', ['off', 'ann:secret'], ['ann']],
  ] as const) {
    for (const value of taken) t.ok(ROWS[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(ROWS[key]?.type.schema.safeParse(value).success, key);
  }
});

t.test('a password is in the environment only, and is a secret', async (t) => {
  t.match(ACCESS_OPTIONS.auth, { isFlag: false, isFileKey: false, isSecret: true });
});
