import { truncateSync, writeFileSync } from 'node:fs';
import type { FileHandle, open as openFile } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import t, { type Test } from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { readReplaySessions } from '../../../src/recording/replay/replay-index.js';
import { ReplayScript, type ReplayStep } from '../../../src/recording/replay/replay-script.js';
import {
  RecordedLines,
  closePayload,
  recordingText,
  writeRecording,
} from '../../fixtures/recorded-lines.js';

const a = new RecordedLines('A');
const b = new RecordedLines('B');

interface Opened {
  readonly file: string;
  readonly script: ReplayScript;
}

/** Opens the session A of a recording. */
async function open(t: Test, lines: readonly (AnyRecord | string)[]): Promise<Opened> {
  const file = writeRecording(t, lines);
  const sessions = await readReplaySessions(file, () => undefined);
  const session = sessions.find(({ s }) => s === 'A')!;
  const script = await ReplayScript.open(file, session);
  t.teardown(() => script.close());
  return { file, script };
}

async function readAll(script: ReplayScript): Promise<ReplayStep[]> {
  const all: ReplayStep[] = [];
  for (;;) {
    const steps = await script.read();
    if (steps === null) return all;
    if (steps.length === 0) throw new Error('at least one at a time');
    all.push(...steps);
  }
}

/** A step in short: `12.5 out F- 1 hello`. */
function brief(step: ReplayStep): string {
  const { kind, t } = step;
  if (kind === 'client-close') return `${t} ${kind}`;
  if (kind === 'server-close') return `${t} ${kind} ${step.code} ${step.reason}`;
  const { dir, opcode, payload, lengthBytes, isFirst, isLast } = step;
  const text = Buffer.from(payload).toString();
  const length = lengthBytes === payload.length ? '' : ` of ${lengthBytes}`;
  return `${t} ${dir} ${isFirst ? 'F' : '-'}${isLast ? 'L' : '-'} ${opcode} ${text}${length}`;
}

async function stepsOf(t: Test, lines: readonly (AnyRecord | string)[]): Promise<string[]> {
  const { script } = await open(t, lines);
  return (await readAll(script)).map(brief);
}

t.test('the steps of one session among others', async (t) => {
  const { script } = await open(t, [
    b.open({ t: 999 }),
    a.open({ t: 1000.5 }),
    b.out('not ours'),
    a.in('one', { t: 1001 }),
    'damaged',
    a.control('in', 9),
    a.out('', { t: 1002, op: 2, b64: 'dHdv' }),
    a.control('out', 10),
    { ev: 'target', s: 'A', t: 1002, state: 'ended', target: 'x:1' },
    a.close('client', { t: 1003 }),
    b.in('not ours'),
    a.in('behind its end'),
  ]);
  t.equal(script.startTime, 1000.5);
  t.strictSame((await readAll(script)).map(brief), ['1001 in FL 1 one', '1002 out FL 2 two']);
  t.equal(await script.read(), null, 'and so it stays');
});

t.test('which side closed, and how', async (t) => {
  const bye = closePayload(1001, 'bye');
  for (const [lines, expected] of [
    [[], []],
    [[a.close('lost', { code: 1006 })], []],
    [[a.close('client', { code: 1001 })], []],
    [[a.close('server', { t: 2000, code: 4000, reason: 'x' })], ['2000 server-close 4000 x']],
    [[a.close('server', { t: 2000, code: 1005 })], ['2000 server-close 1005 ']],
    [[a.close('server', { t: 2000, code: 1006 })], ['2000 server-close 1000 ']],
    [
      [a.control('out', 8, bye, 1500), a.control('in', 8, bye), a.close('server', { t: 2000 })],
      ['1500 server-close 1001 bye'],
    ],
    [[a.control('out', 8, Buffer.alloc(0), 1500)], ['1500 server-close 1005 ']],
    [[a.control('out', 8, Buffer.alloc(1), 1500)], ['1500 server-close 1000 ']],
    [
      [
        a.control('in', 8, bye, 1500),
        a.out('late'),
        a.control('out', 8, bye, 1501),
        a.close('client'),
      ],
      ['1500 client-close', '1000 out FL 1 late'],
    ],
  ] as const) {
    t.strictSame(await stepsOf(t, [a.open(), ...lines]), expected);
  }
});

t.test('pieces, and those that are missing', async (t) => {
  t.strictSame(
    await stepsOf(t, [
      a.in('1', { part: 'first', op: 2 }),
      a.out('whole'),
      a.in('2', { part: 'middle', op: 2 }),
      a.in('3', { part: 'last', op: 2 }),
      a.out('4', { part: 'first', op: 2 }),
      a.out('next', { t: 1001 }),
      a.out('rest', { part: 'last' }),
    ]),
    [
      '1000 in F- 2 1',
      '1000 out FL 1 whole',
      '1000 in -- 2 2',
      '1000 in -L 2 3',
      '1000 out F- 2 4',
      '1001 out -L 2 ',
      '1001 out FL 1 next',
      '1000 out FL 1 rest',
    ],
  );
});

t.test('payloads that are cut, and lengths that do not fit', async (t) => {
  t.strictSame(
    await stepsOf(t, [
      a.in('hel', { len: 5, cut: true }),
      a.in('hello', { len: 3, cut: true }),
      a.in('edited by hand', { len: 3 }),
    ]),
    ['1000 in FL 1 hel of 5', '1000 in FL 1 hello', '1000 in FL 1 edited by hand'],
  );
});

t.test('more than is read at once: lines of all lengths', async (t) => {
  const payloads = Array.from({ length: 40 }, (_, index) => 'x'.repeat(index * 4000));
  const { script } = await open(t, [a.open(), ...payloads.map((data) => a.out(data))]);
  const first = (await script.read())!;
  t.ok(first.length < 20, `${first.length} steps are read at first`);
  const steps = [...first, ...(await readAll(script))];
  t.strictSame(
    steps.map((step) => step.kind === 'message' && step.payload.length),
    payloads.map(({ length }) => length),
  );
});

t.test('lines that end in CRLF', async (t) => {
  const file = writeRecording(t, []);
  writeFileSync(file, recordingText([a.open(), a.out('one')]).replaceAll('\n', '\r\n'));
  const [session] = await readReplaySessions(file, () => undefined);
  const script = await ReplayScript.open(file, session!);
  t.strictSame((await readAll(script)).map(brief), ['1000 out FL 1 one']);
  await script.close();
});

t.test('a file that is another one by now', async (t) => {
  const file = writeRecording(t, [a.open(), a.out('x'.repeat(200_000)), a.close()]);
  const [session] = await readReplaySessions(file, () => undefined);
  const changed = new Error('it has changed since the server was started');
  const script = await ReplayScript.open(file, session!);
  truncateSync(file, 70_000);
  await t.rejects(readAll(script), changed, 'shorter while it is read');
  await script.close();
  for (const text of ['', 'x'.repeat(1000), recordingText([b.open(), b.open(), b.open()])]) {
    writeFileSync(file, text);
    await t.rejects(ReplayScript.open(file, session!), changed, text.slice(0, 20));
  }
  await t.rejects(ReplayScript.open(`${file}x`, session!), { code: 'ENOENT' });
});

t.test('it ends where it ended, though the file has gone on', async (t) => {
  const lines = [a.open(), a.out('one')];
  const { file, script } = await open(t, lines);
  writeFileSync(file, recordingText([a.out('two')]), { flag: 'a' });
  t.strictSame((await readAll(script)).map(brief), ['1000 out FL 1 one']);
});

t.test('the file is closed once, whatever comes of it', async (t) => {
  let closings = 0;
  const { ReplayScript: Watched } = await t.mockImport<{ ReplayScript: typeof ReplayScript }>(
    '../../../src/recording/replay/replay-script.js',
    {
      'node:fs/promises': {
        ...fs,
        open: async (...args: Parameters<typeof openFile>): Promise<FileHandle> => {
          const handle = await fs.open(...args);
          const close = handle.close.bind(handle);
          handle.close = async (): Promise<void> => {
            closings++;
            await close();
            throw new Error('EIO');
          };
          return handle;
        },
      },
    },
  );
  const file = writeRecording(t, [a.open()]);
  const [session] = await readReplaySessions(file, () => undefined);
  const script = await Watched.open(file, session!);
  await script.close();
  await script.close();
  t.equal(closings, 1);
  writeFileSync(file, '');
  await t.rejects(Watched.open(file, session!));
  t.equal(closings, 2, 'also when it cannot be replayed');
});

t.test('a last line without a newline', async (t) => {
  const file = writeRecording(t, [a.open()]);
  writeFileSync(file, JSON.stringify(a.out('last')), { flag: 'a' });
  const [session] = await readReplaySessions(file, () => undefined);
  const script = await ReplayScript.open(file, session!);
  t.teardown(() => script.close());
  t.strictSame((await readAll(script)).map(brief), ['1000 out FL 1 last']);
});

t.test('a text in base64 is sent as text', async (t) => {
  const b64 = Buffer.from('hé\u0001').toString('base64');
  const steps = await stepsOf(t, [a.open(), a.out('', { op: 1, b64, len: 4 })]);
  t.match(steps, [/ out FL 1 /]);
});

t.test('a text that is not UTF-8 is sent as binary', async (t) => {
  const steps = await stepsOf(t, [
    a.open(),
    a.out('', { op: 1, b64: '/w==' }),
    a.in('', { op: 1, b64: '/w==' }),
  ]);
  t.match(steps, [/ out FL 2 /, / in FL 1 /]);
});

t.test('what was read is charged until the next is read, and to the end at most', async (t) => {
  const file = writeRecording(t, [
    a.open(),
    a.out('x'.repeat(100_000)),
    a.out('y'.repeat(100_000)),
    a.out('z'.repeat(100_000)),
  ]);
  const [session] = await readReplaySessions(file, () => undefined);
  const memory = new MemoryAccount();
  const script = await ReplayScript.open(file, session!, memory);
  t.ok(memory.bytes > 0, 'a line that has begun');
  for (let count = 0; count < 3; count++) {
    await script.read();
    t.ok(memory.bytes >= 100_000);
    t.ok(memory.bytes < 300_000, 'one message and one line');
    t.equal(memory.bytes, script.heldBytes);
  }
  t.equal(await script.read(), null);
  t.equal(memory.bytes, 0);
  await script.close();

  const early = await ReplayScript.open(file, session!, memory);
  const reading = early.read().catch(() => null);
  await early.close();
  await reading;
  t.equal(memory.bytes, 0, 'a read that was under way adds nothing');
});
