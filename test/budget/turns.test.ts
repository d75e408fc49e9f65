import { execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import {
  CLOCK_BYTES,
  CROWD,
  type HeavyReader,
  type HeavyWork,
  SLICE_MS,
  TURN_MS,
  Turns,
  UNWATCHED_BYTES,
  loopTurns,
} from '../../src/budget/turns.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

/** A clock that only work moves. */
class FakeClock {
  nowMs = 1000;
  looks = 0;

  constructor(t: Test) {
    t.intercept(performance, 'now', {
      value: () => {
        this.looks++;
        return this.nowMs;
      },
    });
  }
}

/** Work of some slices. */
class Work implements HeavyWork {
  servedUs: number;
  slices = 0;
  /** The test is over. */
  isStopped = false;
  /** What else a slice does. */
  onSlice: () => void = () => undefined;
  readonly #turns: Turns;
  readonly #clock: FakeClock;
  readonly #ms: number;
  readonly #count: number;

  constructor(turns: Turns, clock: FakeClock, count = Infinity, ms = SLICE_MS) {
    this.servedUs = turns.servedUs;
    this.#turns = turns;
    this.#clock = clock;
    this.#count = count;
    this.#ms = ms;
  }

  work(): void {
    this.slices++;
    this.#clock.nowMs += this.#ms;
    this.onSlice();
    if (this.slices < this.#count && !this.isStopped) this.#turns.add(this);
  }
}

/** Ends works that have no end. */
async function stop(turns: Turns, ...works: readonly Work[]): Promise<void> {
  for (const work of works) work.isStopped = true;
  while (turns.waitingCount > 0) await turnsPass(1);
}

/** Some turns of the event loop. */
async function turnsPass(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

t.test('light work looks at no clock, and asks for no turn', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const scheduled = t.capture(globalThis, 'setImmediate');
  let bytes = 0;
  for (; bytes + 256 < UNWATCHED_BYTES; bytes += 256) t.notOk(turns.spend(256));
  t.equal(clock.looks, 0);
  t.equal(scheduled().length, 0);
  turns.spend(256);
  t.equal(clock.looks, 1, 'once for so much work');
  t.equal(scheduled().length, 1, 'and then the end of the turn is heard of');
});

t.test('a turn is over when its time is, and the next one begins', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  t.notOk(turns.spend(UNWATCHED_BYTES), 'the first look only says when it began');
  clock.nowMs += TURN_MS - 0.001;
  t.notOk(turns.spend(CLOCK_BYTES));
  clock.nowMs += 0.001;
  t.notOk(turns.spend(CLOCK_BYTES - 1), 'nobody has looked');
  t.ok(turns.spend(1));
  const { looks } = clock;
  t.ok(turns.spend(CLOCK_BYTES), 'it stays over');
  t.equal(clock.looks, looks, 'and nobody needs to look');
  await turnsPass(1);
  t.notOk(turns.isOver);
  t.notOk(turns.spend(CLOCK_BYTES), 'it has all of its time again');
  await turnsPass(1);
});

t.test('what was left is done in slices, about one in each turn, before others', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const work = new Work(turns, clock, 3);
  turns.add(work);
  t.equal(work.slices, 0, 'in a later turn');
  t.equal(turns.waitingCount, 1);
  for (let slices = 1; slices <= 3; slices++) {
    await turnsPass(1);
    t.equal(work.slices, slices);
    t.notOk(turns.isOver, 'what comes next in this turn has its time');
  }
  t.equal(turns.waitingCount, 0);
  t.equal(work.servedUs, 3 * SLICE_MS * 1000);
  await turnsPass(2);
  t.equal(work.slices, 3);
});

t.test(
  'within a slice the time of a slice counts, and behind it what is left of the turn',
  async (t) => {
    const clock = new FakeClock(t);
    const turns = new Turns();
    const work = new Work(turns, clock, 1, 0);
    const seen: boolean[] = [];
    work.onSlice = () => {
      seen.push(turns.spend(CLOCK_BYTES));
      clock.nowMs += SLICE_MS;
      seen.push(turns.spend(CLOCK_BYTES));
    };
    turns.add(work);
    await turnsPass(1);
    t.strictSame(seen, [false, true]);
    t.notOk(turns.spend(CLOCK_BYTES));
    clock.nowMs += TURN_MS - SLICE_MS;
    t.ok(turns.spend(CLOCK_BYTES), 'the slice was part of the turn');
  },
);

t.test('works that take less than a slice share it', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const works = Array.from({ length: 10 }, () => new Work(turns, clock, 1, SLICE_MS / 4));
  for (const work of works) turns.add(work);
  await turnsPass(1);
  t.equal(works.filter(({ slices }) => slices === 1).length, 4);
  await turnsPass(2);
  t.ok(works.every(({ slices }) => slices === 1));
});

t.test('whoever has had the least goes first', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const order: number[] = [];
  for (const served of [3, 1, 4, 1.5, 9, 2.6, 5]) {
    const work = new Work(turns, clock, 1);
    work.servedUs = served * 1000;
    work.onSlice = () => order.push(served);
    turns.add(work);
  }
  await turnsPass(10);
  t.strictSame(order, [1, 1.5, 2.6, 3, 4, 5, 9]);
  t.equal(turns.servedUs, 9000, 'how far all are served');
});

t.test('equal shares, however long the slices of each are', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const works = [1, 2, 4, 8].map((ms) => ({ ms, work: new Work(turns, clock, Infinity, ms) }));
  for (const { work } of works) turns.add(work);
  await turnsPass(400);
  const shares = works.map(({ ms, work }) => ms * work.slices);
  t.ok(Math.max(...shares) - Math.min(...shares) <= 8, shares.join());
  await stop(turns, ...works.map(({ work }) => work));
});

t.test(
  'one that comes again within its slice is placed by all that it was served with',
  async (t) => {
    const clock = new FakeClock(t);
    const turns = new Turns();
    const order: string[] = [];
    const again = new Work(turns, clock, 1);
    const other = new Work(turns, clock, 3);
    again.onSlice = () => {
      order.push('again');
      // What it counts by itself is in the slice already.
      turns.charge(again, SLICE_MS);
      if (again.slices < 3) turns.add(again);
    };
    other.onSlice = () => order.push('other');
    turns.add(again);
    turns.add(other);
    await turnsPass(8);
    t.strictSame(order, ['again', 'other', 'again', 'other', 'again', 'other']);
    t.equal(again.servedUs, 3 * SLICE_MS * 1000);
    turns.charge(again, 2);
    t.equal(again.servedUs, (3 * SLICE_MS + 2) * 1000, 'beside its slices it counts');
  },
);

t.test('one that has waited long is served first, and does not get back all of it', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const idle = new Work(turns, clock, Infinity);
  const busy = new Work(turns, clock, Infinity);
  turns.add(busy);
  await turnsPass(200);
  const { slices } = busy;
  turns.add(idle);
  await turnsPass(200);
  t.equal(idle.slices + busy.slices - slices, 200);
  // 50 ms is the most that it is ahead, and the rest is shared.
  const lead = idle.slices - (busy.slices - slices);
  t.ok(Math.abs(lead - 50) <= 2, `${lead} slices ahead`);
  await stop(turns, idle, busy);
});

t.test('one that was served far more than all others is not left out for ever', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const greedy = new Work(turns, clock, Infinity);
  greedy.servedUs = 1e12;
  const other = new Work(turns, clock, Infinity);
  turns.add(greedy);
  turns.add(other);
  await turnsPass(200);
  t.ok(greedy.slices >= 70, `${greedy.slices} of 200`);
  await stop(turns, greedy, other);
});

t.test('what throws does not stop the others, and is not called again', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  const bad = new Work(turns, clock);
  bad.servedUs = -1;
  bad.onSlice = () => {
    throw new Error('a slice');
  };
  const good = new Work(turns, clock, 2);
  turns.add(bad);
  turns.add(good);
  const thrown: unknown[] = [];
  // As Node does it for what nobody catches.
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => thrown.push(error));
  await turnsPass(5);
  for (const listener of listeners) process.on('uncaughtException', listener);
  t.match(thrown, [{ message: 'a slice' }]);
  t.equal(bad.slices, 1);
  t.equal(good.slices, 2);
  t.equal(turns.waitingCount, 0);
  turns.add(bad);
  bad.onSlice = () => undefined;
  bad.isStopped = true;
  await turnsPass(1);
  t.equal(bad.slices, 2, 'nor does it count as being at work');
});

t.test('works that come while others run', async (t) => {
  const clock = new FakeClock(t);
  const turns = new Turns();
  let count = 0;
  const addOne = (): void => {
    if (count++ >= 20) return;
    const work = new Work(turns, clock, 1, 0);
    work.onSlice = addOne;
    turns.add(work);
  };
  addOne();
  await turnsPass(1);
  t.equal(count, 21, 'what takes no time is all done in one slice');
  t.equal(turns.waitingCount, 0);
});

t.test('a heap of many: in order, and n log n looks at it', async (t) => {
  const clock = new FakeClock(t);
  const costs: number[] = [];
  for (const count of [1000, 2000, 4000, 8000]) {
    const turns = new Turns();
    const random = new SeededRandom(count);
    const order: number[] = [];
    let looks = 0;
    for (let index = 0; index < count; index++) {
      let servedUs = random.below(40_000);
      turns.add({
        get servedUs() {
          looks++;
          return servedUs;
        },
        set servedUs(value) {
          servedUs = value;
        },
        work: () => {
          order.push(servedUs);
        },
      });
    }
    t.equal(turns.waitingCount, count);
    await turnsPass(1);
    t.equal(order.length, count);
    t.ok(
      order.every((served, index) => index === 0 || order[index - 1]! <= served),
      `${count} in order`,
    );
    costs.push(looks / (count * Math.log2(count)));
  }
  t.ok(Math.max(...costs) < 1.5 * Math.min(...costs), costs.join());
  t.equal(clock.nowMs, 1000);
});

t.test('it is crowded while many read much, and for one turn more', async (t) => {
  new FakeClock(t);
  const turns = new Turns();
  const readers = Array.from({ length: CROWD }, () => ({ seenInTurn: -1 }));
  const turn = async (...present: readonly HeavyReader[]): Promise<boolean> => {
    for (const reader of present) turns.noteReader(reader);
    turns.spend(UNWATCHED_BYTES);
    await turnsPass(1);
    return turns.isCrowded;
  };
  const few = readers.slice(1);
  t.notOk(await turn(...few, ...few), 'each counts once');
  t.notOk(await turn(readers[0]!), 'nor do they add up from turn to turn');
  t.ok(await turn(...readers));
  t.ok(await turn(...readers, ...few));
  t.notOk(await turn(...few), 'it is over');
});

t.test('there is one for this thread', async (t) => {
  t.ok(loopTurns instanceof Turns);
});

t.test('with nothing to do it keeps no process alive', async (t) => {
  const script = `
    import { CLOCK_BYTES, Turns } from './src/budget/turns.js';
    const turns = new Turns();
    turns.spend(CLOCK_BYTES);
    turns.spend(CLOCK_BYTES);
    let slices = 0;
    const work = { servedUs: 0, work: () => ++slices < 5 && turns.add(work) };
    turns.add(work);
    process.on('exit', () => console.log(slices));
  `;
  const out = execFileSync(
    process.execPath,
    ['--import=./tools/typescript.mjs', '--input-type=module', '-e', script],
    { encoding: 'utf8', timeout: 60_000 },
  );
  t.equal(out.trim(), '5');
});
