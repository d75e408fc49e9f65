/** What an echo server answers to requests without an upgrade: the built command, and clients of other makes. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Agent, fetch } from 'undici';
import { WebSocket } from 'ws';
import { readyLines } from '../../web/echo/model/ready-lines.js';
import { askHttp } from '../fixtures/ask-http.js';
import { skipWithout } from '../fixtures/interop.js';
import { ACCEPTED, connectRaw } from '../fixtures/raw-client.js';
import { upgradeText } from '../fixtures/handshake.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { LOCALHOST } from '../fixtures/tls.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';
import { serve } from '../../src/app/serve.js';

t.setTimeout(90_000);

const run = promisify(execFile);
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';

interface Told {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly httpVersion: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: { readonly version: string; readonly serverName: string | null } | null;
  readonly headers: Readonly<Record<string, string>>;
}

const toldOf = (text: string): Told => JSON.parse(text) as Told;

/** The server with other modes than that of `startTwist`. */
const startMode = (t: Test, args: readonly string[]): Promise<TwistProcess> =>
  startServing(t, {
    args: ['serve', '--listen', '127.0.0.1:0', '--log-format', 'json', ...args],
  });

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

t.test('curl gets its request as JSON', async (t) => {
  const { port } = await startTwist(t);
  const url = `http://127.0.0.1:${port}/chat?v=2&token=secret`;
  const args = ['--silent', '--show-error', '--include', '--cookie', 'a=secret', '--user', 'a:b'];
  let stdout: string;
  try {
    ({ stdout } = await run('curl', [...args, url]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    skipWithout(t, 'there is no curl');
    return;
  }
  const [head = '', body = ''] = stdout.split('\r\n\r\n');
  t.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  for (const line of [
    'Content-Type: application/json; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Vary: Accept',
  ])
    t.ok(head.includes(`${line}\r\n`), line);
  t.match(toldOf(body), {
    method: 'GET',
    path: '/chat',
    query: 'v=2&token=[hidden:6]',
    httpVersion: '1.1',
    host: `127.0.0.1:${port}`,
    scheme: 'http',
    remoteAddress: '127.0.0.1',
    tls: null,
    headers: { cookie: '[hidden:8]', authorization: '[hidden:10]', 'user-agent': /^curl\// },
  });
  t.notMatch(stdout, 'secret');
  const { stdout: head1 } = await run('curl', ['--silent', '--head', url]);
  t.match(head1, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(head1, /\r\n\r\n$/, 'HEAD has no body');
});

t.test('a browser gets a page that keeps its policy', async (t) => {
  const twist = await startTwist(t, ['--log-level', 'debug']);
  const url = `http://127.0.0.1:${twist.port}/`;
  const page = await fetch(url, { headers: HTML });
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const html = await page.text();
  const files = [...html.matchAll(/(?:src|href)="(\?[^"]+)"/g)].map(([, file]) => file ?? '');
  t.strictSame(files, ['?page.css', '?page.js']);
  for (const [file, type] of [
    ['?page.css', 'text/css; charset=utf-8'],
    ['?page.js', 'text/javascript; charset=utf-8'],
    ['?page.json', 'application/json; charset=utf-8'],
  ] as const) {
    const response = await fetch(new URL(file, url));
    t.equal(response.headers.get('content-type'), type);
    t.ok((await response.text()).length > 10);
    for (const [name, value] of [
      ['content-security-policy', page.headers.get('content-security-policy')],
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'no-referrer'],
      ['cross-origin-resource-policy', 'same-origin'],
    ] as const)
      t.equal(response.headers.get(name), value, `${name} of ${file}`);
  }
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'; /);
  t.match(await twist.waitForLog(({ msg }) => msg === 'page request'), { level: 'debug' });
  t.equal(twist.log.filter(({ msg }) => msg === 'session ended').length, 0, 'it is no session');
});

t.test('one connection brings answers, and then a session', async (t) => {
  const { port } = await startTwist(t);
  const client = await connectRaw(t, port);
  const get = (header = ''): string => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${header}\r\n`;
  client.send(get() + get('Accept: text/html\r\n') + get('Connection: Upgrade\r\n'));
  const answers = (): string[] => client.received.toString('latin1').split('HTTP/1.1 200 OK\r\n');
  await client.waitUntil(() => answers().length === 4 && answers()[3]!.endsWith('}\n'), 'three');
  t.match(answers()[1], /Keep-Alive: timeout=10\r\n/);
  client.forget();
  client.send(upgradeText());
  await client.waitForBytes(ACCEPTED.length);
  t.equal(client.received.toString('latin1'), ACCEPTED);
});

t.test('whoever tries to open a connection is told what is wrong, not given a page', async (t) => {
  const { port } = await startTwist(t);
  for (const [header, status] of [
    ['Upgrade: websocket', 426],
    ['Upgrade: h2c', 426],
    ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 426],
    ['Sec-WebSocket-Version: 13', 426],
    ['Sec-WebSocket-Protocol: chat', 426],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13', 400],
  ] as const) {
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n${header}\r\n\r\n`;
    t.equal((await askHttp(t, port, request)).status, status, header);
  }
});

t.test('other modes have no page, whatever is asked for', async (t) => {
  const target = await startTwist(t);
  const directory = makeTempDir(t);
  const mode = path.join(directory, 'mode.mjs');
  writeFileSync(mode, `export default { name: 'x', message() {} };`);
  const record = path.join(directory, 'a.ndjson');
  for (const [args, status] of [
    [['--echo', '--no-page'], 426],
    [['--tcp', `127.0.0.1:${target.port}`], 426],
    [['--mode', mode], 426],
    [['--record', record], 426],
    [['--route', '/echo=echo', '--route', `/x=mode:${mode}`], 426],
  ] as const) {
    const { port } = await startMode(t, args);
    for (const accept of ['text/html', '*/*']) {
      const request = `GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${accept}\r\n\r\n`;
      t.equal((await askHttp(t, port, request)).status, status, args.join(' '));
    }
  }
});

t.test('a route that echoes has it on its own path, recorded or not', async (t) => {
  const target = await startTwist(t);
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const routes = ['--route', '/echo=echo', '--route', `/tcp=tcp:127.0.0.1:${target.port}`];
  const { port } = await startMode(t, [...routes, '--record', record]);
  const url = `http://127.0.0.1:${port}`;
  t.match(toldOf(await (await fetch(`${url}/echo?a=b`)).text()), { path: '/echo' });
  t.equal((await fetch(`${url}/echo/`, { headers: HTML })).status, 200);
  t.match(await (await fetch(`${url}/echo?page.js`)).text(), /WebSocket/);
  for (const other of ['/', '/tcp', '/echo/more', '/page.js'])
    t.equal((await askHttp(t, port, other)).status, 426, other);
});

t.test('of a directory the files come first', async (t) => {
  const site = makeTempDir(t);
  writeFileSync(path.join(site, 'index.html'), 'mine');
  const { port } = await startTwist(t, ['--static', site]);
  const url = `http://127.0.0.1:${port}`;
  t.equal(await (await fetch(url, { headers: HTML })).text(), 'mine');
  const page = await fetch(`${url}/bench`, { headers: HTML });
  t.match(await page.text(), /<title>twist echo<\/title>/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  t.match(toldOf(await (await fetch(`${url}/bench`)).text()), { path: '/bench' });
});

t.test('answers without an upgrade are counted', async (t) => {
  const site = makeTempDir(t);
  writeFileSync(path.join(site, 'a.txt'), 'mine');
  for (const [args, counted] of [
    [[], { 'page 200': 4 }],
    [['--static', site], { 'file 200': 1, 'page 200': 4 }],
  ] as const) {
    const twist = await startTwist(t, [...args, '--admin', '0', '--no-deflate']);
    const { address } = await twist.waitForLog(({ msg }) => msg === 'admin endpoint');
    const url = `http://127.0.0.1:${twist.port}`;
    for (const one of ['/', '/?page.js', '/?page.css', '/?page.json'])
      t.equal((await fetch(url + one, { headers: HTML })).status, 200);
    if (args.length > 0) t.equal(await (await fetch(`${url}/a.txt`)).text(), 'mine');
    let found = {};
    const read = async (): Promise<void> => {
      const text = await (await fetch(`${String(address)}/metrics`)).text();
      const lines = text.matchAll(
        /^twist_http_requests_total\{by="(\w+)",status="(\w+)"\} ([1-9]\d*)$/gm,
      );
      found = Object.fromEntries(
        Array.from(lines, ([, by, status, count]) => [`${by!} ${status!}`, Number(count)]),
      );
    };
    // An answer is counted once its last byte has left.
    for (let tries = 0; tries < 100; tries++) {
      await read();
      if (JSON.stringify(found) === JSON.stringify(counted)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    t.strictSame(found, counted);
  }
});

t.test('all of the request, for those who want that', async (t) => {
  const { port } = await startTwist(t, ['--echo-request', 'full']);
  const url = `http://127.0.0.1:${port}/?token=secret`;
  const response = await fetch(url, { headers: { cookie: 'a=secret', 'x-b': '<b>\xe4</b>' } });
  const text = await response.text();
  t.notMatch(text, /[<>\x7f-\uffff]/, 'nothing in it is markup');
  t.match(toldOf(text), {
    query: 'token=secret',
    headers: { cookie: 'a=secret', 'x-b': '<b>\xe4</b>' },
  });
});

t.test('the rules at the door are those of handshakes', async (t) => {
  const { port } = await startTwist(t, ['--allowed-hosts', 'a.example', '--health', '/health']);
  const ask = async (request: string): Promise<number> => (await askHttp(t, port, request)).status;
  const last = 'Connection: close\r\n\r\n';
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: a.example\r\n${last}`), 200);
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: evil.example\r\n${last}`), 421);
  t.equal(await ask(`GET / HTTP/1.1\r\n${last}`), 400);
  t.equal(await ask(`GET / HTTP/1.0\r\n\r\n`), 200);
  t.equal(await ask(`GET / HTTP/2.0\r\nHost: a.example\r\n${last}`), 505);
  t.equal(await ask(`GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n${last}x`), 400);
  t.equal(await ask(`GET /% HTTP/1.1\r\nHost: a.example\r\n${last}`), 400);
  t.equal(await ask(`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a.example\r\n${last}`), 414);
  const post = await askHttp(t, port, `POST / HTTP/1.1\r\nHost: a.example\r\n${last}`);
  t.match(post, { status: 405, headers: { allow: 'GET, HEAD' } });
  const health = await askHttp(t, port, `GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
  t.match(health, { status: 200, body: 'ready\n' });
});

t.test('a password is asked for before, and addresses too', async (t) => {
  const server = await serve({ mode: 'echo', listen: '127.0.0.1:0', auth: 'ann:secret' });
  t.teardown(() => server.stop());
  const url = server.urls[0]!.replace('ws:', 'http:');
  t.equal((await fetch(url, { headers: HTML })).status, 401);
  const headers = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
  const told = toldOf(await (await fetch(url, { headers })).text());
  t.equal(told.headers['authorization'], '[hidden:22]');
  const denied = await serve({ mode: 'echo', listen: '127.0.0.1:0', deny: '127.0.0.1' });
  t.teardown(() => denied.stop());
  t.equal((await fetch(denied.urls[0]!.replace('ws:', 'http:'))).status, 403);
});

t.test('in a program it has the same options', async (t) => {
  const shown = await serve({ mode: 'echo', listen: '127.0.0.1:0', echoRequest: 'full' });
  t.teardown(() => shown.stop());
  const url = shown.urls[0]!.replace('ws:', 'http:');
  t.match(toldOf(await (await fetch(`${url}?a=b`)).text()), { query: 'a=b' });
  t.match(await (await fetch(url, { headers: HTML })).text(), /<title>twist echo/);
  const hidden = await serve({ mode: 'echo', listen: '127.0.0.1:0', page: false });
  t.teardown(() => hidden.stop());
  t.equal((await fetch(hidden.urls[0]!.replace('ws:', 'http:'))).status, 426);
});

t.test('by TLS it says so', async (t) => {
  const directory = makeTempDir(t);
  const [cert, key] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  writeFileSync(cert, LOCALHOST.cert);
  writeFileSync(key, LOCALHOST.key);
  const { port } = await startTwist(t, ['--tls-cert', cert, '--tls-key', key]);
  const dispatcher = new Agent({ connect: { ca: LOCALHOST.cert } });
  t.teardown(() => dispatcher.close());
  const response = await fetch(`https://localhost:${port}/`, { dispatcher });
  t.match(toldOf(await response.text()), {
    scheme: 'https',
    tls: { version: 'TLSv1.3', serverName: 'localhost', certificate: null },
  });
});

t.test('a reload takes it away, and brings it back', async (t) => {
  const config = path.join(makeTempDir(t), 'twist.json');
  const write = (page: boolean): void => {
    writeFileSync(config, JSON.stringify({ echo: true, page }));
  };
  write(true);
  const twist = await startTwist(t, ['--config', config]);
  const { port } = twist;
  const status = async (): Promise<number> =>
    (await askHttp(t, port, `GET / HTTP/1.0\r\n\r\n`)).status;
  t.equal(await status(), 200);
  for (const [page, expected] of [
    [false, 426],
    [true, 200],
  ] as const) {
    write(page);
    twist.log.length = 0;
    process.kill(twist.pid, 'SIGHUP');
    await twist.waitForLog(({ msg }) => msg.startsWith('reloaded'));
    t.equal(await status(), expected);
  }
});

t.test('a client beside it notices nothing', async (t) => {
  const { port, url } = await startTwist(t);
  const socket = new WebSocket(url);
  await within(new Promise((resolve) => socket.once('open', resolve)), 'the session');
  const pages = Promise.all(
    Array.from({ length: 50 }, async () =>
      (await fetch(`http://127.0.0.1:${port}/?page.js`)).text(),
    ),
  );
  for (let number = 0; number < 50; number++) {
    socket.send(String(number));
    const echo = await new Promise((resolve) => socket.once('message', resolve));
    t.equal(String(echo), String(number));
  }
  t.equal(new Set(await pages).size, 1);
  socket.close();
});

// ---- The lines that the page has for other programs

/** Runs a line as it stands, in a shell. */
async function shell(code: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', code], { timeout: 20_000 });
  return stdout;
}

async function hasProgram(t: Test, check: string, what: string): Promise<boolean> {
  try {
    await shell(check);
    return true;
  } catch {
    skipWithout(t, what);
    return false;
  }
}

const lineOf = (url: string, id: string): string =>
  readyLines(url, ['chat', 'v2']).find((line) => line.id === id)!.code;

t.test('each line for another program does what it says', async (t) => {
  const twist = await startTwist(t);
  const url = `${twist.url}/?a=1&b='c'`.replace(/'/g, '%27');
  const subprotocol = async (): Promise<unknown> => {
    const ended = await twist.waitForLog(({ msg }) => msg === 'session ended');
    twist.log.length = 0;
    return ended['subprotocol'];
  };

  await t.test('wscat', async (t) => {
    const installed = 'node node_modules/wscat/bin/wscat';
    if (!(await hasProgram(t, `${installed} --version`, 'there is no wscat'))) return;
    const program = lineOf(url, 'wscat').replace('npx wscat', installed);
    t.match(await shell(`${program} --execute hello --wait 1`), /hello/);
    t.equal(await subprotocol(), 'chat');
  });

  await t.test('websocat', async (t) => {
    // It is no package of Debian, and takes long to build: it is run where it is there.
    const code = lineOf(url, 'websocat');
    t.match(code, /^echo hello \| websocat --no-close --one-message --protocol 'chat, v2' 'ws:/);
    try {
      await shell('websocat --version');
    } catch {
      t.comment('there is no websocat');
      return;
    }
    t.equal(await shell(code), 'hello\n');
    t.equal(await subprotocol(), 'chat');
  });

  await t.test('curl', async (t) => {
    if (!(await hasProgram(t, 'curl --version', 'there is no curl'))) return;
    t.match(toldOf(await shell(lineOf(url, 'curl'))), { path: '/', method: 'GET' });
    const answer = await shell(`${lineOf(url, 'handshake')} || test $? = 28`);
    t.match(
      answer,
      /^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s,
    );
    t.match(answer, 'Sec-WebSocket-Protocol: chat\r\n');
    await subprotocol();
  });

  await t.test('Python', async (t) => {
    const what = `${PYTHON} cannot import websockets (TWIST_PYTHON names another interpreter)`;
    if (!(await hasProgram(t, `${PYTHON} -c 'import websockets'`, what))) return;
    const { stdout } = await run(PYTHON, ['-c', lineOf(url, 'python')]);
    t.equal(stdout, 'hello\n');
    t.equal(await subprotocol(), 'chat');
  });

  await t.test('JavaScript', async (t) => {
    // Node 20 has it behind a flag, which later ones know too.
    const args = ['--experimental-websocket', '--no-warnings', '--eval', lineOf(url, 'javascript')];
    const { stdout } = await run(process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    t.equal(stdout, 'hello\n');
    t.equal(await subprotocol(), 'chat');
  });
});
