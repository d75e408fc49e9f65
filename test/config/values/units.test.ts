import fc from 'fast-check';
import t from 'tap';
import {
  DURATION_PATTERN,
  SIZE_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
} from '../../../src/config/values/units.js';

t.test('sizes are bytes, with k, m and g as powers of 1024', async (t) => {
  for (const [text, bytes, shortest] of [
    ['0', 0, '0'],
    ['0k', 0, '0'],
    ['125', 125, '125'],
    ['1024', 1024, '1k'],
    ['1025', 1025, '1025'],
    ['64k', 65_536, '64k'],
    ['16m', 16_777_216, '16m'],
    ['1024m', 1_073_741_824, '1g'],
    ['1g', 1_073_741_824, '1g'],
  ] as const) {
    t.equal(parseSize(text), bytes, text);
    t.equal(formatSize(bytes), shortest, text);
  }
});

t.test('durations are milliseconds and always have a unit', async (t) => {
  for (const [text, ms, shortest] of [
    ['0s', 0, '0ms'],
    ['1ms', 1, '1ms'],
    ['500ms', 500, '500ms'],
    ['1000ms', 1_000, '1s'],
    ['30s', 30_000, '30s'],
    ['60s', 60_000, '1m'],
    ['90s', 90_000, '90s'],
    ['5m', 300_000, '5m'],
    ['120m', 7_200_000, '2h'],
  ] as const) {
    t.equal(parseDuration(text), ms, text);
    t.equal(formatDuration(ms), shortest, text);
  }
});

t.test('what is not exact is refused', async (t) => {
  const neither = [
    '',
    ' ',
    'k',
    's',
    'off',
    '-1',
    '+1',
    '-1s',
    '1.5m',
    '1,5s',
    '0x10',
    '1e3',
    '01k',
    '007s',
    ' 5s',
    '5s ',
    '5 s',
    '5\n',
    '5s\n',
    '1K',
    '1M',
    '1S',
    '1kb',
    '1MiB',
    '1d',
    '1h30m',
    '٣s',
    'NaN',
    'Infinity',
    '1_000',
    '1ss',
  ];
  for (const text of neither) {
    t.equal(parseSize(text), null, `size ${JSON.stringify(text)}`);
    t.equal(parseDuration(text), null, `duration ${JSON.stringify(text)}`);
  }
  t.equal(parseSize('5s'), null, 'a duration is no size');
  t.equal(parseSize('5ms'), null, 'a duration is no size');
  t.equal(parseDuration('5'), null, 'a bare number is no duration');
  t.equal(parseDuration('5k'), null, 'a size is no duration');
});

t.test('numbers beyond all measure are numbers still, for the range check to refuse', async (t) => {
  t.equal(parseSize('9'.repeat(400)), Infinity);
  t.equal(parseDuration(`${'9'.repeat(400)}h`), Infinity);
});

t.test('what is written is read back as the same amount', async (t) => {
  const amount = fc.oneof(
    fc.nat(),
    fc.nat(4096).map((n) => n * 1024),
    fc.nat(5000).map((n) => n * 60_000),
  );
  fc.assert(
    fc.property(amount, (n) => {
      t.equal(parseSize(formatSize(n)), n);
      t.equal(parseDuration(formatDuration(n)), n);
    }),
    { numRuns: 300 },
  );
});

t.test('the patterns of the schema take exactly what is parsed', async (t) => {
  const nearMiss = fc.stringMatching(/^[ +-]?[0-9]{0,3}[.]?(k|m|g|s|h|ms|K| )?$/);
  fc.assert(
    fc.property(fc.oneof(nearMiss, fc.string()), (text) => {
      t.equal(SIZE_PATTERN.test(text), parseSize(text) !== null, JSON.stringify(text));
      t.equal(DURATION_PATTERN.test(text), parseDuration(text) !== null, JSON.stringify(text));
    }),
    { numRuns: 1000 },
  );
});
