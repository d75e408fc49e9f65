/** The benchmark's medians and intervals. */
import t from 'tap';
import { estimateMedian, median, medianRatio } from '../../bench/statistics.mjs';
import { inTurns } from '../../bench/turns.mjs';

t.test('medians, and ratios of pairs', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.ok(Number.isNaN(median([])));
  // Each round was twice as slow as the one before, for both.
  t.equal(medianRatio([2, 4, 8], [1, 2, 4]), 2);
});

t.test('an interval lies between two of the values', async (t) => {
  t.strictSame(estimateMedian([5, 1, 3, 2, 4]), {
    median: 3,
    low: 1,
    high: 5,
    confidence: 1 - 2 / 32,
  });
  t.match(estimateMedian([1, 2, 3, 4, 5, 6, 7, 8, 9]), { median: 5, low: 2, high: 8 });
  t.match(estimateMedian([NaN, 2, Infinity, 1]), { median: 1.5, low: 1, high: 2, confidence: 0.5 });
  t.match(estimateMedian([7]), { median: 7, low: 7, high: 7, confidence: 0 });
  t.ok(Number.isNaN(estimateMedian([]).median));
});

t.test('intervals cover the true median as often as they say', async (t) => {
  for (const count of [2, 5, 8, 15, 30]) {
    const { low, high, confidence } = estimateMedian(
      Array.from({ length: count }, (_, index) => index),
    );
    // The median is outside if fewer than `low + 1` of the values lie on one side of it.
    let outside = 0;
    for (let below = 0; below <= low; below++) outside += 2 * choose(count, below) * 2 ** -count;
    t.ok(Math.abs(confidence - (1 - outside)) < 1e-12, `${count} values`);
    t.equal(low, count - 1 - high);
    if (count >= 5) t.ok(confidence >= 0.93, `${count} values: ${confidence}`);
  }
});

t.test('peers change their order, and each has one run a round', async (t) => {
  const order: string[] = [];
  const peers = ['a', 'b', 'c'].map((name) => ({ name }));
  const runs = await inTurns(peers, 3, async ({ name }) => order.push(name));
  t.equal(order.join(''), 'abcacbcab');
  t.strictSame(
    Object.values(runs).map(({ length }) => length),
    [3, 3, 3],
  );
});

function choose(count: number, chosen: number): number {
  let ways = 1;
  for (let one = 0; one < chosen; one++) ways = (ways * (count - one)) / (one + 1);
  return ways;
}
