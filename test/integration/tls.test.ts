/** TLS of the built command, with curl, openssl and `ws` as clients. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import t, { type Test } from 'tap';
import WebSocket from 'ws';
import { CertificateAuthority, type IssuedFiles } from '../fixtures/certificates.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { linesOf } from '../fixtures/read-recording.js';
import { findCommands } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type LogLine,
  type TwistProcess,
  runTwist,
  startServing,
  startTwist,
} from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';
import { echoOf, openWs } from '../fixtures/ws-client.js';

/** What `ws` passes on to `tls.connect`. */
interface ClientOptions extends SecureContextOptions {
  readonly servername?: string;
  readonly perMessageDeflate?: boolean;
}

const FAILED = 'TLS handshake failed: ';

const flagsOf = ({ cert, key }: IssuedFiles): string[] => ['--tls-cert', cert, '--tls-key', key];

const urlOf = ({ port }: TwistProcess): string => `wss://localhost:${port}`;

/** Connects, and has one message come back. */
async function echo(t: Test, twist: TwistProcess, options: ClientOptions): Promise<WebSocket> {
  const client = await openWs(t, urlOf(twist), options);
  t.equal(await echoOf(client, 'hello'), 'hello');
  return client;
}

/** Starts a server with a mode from a file. */
function startMode(t: Test, mode: string, flags: readonly string[]): Promise<TwistProcess> {
  const listen = ['--listen', '127.0.0.1:0', '--log-format', 'json'];
  return startServing(t, { args: ['serve', '--mode', mode, ...listen, ...flags] });
}

async function failure(twist: TwistProcess, options: ClientOptions): Promise<string> {
  const client = new WebSocket(urlOf(twist), options);
  const [error] = (await within(
    once(client, 'error').catch((e: unknown) => [e]),
    'an error',
  )) as [NodeJS.ErrnoException];
  return error.code ?? error.message;
}

/** Runs `openssl s_client` until the server has answered its first line, or refused it. */
function sClient(openssl: string, port: number, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(
    openssl,
    ['s_client', '-ign_eof', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', ...args],
    {
      input: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  return stdout + stderr;
}

/** The record of the first session. */
async function openRecord(file: string): Promise<unknown> {
  await eventually(() => linesOf(file).length > 1, 'the record');
  return linesOf(file)[1];
}

const isFailure = ({ msg }: LogLine): boolean => msg.startsWith(FAILED);

t.test('wss beside ws, with a chain, by clients who verify it', async (t) => {
  const ca = CertificateAuthority.make(t);
  const commands = findCommands(t, ['openssl', 'curl']);
  if (ca === null || commands === null) return;
  const [openssl, curl] = commands;
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startTwist(t, [
    ...flagsOf(ca.issue('localhost', { isChained: true, isRsa: true })),
    ...['--listen', 'ws://127.0.0.1:0', '--record', record],
  ]);
  await twist.waitForLogs(({ msg }) => msg === 'listening', 2);
  const [secure, plain] = twist.listening.map(({ address }) => new URL(String(address)));
  t.equal(secure!.protocol, 'wss:');
  t.equal(plain!.protocol, 'ws:');
  const client = await echo(t, twist, { ca: readFileSync(ca.file) });
  client.close(1000);
  await twist.waitForLog(({ msg }) => msg === 'session ended');
  t.match(await openRecord(record), { ev: 'open', tls: /^TLSv1\.3 TLS_/ });

  const port = twist.port;
  const ask = (...args: readonly string[]): string =>
    spawnSync(curl, ['-sS', '--http1.1', ...args], { encoding: 'utf8' }).stdout;
  t.match(ask('--cacert', ca.file, `https://localhost:${port}/`), /"scheme": "https",\n/);
  t.match(ask(`http://127.0.0.1:${port}/`), /^this port speaks TLS: use wss:\/\//);
  t.match(ask(`http://127.0.0.1:${plain!.port}/`), /"scheme": "http",\n/);
  await twist.waitForLog(({ rule }) => rule === 'not-tls');

  t.match(sClient(openssl, port, '-CAfile', ca.file, '-verify_return_error'), /Verification: OK/);
  t.match(sClient(openssl, port, '-alpn', 'h2,http/1.1'), /ALPN protocol: http\/1\.1/);
  const old = ['-cipher', 'ALL:@SECLEVEL=0'];
  for (const version of ['-tls1', '-tls1_1'])
    t.match(sClient(openssl, port, version, ...old), /alert protocol version/, version);
  for (const version of ['-tls1_2', '-tls1_3'])
    t.match(sClient(openssl, port, version), /HTTP\/1\.1 200 OK/, version);
  t.match(sClient(openssl, Number(plain!.port)), /wrong version number/);
  t.equal((await twist.waitForLogs(isFailure, 2)).length, 2);
  await twist.waitForLog(({ rule }) => rule === 'tls');
});

t.test('sessions are resumed', async (t) => {
  const ca = CertificateAuthority.make(t);
  const commands = findCommands(t, ['openssl']);
  if (ca === null || commands === null) return;
  const twist = await startTwist(t, flagsOf(ca.issue('localhost')));
  for (const version of ['-tls1_2', '-tls1_3']) {
    const session = ca.at(`session${version}`);
    sClient(commands[0], twist.port, version, '-sess_out', session);
    t.match(sClient(commands[0], twist.port, version, '-sess_in', session), /Reused, TLSv1/);
  }
});

t.test('several names', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  const [a, b] = ['a.example', 'b.example'].map((name) =>
    ca.issue(name, { altNames: `DNS:${name},DNS:*.${name}` }),
  ) as [IssuedFiles, IssuedFiles];
  const config = ca.at('twist.json');
  writeFileSync(config, JSON.stringify({ tlsCert: [a.cert, b.cert], tlsKey: [a.key, b.key] }));
  const twist = await startTwist(t, ['--config', config]);
  const pem = readFileSync(ca.file);
  for (const servername of ['a.example', 'b.example', 'www.b.example'])
    await echo(t, twist, { ca: pem, servername });
  t.equal(
    await failure(twist, { ca: pem, servername: 'c.example' }),
    'ERR_TLS_CERT_ALTNAME_INVALID',
  );
});

t.test('certificates of clients', async (t) => {
  const ca = CertificateAuthority.make(t);
  const other = CertificateAuthority.make(t, 'Another CA');
  if (ca === null || other === null) return;
  const pem = readFileSync(ca.file);
  const own = flagsOf(ca.issue('localhost'));
  const filesOf = ({ cert, key }: IssuedFiles): ClientOptions => ({
    ca: pem,
    cert: readFileSync(cert),
    key: readFileSync(key),
  });
  const alice = filesOf(ca.issue('alice', { altNames: 'email:alice@example.com' }));
  const mallory = filesOf(other.issue('mallory'));
  const record = ca.at('traffic.ndjson');
  const mode = ca.at('who.mjs');
  writeFileSync(
    mode,
    'export default { name: "who", message() {}, open(s) { s.send(s.clientCertificate?.subject ?? "nobody"); } };',
  );
  const twist = await startTwist(t, [...own, '--tls-client-ca', ca.file, '--record', record]);
  const client = await echo(t, twist, alice);
  t.ok(await failure(twist, { ca: pem }), 'without one');
  t.ok(await failure(twist, mallory), 'of another CA');
  client.send('still there');
  await within(once(client, 'message'), 'the answer');
  client.close();
  const line = await twist.waitForLog(({ msg }) => msg === 'session ended');
  const certificate = {
    subject: 'O=Test, CN=alice',
    fingerprint: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/,
  };
  t.match(line, { clientCertificate: certificate });
  t.match(await openRecord(record), { clientCertificate: certificate });
  const clauses = (await twist.waitForLogs(isFailure, 2)).map(({ msg }) =>
    msg.slice(FAILED.length),
  );
  t.strictSame(clauses.sort(), [
    'the client has sent no certificate, and one is required',
    "the client's certificate is signed by a CA that is none of ours",
  ]);

  const asking = await startMode(t, mode, [
    ...own,
    ...['--tls-client-ca', ca.file, '--tls-client-auth', 'request'],
  ]);
  for (const [options, subject] of [
    [alice, 'O=Test, CN=alice'],
    [{ ca: pem }, 'nobody'],
    [mallory, 'nobody'],
  ] as const) {
    const asked = new WebSocket(urlOf(asking), options);
    const [said] = (await within(once(asked, 'message'), 'who it is')) as [Buffer];
    t.equal(said.toString(), subject);
    asked.terminate();
  }
});

t.test('what cannot be used is one sentence, and 78', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  const { cert, key } = ca.issue('localhost', { passphrase: 'open sesame' });
  const passphrase = ca.at('passphrase');
  writeFileSync(passphrase, 'open sesame\n');
  await startTwist(t, [
    '--tls-cert',
    cert,
    '--tls-key',
    key,
    '--tls-key-passphrase-file',
    passphrase,
  ]);
  const shown = JSON.stringify(key);
  for (const [flags, sentence] of [
    [
      [],
      `--tls-key cannot be ${shown}: it is encrypted: give TWIST_TLS_KEY_PASSPHRASE, or --tls-key-passphrase-file`,
    ],
    [
      ['--tls-key-passphrase-file', cert],
      `--tls-key cannot be ${shown}: the passphrase is wrong, or it holds no private key`,
    ],
  ] as const) {
    const args = ['serve', '--echo', '--tls-cert', cert, '--tls-key', key, ...flags];
    const { ending, stderr } = await runTwist(t, { args });
    t.equal(stderr, `twist: ${sentence}\n`);
    t.equal(ending, 2);
  }
});

t.test('the key log deciphers what openssl saw', async (t) => {
  const ca = CertificateAuthority.make(t);
  const commands = findCommands(t, ['openssl']);
  if (ca === null || commands === null) return;
  const keys = ca.at('keys.log');
  const twist = await startTwist(t, [...flagsOf(ca.issue('localhost')), '--tls-keylog', keys]);
  await twist.waitForLog(
    ({ level, msg }) =>
      level === 'warn' && msg.startsWith('--tls-keylog makes all traffic readable'),
  );
  t.equal(statSync(keys).mode & 0o777, 0o600);
  for (const version of ['-tls1_2', '-tls1_3']) {
    const theirs = ca.at(`theirs${version}`);
    sClient(commands[0], twist.port, version, '-keylogfile', theirs);
    const secrets = readFileSync(theirs, 'utf8')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));
    t.ok(secrets.length > 0);
    const ours = (): string => readFileSync(keys, 'utf8');
    await eventually(() => secrets.every((secret) => ours().includes(secret)), 'the same secrets');
  }
});

t.test('a client that stops reading is dropped, one that reads slowly is not', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  const mode = ca.at('flood.mjs');
  writeFileSync(
    mode,
    `const bytes = new Uint8Array(256 * 1024);
    const fill = (s) => { while (s.send(bytes) === 'sent'); };
    export default { name: 'flood', message() {}, open: fill, drain: fill };`,
  );
  const own = flagsOf(ca.issue('localhost'));
  const timeouts = ['--send-timeout', '2s', '--ping-interval', 'off'];
  const twist = await startMode(t, mode, [...own, ...timeouts]);
  const options = { ca: readFileSync(ca.file), perMessageDeflate: false };
  const slow = new WebSocket(`${urlOf(twist)}/slow`, options);
  await within(once(slow, 'open'), 'the slow client');
  const pulse = setInterval(() => {
    slow.pause();
    setTimeout(() => {
      slow.resume();
    }, 200);
  }, 210);
  t.teardown(() => {
    clearInterval(pulse);
    slow.terminate();
  });
  const stuck = new WebSocket(`${urlOf(twist)}/stuck`, options);
  await within(once(stuck, 'open'), 'the stuck client');
  stuck.pause();
  t.teardown(() => {
    stuck.terminate();
  });
  const line = await twist.waitForLog(({ msg }) => msg === 'session ended');
  t.match(line, { path: '/stuck', rule: 'send-timeout' });
  t.equal(slow.readyState, WebSocket.OPEN);
});

t.test('a flood of what is no TLS is no flood of lines, and others are served', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  // With the bound that the log has by default.
  const serve = ['serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'json'];
  const twist = await startServing(t, { args: [...serve, ...flagsOf(ca.issue('localhost'))] });
  const bystander = await echo(t, twist, { ca: readFileSync(ca.file) });
  const fdsBefore = twist.countFds();
  for (let round = 0; round < 10; round++) {
    const clients = await Promise.all(Array.from({ length: 30 }, () => connectRaw(t, twist.port)));
    for (const client of clients) {
      client.send('\x16\x03\x01\xff\xffgarbage');
      client.socket.on('error', () => undefined);
    }
    await Promise.all(clients.map((client) => client.waitForEnd()));
    for (const { socket } of clients) socket.destroy();
  }
  bystander.send('still there');
  await within(once(bystander, 'message'), 'the answer');
  await eventually(
    () => twist.countFds() <= fdsBefore,
    'all descriptors',
    () => twist.countFds(),
  );
  t.ok(twist.log.filter(isFailure).length < 300, `${twist.log.filter(isFailure).length} lines`);
});
