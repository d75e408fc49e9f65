import t from 'tap';
import { count, toggle } from '../../../src/config/values/values.js';
import {
  capitalized,
  defaultValue,
  environmentNameOf,
  fileKeyOf,
  flagOf,
  flagRows,
  flagTermOf,
  negativeFlagOf,
  presetNameOf,
} from '../../../src/config/options/option.js';

t.test('names are made from the key', async (t) => {
  for (const [key, flag, variable] of [
    ['echo', '--echo', 'TWIST_ECHO'],
    ['maxMessage', '--max-message', 'TWIST_MAX_MESSAGE'],
    [
      'maxConnectionsPerAddress',
      '--max-connections-per-address',
      'TWIST_MAX_CONNECTIONS_PER_ADDRESS',
    ],
  ] as const) {
    t.equal(flagOf(key), flag);
    t.equal(environmentNameOf(key), variable);
    t.equal(presetNameOf(key), variable.replace('TWIST_', 'TWIST_DEFAULT_'));
  }
});

t.test('a switch that is on by default shows how it is turned off', async (t) => {
  const texts = { group: 'Extensions', help: '', docs: '' } as const;
  t.equal(negativeFlagOf('deflate'), '--no-deflate');
  t.equal(flagTermOf('deflate', { ...texts, kind: toggle(), default: 'true' }), '--[no-]deflate');
  t.equal(flagTermOf('echo', { ...texts, kind: toggle(), default: 'false' }), '--echo');
  const kind = count({ min: 1, max: 9 });
  t.equal(flagTermOf('deflateLevel', { ...texts, kind, default: '3' }), '--deflate-level');
});

t.test('a name of its own in the file, and an option that is no flag', async (t) => {
  const row = { group: 'Mode', kind: toggle(), default: 'false', help: '', docs: '' } as const;
  t.equal(fileKeyOf('route', { ...row, fileKey: 'routes' }), 'routes');
  t.equal(fileKeyOf('echo', row), 'echo');
  t.same(flagRows({ echo: row, auth: { ...row, isFlag: false } }), [['echo', row]]);
});

t.test('the default is read from its text', async (t) => {
  const kind = count({ min: 1, max: 9 });
  t.equal(defaultValue({ group: 'Limits', kind, default: '7', help: '', docs: '' }), 7);
});

t.test('capitalized', async (t) => {
  t.equal(capitalized('give a size'), 'Give a size');
  t.equal(capitalized(''), '');
});
