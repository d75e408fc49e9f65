import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  promises,
  readFileSync,
  readdirSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { convert } from '../../../src/cli/convert/convert.js';
import { convertRequest } from '../../../src/cli/convert/request.js';
import type { ConvertFlags } from '../../../src/cli/convert/options.js';
import type { Io, Signal } from '../../../src/cli/io.js';
import { ConfigError } from '../../../src/errors.js';
import { fakeIo, type FakeIo } from '../fake-io.js';
import { openFilesIn } from '../../fixtures/open-files.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly io: FakeIo;
  readonly outcome: Promise<Outcome>;
  readonly signal: (name: Signal) => void;
  readonly listeners: Map<Signal, () => void>;
}

function start(
  inputs: readonly string[],
  flags: ConvertFlags = {},
  { io: parts = {}, ...setting }: Parameters<typeof fakeIo>[1] & { io?: Partial<Io> } = {},
): Running {
  const listeners = new Map<Signal, () => void>();
  const io: FakeIo = {
    ...fakeIo([], setting),
    onSignal: (name, listener) => {
      listeners.set(name, listener);
      return () => listeners.delete(name);
    },
    ...parts,
  };
  const request = convertRequest(inputs, flags, 0, false);
  const outcome = convert(request, io).then((code) => ({ code, ...io.written }));
  return { io, outcome, listeners, signal: (name) => listeners.get(name)?.() };
}

const run = (...given: Parameters<typeof start>): Promise<Outcome> => start(...given).outcome;

const message = (data: string): string =>
  `${JSON.stringify({ ev: 'msg', s: '01JB', t: 1, dir: 'in', op: 1, len: 5, wire: 5, data })}\n`;

const HEADER = '{"v":1,"ev":"file","tool":"twist/1.0.0","t":1}\n';

/** An output that fails with an error of the system. */
const failing = (code: string): Partial<Io> => ({
  bytes: {
    file: null,
    write: () => Promise.reject(Object.assign(new Error(code), { code, syscall: 'write' })),
  },
});

t.test('files and standard input, one after the other', async (t) => {
  const folder = makeTempDir(t);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const a = file('a', message('a'));
  const b = file('b', message('b'));
  const out = await run([a, '-', b], { to: 'ndjson' }, { input: [message('c')] });
  t.same(out, { code: 0, out: message('a') + message('c') + message('b'), err: '' });
  const text = await run([a]);
  t.match(text, { code: 0, out: /01JB → text +5 {2}a\n$/, err: '' });
  t.match(await run([file('empty', '')]), { code: 0, out: '', err: '' });
});

t.test('large inputs wait for the output', async (t) => {
  const text = Array.from({ length: 100 }, () => message('x'.repeat(10_000))).join('');
  const { out } = await run(['-'], { to: 'ndjson' }, { input: [text, text] });
  t.equal(out, text + text);
});

t.test('sessions without an end that were given up are counted', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  const fields = { ev: 'open', t: 1, id: 1, remote: 'unix', local: 'unix', tls: null, url: '/' };
  const rest = { headers: {}, subprotocol: null, extensions: null, mode: 'echo' };
  const lines = Array.from(
    { length: 17_000 },
    (_, number) => `${JSON.stringify({ ...fields, ...rest, s: `S${number}` })}\n`,
  );
  writeFileSync(file, HEADER + lines.join(''));
  const { code, err } = await run([file], { to: 'har', out: `${file}.har` });
  t.equal(code, 0);
  t.match(err, /^twist: sessions without an end that were given up, .*: \d{3}\n$/);
  const filtered = await run([file], { to: 'har', out: `${file}.har`, path: '/' });
  t.equal(filtered.err, err);
});

t.test('damaged lines', async (t) => {
  const input = [`x\n${message('a')}`, '{"ev":'];
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, 'x\n');
  t.same(await run(['-', file], { to: 'ndjson' }, { input }), {
    code: 0,
    out: message('a'),
    err: [
      'twist: standard input line 1: it is not JSON; skipped',
      'twist: standard input line 3: it has no newline at its end; skipped',
      `twist: ${file} line 1: it is not JSON; skipped`,
      '',
    ].join('\n'),
  });
  t.equal((await run([file])).code, 1, 'nothing else was there');
});

t.test('a later version of the format', async (t) => {
  const input = [HEADER, HEADER.replace('1', '2'), HEADER.replace('1', '3')];
  t.match(await run(['-'], {}, { input }), {
    code: 0,
    err: /^twist: standard input is a recording of version 2, and this twist knows version 1: some of it may be missing\n$/,
  });
});

t.test('filters', async (t) => {
  const input = [HEADER, message('a'), message('b')];
  t.same(await run(['-'], { grep: '^a', to: 'ndjson' }, { input }), {
    code: 0,
    out: HEADER + message('a'),
    err: '',
  });
  t.same(await run(['-'], { path: '/a', to: 'ndjson' }, { input }), {
    code: 0,
    out: HEADER,
    err:
      'twist: records left out because the beginning of their session is missing: 2\n' +
      'twist: none of 3 records is what the filters ask for\n',
  });
  t.same(await run(['-'], { path: '/a' }, { input: [] }), { code: 0, out: '', err: '' });
});

t.test('an output file', async (t) => {
  const folder = makeTempDir(t);
  const out = path.join(folder, 'out.ndjson');
  t.match(await run(['-'], { out }, { input: [message('a')] }), { code: 0, out: '', err: '' });
  t.equal(readFileSync(out, 'latin1'), message('a'));
  t.same(readdirSync(folder), ['out.ndjson']);
});

t.test('what cannot be read or written', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a');
  const none = path.join(folder, 'none');
  const out = path.join(folder, 'none', 'out');
  writeFileSync(file, message('a'));
  for (const [inputs, flags, sentence] of [
    [[none, file], {}, `cannot read ${none}: there is no such file`],
    [[folder], {}, `cannot read ${folder}: it is a directory`],
    [[path.join(file, 'b')], { follow: true }, `cannot read ${file}/b: there is no such file`],
    [[none, file], { follow: true }, `cannot read ${none}: there is no such file`],
    [[file], { out }, `cannot write ${out}: there is no directory ${none}`],
    [[file], { out: path.join(file, 'b') }, `cannot write ${file}/b: there is no such file`],
    [[file], { out: folder }, `cannot write ${folder}: it is a directory`],
  ] as const) {
    t.same(await run(inputs, flags), { code: 1, out: '', err: `twist: ${sentence}\n` });
  }
  t.same(await run([file], {}, { io: failing('ENOSPC') }), {
    code: 1,
    out: '',
    err: 'twist: cannot write standard output: the disk is full\n',
  });
  t.same(readdirSync(folder), ['a']);
});

t.test('an input that fails while it is read', async (t) => {
  const error = Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'read' });
  const out = path.join(makeTempDir(t), 'out');
  // eslint-disable-next-line require-yield
  async function* stdin(): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    throw error;
  }
  const { code, err } = await run(['-'], { out }, { io: { stdin } });
  t.equal(code, 1);
  t.equal(err, 'twist: cannot read standard input: the disk failed\n');
  t.same(readdirSync(path.dirname(out)), []);
});

t.test('a reader that has seen enough is no failure', async (t) => {
  const input = [message('a')];
  t.same(await run(['-'], {}, { input, io: failing('EPIPE') }), { code: 0, out: '', err: '' });
});

t.test('files in the order of their times, those of several servers at once', async (t) => {
  const folder = makeTempDir(t);
  const at = (data: string, time: number): string =>
    message(data).replace('"t":1,', `"t":${time},`);
  const file = (name: string, ...lines: string[]): string => {
    writeFileSync(path.join(folder, name), lines.join(''));
    return path.join(folder, name);
  };
  const late = file('a', at('c', 3), at('e', 5));
  const early = file('b', at('a', 1), at('b', 2), at('d', 4));
  const expected = {
    code: 0,
    out: at('a', 1) + at('b', 2) + at('c', 3) + at('d', 4) + at('e', 5),
    err: '',
  };
  t.same(await run([late, early], { to: 'ndjson' }), expected);
  const followed = start([late, early], { to: 'ndjson', follow: true });
  await eventually(() => followed.io.written.out.length === expected.out.length, 'all');
  followed.signal('SIGINT');
  t.equal((await followed.outcome).code, 0);
});

t.test('a limit ends it, also of what is endless', async (t) => {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    for (;;) yield Promise.resolve(Buffer.from(message('a')));
  }
  const { code, out, err } = await run(['-'], { to: 'ndjson', limit: '3' }, { io: { stdin } });
  t.same({ code, out, err }, { code: 0, out: message('a').repeat(3), err: '' });
});

t.test('what is buffered is shown as it comes', async (t) => {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(message('hello'));
    await new Promise(() => undefined);
  }
  const { io, signal, outcome } = start(['-'], { to: 'novnc' }, { io: { stdin } });
  await eventually(() => io.written.out.includes('hello'), 'the message');
  signal('SIGINT');
  t.equal((await outcome).code, 0);
});

t.test('a temporary file that cannot be written is not the target', async (t) => {
  const input = [message('x'.repeat(17_000_000))];
  const env = { TMPDIR: '/nowhere' };
  t.same(await run(['-'], { to: 'har' }, { input, env }), {
    code: 1,
    out: '',
    err: 'twist: cannot write a temporary file in /nowhere: there is no such file; set TMPDIR to another directory\n',
  });
});

t.test('a compressed file', async (t) => {
  const file = path.join(makeTempDir(t), 'a.gz');
  writeFileSync(file, Buffer.from('1f8b0800', 'hex'));
  t.same(await run([file]), {
    code: 1,
    out: '',
    err: `twist: ${file} is compressed (gzip); decompress it: gunzip -c ${file} | twist convert -\n`,
  });
});

t.test('what was to be followed is closed when something before it cannot be read', async (t) => {
  const folder = makeTempDir(t);
  const [compressed, followed] = [path.join(folder, 'a.gz'), path.join(folder, 'b')];
  writeFileSync(compressed, Buffer.from('1f8b0800', 'hex'));
  writeFileSync(followed, HEADER + message('b'));
  t.match(await run([compressed, followed], { follow: true }), { code: 1, err: /compressed/ });
  t.equal(openFilesIn(folder), 0);
});

t.test('colours and whole payloads, when they are asked for', async (t) => {
  const input = [message('x'.repeat(300))];
  t.match((await run(['-'], { color: 'always' }, { input })).out, '\u001b[');
  const own = await run(['-'], { color: 'never', full: true }, { input, isTTY: true });
  t.notMatch(own.out, '\u001b[');
  t.match(own.out, /x{300}\n$/);
});

t.test('a pipe among the inputs is read in its turn', async (t) => {
  const folder = makeTempDir(t);
  const fifo = path.join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  writeFileSync(path.join(folder, 'b'), message('b'));
  const outcome = run([fifo, path.join(folder, 'b')], { to: 'ndjson' });
  const writing = promises.writeFile(fifo, message('a').trimEnd());
  t.same(await outcome, { code: 0, out: message('a') + message('b'), err: '' });
  await writing;
});

t.test('a defect is not taken for a wrong file', async (t) => {
  const write = (): never => {
    throw new TypeError('a defect');
  };
  const io = { bytes: { file: null, write } };
  await t.rejects(run(['-'], {}, { input: [message('a')], io }), TypeError);
});

t.test('a format that cannot tell it', async (t) => {
  const input = [message('a'), message('b').replace('01JB', '01JC')];
  const { code, err } = await run(['-'], { to: 'novnc' }, { input });
  t.equal(code, 1);
  t.match(err, /^twist: noVNC [^\n]+\n$/);
});

t.test('the output is no input', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, message('a'));
  const name = JSON.stringify(file);
  await t.rejects(
    run(['-', file], { out: file }),
    new ConfigError(`--out cannot be ${name}: it is an input`, { source: 'flag' }),
  );
  const bytes = { file: statSync(file), write: () => Promise.resolve() };
  await t.rejects(
    run([file], {}, { io: { bytes } }),
    new ConfigError(`standard output cannot be ${name}: it is an input`, { source: 'flag' }),
  );
  const out = path.join(path.dirname(file), 'b');
  writeFileSync(out, '');
  t.equal((await run([file], { out })).code, 0);
  t.equal(readFileSync(file, 'latin1'), message('a'));
});

t.test('on a terminal there are colours, and long texts are cut', async (t) => {
  const input = [message('x'.repeat(300))];
  const { out } = await run(['-'], {}, { input, isTTY: true });
  t.match(out, '\u001b[');
  t.match(out, /[^x]x{200}[^x]/);
  const file = path.join(makeTempDir(t), 'a');
  await run(['-'], { out: file }, { input, isTTY: true });
  t.match(readFileSync(file, 'utf8'), /[^x]x{300}\n$/, 'but not in files');
  const plain = await run(['-'], {}, { input, isTTY: true, env: { NO_COLOR: '1' } });
  t.notMatch(plain.out, '\u001b[');
});

t.test('who waits sees how far it is', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a');
  const out = path.join(folder, 'b');
  writeFileSync(file, message('a'));
  let nowMs = 0;
  t.intercept(performance, 'now', { value: () => (nowMs += 2000) });
  const line = /^\r100 % {2}0 of 0 MB {2}0 MB\/s {2}1 records\r +\r$/;
  t.match((await run([file], { out }, { isTTY: true })).err, line);
  t.equal((await run([file], {}, { isTTY: true })).err, '', 'not above what it writes');
  t.equal((await run([file], { out })).err, '', 'not into a file');
  t.equal((await run([file, '-'], { out }, { isTTY: true })).err, '', 'nobody knows how far');
});

t.test('following ends with a signal, and all is written', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a');
  const out = path.join(folder, 'b');
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    writeFileSync(file, message('a'));
    const { io, outcome, signal } = start([file], { follow: true, to: 'ndjson' });
    await eventually(() => io.written.out === message('a'), 'the first message');
    writeFileSync(file, message('b'), { flag: 'a' });
    await eventually(() => io.written.out === message('a') + message('b'), 'the second one');
    signal(name);
    t.match(await outcome, { code: 0, err: '' });
  }
  const { outcome, signal, io } = start([path.join(folder, 'c')], { follow: true, out });
  await eventually(() => io.written.err !== '', 'the note');
  t.match(io.written.err, /^twist: .* is not there yet; waiting for it\n$/);
  t.notOk(existsSync(out));
  signal('SIGINT');
  t.equal((await outcome).code, 0);
  t.equal(readFileSync(out, 'latin1'), '');
});

t.test('a pipe ends with a signal in the same way', async (t) => {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(message('a'));
    await new Promise(() => undefined);
  }
  const { io, outcome, signal, listeners } = start(['-'], { to: 'ndjson' }, { io: { stdin } });
  await eventually(() => io.written.out !== '', 'the message');
  signal('SIGINT');
  t.same([...listeners], [], 'another signal ends the process');
  t.equal((await outcome).code, 0);
});

t.test('a file is converted whole or not at all', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a');
  writeFileSync(file, message('x'.repeat(1000)).repeat(2000));
  mkdirSync(path.join(folder, 'out'));
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const running = start([file], { out: path.join(folder, 'out', 'b') });
    running.signal(name);
    t.match(await running.outcome, { code, err: '' });
    t.same(readdirSync(path.join(folder, 'out')), []);
    t.same([...running.listeners], []);
  }
});

t.test('who reads along is told first what the columns and signs mean', async (t) => {
  const file = path.join(makeTempDir(t), 'a');
  writeFileSync(file, HEADER + message('hello'));
  const isShown = async (
    flags: ConvertFlags,
    setting: Parameters<typeof start>[2],
  ): Promise<boolean> => {
    const { io, outcome, signal } = start([file], { follow: true, ...flags }, setting);
    await eventually(() => io.written.out.includes('hello'), 'the record');
    signal('SIGINT');
    const { err } = await outcome;
    return err.includes('→ from a client');
  };
  t.equal(await isShown({}, { isTTY: true, env: { NO_COLOR: '1' } }), true);
  t.equal(await isShown({ color: 'always' }, { isTTY: true }), false, 'it is in color');
  t.equal(await isShown({ legend: false }, { isTTY: true }), false);
  t.equal(await isShown({ to: 'ndjson' }, { isTTY: true }), false);
  t.equal(await isShown({}, {}), false, 'no terminal');
  const stderr = { ...fakeIo([]).stderr, isTTY: false };
  t.equal(await isShown({ color: 'never' }, { isTTY: true, io: { stderr } }), false);
  const { err } = await run([file], {}, { isTTY: true });
  t.equal(err, '', 'nobody waits for what comes');
});
