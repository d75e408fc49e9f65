import t from 'tap';
import { type DrainStep, drainSteps } from '../../src/server/drain-steps.js';

const sum = (steps: readonly DrainStep[], key: keyof DrainStep): number =>
  steps.reduce((total, step) => total + step[key], 0);

t.test('a few connections are closed in one step', async (t) => {
  t.strictSame(drainSteps(1, 10_000), [{ count: 1, waitMs: 20 }]);
  t.strictSame(drainSteps(39, 10_000), [{ count: 39, waitMs: 20 }]);
});

t.test('nobody there, nothing to do', async (t) => {
  t.strictSame(drainSteps(0, 10_000), []);
  t.strictSame(drainSteps(0, 0), []);
});

t.test('many are spread, a millisecond each', async (t) => {
  t.strictSame(drainSteps(41, 10_000), [
    { count: 21, waitMs: 20 },
    { count: 20, waitMs: 20 },
  ]);
  const steps = drainSteps(1000, 10_000);
  t.equal(steps.length, 50);
  t.ok(steps.every(({ count, waitMs }) => count === 20 && waitMs === 20));
});

t.test('but never over more than half of the time', async (t) => {
  const steps = drainSteps(10_000, 1000);
  t.equal(steps.length, 25);
  t.equal(steps[0]!.count, 400);
  t.equal(drainSteps(10_000, 0).length, 1, 'without time all at once');
});

t.test('everyone is closed, in time', async (t) => {
  for (const drainMs of [0, 1, 100, 10_000]) {
    for (const connections of [1, 2, 19, 20, 21, 999, 10_000, 54_321]) {
      const steps = drainSteps(connections, drainMs);
      t.equal(sum(steps, 'count'), connections, `${connections} within ${drainMs} ms`);
      t.ok(steps.every(({ count }) => count > 0));
      t.ok(sum(steps, 'waitMs') <= Math.max(20, drainMs / 2));
    }
  }
});
