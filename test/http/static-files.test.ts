import { Buffer } from 'node:buffer';
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { HttpTunnel, type TunnelTransport } from '../../src/http/tunnel.js';
import { StaticDirectory } from '../../src/http/static-directory.js';
import { StaticFiles } from '../../src/http/static-files.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { serviceRequest } from '../fixtures/service-request.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

const TEXT = 'all of the file';

/** A connection that keeps what it is sent. */
class Transport implements TunnelTransport {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 1234;
  isTaking = true;
  received = '';
  end: 'responded' | 'last' | 'broken' | null = null;

  sendPieces(pieces: readonly Uint8Array[]): boolean {
    this.received += Buffer.concat(pieces).toString('latin1');
    return this.isTaking;
  }

  responded(isLast: boolean): void {
    this.end = isLast ? 'last' : 'responded';
  }

  responseBroken(): void {
    this.end = 'broken';
  }
}

class Bench {
  readonly log = new KeptLog();
  readonly files: StaticFiles;

  constructor(directory: Pick<StaticDirectory, 'find'>) {
    this.files = new StaticFiles({
      directory: directory as StaticDirectory,
      keepAliveMs: 10_000,
      maxHead: 16_384,
      log: this.log,
    });
  }

  /** Sends a request without waiting for anything. */
  start(line: string, headers: readonly string[] = []): [Transport, HttpTunnel] {
    const transport = new Transport();
    const request = [`${line} HTTP/1.1`, 'Host: h', ...headers, '', ''].join('\r\n');
    const tunnel = new HttpTunnel(transport, transport, serviceRequest(request));
    this.files.serve(tunnel);
    return [transport, tunnel];
  }

  /** The whole answer, once it is complete. */
  async ask(line: string, ...headers: readonly string[]): Promise<Answer> {
    const [transport] = this.start(line, headers);
    await eventually(() => transport.end !== null, 'the end of the answer');
    t.not(transport.end, 'broken');
    return new Answer(transport);
  }
}

/** An answer taken apart. */
class Answer {
  readonly status: number;
  readonly headers = new Map<string, string>();
  readonly body: string;
  readonly isLast: boolean;

  constructor({ received, end }: Transport) {
    const headEnd = received.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = received.slice(0, headEnd).split('\r\n');
    this.status = Number(statusLine.split(' ')[1]);
    for (const line of lines) {
      const colon = line.indexOf(': ');
      this.headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
    }
    this.body = received.slice(headEnd + 4);
    this.isLast = end === 'last';
    t.equal(this.headers.get('x-content-type-options'), 'nosniff');
  }
}

function makeSite(t: Test): string {
  const site = makeTempDir(t);
  mkdirSync(path.join(site, 'sub'));
  writeFileSync(path.join(site, 'sub', 'index.html'), 'index');
  writeFileSync(path.join(site, 'a b.txt'), TEXT);
  writeFileSync(path.join(site, 'empty'), '');
  for (const ending of ['js', 'mjs', 'css', 'svg', 'wasm', 'json', 'html', 'png', 'odd'])
    writeFileSync(path.join(site, `file.${ending}`), ending);
  return site;
}

const makeBench = (t: Test): Bench => new Bench(new StaticDirectory(makeSite(t)));

t.test('a file', async (t) => {
  const bench = makeBench(t);
  const answer = await bench.ask('GET /a%20b.txt');
  t.match(answer, { status: 200, body: TEXT, isLast: false });
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(TEXT.length),
    'cache-control': 'no-cache',
    'accept-ranges': 'bytes',
    etag: /^W\/"[^"]+"$/,
    'last-modified': / GMT$/,
    connection: 'keep-alive',
    'keep-alive': 'timeout=10',
  });
  t.strictSame(bench.log.lines, [
    {
      level: 'debug',
      message: 'file request',
      fields: { peer: '192.0.2.1:1234', method: 'GET', path: '/a%20b.txt', status: 200 },
    },
  ]);
  t.match(await bench.ask('GET /empty'), { status: 200, body: '' });
  t.match(await bench.ask('GET /sub/'), { status: 200, body: 'index' });
  t.match(await bench.ask('GET /empty', 'Connection: close'), { status: 200, isLast: true });
});

t.test('HEAD has everything but the bytes', async (t) => {
  const bench = makeBench(t);
  const get = await bench.ask('GET /a%20b.txt');
  const head = await bench.ask('HEAD /a%20b.txt');
  t.match(head, { status: 200, body: '' });
  for (const [name, value] of get.headers)
    if (name !== 'date') t.equal(head.headers.get(name) ?? null, value, name);
  t.match(await bench.ask('HEAD /nothing'), { status: 404, body: '' });
});

t.test('browsers know what each file is', async (t) => {
  const bench = makeBench(t);
  const types: readonly (readonly [ending: string, type: string])[] = [
    ['js', 'text/javascript; charset=utf-8'],
    ['mjs', 'text/javascript; charset=utf-8'],
    ['css', 'text/css; charset=utf-8'],
    ['svg', 'image/svg+xml'],
    ['wasm', 'application/wasm'],
    ['json', 'application/json; charset=utf-8'],
    ['html', 'text/html; charset=utf-8'],
    ['png', 'image/png'],
    ['odd', 'application/octet-stream'],
  ];
  for (const [ending, type] of types)
    t.equal((await bench.ask(`GET /file.${ending}`)).headers.get('content-type'), type);
});

t.test('what the client has already is not sent again', async (t) => {
  const bench = makeBench(t);
  const { headers } = await bench.ask('GET /a%20b.txt');
  const etag = `If-None-Match: ${headers.get('etag')!}`;
  const fresh = await bench.ask('GET /a%20b.txt', etag);
  t.match(fresh, { status: 304, body: '' });
  t.equal(fresh.headers.get('etag'), headers.get('etag'));
  const since = `If-Modified-Since: ${headers.get('last-modified')!}`;
  t.match(await bench.ask('GET /a%20b.txt', since), { status: 304 });
  t.match(await bench.ask('GET /a%20b.txt', 'If-None-Match: "x"'), { status: 200, body: TEXT });
  t.match(await bench.ask('GET /a%20b.txt', etag, 'Cache-Control: no-cache'), { status: 200 });
});

t.test('a part of a file', async (t) => {
  const bench = makeBench(t);
  const part = await bench.ask('GET /a%20b.txt', 'Range: bytes=4-5');
  t.match(part, { status: 206, body: 'of' });
  t.equal(part.headers.get('content-range'), `bytes 4-5/${TEXT.length}`);
  t.match(await bench.ask('GET /a%20b.txt', 'Range: bytes=-4'), { status: 206, body: 'file' });
  t.match(await bench.ask('GET /a%20b.txt', 'Range: lines=1'), { status: 200, body: TEXT });
});

t.test('an answer that is no file says so in one line', async (t) => {
  const bench = makeBench(t);
  const cases: readonly (readonly [
    status: number,
    text: string,
    line: string,
    ...headers: string[],
  ])[] = [
    [404, 'there is no such file', 'GET /nothing'],
    [404, 'there is no such file', 'GET /../a%20b.txt'],
    [412, 'the file is another one', 'GET /a%20b.txt', 'If-Match: "x"'],
    [416, 'the file has no such range', 'GET /a%20b.txt', 'Range: bytes=99-'],
    [301, 'moved permanently', 'GET /sub'],
  ];
  for (const [status, text, line, ...headers] of cases) {
    const answer = await bench.ask(line, ...headers);
    t.match(answer, { status, body: `${text}\n` });
    t.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    t.equal(answer.headers.get('cache-control'), 'no-cache');
    t.equal(answer.headers.get('etag'), undefined);
    t.equal(answer.headers.get('accept-ranges'), undefined);
  }
  const { headers } = await bench.ask('GET /a%20b.txt', 'Range: bytes=99-');
  t.equal(headers.get('content-range'), `bytes */${TEXT.length}`);
});

t.test('a directory without its slash is elsewhere', async (t) => {
  const bench = makeBench(t);
  const target = async (line: string): Promise<string | undefined> =>
    (await bench.ask(line)).headers.get('location');
  t.equal(await target('GET /sub'), './sub/');
  t.equal(await target('GET /s%75b?a=b&c=/d?e'), './s%75b/?a=b&c=/d?e');
  t.equal(await target('HEAD /sub?'), './sub/?');
});

t.test('what is in the query is in no line of the log', async (t) => {
  const bench = makeBench(t);
  await bench.ask('GET /sub?token=secret');
  await bench.ask('GET /nothing?token=secret');
  t.notMatch(JSON.stringify(bench.log.lines), 'secret');
  t.match(bench.log.lines, [
    { fields: { path: '/sub', status: 301 } },
    { fields: { path: '/nothing', status: 404 } },
  ]);
});

t.test('500: the system fails, which is for the log only', async (t) => {
  const error = new Error('disk');
  const bench = new Bench({ find: () => Promise.reject(error) });
  t.match(await bench.ask('GET /a'), { status: 500, body: 'internal error\n' });
  t.match(bench.log.find('file request failed'), [
    { level: 'error', fields: { err: error, path: '/a' } },
  ]);
});

/** A file whose reading is the test's. */
class FakeFile extends Readable {
  bytesRead = 0;

  override _read(): void {
    // The test pushes what it likes.
  }

  give(text: string): void {
    this.bytesRead += text.length;
    this.push(text);
  }
}

/** Has the next files read as the test says. */
function readAs(t: Test, act: (file: FakeFile) => void): FakeFile[] {
  const files: FakeFile[] = [];
  t.intercept(fs, 'createReadStream', {
    value: () => {
      const file = new FakeFile();
      files.push(file);
      setImmediate(act, file);
      return file;
    },
  });
  return files;
}

const diskError = (code: string): Error => Object.assign(new Error('disk'), { code });

t.test('a file that cannot be opened', async (t) => {
  const bench = makeBench(t);
  for (const [code, status] of [
    ['EIO', 500],
    ['ENOENT', 404],
  ] as const) {
    readAs(t, (file) => file.destroy(diskError(code)));
    const answer = await bench.ask('GET /a%20b.txt');
    t.equal(answer.status, status);
    t.equal(answer.headers.get('etag'), undefined);
  }
  t.match(bench.log.find('file request failed'), [{ fields: { path: '/a%20b.txt' } }]);
});

t.test('an answer that has begun and cannot be completed is broken off', async (t) => {
  const bench = makeBench(t);
  for (const code of ['EIO', 'ENOENT']) {
    readAs(t, (file) => {
      file.give('all of');
      setImmediate(() => file.destroy(diskError(code)));
    });
    const [transport] = bench.start('GET /a%20b.txt');
    await eventually(() => transport.end !== null, 'the end');
    t.equal(transport.end, 'broken');
    t.match(transport.received, /^HTTP\/1\.1 200 OK\r\n.*all of$/s);
  }
  t.equal(bench.log.find('file request failed').length, 2);
  await eventually(() => bench.log.find('file request cut short').length === 2, 'the lines');
});

t.test('a file that shrinks meanwhile is not taken for complete', async (t) => {
  const bench = makeBench(t);
  readAs(t, (file) => {
    file.give('all of');
    file.push(null);
  });
  const [transport] = bench.start('GET /a%20b.txt');
  await eventually(() => transport.end !== null, 'the end');
  t.equal(transport.end, 'broken');
  await eventually(() => bench.log.lines.length === 1, 'the line');
  t.match(bench.log.lines, [{ message: 'file request cut short' }]);
});

t.test('the client is gone in the middle, and the file is closed', async (t) => {
  const bench = makeBench(t);
  const files = readAs(t, (file) => {
    file.give('all of');
  });
  const [transport, tunnel] = bench.start('GET /a%20b.txt');
  transport.isTaking = false;
  await eventually(() => transport.received.endsWith('all of'), 'the beginning');
  tunnel.destroy();
  await eventually(() => files[0]!.destroyed, 'the end of the file');
  t.match(bench.log.lines, [
    { level: 'debug', message: 'file request cut short', fields: { path: '/a%20b.txt' } },
  ]);
  t.notOk('status' in bench.log.lines[0]!.fields);
});

t.test('the client is gone before the file is found', async (t) => {
  let tell: (found: { kind: 'nothing' }) => void = () => undefined;
  const bench = new Bench({
    find: () =>
      new Promise((resolve) => {
        tell = resolve;
      }),
  });
  const [transport, tunnel] = bench.start('GET /a');
  await new Promise(setImmediate);
  tunnel.destroy();
  await eventually(() => bench.log.lines.length === 1, 'the line');
  tell({ kind: 'nothing' });
  await new Promise(setImmediate);
  t.equal(transport.received, '');
});

t.test(
  "a request that Node's parser does not take ends the connection without a word",
  async (t) => {
    const bench = makeBench(t);
    const transport = new Transport();
    bench.files.serve(
      new HttpTunnel(transport, transport, serviceRequest('no HTTP at all\r\n\r\n')),
    );
    await eventually(() => transport.end !== null, 'the end');
    t.equal(transport.end, 'broken');
    t.equal(transport.received, '');
  },
);

t.test('a head may be as long as our own limit', async (t) => {
  const bench = makeBench(t);
  const long = `If-None-Match: ${'x'.repeat(16_384 - 100)}`;
  t.match(await bench.ask('GET /empty', long), { status: 200 });
});

t.test('pages stand where the directory has nothing', async (t) => {
  const site = makeSite(t);
  const log = new KeptLog();
  const body = Buffer.from('a page');
  const files = new StaticFiles({
    directory: new StaticDirectory(site),
    pages: {
      takes: ({ target }) => target !== '/nothing',
      answer: ({ path: asked }, { remoteAddress }) => {
        if (asked === '/broken') throw new Error('a defect');
        return { status: 200, headers: { 'X-Asked': `${asked} ${remoteAddress}` }, body };
      },
    },
    keepAliveMs: 10_000,
    maxHead: 16_384,
    log,
  });
  const ask = async (line: string): Promise<string> => {
    const transport = new Transport();
    const request = serviceRequest(`${line} HTTP/1.1\r\nHost: h\r\n\r\n`);
    files.serve(new HttpTunnel(transport, transport, request));
    await eventually(() => transport.end !== null, 'the end of the answer');
    return transport.received;
  };
  const page = await ask('GET /page');
  t.match(page, /^HTTP\/1\.1 200 OK\r\nX-Asked: \/page 192\.0\.2\.1\r\nContent-Length: 6\r\n/);
  t.match(page, /\r\n\r\na page$/);
  t.match(await ask('HEAD /page'), /\r\nContent-Length: 6\r\n.*\r\n\r\n$/s);
  t.match(await ask('GET /file.css'), /\r\n\r\ncss$/, 'the directory comes first');
  t.match(await ask('GET /nothing'), /^HTTP\/1\.1 404 /);
  t.match(await ask('GET /broken'), /^HTTP\/1\.1 500 /);
  t.equal(log.find('file request failed').length, 1);
  t.ok(files.takes(serviceRequest('GET / HTTP/1.1\r\nHost: h\r\n\r\n').head));
});
