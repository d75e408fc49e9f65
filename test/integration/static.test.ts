/** Files and WebSocket connections on one port: real sockets, real clients, a real directory. */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { Agent, type IncomingMessage, get as httpGet } from 'node:http';
import path from 'node:path';
import t, { type Test } from 'tap';
import { onePassword } from '../fixtures/logins.js';
import { WebSocket } from 'ws';
import { echoMode } from '../../src/modes/echo.js';
import type { ServerOptions } from '../../src/server/server-options.js';
import { Server } from '../../src/server/server.js';
import { closeFrame, encodeFrames, textFrame } from '../fixtures/frames.js';
import { DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { MIB, mib } from '../fixtures/memory-growth.js';
import { ACCEPTED, type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually, standstill, within } from '../fixtures/within.js';

const BIG_BYTES = 50 * MIB;
const PAGE = '<!doctype html><title>twist</title>\n';
const MODULE = 'export const answer = 42;\n';

/** One big file for all tests, with another byte at each place. */
const big = randomBytes(BIG_BYTES);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Site {
  readonly directory: string;
  readonly server: Server;
  readonly log: KeptLog;
  readonly port: number;
  readonly url: string;
}

/** A server with a site, and a secret beside the site. */
async function startSite(t: Test, changes: Partial<ServerOptions> = {}): Promise<Site> {
  const base = makeTempDir(t);
  const directory = path.join(base, 'site');
  mkdirSync(path.join(directory, 'core'), { recursive: true });
  mkdirSync(path.join(directory, '.git'));
  writeFileSync(path.join(base, 'secret.txt'), 'secret');
  writeFileSync(path.join(directory, 'index.html'), PAGE);
  writeFileSync(path.join(directory, 'core', 'index.html'), PAGE);
  writeFileSync(path.join(directory, 'core', 'rfb.js'), MODULE);
  writeFileSync(path.join(directory, '.env'), 'secret');
  writeFileSync(path.join(directory, '.git', 'config'), 'secret');
  for (const name of ['a.mjs', 'a.css', 'a.svg', 'a.wasm', 'a.json'])
    writeFileSync(path.join(directory, name), name);
  symlinkSync('../secret.txt', path.join(directory, 'leak.txt'));
  symlinkSync('/etc', path.join(directory, 'etc'));
  const log = new KeptLog();
  const server = new Server({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    served: [{ path: null, mode: echoMode, origin: 'same', extensions: [] }],
    staticDir: directory,
    head: DEFAULT_LIMITS,
    subprotocol: 'first',
    limits: {
      outputPause: MIB,
      outputLimit: 16 * MIB,
      maxMessage: 16 * MIB,
      handshakeTimeout: 10_000,
      messageTimeout: 0,
      sendTimeout: 30_000,
      pingInterval: 0,
      pongTimeout: 0,
      idleTimeout: 0,
      closeTimeout: 5000,
    },
    maxFragments: 1000,
    admission: { maxConnections: 100, maxConnectionsPerAddress: 0 },
    drainTimeout: 20_000,
    log,
    ...changes,
  });
  await server.start();
  t.teardown(() => {
    server.stopNow();
  });
  const port = Number(new URL(server.urls[0]!).port);
  return { directory, server, log, port, url: `http://127.0.0.1:${port}` };
}

const get = (target: string, ...headers: readonly string[]): string =>
  [`GET ${target} HTTP/1.1`, 'Host: h', ...headers, '', ''].join('\r\n');

/** Status lines of all answers that came. */
const statuses = (client: RawClient): number[] =>
  [...client.received.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
    Number(status),
  );

t.test('what a browser asks for', async (t) => {
  const { url } = await startSite(t);
  const types: readonly (readonly [name: string, type: string])[] = [
    ['', 'text/html; charset=utf-8'],
    ['core/', 'text/html; charset=utf-8'],
    ['core/rfb.js', 'text/javascript; charset=utf-8'],
    ['a.mjs', 'text/javascript; charset=utf-8'],
    ['a.css', 'text/css; charset=utf-8'],
    ['a.svg', 'image/svg+xml'],
    ['a.wasm', 'application/wasm'],
    ['a.json', 'application/json; charset=utf-8'],
  ];
  for (const [name, type] of types) {
    const response = await fetch(`${url}/${name}?v=1`);
    t.equal(response.status, 200, name);
    t.equal(response.headers.get('content-type'), type);
    t.equal(response.headers.get('x-content-type-options'), 'nosniff');
    t.not(await response.text(), '');
  }
  const redirected = await fetch(`${url}/core?autoconnect=1`);
  t.equal(redirected.url, `${url}/core/?autoconnect=1`);
  t.equal(await redirected.text(), PAGE);
});

t.test('HEAD, conditions and ranges', async (t) => {
  const { url, port } = await startSite(t);
  const file = `${url}/core/rfb.js`;
  const head = await fetch(file, { method: 'HEAD' });
  t.equal(head.headers.get('content-length'), String(MODULE.length));
  t.equal(await head.text(), '');
  const etag = head.headers.get('etag')!;
  // Not by fetch, which with such a header wants everything anew.
  const client = await connectRaw(t, port);
  client.send(get('/core/rfb.js', `If-None-Match: ${etag}`, 'Connection: close'));
  await client.waitForEnd();
  t.match(client.received.toString('latin1'), /^HTTP\/1\.1 304 Not Modified\r\n.*\r\n\r\n$/s);
  const part = await fetch(file, { headers: { Range: 'bytes=7-11' } });
  t.equal(part.status, 206);
  t.equal(part.headers.get('content-range'), `bytes 7-11/${MODULE.length}`);
  t.equal(await part.text(), 'const');
  const beyond = await fetch(file, { headers: { Range: 'bytes=1000-' } });
  t.equal(beyond.status, 416);
  t.equal(beyond.headers.get('content-range'), `bytes */${MODULE.length}`);
  await beyond.text();
});

t.test('404: nothing outside, nothing hidden, in one connection', async (t) => {
  const { port } = await startSite(t);
  const client = await connectRaw(t, port);
  const targets = [
    '/nothing',
    '/core/nothing/',
    '/index.html/',
    '/../secret.txt',
    '/core/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2E%2e%2Fsecret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e/secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/index.html%00',
    '/%00',
    '/%ff',
    '//etc/passwd',
    '//example.org/%2e%2e/',
    '/%2fetc%2fpasswd',
    '/etc/passwd',
    '/leak.txt',
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/.git/',
    '/./index.html',
    'http://h/../secret.txt',
  ];
  for (const target of targets) {
    client.forget();
    client.send(get(target));
    await client.waitUntil(() => client.received.includes('file\n'), target);
    t.strictSame(statuses(client), [404], target);
    t.match(client.received.toString('latin1'), /\r\n\r\nthere is no such file\n$/);
  }
});

t.test('one connection for many files', async (t) => {
  const { url, server, log } = await startSite(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => {
    agent.destroy();
  });
  const ports = new Set<unknown>();
  for (let round = 0; round < 20; round++) {
    const body = await new Promise<string>((resolve, reject) => {
      const request = httpGet(`${url}/core/rfb.js`, { agent }, (response: IncomingMessage) => {
        ports.add(request.socket?.localPort);
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          resolve(text);
        });
      });
      request.on('error', reject);
    });
    t.equal(body, MODULE);
  }
  t.equal(ports.size, 1);
  t.equal(server.connectionCount, 1);
  t.equal(log.find('file request').length, 20);
  t.strictSame(log.find('session ended'), [], 'that were no sessions');
});

t.test('pipelined requests are answered in order', async (t) => {
  const { port } = await startSite(t);
  const client = await connectRaw(t, port);
  const requests = ['/a.css', '/nothing', '/a.json', '/core', '/a.svg'].map((name) => get(name));
  client.send(requests.join('') + get('/core/rfb.js', 'Connection: close') + get('/a.css'));
  await client.waitForEnd();
  t.strictSame(statuses(client), [200, 404, 200, 301, 200, 200], 'and none behind the last one');
  t.match(client.received.toString('latin1'), /a\.css.*a\.json.*a\.svg.*export const answer/s);
  await client.finish();
  t.equal(client.errorCode, null);
});

t.test('thousands of pipelined requests, byte by byte and at once', async (t) => {
  const { port } = await startSite(t);
  const client = await connectRaw(t, port);
  const count = 5000;
  client.send(get('/a.css').repeat(count));
  client.socket.end();
  await client.waitForEnd();
  t.equal(statuses(client).length, count);

  const slow = await connectRaw(t, port);
  await slow.sendByteByByte(Buffer.from(get('/a.css').repeat(2)));
  await slow.waitUntil(() => statuses(slow).length === 2, 'both answers');
});

t.test('a page and then a WebSocket, on the same connection', async (t) => {
  const { port, server } = await startSite(t);
  const client = await connectRaw(t, port);
  client.send(get('/'));
  await client.waitUntil(() => client.received.includes(PAGE), 'the page');
  client.forget();
  await client.open();
  client.send(encodeFrames([textFrame('hello'), closeFrame(1000)], true));
  await client.waitForEnd();
  const echo = encodeFrames([textFrame('hello'), closeFrame(1000)], false);
  t.ok(client.received.equals(Buffer.from(echo)));

  const atOnce = await connectRaw(t, port);
  atOnce.send(get('/a.css') + upgradeText());
  await atOnce.waitUntil(() => atOnce.received.includes(ACCEPTED), 'the upgrade');
  t.equal(server.connectionCount, 2);
});

t.test('a WebSocket beside it, and what is wrongly asked for', async (t) => {
  const { port, url } = await startSite(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const echoed = new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => {
      resolve(data.toString());
    });
  });
  socket.on('open', () => {
    socket.send('hello');
  });
  t.equal(await (await fetch(`${url}/`)).text(), PAGE);
  t.equal(await within(echoed, 'the echo'), 'hello');
  socket.terminate();

  const cases: readonly (readonly [status: number, request: string])[] = [
    [405, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello'],
    [400, get('/', 'Content-Length: 5')],
    [400, get('/', 'Transfer-Encoding: chunked')],
    [400, get('/', 'Host: again')],
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [204, 'OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n'],
    [204, 'OPTIONS / HTTP/1.0\r\n\r\n'],
    [200, 'GET / HTTP/1.0\r\nHost: h\r\n\r\n'],
    [200, 'GET / HTTP/1.0\r\n\r\n'],
    [200, 'HEAD / HTTP/1.0\r\n\r\n'],
    [505, 'GET / HTTP/2.0\r\nHost: h\r\n\r\n'],
    [505, upgradeText({}, 'GET / HTTP/1.0')],
    [200, get('//core//rfb.js')],
    [200, get('//')],
    [301, get('//core')],
    [400, get('/100%')],
    [101, upgradeText({}, 'GET /100% HTTP/1.1')],
    [101, upgradeText({}, 'GET //a// HTTP/1.1')],
    [426, upgradeText({ 'Sec-WebSocket-Version': '8' })],
    // A proxy in front has dropped the header.
    [426, upgradeText({ Upgrade: null })],
    [403, upgradeText({ Origin: 'http://elsewhere.example' })],
    [200, get('/', 'Origin: http://elsewhere.example', 'Upgrade: h2c', 'Expect: 100-continue')],
  ];
  for (const [status, request] of cases) {
    const client = await connectRaw(t, port);
    client.send(request);
    client.socket.end();
    await client.waitForEnd();
    t.strictSame(statuses(client), [status], request);
  }
});

t.test('HTTP/1.0: with its length, and the connection ends', async (t) => {
  const { port } = await startSite(t);
  for (const line of ['Connection: keep-alive', 'Accept: */*']) {
    const client = await connectRaw(t, port);
    client.send(`GET /core/rfb.js HTTP/1.0\r\n${line}\r\n\r\n${get('/a.css')}`);
    await client.waitForEnd();
    const answer = client.received.toString('latin1');
    t.strictSame(statuses(client), [200], 'and nothing behind it is answered');
    t.match(answer, /\r\nConnection: close\r\n/);
    t.match(answer, `\r\nContent-Length: ${MODULE.length}\r\n`);
    t.notMatch(answer, /Transfer-Encoding/i);
    t.ok(answer.endsWith(`\r\n\r\n${MODULE}`));
  }
});

t.test('a path with two slashes in front leads to no other host', async (t) => {
  const { url } = await startSite(t);
  const redirected = await fetch(`${url}//core`, { redirect: 'manual' });
  t.equal(redirected.status, 301);
  t.equal(redirected.headers.get('location'), './core/');
  t.equal(await (await fetch(`${url}//core`)).text(), PAGE);
});

t.test('who has ended its side is answered', async (t) => {
  const { port, server } = await startSite(t);
  const client = await connectRaw(t, port);
  client.send(get('/a.css') + get('/core/rfb.js'));
  client.socket.end();
  await client.waitForEnd();
  t.match(client.received.toString('latin1'), /a\.css.*export const answer/s);
  await eventually(() => server.connectionCount === 0, 'the end');
});

t.test('401: credentials are asked for, for files as for WebSocket connections', async (t) => {
  const { url, log } = await startSite(t, { auth: onePassword('me:open sesame') });
  const anonymous = await fetch(url);
  t.equal(anonymous.status, 401);
  t.match(anonymous.headers.get('www-authenticate'), /^Basic /);
  await anonymous.text();
  const credentials = Buffer.from('me:open sesame').toString('base64');
  const known = await fetch(url, { headers: { Authorization: `Basic ${credentials}` } });
  t.equal(await known.text(), PAGE);
  t.notMatch(JSON.stringify(log.lines), /sesame|b3Blbi/);
});

/** Whether this process has the file open. */
function isOpen(file: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      // It was that of the directory itself.
      return false;
    }
  });
}

const BODY_START = '\r\n\r\n';

/** Asks for the big file without reading it, and waits until nothing moves any more. */
async function askForBig(t: Test, { directory, port }: Site): Promise<RawClient> {
  writeFileSync(path.join(directory, 'big'), big);
  const client = await connectRaw(t, port, { isPaused: true });
  client.send(get('/big'));
  await standstill(() => process.memoryUsage().arrayBuffers, 'the memory');
  return client;
}

/** The body of the one answer that came. */
function bodyOf(client: RawClient): Buffer {
  const { received } = client;
  return received.subarray(received.indexOf(BODY_START) + BODY_START.length);
}

t.test('a slow reader of 50 MiB costs little memory, and gets every byte', async (t) => {
  const site = await startSite(t);
  const before = process.memoryUsage().arrayBuffers;
  const client = await askForBig(t, site);
  const growth = process.memoryUsage().arrayBuffers - before;
  // What was read and has left counts as long as it is not collected: the kernel takes some MiB.
  t.ok(growth < 20 * MIB, `memory grew by ${mib(growth)}`);
  const healthy = await fetch(`${site.url}/a.css`);
  t.equal(await healthy.text(), 'a.css', 'others are served meanwhile');
  client.socket.resume();
  await client.waitUntil(() => client.receivedBytes > BIG_BYTES, 'all of it');
  t.equal(sha256(bodyOf(client)), sha256(big));
});

t.test('a client that goes in the middle, and a file that shrinks', async (t) => {
  const site = await startSite(t);
  const file = path.join(site.directory, 'big');
  const gone = await askForBig(t, site);
  t.equal(isOpen(file), true);
  gone.socket.resetAndDestroy();
  await eventually(() => site.server.connectionCount === 0, 'the end');
  await eventually(() => !isOpen(file), 'the file to be closed');
  await eventually(() => site.log.find('file request cut short').length === 1, 'the line');

  const shrunk = await askForBig(t, site);
  truncateSync(file, 0);
  shrunk.socket.resume();
  await shrunk.waitForEnd();
  t.ok(shrunk.receivedBytes < BIG_BYTES, 'it cannot be taken for complete');
  await eventually(() => site.log.find('file request cut short').length === 2, 'the line');
});

t.test('a stop waits for the answers that are under way, and for no others', async (t) => {
  const site = await startSite(t);
  const client = await askForBig(t, site);
  client.send(get('/a.css'));
  const idle = await connectRaw(t, site.port);
  idle.send(get('/a.css'));
  await idle.waitUntil(() => idle.received.includes('a.css'), 'the answer');
  idle.forget();
  const stopped = site.server.stop();
  await idle.waitForEnd();
  t.equal(idle.receivedBytes, 0, 'who asks for nothing is told nothing');
  await idle.finish();
  client.socket.resume();
  await client.waitForEnd();
  t.equal(sha256(bodyOf(client)), sha256(big), 'and nothing behind it');
  await client.finish();
  await within(stopped, 'the stop');
});

t.test('stopNow cuts an answer off', async (t) => {
  const site = await startSite(t);
  const client = await askForBig(t, site);
  site.server.stopNow();
  client.socket.resume();
  await client.waitForEnd();
  t.ok(client.receivedBytes < BIG_BYTES);
  await eventually(() => !isOpen(path.join(site.directory, 'big')), 'the file to be closed');
});

t.test('files that change are seen at once', async (t) => {
  const { directory, url } = await startSite(t);
  const file = path.join(directory, 'new.txt');
  t.equal((await fetch(`${url}/new.txt`)).status, 404);
  writeFileSync(file, 'one');
  const first = await fetch(`${url}/new.txt`);
  t.equal(await first.text(), 'one');
  writeFileSync(file, 'another one');
  const headers = { 'If-None-Match': first.headers.get('etag')! };
  t.equal(await (await fetch(`${url}/new.txt`, { headers })).text(), 'another one');
  t.equal(readFileSync(file, 'utf8'), 'another one');
});
