/** `twist convert` as a user meets it: pipes, files that grow and move, signals, and memory. */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { LoadClient } from '../fixtures/load-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { TwistProcess, runTwist, startTwist } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(120_000);

const A = '01JBAAAAAAAAAAAAAAAAAAAAAA';
const B = '01JBBBBBBBBBBBBBBBBBBBBBBB';
const T = 1790000000;

const line = (record: object): string => `${JSON.stringify(record)}\n`;
const HEADER = line({ v: 1, ev: 'file', tool: 'twist/1.0.0', t: T });
const nothing = { tls: null, subprotocol: null, extensions: null };

function open(s: string, id: number, url: string): string {
  const ends = { remote: `127.0.0.1:${50_000 + id}`, local: '127.0.0.1:9001' };
  const headers = { host: 'localhost:9001', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  return line({ ev: 'open', s, t: T, id, ...ends, url, headers, mode: 'echo', ...nothing });
}

function text(s: string, dir: 'in' | 'out', data: string): string {
  const len = Buffer.byteLength(data);
  return line({ ev: 'msg', s, t: T + 1, dir, op: 1, len, wire: len + 6, data });
}

function close(s: string): string {
  const traffic = { msgs: 1, bytes: 5 };
  const end = { by: 'client', code: 1000, reason: 'done', in: traffic, out: traffic, dur: 2 };
  return line({ ev: 'close', s, t: T + 2, ...end });
}

const RECORDING = [
  HEADER,
  open(A, 1, '/chat?token=***'),
  open(B, 2, '/vnc'),
  text(A, 'in', 'hello'),
  text(B, 'in', 'schön \u001b[31m'),
  text(A, 'out', 'hello'),
  close(A),
  close(B),
].join('');

/** Runs a line of a shell, in which `$twist` is the command. */
async function shell(t: Test, command: string): Promise<{ stdout: string; stderr: string }> {
  const script = path.resolve('bin/twist.js');
  const twist = `env -i PATH=${String(process.env['PATH'])} ${process.execPath} ${script}`;
  const child = spawn('sh', ['-c', command], { env: { ...process.env, twist } });
  t.teardown(() => child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      said[name] += piece;
    });
  }
  await within(new Promise((resolve) => child.on('close', resolve)), command);
  return said;
}

function follow(t: Test, ...args: readonly string[]): TwistProcess {
  const twist = new TwistProcess({ args: ['convert', '-f', ...args] });
  t.teardown(() => twist.kill());
  return twist;
}

async function waitForOutput(twist: TwistProcess, wanted: string): Promise<void> {
  await eventually(
    () => twist.stdout === wanted,
    'output',
    () => twist.stdout + twist.stderr,
  );
}

t.test('a recording passes through a pipe as it is', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, RECORDING);
  const piped = await shell(t, `cat ${file} | $twist convert - --to ndjson | cat`);
  t.strictSame(piped, { stdout: RECORDING, stderr: '' });
  t.strictSame(await shell(t, `$twist convert --to=ndjson ${file} > ${file}.copy`), {
    stdout: '',
    stderr: '',
  });
  t.equal(readFileSync(`${file}.copy`, 'utf8'), RECORDING);
});

t.test('as text, nothing in it reaches the terminal', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, RECORDING);
  const { ending, stdout, stderr } = await runTwist(t, { args: ['convert', file] });
  t.equal(ending, 0);
  t.equal(stderr, '');
  t.match(stdout, '14:13:21.000000 BBBB → text          12  schön \\u001b[31m\n');
  t.match(stdout, /^[^\x00-\x09\x0b-\x1f]+$/); // eslint-disable-line no-control-regex
  t.equal(stdout.split('\n').length, 10, 'a line for each record, and one for the day');
});

t.test('filters', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, RECORDING);
  const own = HEADER + open(A, 1, '/chat?token=***');
  for (const [flags, expected] of [
    [['--session', '1'], own + text(A, 'in', 'hello') + text(A, 'out', 'hello') + close(A)],
    [['--path', '/chat', '--dir', 'out'], own + text(A, 'out', 'hello') + close(A)],
    [
      ['--grep', 'sch.n'],
      HEADER + open(B, 2, '/vnc') + text(B, 'in', 'schön \u001b[31m') + close(B),
    ],
    [['--since', '2026-09-21T14:13:22Z', '--path', '/chat*'], own + close(A)],
  ] as const) {
    const args = ['convert', file, '--to', 'ndjson', ...flags];
    t.strictSame(await runTwist(t, { args }), { ending: 0, stdout: expected, stderr: '' });
  }
});

t.test('every format, by the name of the output', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.ndjson');
  writeFileSync(file, RECORDING);
  for (const [name, flags, start] of [
    ['a.har', [], '{"log":{'],
    ['a.pcapng', [], '\n\r\r\n'],
    ['a.txt', [], '──── 2026-09-21'],
    ['b.ndjson', [], '{"v":1'],
    ['a.js', ['--session', A], ''],
  ] as const) {
    const out = path.join(folder, name);
    t.strictSame(await runTwist(t, { args: ['convert', file, '-o', out, ...flags] }), {
      ending: 0,
      stdout: '',
      stderr: '',
    });
    const content = readFileSync(out, 'utf8');
    t.ok(content.length > 20 && content.startsWith(start), name);
  }
  const { log } = JSON.parse(readFileSync(path.join(folder, 'a.har'), 'utf8')) as {
    log: { entries: unknown[] };
  };
  t.equal(log.entries.length, 2);
  t.same(readdirSync(folder).sort(), [
    'a.har',
    'a.js',
    'a.ndjson',
    'a.pcapng',
    'a.txt',
    'b.ndjson',
  ]);
});

t.test('damaged lines are skipped, named and counted', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  const good = text(A, 'in', 'hello');
  writeFileSync(file, `${HEADER}{"ev":"msg"\n${good}\0\0\0\n${good}{"ev":"msg","s"`);
  t.strictSame(await runTwist(t, { args: ['convert', file, '--to', 'ndjson'] }), {
    ending: 0,
    stdout: HEADER + good + good,
    stderr: [
      `twist: ${file} line 2: it is not JSON; skipped`,
      `twist: ${file} line 4: it is not JSON; skipped`,
      `twist: ${file} line 6: it has no newline at its end; skipped`,
      '',
    ].join('\n'),
  });
  writeFileSync(file, 'x\n'.repeat(1000));
  const { ending, stderr } = await runTwist(t, { args: ['convert', file] });
  t.equal(ending, 1);
  t.match(stderr, /\ntwist: 980 more damaged lines skipped\n$/);
});

t.test('wrong usage, and files that cannot be read or written', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.ndjson');
  writeFileSync(file, RECORDING);
  for (const [args, ending, sentence] of [
    [[], 2, 'name a recording, or - for standard input; see twist convert --help'],
    [[file, '--to', 'gif'], 2, '--to cannot be "gif": give text, ndjson, har, pcapng or novnc'],
    [[file, '-o', file], 2, `--out cannot be "${file}": it is an input`],
    [[`${file}.x`], 1, `cannot read ${file}.x: there is no such file`],
    [[folder], 1, `cannot read ${folder}: it is a directory`],
    [[file, '-o', `${file}/b`], 1, `cannot write ${file}/b: there is no such file`],
  ] as const) {
    t.strictSame(await runTwist(t, { args: ['convert', ...args] }), {
      ending,
      stdout: '',
      stderr: `twist: ${sentence}\n`,
    });
  }
  const own = await shell(t, `$twist convert --to ndjson ${file} >> ${file}`);
  t.equal(own.stderr, `twist: standard output cannot be "${file}": it is an input\n`);
  t.equal(readFileSync(file, 'utf8'), RECORDING);
});

t.test('a disk that is full', { skip: !existsSync('/dev/full') && 'no /dev/full' }, async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, RECORDING);
  for (const [redirect, name] of [
    ['> /dev/full', 'standard output'],
    ['-o /dev/full', '/dev/full'],
  ] as const) {
    const { stdout, stderr } = await shell(
      t,
      `{ $twist convert ${file} ${redirect}; } ; echo $? >&2`,
    );
    t.equal(stdout, '');
    t.equal(stderr, `twist: cannot write ${name}: the disk is full\n1\n`);
  }
});

t.test('a reader that goes away ends it, quietly', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, RECORDING + text(A, 'in', 'x'.repeat(1000)).repeat(10_000));
  const command = `{ $twist convert --to ndjson ${file}; echo $? >&2; } | head -n 1`;
  t.strictSame(await shell(t, command), { stdout: HEADER, stderr: '0\n' });
});

t.test('following: growth, rotation, truncation, and a signal', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  const twist = follow(t, file, '--to', 'ndjson');
  await eventually(() => twist.stderr !== '', 'the note');
  t.equal(twist.stderr, `twist: ${file} is not there yet; waiting for it\n`);
  let wanted = '';
  const add = async (name: string, piece: string): Promise<void> => {
    appendFileSync(name, piece);
    wanted += piece;
    await waitForOutput(twist, wanted);
  };
  await add(file, HEADER);
  await add(file, open(A, 1, '/'));
  const message = text(A, 'in', 'in two pieces');
  appendFileSync(file, message.slice(0, 30));
  appendFileSync(file, message.slice(30));
  wanted += message;
  await waitForOutput(twist, wanted);
  renameSync(file, `${file}.1`);
  await add(`${file}.1`, text(A, 'in', 'still in the old one'));
  await add(file, HEADER + text(A, 'in', 'in the new one'));
  writeFileSync(file, '');
  await eventually(() => twist.stderr.includes('truncated'), 'the truncation');
  await add(file, text(A, 'in', 'and again'));
  t.equal(await twist.stop('SIGINT'), 0);
  t.equal(twist.stdout, wanted);
});

/** Equal, without thousands of lines when not. */
function sameTexts(t: Test, found: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((text, index) => found[index] !== text);
  const around = (texts: readonly string[]): string[] => (at < 0 ? [] : texts.slice(at, at + 5));
  t.strictSame(around(found), around(expected));
  t.equal(found.length, expected.length);
}

/** All but the locks. */
const recordingsIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .map((name) => path.join(directory, name));

/** What is in a file that may be renamed at any moment. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Lines of messages that a client has sent, in the order in which they stand there. */
const sentIn = (text: string): string[] =>
  text.split('\n').flatMap((each) => /"dir":"in".*"data":"([^":]+:\d+)/.exec(each)?.[1] ?? []);

t.test(
  'following a server: through fast rotations and kill -9, nothing is lost and nothing comes twice',
  async (t) => {
    const file = path.join(makeTempDir(t), 'traffic.ndjson');
    const twist = follow(t, file, '--to', 'ndjson');
    // What is there before it looks is not read.
    await eventually(() => twist.stderr !== '', 'the note');
    const load = { count: 3000, bytes: 300, window: 50 };
    for (const name of ['one', 'two']) {
      const server = await startTwist(t, ['--record', file, '--record-rotate', '64k']);
      const client = await LoadClient.open(server.port, { name, ...load });
      await client.run();
      // What the files have by then stays.
      const written = (): number =>
        recordingsIn(path.dirname(file))
          .flatMap((one) => sentIn(textOf(one)))
          .filter((one) => one.startsWith(name)).length;
      await eventually(() => written() === load.count, 'the records', written);
      await server.stop(name === 'one' ? 'SIGKILL' : 'SIGTERM');
    }
    const files = recordingsIn(path.dirname(file));
    t.ok(files.length > 20, `${files.length} files`);
    const expected = ['one', 'two'].flatMap((name) =>
      Array.from({ length: load.count }, (_, index) => `${name}:${index}`),
    );
    await eventually(
      () => sentIn(twist.stdout).length >= expected.length,
      'all messages',
      () => String(sentIn(twist.stdout).length),
    );
    t.equal(await twist.stop('SIGINT'), 0);
    sameTexts(t, sentIn(twist.stdout), expected);
    t.notMatch(twist.stderr, 'skipped');
    // All of them at once, in whatever order a shell names them.
    const paths = files.sort().reverse();
    const all = await runTwist(t, { args: ['convert', '--to', 'ndjson', ...paths] });
    sameTexts(t, sentIn(all.stdout), expected);
  },
);

t.test('following names by time', async (t) => {
  const directory = makeTempDir(t);
  const pattern = path.join(directory, 'traffic-%H%M%S.ndjson');
  const twist = follow(t, pattern, '--to', 'ndjson');
  await eventually(() => twist.stderr !== '', 'the note');
  const server = await startTwist(t, ['--record', pattern]);
  const client = await LoadClient.open(server.port, {
    name: 'a',
    count: 300,
    bytes: 100,
    window: 1,
  });
  const sent = client.run();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await sent;
  const later = await LoadClient.open(server.port, {
    name: 'b',
    count: 300,
    bytes: 100,
    window: 1,
  });
  await later.run();
  t.equal(await server.stop(), 0);
  await eventually(
    () => sentIn(twist.stdout).length === 600,
    'all messages',
    () => String(sentIn(twist.stdout).length),
  );
  t.ok(readdirSync(directory).length > 1);
  t.equal(await twist.stop('SIGINT'), 0);
});

t.test('following in other formats shows what there is', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  writeFileSync(file, HEADER + open(A, 1, '/') + text(A, 'out', 'hello'));
  for (const format of ['pcapng', 'novnc', 'text']) {
    const twist = follow(t, file, '--to', format);
    await eventually(() => twist.stdout.includes('hello'), format);
    t.equal(await twist.stop('SIGINT'), 0);
  }
});

t.test('a last line without a newline, a limit, and Ctrl-C in the middle of a line', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  const messages = ['1', '2', '3'].map((data) => text(A, 'in', data));
  writeFileSync(file, (HEADER + messages.join('')).trimEnd());
  const args = ['convert', file, '--to', 'ndjson'];
  t.strictSame(await runTwist(t, { args }), {
    ending: 0,
    stdout: HEADER + messages.join(''),
    stderr: '',
  });
  const limited = await runTwist(t, { args: [...args, '--limit', '2'] });
  t.strictSame(limited, { ending: 0, stdout: HEADER + messages.slice(0, 2).join(''), stderr: '' });
  writeFileSync(file, `${HEADER}{"ev":"ms`);
  const twist = follow(t, file, '--to', 'ndjson');
  await waitForOutput(twist, HEADER);
  t.equal(await twist.stop('SIGINT'), 0);
  t.equal(twist.stderr, '');
});

t.test(
  'a compressed file, a directory that is missing, a full TMPDIR, an ending that tells nothing',
  async (t) => {
    const folder = makeTempDir(t);
    const file = path.join(folder, 'a.ndjson');
    writeFileSync(file, RECORDING);
    const gzip = path.join(folder, 'a.gz');
    execFileSync('sh', ['-c', `gzip -c ${file} > ${gzip}`]);
    const large = path.join(folder, 'large.ndjson');
    writeFileSync(large, HEADER + open(A, 1, '/') + text(A, 'in', 'x'.repeat(17e6)));
    for (const [args, ending, sentence] of [
      [
        [gzip],
        1,
        `${gzip} is compressed (gzip); decompress it: gunzip -c ${gzip} | twist convert -`,
      ],
      [
        [file, '-o', '/nonexistent/x.har'],
        1,
        'cannot write /nonexistent/x.har: there is no directory /nonexistent',
      ],
      [
        [file, '-o', 'x.json'],
        2,
        '--out cannot be "x.json": its ending tells no format; give --to text, ndjson, har, pcapng or novnc',
      ],
      [
        [large, '--to', 'har'],
        1,
        'cannot write a temporary file in /nonexistent: there is no such file; set TMPDIR to another directory',
      ],
    ] as const) {
      const said = await runTwist(t, {
        args: ['convert', ...args],
        env: { TMPDIR: '/nonexistent' },
      });
      t.strictSame([said.ending, said.stderr], [ending, `twist: ${sentence}\n`]);
    }
  },
);

t.test('a signal while following makes the output whole', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.ndjson');
  const out = path.join(folder, 'a.har');
  writeFileSync(file, RECORDING);
  const twist = follow(t, file, '-o', out);
  await eventually(() => readdirSync(folder).length === 2, 'the draft');
  t.notOk(existsSync(out));
  // Nothing tells from outside that all was read; the file is small.
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal(await twist.stop('SIGTERM'), 0);
  t.match(JSON.parse(readFileSync(out, 'utf8')), { log: { entries: [{}, {}] } });
  t.same(readdirSync(folder).sort(), ['a.har', 'a.ndjson']);
});

t.test('memory does not depend on the size of the recording', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'a.ndjson');
  const block = Buffer.from(
    Array.from({ length: 4000 }, (_, index) =>
      text(index % 2 === 0 ? A : B, index % 3 === 0 ? 'in' : 'out', `message ${index}`.repeat(10)),
    ).join(''),
  );
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, HEADER + open(A, 1, '/') + open(B, 2, '/vnc'));
  for (let size = 0; size < 300e6; size += block.length) writeSync(descriptor, block);
  closeSync(descriptor);
  t.ok(statSync(file).size > 300e6);
  const peak =
    "import{readFileSync}from'node:fs';process.on('exit',()=>console.error(/VmHWM.*/.exec(readFileSync('/proc/self/status'))[0]))";
  for (const flags of [
    ['--to', 'text'],
    ['--to', 'ndjson'],
    ['--to', 'ndjson', '--grep', 'message 3999', '--path', '/vnc'],
  ]) {
    const { ending, stderr } = await runTwist(t, {
      nodeArgs: [`--import=data:text/javascript,${encodeURIComponent(peak)}`],
      args: ['convert', file, '--out', '/dev/null', ...flags],
    });
    t.equal(ending, 0);
    const peakMiB = Number(/^VmHWM:\s+(\d+) kB\n$/.exec(stderr)?.[1]) / 1024;
    t.ok(peakMiB < 150, `${flags.join(' ')}: ${peakMiB} MiB`);
  }
  rmSync(file);
});
