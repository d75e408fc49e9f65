import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { Turns } from '../../../src/budget/turns.js';
import { LargeRoom } from '../../../src/extensions/permessage-deflate/large-room.js';
import {
  type SliceEnd,
  SlicedWork,
  type Slices,
} from '../../../src/extensions/permessage-deflate/sliced-work.js';

function make(): { turns: Turns; room: LargeRoom; slicedWork: SlicedWork } {
  const turns = new Turns();
  const room = new LargeRoom(new MemoryAccount());
  return { turns, room, slicedWork: new SlicedWork(turns, room) };
}

/** Work that ends its slices like that, each of which is noted. */
function* work(name: string, ends: readonly SliceEnd[], log: string[]): Slices<string> {
  let slice = 0;
  for (const end of ends) {
    log.push(`${name}${++slice}`);
    yield end;
  }
  log.push(`${name}${slice + 1}`);
  return `result of ${name}`;
}

t.test('work of one slice is done at once, without a promise', async (t) => {
  const { slicedWork, turns } = make();
  const log: string[] = [];
  t.equal(slicedWork.run(work('a', [], log), slicedWork.makeShare(), {}), 'result of a');
  t.strictSame(log, ['a1']);
  t.equal(turns.waitingCount, 0);
});

t.test('larger work goes on in its turn, and takes the time that it was served with', async (t) => {
  const { slicedWork, turns } = make();
  turns.servedUs = 1000;
  const share = slicedWork.makeShare();
  t.equal(share.servedUs, 1000, 'a share begins now');
  const log: string[] = [];
  const result = slicedWork.run(work('a', ['time', 'time'], log), share, {});
  t.type(result, Promise);
  t.strictSame(log, ['a1'], 'the first slice ran at once');
  t.equal(turns.waitingCount, 1);
  t.equal(await result, 'result of a');
  t.strictSame(log, ['a1', 'a2', 'a3']);
  t.equal(turns.waitingCount, 0);
  t.ok(share.servedUs > 1000, `${share.servedUs}`);
  const before = share.servedUs;
  await slicedWork.run(work('b', ['time', 'time'], log), share, {});
  t.ok(share.servedUs > before, 'all work of a session has one share');
});

t.test('a result is there before anybody else’s turn', async (t) => {
  const { slicedWork, turns } = make();
  // Each slice takes the whole of its time.
  let nowMs = 0;
  t.intercept(performance, 'now', { value: () => nowMs++ });
  const log: string[] = [];
  const all = ['a', 'b'].map(async (name) => {
    log.push(await slicedWork.run(work(name, ['time'], log), slicedWork.makeShare(), {}));
  });
  t.equal(turns.waitingCount, 2);
  await Promise.all(all);
  t.strictSame(log, ['a1', 'b1', 'a2', 'result of a', 'b2', 'result of b']);
});

t.test('work that needs the room waits for it, in the order in which it came', async (t) => {
  const { slicedWork, room, turns } = make();
  const log: string[] = [];
  const holders = ['a', 'b', 'c'].map((name) => ({ name }));
  room.take(holders[0]!);
  const [a, b, c] = [
    // The room is its own already.
    slicedWork.run(work('a', ['room'], log), slicedWork.makeShare(), holders[0]!),
    slicedWork.run(work('b', ['room', 'time'], log), slicedWork.makeShare(), holders[1]!),
    slicedWork.run(work('c', ['time', 'room'], log), slicedWork.makeShare(), holders[2]!),
  ];
  t.equal(await a, 'result of a');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  t.strictSame(log, ['a1', 'b1', 'c1', 'a2', 'c2']);
  t.same([room.waitingCount, turns.waitingCount], [2, 0]);
  room.leave(holders[0]!);
  t.equal(await b, 'result of b');
  t.equal(log.includes('c3'), false);
  room.leave(holders[1]!);
  t.equal(await c, 'result of c');
});

t.test('what the first slice throws is thrown, what a later one throws rejects', async (t) => {
  const { slicedWork } = make();
  const log: string[] = [];
  function* failing(ends: readonly SliceEnd[], error: unknown): Slices<string> {
    yield* work('f', ends, log);
    throw error;
  }
  const run = (slices: Slices<string>): string | Promise<string> =>
    slicedWork.run(slices, slicedWork.makeShare(), {});
  t.throws(() => run(failing([], new RangeError('at once'))), new RangeError('at once'));
  const rejected = run(failing(['time'], new RangeError('later')));
  const behind = run(work('b', ['time'], log));
  await t.rejects(Promise.resolve(rejected), new RangeError('later'));
  t.equal(await behind, 'result of b', 'those behind it are not touched');
  const odd = await Promise.resolve(run(failing(['time'], 'a text'))).catch(
    (error: unknown) => error,
  );
  t.equal(odd, 'a text', 'it need not be an error');
});
