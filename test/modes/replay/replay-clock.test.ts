import t from 'tap';
import { ReplayClock } from '../../../src/modes/replay/replay-clock.js';

t.test('steps are as far apart as they were, divided by the speed', async (t) => {
  for (const [speed, dues] of [
    [1, [600, 1100, 1100, 2100]],
    [2, [350, 600, 600, 1100]],
    [0.5, [1100, 2100, 2100, 4100]],
    [0, [100, 100, 100, 100]],
  ] as const) {
    const clock = new ReplayClock(speed, 0);
    clock.happened(1000, 100);
    t.strictSame(
      [1000.5, 1001, 1000, 1001].map((time) => clock.dueMs(time)),
      dues,
      `${speed}`,
    );
  }
});

t.test('what came late is not made up for once it has happened', async (t) => {
  const clock = new ReplayClock(1, 1000);
  t.equal(clock.dueMs(1001), 1000);
  clock.happened(1001, 5000);
  t.equal(clock.dueMs(1002), 6000);
});
