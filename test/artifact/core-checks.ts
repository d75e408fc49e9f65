/**
 * What everything that is called twist must do, wherever it runs: started by Node, as a single binary, from an
 * installed package, in a container. Each check is there because a way of packing has broken it somewhere.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { type ClientOptions, WebSocket } from 'ws';
import { HASH, PASSWORD } from '../fixtures/password-hashes.js';
import { linesOf, payloadOf } from '../fixtures/read-recording.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { within } from '../fixtures/within.js';
import { Artifact, type Launcher } from './artifact.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Runs all checks, each as a subtest. */
export async function checkCore(t: Test, launcher: Launcher): Promise<void> {
  for (const [name, check] of Object.entries(CHECKS))
    await t.test(name, (t) => check(t, new Artifact(t, launcher)));
}

const CHECKS: Readonly<Record<string, (t: Test, artifact: Artifact) => Promise<void>>> = {
  'the command line': checkCommandLine,
  echo: checkEcho,
  proxy: checkProxy,
  recording: checkRecording,
  'TLS and health': checkTls,
  'passwords, which a thread of its own tries': checkPasswords,
  'a mode from a file': checkOwnMode,
  workers: checkWorkers,
  drain: checkDrain,
};

async function checkCommandLine(t: Test, artifact: Artifact): Promise<void> {
  const typo = artifact.file('typo.json', '{ "echo": true, "lisen": ":1" }');
  const cases: readonly (readonly [args: readonly string[], expected: object])[] = [
    [['--version'], { ending: 0, stdout: `twist ${version}\n`, stderr: '' }],
    [['serve', '--help', 'all'], { ending: 0, stdout: /TWIST_MAX_MESSAGE/, stderr: '' }],
    [['serve', '--ecko'], { ending: 2, stdout: '', stderr: /did you mean --echo\?\n$/ }],
    [['config', 'check', '-c', typo], { ending: 78, stdout: '', stderr: /did you mean listen/ }],
  ];
  for (const [args, expected] of cases)
    t.match(await artifact.runs(args), expected, args.join(' '));
  const printed = await artifact.runs(['config', 'print', '--echo'], { TWIST_MAX_MESSAGE: '1m' });
  t.match(printed, { ending: 0, stdout: /^maxMessage +1m +TWIST_MAX_MESSAGE$/m, stderr: '' });
}

async function checkEcho(t: Test, artifact: Artifact): Promise<void> {
  const twist = await artifact.serves(['--echo']);
  for (const perMessageDeflate of [false, true]) {
    const client = await open(t, twist.url, { perMessageDeflate });
    t.equal(client.extensions, perMessageDeflate ? 'permessage-deflate' : '');
    for (const message of ['hello, 水', Buffer.alloc(200_000, 'twist'), '', Buffer.alloc(0)])
      t.strictSame(await exchange(client, message), message);
    t.strictSame(await close(client, 3000), 3000);
  }
  t.equal(await twist.stop(), 0);
}

async function checkProxy(t: Test, artifact: Artifact): Promise<void> {
  const target = await startTarget(t, (socket) => {
    socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()));
  });
  const twist = await artifact.serves(['--tcp', target.address]);
  const client = await open(t, twist.url);
  t.strictSame(await exchange(client, Buffer.from('quit')), Buffer.from('QUIT'));
  const ended = once(client, 'close');
  for (const socket of target.sockets) socket.end();
  t.equal((await within(ended, 'the end of the session'))[0], 1000);
  t.equal(await twist.stop(), 0);
}

async function checkRecording(t: Test, artifact: Artifact): Promise<void> {
  const file = path.join(artifact.directory, 'traffic.ndjson');
  const twist = await artifact.serves(['--echo', '--record', file]);
  const client = await open(t, twist.url);
  t.equal(await exchange(client, 'for the record'), 'for the record');
  t.equal(await twist.stop(), 0);
  const lines = linesOf(file);
  t.strictSame(
    lines.filter(({ ev }) => ev === 'msg').map((line) => [line.dir, payloadOf(line).toString()]),
    [
      ['in', 'for the record'],
      ['out', 'for the record'],
    ],
  );
  t.equal(lines.at(-1)?.ev, 'close', 'the stop is on record too');
  const converted = await artifact.runs(['convert', file, '--to', 'text']);
  t.match(converted, { ending: 0, stdout: /for the record[^]*for the record/ });
}

async function checkTls(t: Test, artifact: Artifact): Promise<void> {
  const { cert, key } = selfSigned('localhost');
  const flags = [
    ...['--echo', '--health', '/healthz'],
    ...['--tls-cert', artifact.file('cert.pem', cert), '--tls-key', artifact.file('key.pem', key)],
  ];
  const twist = await artifact.serves(flags);
  const port = new URL(twist.url).port;
  const client = await open(t, `wss://localhost:${port}`, { ca: cert });
  t.equal(await exchange(client, 'in secret'), 'in secret');
  const question = ['healthcheck', ...flags, '--listen', `127.0.0.1:${port}`];
  t.match(await artifact.runs(question), { ending: 0, stdout: /^ready/ });
  t.equal(await twist.stop(), 0);
  t.match(await artifact.runs(question), { ending: 1 });
}

async function checkPasswords(t: Test, artifact: Artifact): Promise<void> {
  const users = artifact.file('users', `zoë:${HASH}\n`);
  const twist = await artifact.serves(['--echo', '--auth-file', users]);
  const refused = new WebSocket(twist.url, signedIn('zoë:wrong'));
  const [error] = (await within(once(refused, 'error'), 'an error')) as [Error];
  t.match(error.message, '401');
  const client = await open(t, twist.url, signedIn(`zoë:${PASSWORD}`));
  t.equal(await exchange(client, 'let in'), 'let in');
  t.equal(await twist.stop(), 0);
}

async function checkOwnMode(t: Test, artifact: Artifact): Promise<void> {
  const mode = artifact.file(
    'shout.mjs',
    `export default { name: 'shout', message(session, data) {
       session.send(Buffer.from(data).toString().toUpperCase());
     } };`,
  );
  const twist = await artifact.serves(['--mode', mode]);
  t.equal(await exchange(await open(t, twist.url), 'hello'), 'HELLO');
  t.equal(await twist.stop(), 0);
}

async function checkWorkers(t: Test, artifact: Artifact): Promise<void> {
  const twist = await artifact.serves(['--echo', '--workers', '2']);
  for (let count = 0; count < 4; count++)
    t.equal(await exchange(await open(t, twist.url), `message ${count}`), `message ${count}`);
  t.equal(await twist.stop(), 0);
  const workers = twist.log.flatMap(({ msg, worker }) => (msg === 'session ended' ? [worker] : []));
  t.strictSame(workers.sort(), [1, 1, 2, 2], 'they take turns');
}

async function checkDrain(t: Test, artifact: Artifact): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const twist = await artifact.serves(['--echo', '--drain-timeout', '1s']);
    const clients = [1, 2, 3].map(() => open(t, twist.url));
    const codes = (await Promise.all(clients)).map(
      async (client) => (await once(client, 'close'))[0] as number,
    );
    t.equal(await twist.stop(signal), 0, `exit status after ${signal}`);
    t.strictSame(await within(Promise.all(codes), 'the Closes'), [1001, 1001, 1001]);
  }
}

/** @param user name and password */
function signedIn(user: string): ClientOptions {
  return { headers: { Authorization: `Basic ${Buffer.from(user).toString('base64')}` } };
}

async function open(t: Test, url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const client = new WebSocket(url, options);
  t.teardown(() => {
    client.terminate();
  });
  await within(once(client, 'open'), 'the connection');
  return client;
}

/** Sends a message. @returns the one that comes next, text as a string */
async function exchange(client: WebSocket, message: string | Buffer): Promise<string | Buffer> {
  const answer = once(client, 'message');
  client.send(message);
  const [data, isBinary] = (await within(answer, 'an answer')) as [Buffer, boolean];
  return isBinary ? data : data.toString();
}

/** @returns the code of the Close that answers */
async function close(client: WebSocket, code: number): Promise<number> {
  const closed = once(client, 'close');
  client.close(code);
  return (await within(closed, 'the Close'))[0] as number;
}
