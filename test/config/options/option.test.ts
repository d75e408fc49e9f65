import t from 'tap';
import {
  type Option,
  type OptionTable,
  capitalized,
  defaultValue,
  environmentNameOf,
  fileKeyOf,
  fileRows,
  flagOf,
  keyOf,
  flagRows,
  flagTermOf,
  libraryOptions,
  negativeFlagOf,
  presetNameOf,
} from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import { filePaths } from '../../../src/config/values/list-values.js';
import { count, toggle } from '../../../src/config/values/values.js';

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
    t.equal(keyOf(flag), key);
    t.equal(environmentNameOf(key), variable);
    t.equal(presetNameOf(key), variable.replace('TWIST_', 'TWIST_DEFAULT_'));
  }
});

t.test('a switch that is on by default shows how it is turned off', async (t) => {
  const texts = { group: 'Extensions', help: '', docs: '' } as const;
  t.equal(negativeFlagOf('deflate'), '--no-deflate');
  t.equal(flagTermOf('deflate', { ...texts, type: toggle(), default: 'true' }), '--[no-]deflate');
  t.equal(flagTermOf('echo', { ...texts, type: toggle(), default: 'false' }), '--echo');
  const type = count({ min: 1, max: 9 });
  t.equal(flagTermOf('deflateLevel', { ...texts, type, default: '3' }), '--deflate-level');
});

t.test('a name of its own in the file, and an option that is no flag', async (t) => {
  const row = { group: 'Mode', type: toggle(), default: 'false', help: '', docs: '' } as const;
  t.equal(fileKeyOf('route', { ...row, fileKey: 'routes' }), 'routes');
  t.equal(fileKeyOf('echo', row), 'echo');
  t.same(flagRows({ echo: row, auth: { ...row, isFlag: false } }), [['echo', row]]);
});

t.test('the default is read from its text', async (t) => {
  const type = count({ min: 1, max: 9 });
  t.equal(defaultValue({ group: 'Limits', type, default: '7', help: '', docs: '' }), 7);
});

t.test('capitalized', async (t) => {
  t.equal(capitalized('give a size'), 'Give a size');
  t.equal(capitalized(''), '');
});
t.test('a file holds every option but its own path and secrets', async (t) => {
  const keys = fileRows(OPTIONS).map(([key]) => key);
  t.same(
    keys,
    Object.entries<Option>(OPTIONS)
      .filter(([key]) => !['config', 'auth', 'tlsKeyPassphrase'].includes(key))
      .map(([key, { fileKey = key }]) => fileKey),
  );
  t.same(
    fileRows({ route: OPTIONS.route, config: OPTIONS.config }),
    [['routes', OPTIONS.route, 'route']],
    'its name there, and its key in the table',
  );
});

t.test('the rows that the library takes', async (t) => {
  const table: OptionTable = { maxHead: OPTIONS.maxHead, config: OPTIONS.config };
  t.same(Object.keys(libraryOptions(table)), ['maxHead']);
  const { auth } = libraryOptions({ auth: OPTIONS.auth });
  t.notOk('isFileKey' in auth!, 'what no file may hold can be given by a program');
});

t.test('a default is read by its type, with its schema where that is needed', async (t) => {
  const texts = { group: 'Extensions', help: '', docs: '' } as const;
  t.equal(defaultValue({ ...texts, type: toggle(), default: 'true' }), true);
  t.strictSame(defaultValue({ ...texts, type: filePaths(), default: 'a,b' }), ['a', 'b']);
});
