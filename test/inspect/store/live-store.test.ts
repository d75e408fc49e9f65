import { Buffer } from 'node:buffer';
import t from 'tap';
import { LiveStore, MIN_MEMORY_BYTES } from '../../../src/inspect/store/live-store.js';
import { NONE } from '../../../src/inspect/store/session-table.js';
import { InvalidArgumentError } from '../../../src/errors.js';
import { bytesOf, liveStore, smallMessage } from '../../fixtures/inspected.js';
import { FILE, RecordedLines } from '../../fixtures/recorded-lines.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';

const A = new RecordedLines('A');
const B = new RecordedLines('B');

const linesOf = (store: LiveStore): string[] =>
  Array.from({ length: store.index.end - store.index.first }, (_, at) =>
    store.line(store.index.first + at).toString(),
  );

t.test('too little memory is refused', async (t) => {
  for (const memoryBytes of [0, NaN, MIN_MEMORY_BYTES - 1])
    t.throws(() => new LiveStore({ memoryBytes }), InvalidArgumentError);
});

t.test('records by their numbers, whatever stands between them', async (t) => {
  const records = [A.open(), A.in('one'), B.out('é')];
  const store = liveStore([FILE, records[0]!, '', '{}', records[1]!, '{"ev":"new"}', records[2]!]);
  t.strictSame(
    linesOf(store),
    records.map((record) => JSON.stringify(record)),
  );
  t.equal(store.damaged, 1, 'a record without a kind');
  t.equal(store.lost, 0);
  t.match(store, { source: 'live', progress: null, file: null, fault: null, hasEnded: false });
  store.end();
  t.ok(store.hasEnded);
});

t.test('the last line, without a newline: one of others is whole, ours was cut off', async (t) => {
  const line = JSON.stringify(A.in('one'));
  for (const isForeign of [true, false]) {
    const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES, isForeign });
    store.append(Buffer.from(line));
    t.notOk(store.isRecording);
    store.end();
    t.strictSame(linesOf(store), isForeign ? [line] : []);
    t.equal(store.isRecording, isForeign);
    t.equal(store.damaged, 0);
  }
  const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES, isForeign: true });
  store.append(Buffer.from(line.slice(0, -1)));
  store.end();
  t.equal(store.damaged, 1);
  const whole = liveStore([A.in('one')], { isForeign: true });
  whole.end();
  t.match(whole, { damaged: 0, tooLong: 0, hasEnded: true }, 'nothing stands behind its last line');
  const long = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES, isForeign: true });
  long.append(Buffer.alloc(long.maxLineBytes + 1, 'x'));
  long.end();
  t.equal(long.tooLong, 1, 'it is counted though it never ended');
});

t.test('a name that no session has is not kept', async (t) => {
  const [longest, tooLong] = ['n'.repeat(256), 'n'.repeat(257)];
  const store = liveStore([
    new RecordedLines(longest).in('one'),
    new RecordedLines(tooLong).in('two'),
    new RecordedLines(tooLong).open(),
  ]);
  t.strictSame(
    [...store.sessions.values()].map(({ name }) => name),
    [longest],
  );
  t.equal(store.damaged, 2);
  // What is of no session may hold anything where the name of one would be.
  const gap = { ev: 'gap', t: 1, since: 1, records: 0, error: 'x', s: null };
  const odd = liveStore([JSON.stringify(gap), JSON.stringify({ ...FILE, s: 7 }), A.in('one')]);
  t.match(odd, { damaged: 0, fault: null });
  t.equal(odd.index.end, 2);
});

t.test('what a recording is told by', async (t) => {
  t.notOk(liveStore(['{"ev":"new"}']).isRecording);
  t.ok(liveStore([FILE]).isRecording);
  t.ok(liveStore([A.in('one')]).isRecording);
});

t.test('bytes that are cut anywhere', async (t) => {
  const random = new SeededRandom(5);
  const records = Array.from({ length: 200 }, (_, at) => (at % 2 ? A : B).in('x'.repeat(at * 3)));
  const all = bytesOf(records);
  const expected = records.map((record) => JSON.stringify(record));
  for (let round = 0; round < 20; round++) {
    const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES });
    for (let at = 0; at < all.length;) {
      const length = random.pick([1, 7, 300, 9000]);
      store.append(all.subarray(at, at + length));
      at += length;
    }
    t.strictSame(linesOf(store), expected);
  }
});

t.test('what was taken is a copy', async (t) => {
  const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES });
  const bytes = bytesOf([A.in('one')]);
  for (const piece of [bytes.subarray(0, 20), bytes.subarray(20)]) {
    store.append(piece);
    piece.fill(0);
  }
  t.equal(linesOf(store)[0], JSON.stringify(A.in('one')));
});

t.test('long lines', async (t) => {
  const long = (bytes: number): string => JSON.stringify(A.in('y'.repeat(bytes)));
  const max = MIN_MEMORY_BYTES / 8;
  const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES });
  const large = long(max - 200);
  store.append(Buffer.from(`${large}\n${JSON.stringify(A.in('a'))}\n`));
  t.strictSame(
    linesOf(store),
    [large, JSON.stringify(A.in('a'))],
    'longer than what is taken at a time',
  );
  const tooLong = Buffer.from(`${long(max + 1)}\n`);
  store.append(tooLong);
  t.equal(store.tooLong, 1, 'at once');
  for (let at = 0; at < tooLong.length; at += 100_000)
    store.append(tooLong.subarray(at, at + 100_000));
  store.append(bytesOf([A.in('b')]));
  t.equal(store.tooLong, 2, 'in pieces');
  t.equal(store.lost, 0, 'nothing came too fast');
  t.equal(store.maxLineBytes, MIN_MEMORY_BYTES / 8);
  t.equal(linesOf(store).at(-1), JSON.stringify(A.in('b')), 'what follows is taken');
  const begun = Buffer.from(large);
  store.append(begun.subarray(0, 300_000));
  const used = store.usedBytes;
  store.append(Buffer.concat([begun.subarray(300_000), Buffer.from('\n')]));
  t.ok(store.usedBytes < used + begun.length, 'what a long line needed is given back');
});

t.test('the oldest records leave, and all of them are counted', async (t) => {
  const store = liveStore([A.open(), B.open()]);
  const names = ['A', 'B'];
  let at = 0;
  let held = 0;
  for (let batch = 0; batch < 600; batch++) {
    let text = '';
    for (let one = 0; one < 1000; one++, at++)
      text += smallMessage(names[at % 2]!, at % 3 === 0 ? 'in' : 'out', at);
    store.append(Buffer.from(text));
    if (store.usedBytes > MIN_MEMORY_BYTES) t.fail(`${store.usedBytes} bytes after ${at}`);
    held = Math.max(held, store.index.end - store.index.first);
  }
  const { index, sessions } = store;
  t.equal(index.end, at + 2, 'each has a number');
  t.ok(index.first > 400_000, `${index.first} have left`);
  t.ok(held > 40_000, `${held} were there at a time`);
  for (const n of [index.first, index.first + 1, index.end - 1])
    t.equal(
      `${store.line(n).toString()}\n`,
      smallMessage(names[n % 2]!, (n - 2) % 3 === 0 ? 'in' : 'out', n - 2),
    );
  const a = sessions.find('A')!;
  t.equal(a.row().in.msgs + a.row().out.msgs, at / 2, 'a session counts all of its messages');
  t.ok(a.isPartial);
  t.equal(a.openRecord, NONE);
  t.equal(a.openLine!.toString(), JSON.stringify(A.open()), 'its beginning is kept');
});

t.test('pairs of records that are there', async (t) => {
  const store = liveStore([A.open()]);
  let text = '';
  // The server is a thousand messages ahead.
  for (let at = 0; at < 100_000; at++) {
    text += smallMessage('A', 'out', at);
    if (at >= 1000) text += smallMessage('A', 'in', at);
  }
  store.append(Buffer.from(text));
  const { index } = store;
  t.ok(index.first > 0);
  let pairs = 0;
  for (let n = index.first; n < index.end; n++) {
    const { pair, ordinal, previous } = index.get(n);
    if (previous !== n - 1 && n > index.first) t.fail(`${n} comes after ${previous}`);
    if (pair === NONE) continue;
    pairs++;
    const other = index.get(pair);
    if (other.pair !== n || other.ordinal !== ordinal) t.fail(`${n} and ${pair}`);
  }
  t.ok(pairs > 10_000, `${pairs}`);
});

t.test('many sessions take part of the memory, and no more', async (t) => {
  const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES });
  for (let batch = 0; batch < 100; batch++) {
    const records = Array.from({ length: 500 }, (_, one) => {
      const name = `S${batch}-${one}`;
      const lines = new RecordedLines(name);
      return [lines.open({ url: `/${'u'.repeat(200)}` }), lines.in('a'), lines.close()];
    });
    store.append(bytesOf(records.flat()));
    if (store.usedBytes > MIN_MEMORY_BYTES * 1.15) t.fail(`${store.usedBytes} after ${batch}`);
  }
  t.ok(store.sessions.size <= MIN_MEMORY_BYTES / 2 / 1200, `${store.sessions.size} sessions`);
  t.ok(store.index.first < store.index.end, 'there is room for records');
});

t.test('open sessions stay, whatever happens to their records', async (t) => {
  const opened = Array.from({ length: 2000 }, (_, one) => new RecordedLines(`S${one}`).open());
  const store = liveStore(opened, { memoryBytes: 2 * MIN_MEMORY_BYTES });
  for (let at = 0; at < 200_000; at += 1000) {
    let text = '';
    for (let one = 0; one < 1000; one++) text += smallMessage('S7', 'in', at + one);
    store.append(Buffer.from(text));
  }
  t.ok(store.index.first > 2000);
  t.equal(store.sessions.openCount, 2000);
  t.ok(store.sessions.find('S9')!.openLine !== null);
});

t.test('gaps: of the inspector, of a worker, of the recording', async (t) => {
  const gap = { ev: 'gap', t: 9, since: 8 } as const;
  const worker = JSON.stringify({ ...A.open(), worker: 2 });
  const store = liveStore([
    worker,
    B.open(),
    A.in('1'),
    { ...gap, records: 0, error: 'worker-died', worker: 2 },
    { ...gap, records: 5, error: 'inspector-behind' },
    { ...gap, records: 2, error: 'inspector-restarted' },
    { ...gap, records: 4, error: 'ENOSPC' },
    B.in('2'),
    B.out('2'),
  ]);
  t.equal(store.lost, 7, 'what the recording lacks is not lost here');
  t.match(store.sessions.find('A')!.row(), {
    worker: 2,
    close: { by: 'lost', code: 1006, reason: 'worker 2 has died', t: 9 },
  });
  t.ok(store.sessions.find('B')!.isOpen, 'it has another worker');
  t.match(store.index.get(7), { ordinal: 0, pair: NONE }, 'nobody knows which one it is');
  t.equal(store.index.get(2).ordinal, 1);
});

t.test('lines of others: secrets are hidden, in lines that leave, too', async (t) => {
  const secret = A.open({ headers: { authorization: 'Basic c2VjcmV0' }, url: '/?token=secret' });
  const store = liveStore([secret, A.in('a')], { isForeign: true });
  const hidden = store.line(0).toString();
  t.notMatch(hidden, /c2VjcmV0|=secret/);
  t.match(hidden, /hidden/);
  t.match(store.sessions.find('A')!.row().url, /hidden/);
  for (let at = 0; at < 120_000; at++) store.append(Buffer.from(smallMessage('A', 'in', at)));
  t.ok(store.index.first > 0);
  t.equal(store.sessions.find('A')!.openLine!.toString(), hidden);
  const ours = liveStore([secret]);
  t.match(ours.line(0).toString(), /c2VjcmV0/, 'what we have written ourselves is as it is');
  const broken = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES, isForeign: true });
  broken.append(
    Buffer.concat([
      Buffer.from(smallMessage('A', 'in', 1).replace('hello', 'h\u00ffllo'), 'latin1'),
      bytesOf([A.in('b')]),
    ]),
  );
  t.equal(broken.damaged, 1, 'no UTF-8');
  t.equal(broken.index.end, 1);
});

t.test('sessions whose names end alike', async (t) => {
  const store = new LiveStore({ memoryBytes: MIN_MEMORY_BYTES });
  const names = ['XAB', 'YAB', 'XXAB', 'XAB'];
  store.append(Buffer.from(names.map((name) => smallMessage(name, 'in', 1)).join('')));
  const counts = [...store.sessions.values()].map((entry) => [entry.name, entry.records]);
  t.strictSame(counts, [
    ['XAB', 2],
    ['YAB', 1],
    ['XXAB', 1],
  ]);
  store.append(bytesOf([new RecordedLines('XAB').open()]));
  store.append(Buffer.from(smallMessage('XAB', 'in', 2)));
  t.equal(store.sessions.find('XAB')!.records, 2, 'the new one of that name');
});
