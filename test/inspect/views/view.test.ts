import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { RowFilter } from '../../../src/inspect/page-protocol.js';
import { LineScan } from '../../../src/inspect/store/line-scan.js';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import { NumberList } from '../../../src/inspect/views/number-list.js';
import { RecordFilter, searchOf } from '../../../src/inspect/views/record-filter.js';
import { View } from '../../../src/inspect/views/view.js';
import { FindWork, type Found } from '../../../src/inspect/views/find.js';
import { payloadText } from '../../../src/inspect/views/payload-text.js';
import {
  Conditions,
  RECORD_KINDS,
  literalExpression,
} from '../../../src/recording/convert/conditions.js';
import { textOf, payloadOf } from '../../../src/recording/format/payload.js';
import type { AnyRecord, FileRecord } from '../../../src/recording/format/record.js';
import { bytesOf, liveStore, numbersOf, smallMessage, viewOf } from '../../fixtures/inspected.js';
import { RecordedLines, recordingText } from '../../fixtures/recorded-lines.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

type Shown = Exclude<AnyRecord, FileRecord>;

const A = new RecordedLines('A');
const B = new RecordedLines('B');

/** Records of all kinds. */
function mixed(count: number): Shown[] {
  const random = new SeededRandom(9);
  const records: Shown[] = [A.open(), B.open()];
  for (let n = 0; n < count; n++) {
    const lines = random.pick([A, B]);
    const s = lines === A ? 'A' : 'B';
    const t = 1000 + random.below(50) + n;
    const dir = random.pick(['in', 'out'] as const);
    const data = random.pick(['', 'hello', 'HELLO "quoted"', 'é\n', 'x'.repeat(random.below(99))]);
    const b64 = Buffer.from(random.bytes(random.below(40))).toString('base64');
    records.push(
      random.pick<Shown>([
        lines.message({ t, dir, data }),
        lines.message({ t, dir, data, part: 'first' }),
        lines.message({ t, dir, op: 2, b64 }),
        lines.message({ t, dir, op: 1, b64: Buffer.from(data).toString('base64') }),
        lines.control(dir, random.pick([8, 9, 10]), Buffer.from('ping'), t),
        { ev: 'count', s, t, of: 'ping', dir, n: 2, len: 5, since: 1 },
        { ev: 'frame', s, t, dir, fin: true, rsv: 0, op: 1, masked: true, len: 5, wire: 11 },
        { ev: 'target', s, t, state: 'connected', target: 'a:1' },
        { ev: 'gap', t, since: t - 1, records: 1, error: 'ENOSPC' },
      ]),
    );
  }
  return [...records, A.close(), { ev: 'gap', t: 9000, since: 1, records: 1, error: 'ENOSPC' }];
}

/** Whether it is of a session, or a gap while that was there. */
function isOf(session: string, n: number, records: readonly Shown[]): boolean {
  const record = records[n]!;
  if (record.ev !== 'gap') return record.s === session;
  const own = records.map((one) => 's' in one && one.s === session);
  const close = records.findIndex((one, at) => one.ev === 'close' && own[at]);
  return n > own.indexOf(true) && (close < 0 || n < close);
}

/** What `twist convert` says of the same conditions. */
function passes(filter: RowFilter, n: number, records: readonly Shown[]): boolean {
  const { session, direction, kinds, minLength, maxLength, since, until } = filter;
  const { text, pattern, isCaseSensitive = false } = filter;
  const conditions = new Conditions({
    direction: direction ?? null,
    kinds: kinds === undefined ? null : new Set(kinds),
    minLength: minLength ?? null,
    maxLength: maxLength ?? null,
    sinceTime: since ?? null,
    untilTime: until ?? null,
    payload:
      text === undefined
        ? pattern === undefined
          ? null
          : new RegExp(pattern, isCaseSensitive ? '' : 'i')
        : literalExpression(text, isCaseSensitive),
  });
  return conditions.isMet(records[n]!) && (session === undefined || isOf(session, n, records));
}

const FILTERS: readonly RowFilter[] = [
  {},
  { session: 'A' },
  { session: 'B', direction: 'in' },
  { direction: 'out' },
  { kinds: ['text', 'gap'] },
  { kinds: [] },
  { kinds: RECORD_KINDS },
  { kinds: ['ping', 'pong', 'close', 'frame', 'count', 'target', 'open', 'end', 'binary'] },
  { minLength: 5, maxLength: 5 },
  { minLength: 20 },
  { maxLength: 0 },
  { since: 1100, until: 1200 },
  { since: 99_999 },
  { text: 'ell' },
  { text: 'ELL', isCaseSensitive: true },
  { text: 'o "q' },
  { text: 'é\n', session: 'A' },
  { text: 'ping', kinds: ['ping', 'open'] },
  { pattern: 'h(?=e)|x{40}' },
  { pattern: 'H', isCaseSensitive: true, direction: 'in' },
  { pattern: '^$' },
];

t.test('views have what passes, in order, of live traffic and of a file', async (t) => {
  const records = mixed(3000);
  const file = path.join(makeTempDir(t), 'all.ndjson');
  writeFileSync(file, recordingText(records));
  const fromFile = new FileStore(file);
  t.teardown(() => {
    fromFile.close();
  });
  while (!fromFile.work(() => false));
  for (const store of [liveStore(records), fromFile]) {
    for (const filter of FILTERS) {
      const expected = records.flatMap((_, n) => (passes(filter, n, records) ? [n] : []));
      const view = viewOf(store, filter);
      t.strictSame(numbersOf(view), expected, JSON.stringify(filter));
      t.ok(view.isComplete && view.gone === 0);
      for (const n of [0, 5, 1500, 2999, 99_999]) {
        const place = expected.findIndex((one) => one >= n);
        t.equal(view.placeOf(n), place < 0 ? expected.length : place);
      }
      for (const time of [0, 1004, 2500.5, 9999]) {
        const place = expected.findIndex((one) => records[one]!.t >= time);
        t.equal(view.placeOfTime(time), place < 0 ? expected.length : place);
      }
    }
  }
});

t.test('a time in a large view', async (t) => {
  let text = '';
  for (let at = 0; at < 40_000; at++) text += smallMessage('A', at % 2 ? 'in' : 'out', at * 1000);
  const store = liveStore([]);
  store.append(Buffer.from(text));
  const view = viewOf(store, { direction: 'in' });
  t.equal(view.placeOfTime(1_790_000_030), 15_000);
  t.equal(view.placeOfTime(1_790_000_039), 19_500);
});

t.test('wrong filters', async (t) => {
  const store = liveStore([A.open()]);
  t.equal(RecordFilter.of({ session: 'B' }, store), 'that session is not kept any more');
  t.equal(
    RecordFilter.of({ pattern: '(' }, store),
    '"(" is not a regular expression: unterminated group',
  );
  t.equal(searchOf({ text: '', pattern: '' }), null);
});

t.test('a view grows in slices, and its beginning leaves', async (t) => {
  const store = liveStore([A.open(), B.open()]);
  const view = new View(store, RecordFilter.of({ direction: 'in' }, store) as RecordFilter);
  const all = viewOf(store);
  const late = new View(store, RecordFilter.of({ text: 'x' }, store) as RecordFilter);
  let seen = 0;
  for (let at = 0; at < 300_000; at += 1000) {
    let text = '';
    for (let one = 0; one < 1000; one++)
      text += smallMessage('A', one % 2 ? 'in' : 'out', at + one);
    store.append(Buffer.from(text));
    if (at % 7000 === 0) {
      let slices = 0;
      while (!view.work(() => true)) slices++;
      seen = Math.max(seen, slices);
    }
    if (view.gone + view.total > (at + 1000) / 2) t.fail('more than there are');
  }
  t.ok(seen > 0, 'it took several slices');
  view.work(() => false);
  const { first, end } = store.index;
  t.ok(first > 100_000);
  t.equal(view.gone + view.total, 150_000, 'all that ever were in it');
  t.strictSame(
    [view.at(0), view.at(view.total - 1)],
    [first + ((first + 1) % 2), end - 1].map(
      (n) => n - (n % 2 === 0 ? 1 : 0) + (n % 2 === 0 && n === first ? 2 : 0),
    ),
  );
  t.equal(all.gone, first, 'all records have a place of their number');
  t.equal(all.total, end - first);
  t.equal(all.at(0), first);
  t.equal(all.placeOf(0), 0);
  t.equal(all.placeOf(end + 5), all.total);
  t.notOk(late.hasCaughtUp);
  late.work(() => false);
  t.ok(late.isComplete, 'what has left meanwhile is passed by');
});

t.test('a filter that takes too long is given up, and says so', async (t) => {
  const store = liveStore([A.in('ok'), A.in('a'.repeat(50) + '!'), A.in('ok')]);
  const view = viewOf(store, { pattern: '^(a+)+$' });
  t.match(view.fault, /takes too long/);
  t.ok(view.isComplete);
  t.ok(view.work(() => false));
  store.append(bytesOf([A.in('more')]));
  t.ok(view.hasCaughtUp, 'it looks at nothing more');
});

t.test('much text is searched in parts', async (t) => {
  const store = liveStore(Array.from({ length: 900 }, (_, at) => A.in(`${at} ${'y'.repeat(500)}`)));
  t.equal(viewOf(store, { pattern: '^8\\d\\d ' }).total, 100);
  t.equal(viewOf(store, { text: '77 y' }).total, 9);
});

t.test('a session that is gone, and one in its place', async (t) => {
  const store = liveStore([A.open(), A.in('a'), A.close()]);
  const view = viewOf(store, { session: 'A' });
  t.equal(view.total, 3);
  for (let n = 0; n < 3; n++) store.index.forgetFirst();
  const many = Array.from({ length: 600 }, (_, one) => new RecordedLines(`S${one}`));
  store.append(bytesOf(many.flatMap((lines) => [lines.open(), lines.close()])));
  for (let n = 0; n < 1200; n++) store.index.forgetFirst();
  t.equal(store.sessions.find('A'), undefined);
  store.append(bytesOf([B.open(), ...many.slice(0, 600).map((lines) => lines.open())]));
  while (!view.work(() => false));
  t.equal(view.total, 0, 'whoever has its place now is not it');
});

t.test('lists of numbers beyond 32 bits', async (t) => {
  const list = new NumberList();
  const base = 2 ** 32 - 10;
  for (let one = 0; one < 40_000; one++) list.push(base + one * 2);
  t.equal(list.at(39_999, base), base + 79_998);
  t.equal(list.placeOf(base + 31, base), 16);
  t.equal(list.forget(base, base + 60_000), 30_000);
  t.equal(list.at(0, base + 60_000), base + 60_000);
  t.equal(list.forget(base + 60_000, base + 99_999), 10_000);
  t.equal(list.length, 0);
});

t.test('the next row that matches, either way', async (t) => {
  const words = ['one', 'two', 'three', 'two', 'one', 'two'];
  const store = liveStore(words.map((word) => A.in(word)));
  const view = viewOf(store, { kinds: ['text'] });
  const find = (text: string, from: number, isBackwards = false): Found => {
    let found: Found = NaN;
    const search = searchOf({ text });
    const work = new FindWork(store, view, search as never, { from, isBackwards }, (one) => {
      found = one;
    });
    while (!work.work(() => true));
    return found;
  };
  t.equal(find('two', -1), 1);
  t.equal(find('two', 1), 3);
  t.equal(find('two', 5), -1);
  t.equal(find('two', 5, true), 3);
  t.equal(find('two', 99, true), 5);
  t.equal(find('one', 0, true), -1);
  t.equal(find('four', -1), -1);
  const slow = new FindWork(
    liveStore([A.in('a'.repeat(50) + '!')]),
    view,
    searchOf({ pattern: '(a+)+$' }) as never,
    { from: -1, isBackwards: false },
    () => undefined,
  );
  t.ok(slow.work(() => false));
  const many = liveStore(Array.from({ length: 2000 }, (_, at) => A.in(String(at))));
  const all = viewOf(many);
  const results: Found[] = [];
  const work = new FindWork(
    many,
    all,
    searchOf({ text: '1999' }) as never,
    { from: -1, isBackwards: false },
    (one) => results.push(one),
  );
  t.notOk(
    work.work(() => true),
    'in slices',
  );
  for (let n = 0; n < 500; n++) many.index.forgetFirst();
  while (!work.work(() => true));
  t.strictSame(results, [1999], 'rows that leave meanwhile are passed by');
  const gone = new FindWork(
    many,
    all,
    searchOf({ text: 'x' }) as never,
    { from: 1400, isBackwards: true },
    (one) => results.push(one),
  );
  t.notOk(gone.work(() => true));
  for (let n = 500; n < 1999; n++) many.index.forgetFirst();
  t.ok(gone.work(() => true));
  gone.end('over');
  t.strictSame(results, [1999, -1, 'over']);
});

t.test('payloads as texts are those of twist convert', async (t) => {
  for (const record of mixed(400)) {
    const line = Buffer.from(JSON.stringify(record));
    const expected =
      record.ev === 'msg' || record.ev === 'ctl'
        ? (textOf(record) ?? payloadOf(record).toString('latin1'))
        : null;
    t.equal(payloadText(line, false), expected);
    const scanned = JSON.stringify(record).replace(/"t":(\d+)/, '"t":$1.000000');
    const isScanned = new LineScan().scan(Buffer.from(scanned), 0, scanned.length, true);
    t.equal(payloadText(Buffer.from(scanned), isScanned), expected, `scanned: ${isScanned}`);
  }
  t.equal(payloadText(Buffer.from('{'), true), null);
});
