import t from 'tap';
import { SharedReload } from '../../../src/app/reload/shared-reload.js';
import { Deferred, nextTurn } from '../../fixtures/extensions.js';

t.test('never two at once: those who ask meanwhile share the next one', async (t) => {
  let running = 0;
  let runs = 0;
  const reload = new SharedReload(async () => {
    t.equal(++running, 1);
    runs++;
    await new Promise(setImmediate);
    running--;
  });
  const first = reload.ask();
  const others = [1, 2, 3].map(() => reload.ask());
  t.equal(new Set([first, ...others]).size, 2, 'they wait for the same one');
  t.equal(runs, 1);
  await Promise.all([first, ...others]);
  t.equal(runs, 2, 'what has changed behind the first is read by the second');
  await reload.ask();
  t.equal(runs, 3);
});

t.test('whoever asks during the second waits for a third', async (t) => {
  const runs: Deferred<undefined>[] = [];
  const reload = new SharedReload(async () => {
    const run = new Deferred<undefined>();
    runs.push(run);
    await run.promise;
  });
  const first = reload.ask();
  const second = reload.ask();
  runs[0]!.resolve(undefined);
  await first;
  await nextTurn();
  t.equal(runs.length, 2);
  const third = reload.ask();
  runs[1]!.resolve(undefined);
  await second;
  await nextTurn();
  t.equal(runs.length, 3);
  runs[2]!.resolve(undefined);
  await third;
});
