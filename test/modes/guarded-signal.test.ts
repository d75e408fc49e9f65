import { addAbortListener, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { guardedController } from '../../src/modes/guarded-signal.js';

const boom = new Error('boom');

t.test('what a listener throws, or rejects with, is heard and goes no further', async (t) => {
  const heard: unknown[] = [];
  const controller = guardedController((error) => heard.push(error));
  const { signal } = controller;
  const calls: string[] = [];
  signal.addEventListener('abort', () => {
    calls.push('first');
    throw boom;
  });
  // As a program without types has it.
  const rejecting: () => unknown = () => {
    calls.push('second');
    return Promise.reject(boom);
  };
  signal.addEventListener('abort', rejecting);
  signal.addEventListener('abort', {
    handleEvent(this: unknown, event: Event): void {
      calls.push(`third ${event.type}`);
      throw boom;
    },
  });
  signal.onabort = () => {
    calls.push('fourth');
    throw boom;
  };
  controller.abort();
  await sleep(1);
  t.strictSame(calls, ['first', 'second', 'third abort', 'fourth']);
  t.strictSame(heard, [boom, boom, boom, boom]);
  t.ok(signal.aborted);
});

t.test('an object that cannot handle it', async (t) => {
  const heard: unknown[] = [];
  const controller = guardedController((error) => heard.push(error));
  controller.signal.addEventListener('abort', {} as unknown as () => void);
  controller.abort();
  t.match(heard, [{ name: 'TypeError' }]);
});

t.test('listeners are added once and removed as ever', async (t) => {
  const controller = guardedController((error) => {
    throw error;
  });
  const { signal } = controller;
  const calls: string[] = [];
  const one = (): void => void calls.push('one');
  const other = (): void => void calls.push('other');
  signal.addEventListener('abort', one);
  signal.addEventListener('abort', one);
  signal.addEventListener('abort', other, { once: true });
  signal.removeEventListener('abort', other);
  t.throws(() => {
    signal.addEventListener('abort', 'nothing' as unknown as () => void);
  }, TypeError);
  controller.abort();
  t.strictSame(calls, ['one']);
});

t.test('what Node has for signals takes it', async (t) => {
  const controller = guardedController((error) => {
    throw error;
  });
  const { signal } = controller;
  const waiting = sleep(60_000, null, { signal });
  let isHeard = false;
  addAbortListener(signal, () => (isHeard = true));
  const aborted = once(signal, 'abort');
  const any = AbortSignal.any([signal]);
  controller.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  await aborted;
  t.ok(isHeard);
  t.ok(any.aborted);
  t.throws(() => {
    signal.throwIfAborted();
  });
});
