import t from 'tap';
import { WorkQueue } from '../../../src/inspect/store/work-queue.js';

t.test('work takes turns, a slice in each turn of the event loop', async (t) => {
  let nowMs = 0;
  const queue = new WorkQueue(() => nowMs);
  const calls: string[] = [];
  const worker = (name: string, slices: number) => ({
    work: (isOver: () => boolean): boolean => {
      while (!isOver()) nowMs += 4;
      calls.push(name);
      return --slices <= 0;
    },
  });
  const [a, b, c] = [worker('a', 3), worker('b', 1), worker('c', 9)];
  for (const one of [a, b, c, a]) queue.add(one);
  queue.remove(c);
  t.strictSame(calls, []);
  const turns: string[] = [];
  while (queue.size > 0) {
    await new Promise(setImmediate);
    turns.push(calls.splice(0).join(''));
  }
  t.strictSame(turns.filter(Boolean), ['a', 'b', 'a', 'a']);
  queue.add(b);
  await new Promise(setImmediate);
  t.strictSame(calls, ['b'], 'it begins again');
});

t.test('short work shares a slice, and may add itself', async (t) => {
  const queue = new WorkQueue(() => 0);
  let count = 0;
  const again = {
    work: (): boolean => {
      if (++count < 3) queue.add(again);
      return true;
    },
  };
  queue.add(again);
  await new Promise(setImmediate);
  t.equal(count, 3);
  t.equal(queue.size, 0);
});
