import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { SessionClock, TICKER } from '../../../src/modes/echo-controls/session-clock.js';
import { FakeTicker } from '../../fixtures/fake-ticker.js';

function makeClock(): { ticker: FakeTicker; clock: SessionClock; woken: number[] } {
  const ticker = new FakeTicker();
  const woken: number[] = [];
  const clock = new SessionClock(ticker, () => woken.push(ticker.nowMs()));
  return { ticker, clock, woken };
}

t.test('one call, at the earliest of the times that were asked for', async (t) => {
  const { ticker, clock, woken } = makeClock();
  clock.wakeAt(1500);
  clock.wakeAt(1200);
  clock.wakeAt(1300);
  t.equal(ticker.waiting, 1);
  ticker.pass(1000);
  t.strictSame(woken, [1200]);
  t.equal(ticker.waiting, 0);
  t.equal(clock.nowMs, 2000);
});

t.test('a time that has passed comes soon, and never at once', async (t) => {
  const { ticker, clock, woken } = makeClock();
  clock.wakeAt(0);
  t.strictSame(woken, []);
  ticker.pass(1);
  t.strictSame(woken, [1001]);
});

t.test('it can be stopped, and asked again', async (t) => {
  const { ticker, clock, woken } = makeClock();
  clock.wakeAt(1100);
  clock.stop();
  t.equal(ticker.waiting, 0);
  clock.wakeAt(1400);
  ticker.pass(1000);
  t.strictSame(woken, [1400]);
});

t.test('the real one', async (t) => {
  const called: string[] = [];
  const before = TICKER.nowMs();
  TICKER.callIn(1, () => called.push('one'));
  TICKER.callIn(1, () => called.push('other'))();
  while (called.length === 0) await sleep(1);
  t.strictSame(called, ['one']);
  t.ok(TICKER.nowMs() > before);
});
