import t, { type Test } from 'tap';
import { CoarseClock, TICK_MS } from '../../src/connection/clock.js';

/** The timers of the process, in the test's hands. */
class FakeTimers {
  /** What the monotonic clock shows. */
  nowMs = 0;
  readonly started: number[] = [];
  readonly #running = new Map<number, () => void>();

  constructor(t: Test) {
    t.intercept(globalThis, 'setInterval', {
      value: (callback: () => void, ms: number): number => {
        this.#running.set(this.started.push(ms), callback);
        return this.started.length;
      },
    });
    t.intercept(globalThis, 'clearInterval', {
      value: (id: number): void => {
        this.#running.delete(id);
      },
    });
    t.intercept(performance, 'now', { value: () => this.nowMs });
  }

  get runningCount(): number {
    return this.#running.size;
  }

  tick(nowMs: number): void {
    this.nowMs = nowMs;
    for (const callback of this.#running.values()) callback();
  }
}

t.test('a tick takes the time and tells it', async (t) => {
  const timers = new FakeTimers(t);
  timers.nowMs = 700.9;
  const told: number[] = [];
  const clock = new CoarseClock((nowMs) => told.push(nowMs));
  t.equal(clock.nowMs, 700, 'whole milliseconds, before it ever ran');
  clock.start();
  t.strictSame(timers.started, [TICK_MS]);
  timers.tick(801.5);
  t.equal(clock.nowMs, 801);
  timers.tick(1200);
  t.equal(clock.nowMs, 1200);
  t.strictSame(told, [801, 1200]);
});

t.test('between two ticks it stands still', async (t) => {
  const timers = new FakeTimers(t);
  const clock = new CoarseClock(() => undefined);
  clock.start();
  timers.tick(100);
  timers.nowMs = 150;
  t.equal(clock.nowMs, 100);
});

t.test('one timer, however often it is started', async (t) => {
  const timers = new FakeTimers(t);
  const clock = new CoarseClock(() => undefined);
  clock.start();
  timers.nowMs = 50;
  clock.start();
  t.equal(timers.started.length, 1);
  t.equal(clock.nowMs, 0, 'a clock that runs is not set');
});

t.test('no timer while it is stopped, and the right time when it starts again', async (t) => {
  const timers = new FakeTimers(t);
  const told: number[] = [];
  const clock = new CoarseClock((nowMs) => told.push(nowMs));
  t.equal(timers.runningCount, 0, 'none before it starts');
  clock.stop();
  clock.start();
  t.equal(timers.runningCount, 1);
  clock.stop();
  t.equal(timers.runningCount, 0);
  clock.stop();
  timers.tick(5000);
  t.strictSame(told, []);
  clock.start();
  t.equal(timers.runningCount, 1);
  t.equal(clock.nowMs, 5000);
});

t.test('real timers move it', async (t) => {
  const nowMs = await new Promise<number>((resolve) => {
    const clock = new CoarseClock((nowMs) => {
      clock.stop();
      resolve(nowMs);
    });
    clock.start();
  });
  t.ok(Number.isInteger(nowMs));
  t.ok(nowMs <= performance.now(), 'it shows the monotonic clock');
});

t.test('it tells the time with fractions, whether it ticks or not', async (t) => {
  const clock = new CoarseClock(() => undefined);
  const before = performance.now();
  const nowMs = clock.exactMs();
  t.ok(nowMs >= before && nowMs <= performance.now());
});
