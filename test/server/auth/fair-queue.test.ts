import t from 'tap';
import { FairQueue } from '../../../src/server/auth/fair-queue.js';

interface Entry {
  readonly group: string;
  readonly name: string;
}

const entry = (name: string): Entry => ({ group: name.charAt(0), name });

function queueOf(max: number, ...names: readonly string[]): FairQueue<Entry> {
  const queue = new FairQueue<Entry>(max);
  for (const name of names) queue.add(entry(name));
  return queue;
}

function drain(queue: FairQueue<Entry>): string {
  const names: string[] = [];
  for (let next = queue.shift(); next !== null; next = queue.shift()) names.push(next.name);
  return names.join(' ');
}

t.test('groups take turns, and each is served in order', (t) => {
  t.equal(drain(queueOf(9, 'a1', 'a2', 'a3', 'b1', 'c1', 'b2')), 'a1 b1 c1 a2 b2 a3');
  t.equal(queueOf(9).shift(), null);
  t.end();
});

t.test('a group that comes again has no turn before the others', (t) => {
  const queue = queueOf(9, 'a1', 'b1', 'c1');
  t.equal(queue.shift()!.name, 'a1');
  queue.add(entry('a2'));
  t.equal(drain(queue), 'b1 c1 a2');
  t.end();
});

t.test('the largest group makes room, from its end', (t) => {
  const queue = queueOf(4, 'a1', 'a2', 'a3', 'b1');
  t.equal(queue.add(entry('c1'))?.name, 'a3');
  t.equal(queue.size, 4);
  t.equal(queue.add(entry('a4'))?.name, 'a4', 'it is the largest itself');
  t.equal(queue.add(entry('b2'))?.name, 'b2', 'it would be as large');
  t.equal(queue.add(entry('d1'))?.name, 'a2');
  t.equal(queue.add(entry('e1'))?.name, 'e1', 'none is larger than it would be');
  t.equal(drain(queue), 'a1 b1 c1 d1');
  t.equal(queue.size, 0);
  t.end();
});

t.test('one that leaves', (t) => {
  const queue = new FairQueue<Entry>(9);
  const [a1, a2, b1] = [entry('a1'), entry('a2'), entry('b1')];
  for (const one of [a1, a2, b1]) queue.add(one);
  queue.delete(a1);
  queue.delete(b1);
  queue.delete(b1);
  t.equal(queue.size, 1);
  t.equal(drain(queue), 'a2');
  t.end();
});
