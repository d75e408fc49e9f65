import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { HangWatch } from '../../../src/workers/viewer/hang-watch.js';
import { eventually } from '../../fixtures/within.js';

const CHECK_MS = 5;

function watching(
  t: Test,
  answer: (watch: HangWatch, asked: number) => void,
): { readonly watch: HangWatch; readonly told: { asked: number; readonly hangs: number[] } } {
  const told = { asked: 0, hangs: [] as number[] };
  const watch = new HangWatch({
    ask: () => {
      answer(watch, ++told.asked);
    },
    hangs: (silentMs) => {
      told.hangs.push(silentMs);
    },
    checkMs: CHECK_MS,
  });
  t.teardown(() => {
    watch.end();
  });
  watch.begin();
  return { watch, told };
}

t.test('one that answers is asked again and again', async (t) => {
  const { told } = watching(t, (watch) => {
    watch.answered();
  });
  await eventually(() => told.asked > 10, 'questions');
  t.strictSame(told.hangs, []);
});

t.test('one that says nothing is asked once, and hangs once', async (t) => {
  const { told } = watching(t, () => undefined);
  await eventually(() => told.hangs.length > 0, 'an end');
  t.strictSame(told.hangs, [3 * CHECK_MS]);
  await sleep(10 * CHECK_MS);
  t.strictSame([told.asked, told.hangs.length], [1, 1]);
});

t.test('one that is slow is left alone: each of its answers is late', async (t) => {
  const { told } = watching(t, (watch) => {
    setTimeout(() => {
      watch.answered();
    }, 1.4 * CHECK_MS);
  });
  await eventually(() => told.asked > 10, 'questions');
  t.strictSame(told.hangs, []);
});

t.test('a machine that sleeps: one round passes, however long it was', async (t) => {
  const { watch, told } = watching(t, () => undefined);
  const end = performance.now() + 20 * CHECK_MS;
  while (performance.now() < end);
  // Its answer is behind the timer.
  await new Promise(setImmediate);
  t.strictSame(told.hangs, []);
  watch.answered();
});

t.test('nothing is asked once it is over', async (t) => {
  const { watch, told } = watching(t, () => undefined);
  watch.end();
  await sleep(10 * CHECK_MS);
  t.strictSame(told, { asked: 1, hangs: [] });
});

t.test('it has a time of its own', async (t) => {
  const watch = new HangWatch({ ask: () => undefined, hangs: () => t.fail() });
  watch.begin();
  watch.end();
});
