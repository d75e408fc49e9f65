import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import type { RecordStore } from '../../../src/inspect/store/record-store.js';
import { type Strip, type StripRange, StripWork } from '../../../src/inspect/views/strip.js';
import { liveStore, smallMessage } from '../../fixtures/inspected.js';
import { RecordedLines, recordingText } from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const A = new RecordedLines('A');
const B = new RecordedLines('B');

function stripOf(store: RecordStore, range: Partial<StripRange> = {}): Strip {
  let found: Strip | null = null;
  const all = { session: null, since: undefined, until: undefined, buckets: 4, ...range };
  const work = new StripWork(store, all, (strip) => {
    found = strip;
  });
  while (!work.work(() => true));
  return found!;
}

const textOf = ({ buckets }: Strip): string =>
  buckets
    .map(({ inBytes, outBytes, inMsgs, outMsgs, controls, hasGap }) =>
      [
        `${inMsgs}:${inBytes}`,
        `${outMsgs}:${outBytes}`,
        controls,
        ...(hasGap === true ? ['gap'] : []),
      ].join(' '),
    )
    .join(' | ');

const store = liveStore([
  A.open({ t: 0 }),
  B.open({ t: 0 }),
  A.in('12', { t: 1 }),
  B.out('123', { t: 2 }),
  A.in('1', { t: 4, part: 'first' }),
  A.in('1', { t: 4, part: 'last' }),
  A.control('out', 9, undefined, 5),
  { ev: 'gap', t: 6, since: 3, records: 1, error: 'ENOSPC' },
  A.out('1234', { t: 8 }),
  A.close('client', { t: 8 }),
  B.out('12345', { t: 8 }),
]);

t.test('traffic over time', async (t) => {
  t.match(stripOf(store), { since: 0, until: 8 });
  t.equal(textOf(stripOf(store)), '1:2 0:0 0 | 0:0 1:3 0 gap | 1:2 0:0 1 gap | 0:0 2:9 0 gap');
  const ofA = { session: store.sessions.find('A')! };
  t.equal(textOf(stripOf(store, ofA)), '1:2 0:0 0 | 0:0 0:0 0 gap | 1:2 0:0 1 gap | 0:0 1:4 0 gap');
  t.equal(
    textOf(stripOf(store, { since: 4, until: 5, buckets: 2 })),
    '1:2 0:0 0 gap | 0:0 0:0 1 gap',
  );
  t.equal(textOf(stripOf(store, { since: 7, until: 8, buckets: 1 })), '0:0 2:9 0');
  t.equal(textOf(stripOf(store, { since: 100, until: 50, buckets: 1 })), '0:0 0:0 0');
  t.equal(textOf(stripOf(store, { since: 5, until: 5, buckets: 2 })), '0:0 0:0 1 gap | 0:0 0:0 0');
  t.match(stripOf(liveStore([])), { since: 0, until: 0 });
});

t.test('in slices, while the beginning leaves', async (t) => {
  const large = liveStore([]);
  let text = '';
  for (let at = 0; at < 50_000; at++) text += smallMessage('A', 'in', at * 100);
  large.append(Buffer.from(text));
  let found: Strip | null = null;
  const range = { session: null, since: undefined, until: undefined, buckets: 3 };
  const work = new StripWork(large, range, (strip) => {
    found = strip;
  });
  t.notOk(work.work(() => true));
  while (large.index.first < 20_000) large.index.forgetFirst();
  let slices = 1;
  while (!work.work(() => true)) slices++;
  t.ok(slices > 1);
  const { buckets } = found as unknown as Strip;
  t.equal(
    buckets.reduce((sum, { inMsgs }) => sum + inMsgs, 0),
    30_000 + 8192,
    'what was seen, and what is there',
  );
  t.equal(textOf(stripOf(large, { since: 1, until: 2 })), Array(4).fill('0:0 0:0 0').join(' | '));
});

t.test('a gap in a file that has changed since', async (t) => {
  const file = path.join(makeTempDir(t), 'gap.ndjson');
  const gap = { ev: 'gap', t: 6, since: 3, records: 1, error: 'ENOSPC' } as const;
  writeFileSync(file, recordingText([gap]));
  const fileStore = new FileStore(file);
  t.teardown(() => {
    fileStore.close();
  });
  while (!fileStore.work(() => false));
  writeFileSync(file, 'y'.repeat(100));
  t.equal(textOf(stripOf(fileStore, { buckets: 1 })), '0:0 0:0 0');
});
