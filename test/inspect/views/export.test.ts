import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { RowFilter } from '../../../src/inspect/page-protocol.js';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import type { LiveStore } from '../../../src/inspect/store/live-store.js';
import type { RecordStore } from '../../../src/inspect/store/record-store.js';
import {
  type ExportOptions,
  type Exported,
  exportView,
} from '../../../src/inspect/views/export.js';
import { harConverter } from '../../../src/recording/convert/har/har.js';
import { pcapngConverter } from '../../../src/recording/convert/pcapng/pcapng.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { liveStore, smallMessage, viewOf } from '../../fixtures/inspected.js';
import { RecordedLines, recordingText } from '../../fixtures/recorded-lines.js';
import { convertRecords } from '../../fixtures/recordings.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const A = new RecordedLines('A');
const B = new RecordedLines('B');
const C = new RecordedLines('C');

const RECORDS: readonly AnyRecord[] = [
  A.open({ t: 1 }),
  B.open({ t: 2 }),
  A.in('one', { t: 3 }),
  B.in('two', { t: 4 }),
  A.out('three', { t: 5 }),
  { ev: 'gap', t: 6, since: 5, records: 1, error: 'ENOSPC' },
  A.close('client', { t: 7 }),
  C.in('stray', { t: 8 }),
  B.out('four', { t: 9 }),
];

interface Outcome extends Exported {
  readonly text: string;
  readonly file: Buffer;
}

async function exported(
  t: Test,
  store: RecordStore,
  filter: RowFilter,
  options: Partial<ExportOptions> = {},
  onWrite: (isLate: boolean) => Promise<void> | undefined = () => undefined,
): Promise<Outcome | null> {
  const pieces: Uint8Array[] = [];
  let isGone = false;
  const done = await exportView(
    store,
    viewOf(store, filter),
    {
      format: 'ndjson',
      records: null,
      tool: 'twist/1',
      spoolDir: makeTempDir(t),
      nowMs: () => 1000,
      ...options,
    },
    {
      get isGone() {
        return isGone;
      },
      write: (bytes) => {
        pieces.push(Uint8Array.from(bytes));
        const wait = onWrite(pieces.length > 1);
        return wait?.catch(() => {
          isGone = true;
        });
      },
    },
  );
  if (done === null) return null;
  const file = Buffer.concat(pieces);
  t.equal(file.length, done.bytes);
  return { ...done, file, text: file.toString() };
}

const recordsIn = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

const HEADER = { v: 1, ev: 'file', tool: 'twist/1', t: 1, redacted: true } as const;

t.test('a view as a recording', async (t) => {
  const store = liveStore(RECORDS);
  const all = (await exported(t, store, {}))!;
  t.strictSame(recordsIn(all.text), [HEADER, ...RECORDS]);
  t.match(all, {
    name: 'twist-1970-01-01T00-00-01.ndjson',
    type: 'application/x-ndjson',
    records: 9,
  });
  t.equal(
    all.note,
    'The beginning of a session is not in memory any more, so addresses and headers are missing.',
  );
  const found = (await exported(t, store, { text: 'three' }))!;
  t.strictSame(
    recordsIn(found.text),
    [HEADER, RECORDS[0], RECORDS[4], RECORDS[6]],
    'beginning and end come along',
  );
  t.equal(found.note, null);
  const given = (await exported(t, store, {}, { records: [3, 8, 99] }))!;
  t.strictSame(recordsIn(given.text), [HEADER, RECORDS[1], RECORDS[3], RECORDS[8]]);
  t.match(given.note, /^A record has left/);
  const none = (await exported(t, store, { text: 'nothing' }, { records: null }))!;
  t.strictSame(recordsIn(none.text), [HEADER]);
});

t.test('other formats are what twist convert makes', async (t) => {
  const store = liveStore(RECORDS);
  const records = [HEADER, ...RECORDS];
  const har = (await exported(t, store, {}, { format: 'har' }))!;
  t.equal(
    har.text,
    (
      await convertRecords(
        (output) => harConverter(output, { tool: 'twist/1', spoolDir: '/' }),
        records,
      )
    ).toString(),
  );
  t.equal(har.type, 'application/json');
  const capture = (await exported(t, store, {}, { format: 'pcapng' }))!;
  t.ok(capture.file.equals(await convertRecords(pcapngConverter, records)));
  t.match(capture.name, /\.pcapng$/);
});

function grow(store: LiveStore, count: number, data = 'hello'): void {
  let text = '';
  for (let at = 0; at < count; at++) text += smallMessage('A', 'in', at, data);
  store.append(Buffer.from(text));
}

t.test('records that leave meanwhile are said', async (t) => {
  for (const [filter, records] of [
    [{}, null],
    [{ kinds: ['text'] }, null],
    [{}, Array.from({ length: 20_000 }, (_, n) => n)],
  ] as const) {
    const store = liveStore([A.open(), B.open()]);
    grow(store, 20_000);
    const done = await exported(t, store, filter, { records }, async (isLate) => {
      if (!isLate) grow(store, 60_000);
      await new Promise(setImmediate);
    });
    t.match(done!.note, /^\d+ records have left the memory before being exported\.$/);
    t.equal((recordsIn(done!.text)[1] as { ev: string }).ev, 'open', 'the beginning was kept');
  }
});

t.test('beginnings that have left, and are kept or not', async (t) => {
  const store = liveStore([A.open(), B.open(), A.in('a'), B.in('b'), C.in('c'), A.in('a')]);
  grow(store, 100_000);
  t.ok(store.index.first > 10);
  const tail = { records: [store.index.end - 1] };
  const [, open] = recordsIn((await exported(t, store, {}, tail))!.text);
  t.strictSame(open, A.open());
  store.append(Buffer.from(recordingText([B.in('b'), C.in('c'), new RecordedLines('D').in('d')])));
  const strays = (await exported(
    t,
    store,
    { kinds: ['text'] },
    { records: [3, 2, 1].map((n) => store.index.end - n) },
  ))!;
  t.match(strays.note, /^The beginnings of 2 sessions are/);
});

t.test('others have their turn, and what waits is waited for', async (t) => {
  const store = liveStore([A.open()]);
  grow(store, 30_000, 'x'.repeat(50));
  const lines = Array.from({ length: 3 }, () => A.in('y'.repeat(200_000)));
  store.append(Buffer.from(recordingText(lines)));
  let turns = 0;
  let isRunning = true;
  const count = (): void => {
    turns++;
    if (isRunning) setImmediate(count);
  };
  setImmediate(count);
  let isBusy = false;
  const done = await exported(t, store, {}, {}, async () => {
    if (isBusy) t.fail('written before the last write was over');
    isBusy = true;
    await new Promise(setImmediate);
    isBusy = false;
  });
  isRunning = false;
  t.equal(recordsIn(done!.text).length, 30_005);
  t.ok(turns > 3);
});

t.test('a page that leaves', async (t) => {
  const store = liveStore([A.open()]);
  grow(store, 30_000);
  const left = (): Promise<void> => Promise.reject(new Error('left'));
  t.equal(await exported(t, store, {}, {}, left), null, 'while it is written');
  const directory = makeTempDir(t);
  const large = liveStore([A.open(), A.in('z'.repeat(200_000)), A.close()]);
  t.equal(await exported(t, large, {}, { format: 'har', spoolDir: directory }, left), null);
  t.strictSame(readdirSync(directory), [], 'nothing stays');
  t.equal(await exported(t, liveStore(RECORDS), {}, {}, left), null, 'at the end');
  const slow = liveStore([A.open()]);
  grow(slow, 60_000);
  const isGone = { write: () => undefined, isGone: true };
  const options = {
    format: 'ndjson',
    records: [59_999],
    tool: 'a',
    spoolDir: '',
    nowMs: Date.now,
  } as const;
  t.equal(await exportView(slow, viewOf(slow), options, isGone), null, 'before it begins');
});

t.test('a line of a file that has changed since', async (t) => {
  const file = path.join(makeTempDir(t), 'changed.ndjson');
  const text = recordingText([A.open(), A.in('a'), A.in('b')]);
  writeFileSync(file, text);
  const store = new FileStore(file);
  t.teardown(() => {
    store.close();
  });
  while (!store.work(() => false));
  writeFileSync(file, text.replace('"data":"a"}', '"data":"a"x'));
  const done = (await exported(t, store, {}))!;
  t.strictSame(recordsIn(done.text).length, 3);
  t.match(done.note, /^A record has left/);
});

t.test('a temporary file that cannot be made', async (t) => {
  const lines = Array.from({ length: 20 }, () => A.in('z'.repeat(900_000)));
  const store = liveStore([A.open(), ...lines], { memoryBytes: 64 * 1024 ** 2 });
  const options = { format: 'har', spoolDir: '/nowhere/at/all' } as const;
  await t.rejects(exported(t, store, {}, options), { message: /temporary file/ });
});

t.test('a long beginning is waited for before what follows', async (t) => {
  const open = A.open({ headers: { 'x-long': 'y'.repeat(200_000) } });
  const store = liveStore([open, A.in('a'), A.in('b')]);
  const slow = async (): Promise<void> => {
    await new Promise(setImmediate);
  };
  const done = (await exported(t, store, { text: 'b' }, {}, slow))!;
  t.strictSame(recordsIn(done.text), [HEADER, open, A.in('b')]);
});
