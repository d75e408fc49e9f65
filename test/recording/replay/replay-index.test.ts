import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import {
  type ReplaySession,
  findReplaySessions,
  readReplaySessions,
} from '../../../src/recording/replay/replay-index.js';
import { FILE, RecordedLines, writeRecording } from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

interface Outcome {
  readonly sessions: readonly ReplaySession[];
  readonly damage: readonly string[];
}

async function read(t: Test, lines: readonly (AnyRecord | string)[]): Promise<Outcome> {
  const damage: string[] = [];
  const sessions = await readReplaySessions(writeRecording(t, lines), (line, reason) => {
    damage.push(`${line}: ${reason}`);
  });
  return { sessions, damage };
}

t.test('sessions, in the order in which they begin', async (t) => {
  const a = new RecordedLines('A');
  const b = new RecordedLines('B');
  const open = a.open({ url: '/x?token=***', subprotocol: 'binary', extensions: 'e', id: 7 });
  const { sessions, damage } = await read(t, [
    open,
    b.open({ url: 'ws://host' }),
    a.in('one'),
    a.out('two', { part: 'first' }),
    a.out('', { part: 'last', cut: true }),
    { ev: 'gap', t: 1000, since: 1000, records: 1, error: 'ENOSPC' },
    FILE,
    a.close(),
    a.in('after its end'),
    b.control('in', 9),
  ]);
  t.strictSame(damage, []);
  const startOffset = Buffer.byteLength(`${JSON.stringify(FILE)}\n`);
  t.strictSame(sessions, [
    {
      s: 'A',
      id: 7,
      path: '/x',
      subprotocol: 'binary',
      extensions: 'e',
      firstLine: 2,
      startOffset,
      lastLine: 9,
      messages: { in: 1, out: 1 },
      cutOut: 1,
    },
    {
      s: 'B',
      id: 1,
      path: '/',
      subprotocol: null,
      extensions: null,
      firstLine: 3,
      startOffset: startOffset + Buffer.byteLength(`${JSON.stringify(open)}\n`),
      lastLine: 11,
      messages: { in: 0, out: 0 },
      cutOut: 0,
    },
  ]);
});

t.test('as many sessions as can be kept, and one more', async (t) => {
  const lines = ['A', 'B'].flatMap((s) => [
    new RecordedLines(s).open({ url: '/abc', subprotocol: 'binary', extensions: 'e' }),
    new RecordedLines(s).in('x'.repeat(10_000)),
  ]);
  const file = writeRecording(t, lines);
  const nothing = (): void => undefined;
  // Each 600 bytes, and two for each character of its name, path, subprotocol and extensions.
  const bytes = 2 * (600 + 2 * (1 + 4 + 6 + 1));
  t.equal((await readReplaySessions(file, nothing, bytes)).length, 2);
  await t.rejects(
    readReplaySessions(file, nothing, bytes - 1),
    /^it has more sessions than can be kept;/,
  );
  await t.rejects(readReplaySessions(file, nothing, 1200), {
    message: /twist convert --to ndjson$/,
  });
});

t.test('a session without its beginning, and lines that cannot be read', async (t) => {
  const a = new RecordedLines('A');
  const { sessions, damage } = await read(t, ['{', a.in('x', { cut: true }), 'nonsense']);
  t.match(sessions, [{ s: 'A', id: null, path: null, firstLine: 3, lastLine: 3, cutOut: 0 }]);
  t.match(damage, [/^2: /, /^4: /]);
});

t.test('a file that is larger than what is read at once, and ends inside a line', async (t) => {
  const a = new RecordedLines('A');
  const file = writeRecording(t, [
    a.open(),
    ...Array<AnyRecord>(20).fill(a.out('x'.repeat(60_000))),
  ]);
  writeFileSync(file, '{"ev":"clo', { flag: 'a' });
  const damage: number[] = [];
  const sessions = await readReplaySessions(file, (line) => damage.push(line));
  t.match(sessions, [{ messages: { in: 0, out: 20 }, lastLine: 22 }]);
  t.strictSame(damage, [23]);
});

t.test('what cannot be read at all', async (t) => {
  const folder = makeTempDir(t);
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const never = (): void => {
    throw new Error('not expected');
  };
  await t.rejects(readReplaySessions(path.join(folder, 'none'), never), { code: 'ENOENT' });
  await t.rejects(readReplaySessions(folder, never), { code: 'EISDIR' });
  await t.rejects(readReplaySessions(pipe, never), new Error('it is not a regular file'));
});

t.test('which session is meant', async (t) => {
  const sessions = [
    { s: '01AB', id: 1 },
    { s: '01AC', id: 2 },
    { s: '01ACX', id: 1 },
    { s: '3', id: 9 },
    { s: 'lower', id: null },
    { s: '7UP', id: null },
  ] as unknown as readonly ReplaySession[];
  for (const [choice, found] of [
    ['01AB', ['01AB']],
    ['01ab', ['01AB']],
    ['01A', ['01AB', '01AC', '01ACX']],
    ['01AC', ['01AC']],
    ['1', ['01AB', '01ACX']],
    ['2', ['01AC']],
    ['9', ['3']],
    ['3', ['3']],
    ['low', ['lower']],
    ['7', ['7UP']],
    ['8', []],
  ] as const) {
    t.strictSame(
      findReplaySessions(sessions, choice).map(({ s }) => s),
      found,
      choice,
    );
  }
});

t.test('a last line without a newline, and a text that is none', async (t) => {
  const a = new RecordedLines('A');
  const broken = { op: 1, b64: '/w==' } as const;
  const file = writeRecording(t, [
    a.open(),
    a.out('', broken),
    a.out('', { ...broken, part: 'first' }),
  ]);
  writeFileSync(file, JSON.stringify(a.out('last')), { flag: 'a' });
  const damage: string[] = [];
  const sessions = await readReplaySessions(file, (line, reason) =>
    damage.push(`${line}: ${reason}`),
  );
  t.match(sessions, [{ messages: { out: 3 }, lastLine: 5 }]);
  t.strictSame(damage, ['3: its text is not UTF-8, and is sent as binary']);
});
