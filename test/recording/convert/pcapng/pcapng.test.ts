import { Buffer } from 'node:buffer';
import t from 'tap';
import { pcapngConverter } from '../../../../src/recording/convert/pcapng/pcapng.js';
import type { AnyRecord } from '../../../../src/recording/format/record.js';
import { type CapturedSegment, readBlocks, readSegments } from '../../../fixtures/pcapng.js';
import { RecordedLines } from '../../../fixtures/recorded-lines.js';
import { convertRecords, KeptOutput, Recording } from '../../../fixtures/recordings.js';

async function convert(records: Iterable<AnyRecord>): Promise<CapturedSegment[]> {
  return readSegments(await convertRecords(pcapngConverter, records));
}

/** Where connections came from and went to, in the order of their beginnings. */
function connections(segments: readonly CapturedSegment[]): string[] {
  return segments.filter(({ flags }) => flags === 'S').map(({ from, to }) => `${from} ${to}`);
}

t.test('a file without sessions', async (t) => {
  const blocks = readBlocks(await convertRecords(pcapngConverter, new Recording().records));
  t.strictSame(
    blocks.map(({ type }) => type),
    [0x0a0d0d0a, 1],
  );
});

t.test('addresses', async (t) => {
  const recording = new Recording();
  for (const [remote, local] of [
    ['192.0.2.200:5000', '198.51.100.1:80'],
    ['[2001:db8::1]:5000', '[2001:db8::2]:80'],
    ['[::ffff:192.0.2.201]:5000', '198.51.100.1:80'],
    ['unix', 'unix'],
    ['[2001:db8::1]:5000', '198.51.100.1:80'],
    ['192.0.2.200:5000', 'unix'],
    ['198.51.100.2', '198.51.100.1:80'],
    ['2001:db8::5', '[2001:db8::2]:80'],
    ['[2001:db8::1]:5000', 'unix'],
  ] as const) {
    recording.session({ remote, local });
  }
  recording.sessionWithoutOpen().text('in', 'x');
  const v6 = '20010db800000000000000000000000';
  const segments = await convert(recording.records);
  t.strictSame(connections(segments), [
    'c00002c8:5000 c6336401:80',
    `${v6}1:5000 ${v6}2:80`,
    'c00002c9:5000 c6336401:80',
    'c0000202:49155 c0000201:9001',
    // IPv4 beside IPv6 is mapped into it.
    `${v6}1:5000 ${'0'.repeat(20)}ffffc6336401:80`,
    'c00002c8:5000 c0000201:9001',
    'c6336402:49158 c6336401:80',
    `${v6}5:49159 ${v6}2:80`,
    `${v6}1:5000 ${v6.slice(0, 31)}1:9001`,
    'c0000202:49161 c0000201:9001',
  ]);
  const numbers = segments.filter(({ flags }) => flags === 'S').map(({ sequence }) => sequence);
  t.equal(new Set(numbers).size, numbers.length, 'each begins with a number of its own');
});

t.test('overlapping sessions', async (t) => {
  const recording = new Recording();
  const [a, b] = [recording.session(), recording.session()];
  a.text('out', 'a1');
  b.text('out', 'b1').target('connected', 'x');
  recording.records.push({
    ...{ ev: 'frame', s: a.s, t: recording.tick(), dir: 'in', fin: true, rsv: 0, op: 1 },
    ...{ masked: true, len: 2, wire: 8 },
  });
  a.control('out', 9, Buffer.from('a2')).close();
  b.text('out', 'b2');
  a.text('out', 'a3');
  const segments = await convert(recording.records);
  const frames = segments
    .filter(({ payload }) => (payload[0] ?? 0) >= 0x80)
    .map(({ to, payload }) => `${to} ${payload.toString('latin1', 2)}`);
  t.strictSame(frames, [
    '7f000001:50001 a1',
    '7f000001:50002 b1',
    '7f000001:50001 a2',
    // A frame without a message.
    `7f000001:9001 ${'\0'.repeat(6)}`,
    '7f000001:50002 b2',
    // A session is forgotten when it is over: what comes later is one without a beginning.
    'c0000202:49154 a3',
  ]);
  t.equal(segments.filter(({ flags }) => flags.includes('F')).length, 2);
});

t.test('gaps', async (t) => {
  const recording = new Recording();
  const session = recording.session();
  recording.gap(3);
  session.text('out', 'x').text('out', 'y');
  const segments = await convert(recording.records);
  t.strictSame(
    segments.map(({ comment }) => comment),
    ['', '', '', '', '', '3 records are missing before this (ENOSPC)', ''],
  );
});

t.test('what was only counted is told of', async (t) => {
  const recording = new Recording();
  const session = recording.session();
  const at = recording.tick();
  recording.records.push({
    ...{ ev: 'count', s: session.s, t: at, since: at, dir: 'in', of: 'ping', n: 7, len: 0 },
  });
  session.control('in', 9);
  const segments = await convert(recording.records);
  t.match(segments.at(-1)?.comment, '7 of kind ping were counted before this, not recorded');
});

t.test('many records', async (t) => {
  const recording = new Recording();
  const session = recording.session();
  for (let index = 0; index < 5000; index++) session.text('out', `message ${index}`);
  const segments = await convert(recording.records);
  const texts = segments.slice(5).map(({ payload }) => payload.toString('latin1', 2));
  t.strictSame(
    texts,
    Array.from({ length: 5000 }, (_, index) => `message ${index}`),
  );
});

t.test('what is there is written before the end', async (t) => {
  const output = new KeptOutput();
  const converter = pcapngConverter(output);
  const recording = new Recording();
  recording.session().text('out', 'hello');
  for (const record of recording.records) await converter.convert(record, Buffer.alloc(0));
  await converter.flush?.();
  t.match(output.bytes.toString('latin1'), 'hello');
});

t.test('sessions without an end are given up when there are too many', async (t) => {
  const output = { write: () => undefined };
  const converter = pcapngConverter(output);
  const recording = new Recording();
  const first = recording.session().frame('in', { fin: false }).frame('out', { fin: false });
  for (const record of recording.records) await converter.convert(record, Buffer.alloc(0));
  t.equal(converter.givenUp, 0);
  for (let number = 0; number < 33_000; number++) {
    const [, record] = new Recording().records.concat(
      new RecordedLines(`S${number}`).open({ t: 1_790_000_000 }),
    );
    await converter.convert(record!, Buffer.alloc(0));
  }
  const givenUp = converter.givenUp ?? 0;
  t.ok(givenUp > 300, `${givenUp} of them`);
  await converter.convert(
    new RecordedLines(first.s).in('x', { t: 1_790_000_001 }),
    Buffer.alloc(0),
  );
  await converter.finish();
});
