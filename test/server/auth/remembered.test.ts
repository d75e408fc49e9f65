import t, { type Test } from 'tap';
import { Remembered } from '../../../src/server/auth/remembered.js';

/** The time that `performance.now` shows. */
function holdTime(t: Test): { nowMs: number } {
  const time = { nowMs: 5000 };
  t.intercept(performance, 'now', { value: () => time.nowMs });
  return time;
}

t.test('a text is forgotten after its time', async (t) => {
  const time = holdTime(t);
  const remembered = new Remembered(100, 10);
  t.notOk(remembered.has('a'));
  remembered.add('a');
  t.ok(remembered.has('a'));
  t.notOk(remembered.has('b'));
  time.nowMs += 99;
  t.ok(remembered.has('a'));
  time.nowMs += 1;
  t.notOk(remembered.has('a'));
});

t.test('of too many the oldest is forgotten', async (t) => {
  const time = holdTime(t);
  const remembered = new Remembered(100, 2);
  for (const text of ['a', 'b', 'a', 'c']) {
    remembered.add(text);
    time.nowMs += 1;
  }
  t.ok(remembered.has('a'), 'added again');
  t.notOk(remembered.has('b'));
  t.ok(remembered.has('c'));
});
