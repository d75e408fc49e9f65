import t from 'tap';
import {
  counted,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatMoment,
  parseBytes,
} from '../../../../web/shared/model/units.js';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

t.test('sizes', async (t) => {
  const cases: readonly [number, string][] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [99.9 * 1024, '99.9 KiB'],
    [100 * 1024, '100 KiB'],
    [1023.6 * 1024, '1 MiB'],
    [1024 ** 3, '1 GiB'],
    [5 * 1024 ** 4, '5 TiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ];
  for (const [bytes, text] of cases) t.equal(plain(formatBytes(bytes)), text);
});

t.test('counts', async (t) => {
  t.equal(formatCount(0), '0');
  t.equal(formatCount(999), '999');
  t.equal(formatCount(1000), '1,000');
  t.equal(formatCount(1234567), '1,234,567');
  t.equal(counted(1, 'message'), '1 message');
  t.equal(counted(1000, 'message'), '1,000 messages');
  t.equal(counted(2, 'reply', 'replies'), '2 replies');
});

t.test('durations', async (t) => {
  const cases: readonly [number, string][] = [
    [0, '0 s'],
    [0.000_000_4, '0 µs'],
    [0.000_48, '480 µs'],
    [0.000_999_6, '1 ms'],
    [0.0032, '3.2 ms'],
    [0.004_25, '4.25 ms'],
    [0.0425, '42.5 ms'],
    [0.425, '425 ms'],
    [0.9996, '1 s'],
    [1.25, '1.25 s'],
    [59.9, '59.9 s'],
    [59.96, '1 min'],
    [260, '4 min 20 s'],
    [3600, '1 h'],
    [3 * 3600 + 300, '3 h 5 min'],
    [24 * 3600, '1 d'],
    [52 * 3600, '2 d 4 h'],
    [-0.0032, '-3.2 ms'],
  ];
  for (const [seconds, text] of cases) t.equal(plain(formatDuration(seconds)), text, `${seconds}`);
});

t.test('times', async (t) => {
  const midday = new Date(2026, 10, 30, 14, 3, 9).getTime() / 1000;
  t.equal(formatClock(midday, 0), '14:03:09');
  t.equal(formatClock(midday + 0.482_193), '14:03:09.482');
  t.equal(formatClock(midday + 0.482_193, 6), '14:03:09.482193');
  t.equal(formatClock(midday + 0.999_999_9, 6), '14:03:10.000000', 'rounded as a whole');
  t.equal(formatMoment(midday, 0), '2026-11-30 14:03:09');
  t.equal(formatMoment(midday + 0.25), '2026-11-30 14:03:09.250');
});

t.test('sizes are read as they are written', async (t) => {
  const cases: readonly [string, number | null][] = [
    ['512', 512],
    [' 512 b ', 512],
    ['10k', 10_240],
    ['10 KiB', 10_240],
    ['1.5m', 1_572_864],
    ['2gb', 2 * 1024 ** 3],
    ['', null],
    ['-1', null],
    ['1t', null],
    ['ten', null],
    ['99999999999999999', null],
  ];
  for (const [text, bytes] of cases) t.equal(parseBytes(text), bytes, text);
});
