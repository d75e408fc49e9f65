import t from 'tap';
import { type Flushable, FlushQueue } from '../../src/connection/flush-queue.js';

/** Connections that write down when they are flushed. */
class Connections {
  readonly flushed: string[] = [];

  make(name: string, onFlush: () => void = () => undefined): Flushable {
    return {
      flush: () => {
        this.flushed.push(name);
        onFlush();
      },
    };
  }
}

t.test('outside a read the flush comes in a microtask, in order', async (t) => {
  const queue = new FlushQueue();
  const connections = new Connections();
  queue.add(connections.make('a'));
  queue.add(connections.make('b'));
  t.strictSame(connections.flushed, [], 'nothing is written in the middle of a loop of sends');
  await Promise.resolve();
  t.strictSame(connections.flushed, ['a', 'b']);
  queue.add(connections.make('c'));
  await Promise.resolve();
  t.strictSame(connections.flushed, ['a', 'b', 'c']);
});

t.test('one microtask for any number of connections', async (t) => {
  const scheduled: (() => void)[] = [];
  t.intercept(globalThis, 'queueMicrotask', {
    value: (callback: () => void) => scheduled.push(callback),
  });
  const queue = new FlushQueue();
  const connections = new Connections();
  for (const name of ['a', 'b', 'c']) queue.add(connections.make(name));
  t.equal(scheduled.length, 1);
  scheduled[0]!();
  t.strictSame(connections.flushed, ['a', 'b', 'c']);
});

t.test('inside a read the flush comes at its end, at once', async (t) => {
  const scheduled: (() => void)[] = [];
  t.intercept(globalThis, 'queueMicrotask', {
    value: (callback: () => void) => scheduled.push(callback),
  });
  const queue = new FlushQueue();
  const connections = new Connections();
  queue.hold();
  queue.add(connections.make('a'));
  queue.add(connections.make('b'));
  t.strictSame(connections.flushed, []);
  queue.release();
  t.strictSame(connections.flushed, ['a', 'b']);
  t.strictSame(scheduled, [], 'without a microtask');

  queue.hold();
  queue.release();
  t.strictSame(connections.flushed, ['a', 'b'], 'each once');
  queue.add(connections.make('c'));
  t.equal(scheduled.length, 1, 'behind a read the microtask is back');
});

t.test('a read in between writes what waits for the microtask', async (t) => {
  const queue = new FlushQueue();
  const connections = new Connections();
  queue.add(connections.make('a'));
  queue.hold();
  queue.add(connections.make('b'));
  queue.release();
  t.strictSame(connections.flushed, ['a', 'b']);
  await Promise.resolve();
  t.strictSame(connections.flushed, ['a', 'b'], 'nothing is left for the microtask');
});

t.test('what a flush adds is reached by the same loop', async (t) => {
  const queue = new FlushQueue();
  const connections = new Connections();
  queue.hold();
  queue.add(
    connections.make('a', () => {
      queue.add(connections.make('c'));
    }),
  );
  queue.add(connections.make('b'));
  queue.release();
  t.strictSame(connections.flushed, ['a', 'b', 'c']);
  await Promise.resolve();
  t.strictSame(connections.flushed, ['a', 'b', 'c']);
});
