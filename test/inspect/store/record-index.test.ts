import t from 'tap';
import { LineScan } from '../../../src/inspect/store/line-scan.js';
import { LineRing } from '../../../src/inspect/store/line-ring.js';
import { PAGE_BYTES, PagePool } from '../../../src/inspect/store/page-pool.js';
import {
  RecordIndex,
  isCutIn,
  isScannedIn,
  kindIn,
  partIn,
  wayIn,
} from '../../../src/inspect/store/record-index.js';
import { NONE, SessionTable } from '../../../src/inspect/store/session-table.js';
import { liveStore, smallMessage } from '../../fixtures/inspected.js';
import { RecordedLines } from '../../fixtures/recorded-lines.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';
import type { AnyRecord, MessageRecord } from '../../../src/recording/format/record.js';

function indexOf(): RecordIndex {
  const sessions = new SessionTable({ maxEnded: 10, maxSessions: 10, areRecordsLeaving: true });
  return new RecordIndex(
    sessions,
    () => new ArrayBuffer(PAGE_BYTES),
    () => undefined,
  );
}

t.test('where lines are, however far from each other', async (t) => {
  const index = indexOf();
  const scan = new LineScan();
  scan.take({ ev: 'gap', t: 1, since: 0, records: 0, error: 'x' });
  const starts: number[] = [];
  let start = 0;
  for (let n = 0; n < 300; n++) {
    starts.push(start);
    index.append(scan, start, 100, null);
    start += n % 50 === 7 ? 5 * 2 ** 32 + n : 100 + n;
  }
  t.strictSame(
    starts.map((_, n) => index.lineOf(n).start),
    starts,
  );
  t.equal(index.lineOf(299).span, 100);
  t.equal(index.lineOf(7).span, 2 ** 32 - 1, 'as much as a number can say');
});

t.test('ordinals and pairs are those that one counts by hand', async (t) => {
  const random = new SeededRandom(3);
  const records: AnyRecord[] = ['A', 'B'].map((s) => new RecordedLines(s).open());
  for (let n = 0; n < 3000; n++) {
    const lines = new RecordedLines(random.pick(['A', 'B', 'stray']));
    const dir = random.pick(['in', 'out', 'out'] as const);
    const part = random.pick([undefined, undefined, undefined, 'first', 'middle', 'last'] as const);
    if (random.below(9) === 0) records.push(lines.control(dir, 9));
    else records.push(lines.message({ dir, ...(part === undefined ? {} : { part }) }));
  }
  const store = liveStore(records);
  const counts = new Map<string, number>();
  const inside = new Set<string>();
  const waiting = new Map<string, number>();
  const last = new Map<string, number>();
  /** Which message of its direction it is, and whether it begins one. */
  const placeOf = ({ s, dir, part }: MessageRecord): [ordinal: number, isNew: boolean] => {
    const key = `${s} ${dir}`;
    const isNew = !inside.has(key) || part === undefined || part === 'first';
    if (part === 'first' || part === 'middle') inside.add(key);
    else inside.delete(key);
    if (isNew) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [s === 'stray' ? 0 : counts.get(key)!, isNew];
  };
  const checkPair = (n: number, { s, dir }: MessageRecord, ordinal: number): void => {
    const partner = waiting.get(`${s} ${dir === 'in' ? 'out' : 'in'} ${ordinal}`);
    if (partner === undefined) waiting.set(`${s} ${dir} ${ordinal}`, n);
    else if (store.index.get(n).pair !== partner || store.index.get(partner).pair !== n)
      t.fail(`${n} goes with ${partner}`);
  };
  records.forEach((record, n) => {
    if (record.ev !== 'msg' && record.ev !== 'ctl') return;
    const found = store.index.get(n);
    if (found.previous !== (last.get(record.s) ?? NONE)) t.fail(`${n} after ${found.previous}`);
    last.set(record.s, n);
    if (record.ev === 'ctl') return;
    const [ordinal, isNew] = placeOf(record);
    if (found.ordinal !== ordinal) t.fail(`${n} is ${found.ordinal}, not ${ordinal}`);
    if (isNew && ordinal > 0) checkPair(n, record, ordinal);
  });
  t.ok(waiting.size > 100);
});

t.test('a message of the other direction whose partner has left has none', async (t) => {
  const lines = new RecordedLines('A');
  const store = liveStore([lines.open(), lines.out('1'), lines.out('2'), lines.out('3')]);
  for (let n = 0; n < 3; n++) t.notOk(store.index.forgetFirst());
  store.append(
    Buffer.from(
      `${[lines.in('1'), lines.in('2'), lines.in('3'), lines.in('4')].map((one) => JSON.stringify(one)).join('\n')}\n`,
    ),
  );
  const pairs = [4, 5, 6, 7].map((n) => store.index.get(n).pair);
  t.strictSame(pairs, [NONE, NONE, 3, NONE]);
  t.equal(store.index.get(3).pair, 6);
  store.index.forgetFirst();
  t.equal(store.index.get(6).pair, NONE);
  for (let n = 4; n < 8; n++) store.index.forgetFirst();
  store.append(Buffer.from(`${JSON.stringify(lines.out('4'))}\n`));
  t.equal(store.index.get(8).pair, NONE, 'all that waited have left');
});

t.test('pages: no more than there may be, and used again', async (t) => {
  const pool = new PagePool(3);
  const pages = [pool.take(), pool.take(), pool.take()];
  t.equal(pool.free, 0);
  pool.give(pages[0]!);
  t.equal(pool.free, 1);
  t.equal(pool.take(), pages[0], 'the same one');
  pool.give(pages[0]!);
  pool.maxPages = 2;
  pool.trim();
  t.equal(pool.bytes, 2 * PAGE_BYTES);
  pool.give(pages[1]!);
  pool.maxPages = 1;
  pool.give(pages[2]!);
  pool.trim();
  t.equal(pool.bytes, PAGE_BYTES);
});

t.test('lines across pages', async (t) => {
  const pool = new PagePool(4);
  const ring = new LineRing(pool);
  t.equal(ring.pagesFor(1), 1);
  const line = Buffer.alloc(PAGE_BYTES - 10, 0x61);
  t.equal(ring.append(line), 0);
  t.equal(ring.pagesFor(10), 0);
  t.equal(ring.pagesFor(11), 1);
  const at = ring.append(Buffer.from('0123456789abcdef'));
  t.equal(ring.read(at, 16).toString(), '0123456789abcdef');
  ring.forget(at);
  t.equal(pool.free, 2, 'its page is still needed');
  ring.forget(ring.end);
  t.equal(pool.free, 3);
  t.equal(ring.read(ring.append(Buffer.from('next')), 4).toString(), 'next');
});

t.test('flags', async (t) => {
  const lines = new RecordedLines('A');
  const store = liveStore([lines.out('a', { cut: true, part: 'last' }), lines.close()]);
  store.append(Buffer.from(smallMessage('A', 'in', 1)));
  const facts = [0, 1, 2].map((n) => {
    const flags = store.index.flags(n);
    return [kindIn(flags), wayIn(flags), partIn(flags), isCutIn(flags), isScannedIn(flags)];
  });
  t.strictSame(facts, [
    [0, 2, 3, true, false],
    [9, 0, 0, false, false],
    [0, 1, 0, false, true],
  ]);
});

t.test('a session that was silent for longer than a distance can say', async (t) => {
  const lines = new RecordedLines('A');
  const store = liveStore([lines.open(), lines.in('a')]);
  store.sessions.find('A')!.lastTraffic = -(2 ** 33);
  store.append(Buffer.from(smallMessage('A', 'in', 1)));
  t.equal(store.index.get(2).previous, NONE);
});
