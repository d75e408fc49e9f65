import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import {
  SLICE_BYTES,
  SlicedWork,
  type Slices,
} from '../../../src/extensions/permessage-deflate/sliced-work.js';

/** Work of some slices, each of which is noted. */
function* work(name: string, sliceCount: number, log: string[]): Slices<string> {
  for (let slice = 1; slice <= sliceCount; slice++) {
    log.push(`${name}${slice}`);
    if (slice < sliceCount) yield;
  }
  return `result of ${name}`;
}

t.test('a slice', async (t) => {
  t.equal(SLICE_BYTES, 131_072);
});

t.test('work of one slice is done at once, without a promise', async (t) => {
  const log: string[] = [];
  const slicedWork = new SlicedWork(() => log.push('idle'));
  t.equal(slicedWork.run(work('a', 1, log)), 'result of a');
  t.equal(slicedWork.run(work('b', 1, log)), 'result of b');
  await nextTurn();
  t.strictSame(log, ['a1', 'b1'], 'and nobody was idle, who had not stood in line');
});

t.test('larger works stand in line, one slice in each turn of the event loop', async (t) => {
  const log: string[] = [];
  const slicedWork = new SlicedWork(() => log.push('idle'));
  const noted = (result: unknown): Promise<unknown> => {
    if (!(result instanceof Promise)) throw new Error('expected a promise');
    return result.then((value: unknown) => log.push(String(value)));
  };
  // Somebody else's turns, between the slices.
  let isOver = false;
  const tick = (): void => {
    if (isOver) return;
    log.push('-');
    setImmediate(tick);
  };
  setImmediate(tick);
  const all = [
    noted(slicedWork.run(work('a', 3, log))),
    noted(slicedWork.run(work('b', 2, log))),
    noted(slicedWork.run(work('c', 4, log))),
  ];
  t.equal(slicedWork.run(work('small', 1, log)), 'result of small');
  t.strictSame(log, ['a1', 'b1', 'c1', 'small1'], 'first slices run at once');
  log.length = 0;
  await Promise.all(all);
  isOver = true;
  t.strictSame(log, [
    ...['-', 'a2'],
    // The result is there before the next one's turn.
    ...['-', 'a3', 'result of a'],
    ...['-', 'b2', 'result of b'],
    ...['-', 'c2'],
    ...['-', 'c3'],
    ...['-', 'c4', 'idle', 'result of c'],
  ]);
});

t.test('whoever comes while others stand in line stands behind them', async (t) => {
  const log: string[] = [];
  const slicedWork = new SlicedWork(() => log.push('idle'));
  const first = slicedWork.run(work('a', 3, log));
  await nextTurn();
  const second = slicedWork.run(work('b', 2, log));
  t.equal(await first, 'result of a');
  t.equal(await second, 'result of b');
  t.strictSame(log, ['a1', 'a2', 'b1', 'a3', 'b2', 'idle']);
});

t.test('work that begins when a result comes', async (t) => {
  const log: string[] = [];
  const slicedWork = new SlicedWork(() => log.push('idle'));
  const chained = (slicedWork.run(work('a', 2, log)) as Promise<string>).then(() =>
    slicedWork.run(work('b', 3, log)),
  );
  t.equal(await chained, 'result of b');
  t.strictSame(log, ['a1', 'a2', 'idle', 'b1', 'b2', 'b3', 'idle']);
});

t.test('what the first slice throws is thrown, what a later one throws rejects', async (t) => {
  const log: string[] = [];
  const slicedWork = new SlicedWork(() => log.push('idle'));
  function* failing(sliceCount: number): Slices<string> {
    yield* work('f', sliceCount, log);
    yield;
    throw new RangeError(`after ${sliceCount}`);
  }
  // eslint-disable-next-line require-yield -- it does not come that far
  function* failingAtOnce(): Slices<string> {
    throw new RangeError('at once');
  }
  t.throws(() => slicedWork.run(failingAtOnce()), new RangeError('at once'));
  const rejected = slicedWork.run(failing(2)) as Promise<string>;
  const behind = slicedWork.run(work('b', 2, log));
  await t.rejects(rejected, new RangeError('after 2'));
  t.equal(await behind, 'result of b', 'those behind it are not touched');
  t.strictSame(log, ['f1', 'b1', 'f2', 'b2', 'idle']);
  t.equal(slicedWork.run(work('c', 1, log)), 'result of c');
});

t.test('what is thrown need not be an error', async (t) => {
  const slicedWork = new SlicedWork(() => undefined);
  function* odd(): Slices<string> {
    yield;
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- it is passed on as it came
    throw 'a text';
  }
  const thrown = await (slicedWork.run(odd()) as Promise<string>).catch((error: unknown) => error);
  t.equal(thrown, 'a text');
});

t.test('how many stand in line', async (t) => {
  const slicedWork = new SlicedWork(() => undefined);
  t.equal(slicedWork.waitingCount, 0);
  const results = [2, 3].map((count) => slicedWork.run(work('a', count, [])));
  t.equal(slicedWork.waitingCount, 2);
  await results[0];
  t.equal(slicedWork.waitingCount, 1);
  await results[1];
  t.equal(slicedWork.waitingCount, 0);
});
