import t from 'tap';
import { Durations } from '../src/durations.js';

t.test('each falls into the first bucket that holds it', async (t) => {
  const durations = new Durations();
  t.equal(durations.counts.length, durations.boundsMs.length + 1);
  for (const ms of [0, 1, 1.1, 10_000, 10_001, 1e9]) durations.add(ms);
  t.equal(durations.sumMs, 1_000_020_003.1);
  t.equal(durations.counts[0], 2, 'a bound is inclusive');
  t.equal(durations.counts[1], 1);
  t.equal(durations.counts.at(-2), 1);
  t.equal(durations.counts.at(-1), 2);
  t.equal(
    durations.counts.reduce((sum, count) => sum + count),
    6,
  );
});
