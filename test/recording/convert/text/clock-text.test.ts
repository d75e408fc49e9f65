import t from 'tap';
import { ClockText, durationText } from '../../../../src/recording/convert/text/clock-text.js';

t.test('dates and times, UTC, with all six digits', async (t) => {
  const clock = new ClockText();
  for (const [time, date, text] of [
    [0, '1970-01-01', '00:00:00.000000'],
    [1790000000.000001, '2026-09-21', '14:13:20.000001'],
    [1790000000.1, '2026-09-21', '14:13:20.100000'],
    [1790000000.999999, '2026-09-21', '14:13:20.999999'],
    [1790000001, '2026-09-21', '14:13:21.000000'],
    [1790000000.5, '2026-09-21', '14:13:20.500000'],
  ] as const) {
    t.equal(clock.date(time), date);
    t.equal(clock.time(time), text);
  }
});

t.test('days', async (t) => {
  const clock = new ClockText();
  t.equal(clock.day(0), 0);
  t.equal(clock.day(86399.999999), 0);
  t.equal(clock.day(86400), 1);
});

t.test('durations', async (t) => {
  for (const [seconds, text] of [
    [0, '0.000 ms'],
    [0.000137, '0.137 ms'],
    [0.5, '500.000 ms'],
    [1.5, '1.500 s'],
    [59.9, '59.900 s'],
    [60, '1 min 0 s'],
    [125.4, '2 min 5 s'],
    [3599.4, '59 min 59 s'],
    [3600, '1 h 0 min'],
    [12_300, '3 h 25 min'],
  ] as const) {
    t.equal(durationText(seconds), text);
  }
});
