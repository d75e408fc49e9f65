import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { view, viewRequest, type ViewRequest } from '../../../src/cli/view/view.js';
import { ConfigError } from '../../../src/errors.js';
import type { Io, Signal } from '../../../src/cli/io.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually, within } from '../../fixtures/within.js';
import { type FakeIo, fakeIo } from '../fake-io.js';

const HEADER = '{"v":1,"ev":"file","tool":"twist/1","t":1,"redacted":true}\n';
const TOKEN = '0123456789abcdef';

const request = (
  inputs: readonly string[],
  flags: Partial<Parameters<typeof viewRequest>[1]> = {},
  setting: Parameters<typeof fakeIo>[1] = {},
): ViewRequest => viewRequest(inputs, { open: true, ...flags }, fakeIo([], setting));

t.test('what the words ask for', async (t) => {
  t.strictSame(request(['a']), {
    input: 'a',
    address: { host: '127.0.0.1', port: 0 },
    token: null,
    isFollowing: false,
    opensBrowser: false,
  });
  t.match(request(['a'], { follow: true, listen: '9002' }, { isTTY: true }), {
    address: { port: 9002 },
    isFollowing: true,
    opensBrowser: true,
  });
  t.notOk(request(['a'], { open: false }, { isTTY: true }).opensBrowser);
  const env = { TWIST_INSPECT_TOKEN: TOKEN };
  t.match(request(['a'], { listen: ':9002' }, { env }), {
    address: { host: null, port: 9002 },
    token: TOKEN,
  });
  t.equal(request(['a'], {}, { env: { TWIST_INSPECT_TOKEN: 'off' } }).token, null);
});

t.test('what they cannot ask for', async (t) => {
  for (const [inputs, flags, sentence] of [
    [[], {}, 'name a recording, or - for standard input'],
    [
      ['a', 'b'],
      {},
      'one recording at a time can be viewed: join them with twist convert --to ndjson a b | twist view -',
    ],
    [['-'], { follow: true }, '--follow needs a file: standard input is read until it ends anyway'],
    [
      ['a'],
      { listen: 'unix:/a' },
      '--listen cannot be "unix:/a": give PORT, HOST:PORT, [IPV6]:PORT or :PORT (every address)',
    ],
    [
      ['a'],
      { listen: 'wss://:1' },
      '--listen cannot be "wss://:1": give PORT, HOST:PORT, [IPV6]:PORT or :PORT (every address)',
    ],
    [
      ['a'],
      { listen: ':9002' },
      '--listen cannot be ":9002": others than this machine can reach it, so set TWIST_INSPECT_TOKEN too',
    ],
  ] as const)
    t.throws(() => request(inputs, flags), new ConfigError(sentence, { source: 'flag' }));
});

interface Run {
  readonly io: FakeIo;
  readonly exitCode: Promise<number>;
  readonly signal: (name: Signal) => void;
}

function start(
  t: Test,
  asked: Partial<ViewRequest>,
  setting: Parameters<typeof fakeIo>[1] = {},
  stdin: AsyncIterable<Uint8Array> | null = null,
): Run {
  const signals = new Map<Signal, () => void>();
  const io: FakeIo & Io = {
    ...fakeIo([], setting),
    ...(stdin !== null && { stdin: () => stdin }),
    onSignal: (name, listener) => {
      signals.set(name, listener);
      return () => undefined;
    },
  };
  const given = { address: { host: '127.0.0.1', port: 0 }, token: null, isFollowing: false };
  const exitCode = view({ ...given, opensBrowser: false, input: '-', ...asked }, io, 'none');
  const signal = (name: Signal): void => {
    signals.get(name)!();
  };
  t.teardown(() => {
    signal('SIGTERM');
  });
  return { io, exitCode, signal };
}

async function urlOf({ io }: Run): Promise<string> {
  await eventually(() => io.written.out.endsWith('\n'), 'a URL');
  return io.written.out.trimEnd().split('\n').at(-1)!;
}

t.test('a recording is shown until a signal', async (t) => {
  const input = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(input, HEADER);
  const run = start(t, { input, opensBrowser: true });
  const url = await urlOf(run);
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
  const response = await fetch(url, { redirect: 'manual' });
  t.equal(response.status, 303);
  t.not(await urlOf(run), url, 'the next browser has a URL of its own');
  run.signal('SIGINT');
  t.equal(await within(run.exitCode, 'the end'), 0);
  t.equal(run.io.written.err, '');
});

t.test('with a token of the operator it is not shown', async (t) => {
  const run = start(t, { token: TOKEN }, { input: [HEADER] });
  const url = await urlOf(run);
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  t.equal((await fetch(`${url}?token=${TOKEN}`, { redirect: 'manual' })).status, 303);
  run.signal('SIGTERM');
  t.equal(await within(run.exitCode, 'the end'), 0);
});

t.test('what cannot be shown: one sentence, and 1', async (t) => {
  const folder = makeTempDir(t);
  const file = (name: string, content: string | Uint8Array): string => {
    const made = path.join(folder, name);
    writeFileSync(made, content);
    return made;
  };
  const fifo = path.join(folder, 'pipe');
  execFileSync('mkfifo', [fifo]);
  const gzip = file('a.gz', gzipSync(HEADER));
  const text = file('a.txt', 'hello\n');
  for (const [input, sentence] of [
    [path.join(folder, 'none'), 'cannot read %: there is no such file'],
    [folder, 'cannot read %: it is a directory'],
    [fifo, 'cannot read %: it is not a regular file'],
    [text, 'cannot show %: it is no recording of twist'],
    [file('empty', ''), 'cannot show %: it is empty'],
    ['/dev/null', 'cannot read %: it is not a regular file'],
    [gzip, '% is compressed (gzip); decompress it: gunzip -c % | twist view -'],
  ] as const) {
    const { exitCode, io } = start(t, { input });
    t.equal(await exitCode, 1);
    t.equal(io.written.err, `twist: ${sentence.replaceAll('%', input)}\n`);
  }
});

t.test('a file that is followed may be empty', async (t) => {
  const input = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(input, '');
  const run = start(t, { input, isFollowing: true });
  t.match(await urlOf(run), /^http:/);
  run.signal('SIGTERM');
  t.equal(await within(run.exitCode, 'the end'), 0);
});

t.test('a signal before anything has come: there is no page', async (t) => {
  const stdin = new PassThrough();
  t.teardown(() => stdin.destroy());
  const run = start(t, {}, {}, stdin);
  run.signal('SIGINT');
  t.equal(await within(run.exitCode, 'the end'), 0);
  t.equal(run.io.written.out, '');
});

t.test('standard input that cannot be shown: one sentence, and 1', async (t) => {
  const { exitCode, io } = start(t, {}, { input: ['hello\n'] });
  t.equal(await within(exitCode, 'the end'), 1);
  t.equal(io.written.err, 'twist: cannot show standard input: it is no recording of twist\n');
  t.equal(io.written.out, '', 'there is no page');
});

t.test('a port that is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const { exitCode, io } = start(t, { address: { host: '127.0.0.1', port } }, { input: [HEADER] });
  t.equal(await exitCode, 1);
  t.equal(
    io.written.err,
    `twist: cannot listen on 127.0.0.1:${port}: the address is in use already\n`,
  );
});

t.test('an error of our own is no sentence', async (t) => {
  const io = {
    ...fakeIo([], { input: [HEADER] }),
    stdout: {
      write: () => {
        throw new Error('a defect');
      },
    },
  };
  const given = { address: { host: '127.0.0.1', port: 0 }, token: TOKEN, isFollowing: false };
  await t.rejects(view({ ...given, opensBrowser: false, input: '-' }, io, 'none'), {
    message: 'a defect',
  });
});
