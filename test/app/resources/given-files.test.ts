import t from 'tap';
import { permissionWarnings, privatePaths } from '../../../src/app/resources/given-files.js';
import { load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';

const loaded = (flags: Flags) => load({ flags, environment: {}, readFile: () => '{}' });

t.test('all files that options name', async (t) => {
  const { settings } = loaded({
    config: 'c.json',
    authFile: 'users',
    tokenFile: 'tokens',
    mode: 'mode.mjs',
    extension: ['ext.mjs'],
    route: ['/r=replay:r.ndjson', '/e=echo', '/m=mode:other.mjs'],
    listen: ['unix:s.sock', '9001'],
    record: 't-%Y.ndjson',
    tlsCert: ['a.pem', 'b.pem'],
    tlsKey: ['a.key', 'b.key'],
    tlsClientCa: 'ca.pem',
    tlsKeyPassphraseFile: 'passphrase',
    tlsKeylog: 'keys.log',
  });
  const { files, recording } = privatePaths(settings);
  t.strictSame(
    new Set(files),
    new Set([
      'c.json',
      'users',
      'tokens',
      'mode.mjs',
      'ext.mjs',
      'r.ndjson',
      'other.mjs',
      's.sock',
      'a.pem',
      'b.pem',
      'a.key',
      'b.key',
      'ca.pem',
      'passphrase',
      'keys.log',
    ]),
  );
  t.equal(recording, 't-%Y.ndjson');
  const { config, ...library } = settings;
  t.equal(config, 'c.json');
  t.notOk(privatePaths(library).files.includes('c.json'), 'a library has no configuration file');
});

t.test('what other users may read or change is warned of', async (t) => {
  const { values } = loaded({
    authFile: 'users',
    tokenFile: 'tokens',
    mode: 'mode.mjs',
    config: 'c',
  });
  const warningsAt = (mode: number): string[] => permissionWarnings(values, () => ({ mode }));
  t.strictSame(warningsAt(0o100640), []);
  t.strictSame(warningsAt(0o100644), [
    '--auth-file "users" can be read by every user of this machine; chmod o-rw it',
  ]);
  t.equal(warningsAt(0o100666).length, 4);
  t.match(
    warningsAt(0o100662)[1],
    '--token-file "tokens" can be changed by every user of this machine; chmod o-w it',
  );
  t.strictSame(permissionWarnings(loaded({}).values), [], 'no file, no warning');
  const tls = loaded({ tlsCert: ['a.pem', 'b.pem'], tlsKey: ['a.key', 'b.key'] }).values;
  t.strictSame(
    permissionWarnings(tls, (file) => ({ mode: file === 'b.key' ? 0o100644 : 0o100600 })),
    ['--tls-key "b.key" can be read by every user of this machine; chmod o-rw it'],
  );
  const { config, ...library } = values;
  t.equal(config.value, 'c');
  t.equal(permissionWarnings(library, () => ({ mode: 0o100666 })).length, 3);
  t.strictSame(
    permissionWarnings(values, () => {
      throw new Error('ENOENT');
    }),
    [],
  );
});
