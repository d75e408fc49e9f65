import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  openSync,
  readSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { FileStore, type FileStoreOptions } from '../../../src/inspect/store/file-store.js';
import { WorkQueue } from '../../../src/inspect/store/work-queue.js';
import { smallMessage } from '../../fixtures/inspected.js';
import {
  FILE,
  RecordedLines,
  recordingText,
  writeRecording,
} from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const A = new RecordedLines('A');

function opened(t: Test, file: string, options: FileStoreOptions = {}): FileStore {
  const store = new FileStore(file, options);
  t.teardown(() => {
    store.close();
  });
  return store;
}

/** With all of its index. */
function indexed(t: Test, file: string, options: FileStoreOptions = {}): FileStore {
  const store = opened(t, file, options);
  while (!store.work(() => false));
  return store;
}

const linesOf = (store: FileStore): string[] =>
  Array.from({ length: store.index.end }, (_, n) => store.line(n).toString());

function written(t: Test, text: string): string {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  writeFileSync(file, text);
  return file;
}

t.test('records of a file, whatever stands between them', async (t) => {
  const records = [A.open(), A.in('é'), A.out('x')];
  const [open, ...rest] = records;
  const file = writeRecording(t, [open!, '', 'damaged', ...rest, '{"ev":"new"}']);
  const store = indexed(t, file);
  t.strictSame(
    linesOf(store),
    records.map((record) => JSON.stringify(record)),
  );
  t.match(store, { damaged: 1, lost: 0, progress: 1, fault: null, hasEnded: true, source: 'file' });
  t.match(store.file, { name: 'traffic.ndjson' });
  t.ok(store.usedBytes > 0);
});

t.test('the index is made in turns of the event loop', async (t) => {
  const queue = new WorkQueue();
  const file = written(t, smallMessage('A', 'in', 1).repeat(50_000));
  const store = opened(t, file, { queue });
  t.equal(store.progress, 0);
  t.notOk(store.hasEnded);
  t.notOk(
    store.work(() => true),
    'there is more',
  );
  t.ok(store.progress > 0 && store.progress < 1);
  const { usedBytes } = store;
  t.ok(usedBytes > 1024 ** 2, 'with what it reads into');
  while (queue.size > 0) await new Promise(setImmediate);
  t.equal(store.index.end, 50_000);
  t.equal(store.line(49_999).toString(), smallMessage('A', 'in', 1).trimEnd());
});

t.test('an empty file, and one whose last line has no end', async (t) => {
  t.match(indexed(t, written(t, '')), { progress: 1, hasEnded: true });
  const whole = JSON.stringify(A.in('last'));
  t.strictSame(
    linesOf(indexed(t, written(t, `${recordingText([A.in('a')])}${whole}`))).at(-1),
    whole,
  );
  const half = indexed(t, written(t, `${recordingText([A.in('a')])}${whole.slice(0, 30)}`));
  t.match(half, { damaged: 1, progress: 1 });
});

t.test('long lines, and such as are too long', async (t) => {
  const long = JSON.stringify(A.in('y'.repeat(3_000_000)));
  const rest = recordingText([A.in('b'), A.out('c')]);
  const file = written(t, `${recordingText([A.in('a')])}${long}\n${rest}`);
  t.strictSame(linesOf(indexed(t, file)), [
    JSON.stringify(A.in('a')),
    long,
    ...rest.trimEnd().split('\n'),
  ]);
  const limited = indexed(t, file, { maxLineBytes: 1024 ** 2 });
  t.match(limited, { damaged: 0, tooLong: 1, maxLineBytes: 1024 ** 2, progress: 1 });
  t.strictSame(linesOf(limited).length, 3, 'it is left out');
  const endless = indexed(t, written(t, 'x'.repeat(5_000_000)), { maxLineBytes: 1024 ** 2 });
  t.match(endless, { damaged: 0, tooLong: 1, hasEnded: true });
});

t.test('a record that much rubbish follows', async (t) => {
  const rubbish = 'x\n'.repeat(200_000);
  const lines = [A.in('a'), A.in('b')].map((record) => JSON.stringify(record));
  const store = indexed(t, written(t, lines.join(`\n${rubbish}`)));
  t.strictSame(linesOf(store), lines);
  t.equal(store.damaged, 200_000);
});

t.test('a record that is followed by more than a block of rubbish without a line', async (t) => {
  const lines = [A.in('a'), A.in('b')].map((record) => JSON.stringify(record));
  const file = written(t, lines.join(`\n${'x'.repeat(300_000)}\n`));
  const store = indexed(t, file);
  t.strictSame(linesOf(store), lines);
  const other = indexed(t, file);
  writeFileSync(file, 'y'.repeat(400_000));
  t.equal(other.line(0).length, other.index.lineOf(0).span, 'no more than there was');
});

t.test('lines are read from blocks, of which some are kept', async (t) => {
  const count = 80_000;
  const texts = Array.from({ length: count }, (_, at) => smallMessage('A', 'in', at));
  const store = indexed(t, written(t, texts.join('')));
  for (let n = 0; n < count; n += 113) {
    const at = (n * 7919) % count;
    if (`${store.line(at).toString()}\n` !== texts[at]) t.fail(`line ${at}`);
  }
  t.ok(store.usedBytes < 20 * 1024 ** 2);
});

t.test('secrets are hidden', async (t) => {
  const secret = A.open({ headers: { cookie: 'id=verysecret' }, t: 5 });
  const [hidden] = linesOf(indexed(t, written(t, recordingText([secret]))));
  t.notMatch(hidden, /verysecret/);
  const redacted = recordingText([{ ...FILE, redacted: true }, secret]);
  const [shown] = linesOf(indexed(t, written(t, redacted)));
  t.match(shown, /verysecret/, 'unless the file says that it has none');
});

t.test('a file with secrets that has changed since shows nothing', async (t) => {
  const secret = A.open({ headers: { cookie: 'id=verysecret' } });
  const file = written(t, recordingText([secret, A.in('a')]));
  const store = indexed(t, file);
  writeFileSync(file, 'y'.repeat(1000));
  t.equal(store.line(0).toString(), '');
});

t.test('what is no file', async (t) => {
  const directory = makeTempDir(t);
  t.throws(() => new FileStore(path.join(directory, 'none')), { code: 'ENOENT' });
  t.throws(() => new FileStore(directory), { code: 'EISDIR' });
  if (process.platform === 'win32') return;
  const pipe = path.join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = openSync(pipe, 'r+');
  t.throws(() => new FileStore(pipe), { code: 'ESPIPE' });
  closeSync(writer);
});

t.test('a file that cannot be read any more', async (t) => {
  const file = written(t, smallMessage('A', 'in', 1).repeat(30_000));
  let isBroken = false;
  const read = ((...given: Parameters<typeof readSync>) => {
    if (isBroken) throw Object.assign(new Error('no'), { code: 'EIO' });
    return readSync(...given);
  }) as typeof readSync;
  const store = opened(t, file, { read });
  store.work(() => true);
  isBroken = true;
  t.ok(store.work(() => false));
  t.equal(store.fault, 'the file cannot be read: the disk failed');
  t.ok(store.hasEnded);
  t.equal(store.line(0).toString(), '', 'there is nothing to show');
  isBroken = false;
  const later = opened(t, file, { read });
  while (!later.work(() => false));
  isBroken = true;
  t.equal(later.line(0).toString(), '');
  t.equal(later.fault, 'the file cannot be read: the disk failed');
});

t.test('more records than there may be', async (t) => {
  const store = indexed(t, written(t, smallMessage('A', 'in', 1).repeat(40_000)), {
    maxIndexBytes: 1000,
  });
  t.match(store.fault, /more records than can be shown/);
  t.ok(store.index.end > 1000, 'what has an index is shown');
});

t.test('a file that grows', async (t) => {
  const file = written(t, recordingText([A.in('a')]));
  const queue = new WorkQueue();
  const store = opened(t, file, { isFollowed: true, queue });
  const until = async (count: number): Promise<void> => {
    while (store.index.end < count && store.fault === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until(1);
  t.notOk(store.hasEnded);
  const more = recordingText([A.in('b'), A.in('c')]);
  appendFileSync(file, more.slice(0, 50));
  await new Promise((resolve) => setTimeout(resolve, 1300));
  t.equal(store.index.end, 1, 'a line without an end is no record yet');
  appendFileSync(file, more.slice(50));
  await until(3);
  t.equal(store.line(2).toString(), JSON.stringify(A.in('c')));
  truncateSync(file, 10);
  await until(4);
  t.match(store.fault, /truncated/);
  store.close();
  store.close();
  t.ok(
    store.work(() => false),
    'nothing to do',
  );
  const waiting = opened(t, file, { isFollowed: true });
  waiting.work(() => false);
  waiting.close();
});
