import t from 'tap';
import { RoundTrips } from '../../../../web/echo/model/round-trips.js';

t.test('percentiles are right within one percent', async (t) => {
  const trips = new RoundTrips();
  for (let ms = 1; ms <= 1000; ms++) trips.add(ms);
  t.match(trips, { count: 1000, min: 1, max: 1000, mean: 500.5 });
  for (const [share, exact] of [
    [0.5, 500],
    [0.9, 900],
    [0.99, 990],
  ] as const) {
    const found = trips.percentile(share);
    t.ok(Math.abs(found - exact) <= exact * 0.011, `${share}: ${found}`);
  }
  t.equal(trips.percentile(1), 1000);
  t.equal(trips.percentile(0), 1);
});

t.test('one is all of it', async (t) => {
  const trips = new RoundTrips();
  t.match(trips, { count: 0, mean: 0 });
  t.equal(trips.percentile(0.5), 0);
  t.strictSame(trips.columns(10), []);
  trips.add(0.3);
  t.equal(trips.percentile(0.5), 0.3);
  t.equal(trips.percentile(0.99), 0.3);
  const [column, ...others] = trips.columns(10);
  t.strictSame(others, []);
  t.equal(column?.count, 1);
  t.ok(column!.from <= 0.3 && 0.3 <= column!.to);
});

t.test('columns have all of them, and each begins where the one before ends', async (t) => {
  const trips = new RoundTrips();
  for (const ms of [0, 0.1, 0.2, 0.2, 3, 50, 50, 2e6]) trips.add(ms);
  const columns = trips.columns(20);
  t.ok(columns.length <= 20);
  t.equal(
    columns.reduce((sum, { count }) => sum + count, 0),
    8,
  );
  for (const [index, { from }] of columns.entries())
    if (index > 0) t.equal(from, columns[index - 1]!.to);
});
