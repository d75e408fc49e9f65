import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { readTls } from '../../../src/app/resources/tls.js';
import { load } from '../../../src/config/load.js';
import type { Environment, Flags } from '../../../src/config/text-sources.js';
import { ConfigError } from '../../../src/errors.js';
import type { ServerTls } from '../../../src/server/tls/server-tls.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { lasting } from '../../fixtures/tls.js';

const [A, B] = [lasting('a.example'), lasting('b.example')];

/** Files in a directory of their own, by their names. */
function write(t: Test, files: Readonly<Record<string, string>>): (name: string) => string {
  const directory = makeTempDir(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  return (name) => path.join(directory, name);
}

async function read(
  flags: Flags,
  environment: Environment = {},
  log = new KeptLog(),
): Promise<ServerTls | null> {
  const { values } = load({ flags: { echo: true, ...flags }, environment, readFile: () => '' });
  return await readTls(values, log, log);
}

t.test('certificates, and who looks after them', async (t) => {
  t.equal(await read({}), null);
  const at = write(t, { a: A.cert, ak: A.key, b: B.cert, bk: B.key, ca: B.cert });
  const tls = await read({ tlsCert: [at('a'), at('b')], tlsKey: [at('ak'), at('bk')] });
  t.strictSame(
    tls!.context.set.certificates.map(({ title }) => title),
    ['a.example', 'b.example'],
  );
  t.equal(tls!.context.set.trust, null);
  await tls!.start();
  t.equal(await tls!.watch.reload(), null);
  writeFileSync(at('a'), B.cert);
  await t.rejects(tls!.watch.reload(), {
    name: 'ConfigError',
    message: `--tls-key cannot be ${JSON.stringify(at('ak'))}: it is not the key of the certificate, or the certificate is not the first one of its file`,
  });
  writeFileSync(at('ak'), B.key);
  t.match(await tls!.watch.reload(), /^2, the first one for b.example until /);
  tls!.stop();
  const trust = await read({
    tlsCert: [at('b')],
    tlsKey: [at('bk')],
    tlsClientCa: at('ca'),
    tlsClientAuth: 'request',
  });
  t.strictSame(trust!.context.set.trust, { ca: B.cert, auth: 'request' });
});

t.test('a pipe in the place of a file is not waited for', async (t) => {
  const at = write(t, { a: A.cert, ak: A.key });
  const tls = await read({ tlsCert: [at('a')], tlsKey: [at('ak')] });
  rmSync(at('ak'));
  execFileSync('mkfifo', [at('ak')]);
  await t.rejects(tls!.watch.reload(), {
    name: 'ConfigError',
    message: `--tls-key cannot be ${JSON.stringify(at('ak'))}: it is not a regular file`,
  });
  rmSync(at('ak'));
  writeFileSync(at('ak'), A.key);
  t.equal(await tls!.watch.reload(), null);
});

t.test('keys with a passphrase', async (t) => {
  const key = createPrivateKey(A.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'open sesame' })
    .toString();
  const at = write(t, { a: A.cert, ak: key, right: 'open sesame\n', wrong: 'open' });
  const pair = { tlsCert: [at('a')], tlsKey: [at('ak')] };
  t.ok(await read(pair, { TWIST_TLS_KEY_PASSPHRASE: 'open sesame' }));
  t.ok(await read({ ...pair, tlsKeyPassphraseFile: at('right') }));
  const name = `--tls-key cannot be ${JSON.stringify(at('ak'))}`;
  await t.rejects(read(pair), {
    message: `${name}: it is encrypted: give TWIST_TLS_KEY_PASSPHRASE, or --tls-key-passphrase-file`,
  });
  await t.rejects(read({ ...pair, tlsKeyPassphraseFile: at('wrong') }), {
    message: `${name}: the passphrase is wrong, or it holds no private key`,
  });
});

t.test('what cannot be used, and which option is to blame', async (t) => {
  const at = write(t, { a: A.cert, ak: A.key, empty: '' });
  const good = { tlsCert: [at('a')], tlsKey: [at('ak')] };
  const shown = (name: string): string => JSON.stringify(at(name));
  for (const [flags, message] of [
    [{ tlsCert: [at('none')] }, `--tls-cert cannot be ${shown('none')}: there is no such file`],
    [
      { tlsCert: [at('empty')] },
      `--tls-cert cannot be ${shown('empty')}: it holds no certificate in PEM`,
    ],
    [
      { tlsKey: [at('empty')] },
      `--tls-key cannot be ${shown('empty')}: it holds no private key in PEM`,
    ],
    [
      { tlsClientCa: at('empty') },
      `--tls-client-ca cannot be ${shown('empty')}: it holds no certificate in PEM`,
    ],
    [
      { tlsKeyPassphraseFile: at('none') },
      `--tls-key-passphrase-file cannot be ${shown('none')}: there is no such file`,
    ],
  ] as const)
    await t.rejects(read({ ...good, ...flags }), new ConfigError(message, { source: 'flag' }));
});

t.test('the key log', async (t) => {
  const at = write(t, { a: A.cert, ak: A.key });
  const log = new KeptLog();
  const pair = { tlsCert: [at('a')], tlsKey: [at('ak')] };
  const tls = await read({ ...pair, tlsKeylog: at('keys') }, {}, log);
  t.notOk(existsSync(at('keys')), 'nothing is touched before the start');
  await tls!.start();
  t.equal(statSync(at('keys')).mode & 0o777, 0o600);
  t.match(log.lines, [
    {
      level: 'warn',
      message: '--tls-keylog makes all traffic readable for whoever has that file',
      fields: { file: at('keys') },
    },
  ]);
  tls!.stop();
  const nowhere = await read({ ...pair, tlsKeylog: at('no/keys') });
  await t.rejects(
    nowhere!.start(),
    new ConfigError(
      `--tls-keylog cannot be ${JSON.stringify(at('no/keys'))}: its directory does not exist`,
      {
        source: 'flag',
      },
    ),
  );
});
