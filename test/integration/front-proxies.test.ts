/** The configurations in docs/proxies, run with real proxies in front of the built command and real clients before them. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import WebSocket from 'ws';
import {
  type Example,
  FRONTS,
  type Front,
  SITE,
  examplesOf,
  groupOf,
  startFront,
} from '../fixtures/front-proxy.js';
import { skipWithout } from '../fixtures/interop.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { findCommands } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(180_000);
t.jobs = 2;

/** Clients come from an address of their own, so that it is not taken for the proxy's. */
const CLIENT = process.platform === 'linux' ? '127.0.0.77' : '127.0.0.1';
const FORGED = '203.0.113.66';

type Name = keyof typeof FRONTS;

/** The command of a page, but that what is served is echo, and ports and paths are free ones. */
async function startTwist(
  t: Test,
  command: readonly string[],
  directory: string,
  listen = '127.0.0.1:0',
): Promise<TwistProcess> {
  const args = command.flatMap((arg, index) => {
    if (arg === '--tcp') return ['--echo', '--origin', 'same'];
    if (command[index - 1] === '--tcp') return [];
    if (/^\d+$/.test(arg) && command[index - 1] === '--listen') return [listen];
    return [arg.replace('/run/twist', directory)];
  });
  // Pings are as often beside the timeouts of the proxies as they are without this.
  const quick = ['--ping-interval', '500ms', '--pong-timeout', '5s', '--log-format', 'json'];
  return await startServing(t, { args: [...args, ...quick] });
}

/** With a thirtieth of each timeout that is for a silent connection. */
const hurried = (config: string): string =>
  config.replaceAll(/\b60s\b/g, '2s').replaceAll('timeout=60', 'timeout=2');

interface Client {
  readonly ws: WebSocket;
  /** The TCP connection below. */
  readonly socket: Socket;
}

interface Wishes {
  readonly target?: string;
  readonly origin?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subprotocols?: string[];
}

function begin(t: Test, { port, cert }: Front, wishes: Wishes = {}): Client {
  const { target = '/', subprotocols = [], headers = {} } = wishes;
  const origin = 'origin' in wishes ? wishes.origin : `https://${SITE}:${port}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress: CLIENT });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  const ws = new WebSocket(`wss://${SITE}:${port}${target}`, subprotocols, {
    ...(origin === undefined ? {} : { origin }),
    headers,
    createConnection: () =>
      connectTls({ socket, servername: SITE, ca: cert, ALPNProtocols: ['http/1.1'] }),
  });
  return { ws, socket };
}

async function open(t: Test, front: Front, wishes: Wishes = {}): Promise<Client> {
  const client = begin(t, front, wishes);
  client.ws.on('error', () => undefined);
  const refused = once(client.ws, 'unexpected-response').then(([, response]: unknown[]) => {
    throw new Error(`status ${String((response as { statusCode: number }).statusCode)}`);
  });
  refused.catch(() => undefined);
  await within(
    Promise.race([
      once(client.ws, 'open'),
      refused,
      once(client.ws, 'close').then(() => {
        throw new Error('closed');
      }),
    ]),
    'the upgrade',
  );
  return client;
}

/** The status that a handshake gets. */
async function statusOf(t: Test, front: Front, wishes: Wishes = {}): Promise<number> {
  const { ws } = begin(t, front, wishes);
  return await within(
    new Promise<number>((resolve) => {
      ws.on('open', () => {
        resolve(101);
        ws.close();
      });
      ws.on('unexpected-response', (_, response) => {
        response.resume();
        resolve(response.statusCode!);
        ws.terminate();
      });
      ws.on('error', () => {
        resolve(0);
      });
    }),
    'a status',
  );
}

async function echo({ ws }: Client, message: string | Buffer): Promise<string | Buffer> {
  const answer = once(ws, 'message') as Promise<[Buffer, boolean]>;
  ws.send(message);
  const [data, isBinary] = await within(answer, 'the echo');
  return isBinary ? data : data.toString();
}

const closeOf = async ({ ws }: Client): Promise<[number, string]> => {
  const [code, reason] = (await within(once(ws, 'close'), 'the close')) as [number, Buffer];
  return [code, reason.toString()];
};

/** What the log says of the sessions that have ended. */
const ended = ({ log }: TwistProcess): readonly object[] =>
  log.filter(({ msg }) => msg === 'session ended');

/** The group of commands that need this proxy; null when it is not there. */
const commandOf = (t: Test, name: Name): string | null =>
  findCommands(t, [FRONTS[name].command])?.[0] ?? null;

/** A client with everything that a page asks of a proxy. */
async function checkTraffic(t: Test, front: Front, twists: readonly TwistProcess[]): Promise<void> {
  const client = await open(t, front, {
    target: '/a/b?c=d%20e',
    subprotocols: ['mqtt', 'binary'],
    headers: { 'X-Forwarded-For': FORGED, 'X-Forwarded-Host': 'evil.example' },
  });
  t.equal(client.ws.protocol, 'mqtt', 'the subprotocol');
  t.match(client.ws.extensions, 'permessage-deflate');
  t.equal(await echo(client, 'hello'), 'hello');
  const large = randomBytes(1024 * 1024);
  t.ok(large.equals((await echo(client, large)) as Buffer), '1 MiB');
  const text = 'größer 水 😀 '.repeat(50_000);
  t.equal(await echo(client, text), text, 'compressed');
  const closed = closeOf(client);
  client.ws.close(4001, 'bye');
  t.strictSame(await closed, [4001, 'bye'], 'the code of the client');
  const line = (): object | undefined =>
    twists.flatMap(ended).find((one) => (one as { code?: number }).code === 4001);
  await eventually(() => line() !== undefined, 'the line of the log');
  const { peer, path: shown } = line() as { peer: string; path: string };
  t.match(
    peer,
    new RegExp(`^${CLIENT.replaceAll('.', '\\.')}(:\\d+)?$`),
    'the address of the client',
  );
  t.equal(shown, '/a/b');
}

async function checkOrigins(t: Test, front: Front, knowsScheme: boolean): Promise<void> {
  const own = `${SITE}:${front.port}`;
  for (const [origin, status] of [
    [`https://${own}`, 101],
    [`http://${own}`, knowsScheme ? 403 : 101],
    [`https://${SITE}:1`, 403],
    ['https://evil.example', 403],
    ['null', 403],
    [undefined, 101],
  ] as const)
    t.equal(await statusOf(t, front, { origin }), status, `origin ${String(origin)}`);
  const evil = { origin: 'https://evil.example', headers: { 'X-Forwarded-Host': 'evil.example' } };
  t.equal(await statusOf(t, front, evil), 403, 'a host that the client makes up');
}

/** Clients that behave badly, and one beside them that is served. */
async function checkFaults(t: Test, front: Front, twist: TwistProcess): Promise<void> {
  const bystander = await open(t, front);
  const lost = await open(t, front);
  t.equal(await echo(lost, 'hello'), 'hello');
  lost.socket.resetAndDestroy();
  const isLost = (one: object): boolean => (one as { closedBy?: string }).closedBy === 'lost';
  await eventually(() => ended(twist).some(isLost), 'the session to end with its client');
  const huge = {
    headers: Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`X-Large-${at}`, 'x'.repeat(4000)]),
    ),
  };
  const status = await statusOf(t, front, huge);
  t.ok(status === 0 || (status >= 400 && status < 600), `64 KiB of headers: ${status}`);
  t.equal(await echo(bystander, 'still here'), 'still here');
  bystander.ws.terminate();
}

/** twist's own close comes through. */
async function checkServerClose(t: Test, front: Front, twist: TwistProcess): Promise<void> {
  const client = await open(t, front);
  const closed = closeOf(client);
  t.equal(await twist.stop(), 0);
  t.strictSame(await closed, [1001, 'the server is shutting down']);
}

const python = process.env['TWIST_PYTHON'];
const PYTHON_CLIENT = `
import socket, ssl, sys
from websockets.sync.client import connect
port, ca, site, source = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
raw = socket.create_connection(('127.0.0.1', port), source_address=(source, 0))
context = ssl.create_default_context(cafile=ca)
url = f'wss://{site}:{port}/python'
with connect(url, sock=raw, ssl=context, server_hostname=site, origin=f'https://{site}:{port}', subprotocols=['mqtt'], max_size=None) as client:
    assert client.subprotocol == 'mqtt', client.subprotocol
    for message in ('hello', b'\\x00\\xff' * 524288, 'x' * 300000):
        client.send(message)
        assert client.recv() == message
    client.close(4002, 'python')
print(client.protocol.close_rcvd.code, client.protocol.close_rcvd.reason)
`;

async function checkPython(t: Test, front: Front, directory: string): Promise<void> {
  if (python === undefined) return;
  const ca = path.join(directory, 'ca.pem');
  writeFileSync(ca, front.cert);
  const args = ['-c', PYTHON_CLIENT, String(front.port), ca, SITE, CLIENT];
  const { stdout } = await promisify(execFile)(python, args, { env: {}, timeout: 30_000 });
  t.equal(stdout, '4002 python\n', 'Python');
}

/** One twist, by a Unix socket that comes after its proxy. */
async function runOne(t: Test, name: Name, example: Example): Promise<void> {
  const command = commandOf(t, name);
  if (command === null) return;
  const directory = makeTempDir(t);
  const config = hurried(example.config).replaceAll('/run/twist', directory);
  const front = await startFront(t, name, command, config, directory);
  t.match(String(await statusOf(t, front)), /^50[234]$/, 'before twist is there');
  const twist = await startTwist(t, example.commands[0]!, directory);
  const socket = path.join(directory, 'twist.sock');
  t.equal((lstatSync(socket).mode & 0o777).toString(8), '660');
  const group = groupOf(name);
  if (group !== null) chownSync(socket, 0, group);
  const silent = await open(t, front);
  const silence = sleep(5000);
  await checkTraffic(t, front, [twist]);
  await checkOrigins(t, front, true);
  await checkFaults(t, front, twist);
  await checkPython(t, front, directory);
  await silence;
  t.equal(await echo(silent, 'after a silence'), 'after a silence');
  silent.ws.terminate();
  await checkServerClose(t, front, twist);
  t.notMatch(twist.stderr, FORGED);
}

/** Two, one of which goes and comes again. */
async function runTwo(t: Test, name: Name, example: Example): Promise<void> {
  const command = commandOf(t, name);
  if (command === null) return;
  const directory = makeTempDir(t);
  const [first, second] = example.commands as [readonly string[], readonly string[]];
  const one = await startTwist(t, first, directory);
  const two = await startTwist(t, second, directory);
  const { port } = one;
  const config = hurried(example.config)
    .replaceAll('127.0.0.1:9001', `127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:9002', `127.0.0.1:${two.port}`);
  const front = await startFront(t, name, command, config, directory);
  await eventuallyServed(t, front);
  await checkTraffic(t, front, [one, two]);
  await checkOrigins(t, front, true);
  const clients: Client[] = [];
  for (let count = 0; count < 8; count++) clients.push(await open(t, front));
  for (const client of clients) t.equal(await echo(client, 'hello'), 'hello');
  const before = ended(one).length;
  const closes = clients.map(closeOf);
  t.equal(await one.stop(), 0);
  const closed = ended(one).length - before;
  t.ok(closed > 0 && closed < 8, `both have some: ${closed} of 8`);
  for (let count = 0; count < 10; count++)
    t.equal(await statusOf(t, front), 101, 'the other one serves on');
  for (const client of clients) client.ws.terminate();
  t.equal((await Promise.all(closes)).filter(([code]) => code === 1001).length, closed);
  const again = await startTwist(t, first, directory, `127.0.0.1:${port}`);
  await eventuallyServed(t, front, again);
}

/** How often it is looked whether a server is used again: health checks take their time on a busy machine. */
const ATTEMPTS = 600;

/** Opens sessions until one ends in a certain process, or anywhere. */
async function eventuallyServed(t: Test, front: Front, by?: TwistProcess): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const status = await statusOf(t, front);
    await sleep(100);
    if (status === 101 && (by === undefined || ended(by).length > 0)) return;
  }
  throw new Error(`no session came to a server; the proxy: ${front.process.output}`);
}

async function runProxyProtocol(t: Test, name: Name, example: Example): Promise<void> {
  const command = commandOf(t, name);
  if (command === null) return;
  for (const version of ['send-proxy-v2', 'send-proxy']) {
    const directory = makeTempDir(t);
    const twist = await startTwist(t, example.commands[0]!, directory);
    const config = hurried(example.config)
      .replaceAll('127.0.0.1:9001', `127.0.0.1:${twist.port}`)
      .replace('send-proxy-v2', version);
    const front = await startFront(t, name, command, config, directory);
    await eventuallyServed(t, front);
    await checkTraffic(t, front, [twist]);
    await checkOrigins(t, front, false);
    await checkFaults(t, front, twist);
    await checkServerClose(t, front, twist);
  }
}

/** The proxy reads nothing of what it passes on. */
async function runPassThrough(t: Test, name: Name, example: Example): Promise<void> {
  const command = commandOf(t, name);
  if (command === null) return;
  const directory = makeTempDir(t);
  const identity = selfSigned(SITE);
  writeFileSync(path.join(directory, 'twist.pem'), identity.cert);
  writeFileSync(path.join(directory, 'twist.key'), identity.key);
  const args = example.commands[0]!.map((arg) =>
    arg.replace(`/etc/ssl/${SITE}`, path.join(directory, 'twist')),
  );
  const twist = await startTwist(t, args, directory);
  const config = hurried(example.config).replaceAll('127.0.0.1:9001', `127.0.0.1:${twist.port}`);
  const front = await startFront(t, name, command, config, directory, identity);
  await eventuallyServed(t, front);
  await checkTraffic(t, front, [twist]);
  await checkOrigins(t, front, true);
  await checkFaults(t, front, twist);
  await checkServerClose(t, front, twist);
  t.notOk(
    twist.log.some(({ level }) => level === 'error'),
    'its health checks are no errors',
  );
}

const RUNS: Readonly<Record<string, (t: Test, name: Name, example: Example) => Promise<void>>> = {
  'One twist, by a Unix socket': runOne,
  'Two, balanced': runTwo,
  'With the PROXY protocol': runProxyProtocol,
  'TLS at twist': runPassThrough,
};

for (const name of Object.keys(FRONTS) as Name[]) {
  t.test(name, async (t) => {
    const examples = examplesOf(name);
    t.ok(examples.length >= 2);
    for (const example of examples) {
      const run = RUNS[example.title];
      t.type(run, 'function', `${example.title} is run`);
      await t.test(example.title, (t) => run!(t, name, example));
    }
  });
}

t.test('the page that is not run says so', async (t) => {
  t.match(readFileSync('docs/proxies/envoy.md', 'utf8'), /^\*\*Not tested\*\*/m);
  if (python === undefined) skipWithout(t, 'TWIST_PYTHON names no Python with websockets');
});
