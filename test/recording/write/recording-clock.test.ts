import t from 'tap';
import { RecordingClock } from '../../../src/recording/write/recording-clock.js';

t.test('it tells the time of the system', async (t) => {
  const clock = new RecordingClock();
  const before = Date.now();
  const seconds = clock.nowSeconds();
  t.ok(seconds * 1000 >= before - 2 && seconds * 1000 <= Date.now() + 2);
  t.ok(Number.isInteger(clock.nowMicros()));
});

t.test('it has microseconds, follows a step of the wall clock, and no jitter', async (t) => {
  let monotonicMs = 5;
  let wallMs = 1_790_000_000_000;
  const clock = new RecordingClock({ monotonicMs: () => monotonicMs, wallMs: () => wallMs });
  monotonicMs += 0.25;
  t.equal(clock.nowMicros(), 1_790_000_000_000_250);
  monotonicMs += 999;
  wallMs += 3_600_000;
  t.equal(clock.nowMicros(), 1_790_000_000_999_250, 'it is not looked at all the time');
  monotonicMs += 1;
  t.equal(clock.nowMicros(), 1_790_003_600_000_000);
  monotonicMs += 1000;
  wallMs += 1010;
  t.equal(clock.nowMicros(), 1_790_003_601_000_000, 'ten milliseconds are none of its business');
});

t.test('a session that keeps an offset sees no step of the wall clock', async (t) => {
  let monotonicMs = 5;
  let wallMs = 1_790_000_000_000;
  const clock = new RecordingClock({ monotonicMs: () => monotonicMs, wallMs: () => wallMs });
  const early = clock.currentOffsetMs();
  monotonicMs += 0.5;
  wallMs -= 3_600_000;
  t.equal(clock.microsWith(early), 1_790_000_000_000_500);
  const late = clock.currentOffsetMs();
  t.equal(
    clock.microsWith(late),
    1_789_996_400_000_000,
    'who comes later has the new time at once',
  );
  monotonicMs += 1.25;
  t.equal(clock.microsWith(early), 1_790_000_000_001_750);
  t.equal(clock.microsWith(late), 1_789_996_400_001_250);
});
