/** What all compressors together may take: `deflateMemory`. */
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  CompressorBudget,
  type CompressorHolder,
} from '../../../src/extensions/permessage-deflate/compressor-budget.js';
import { MessageDeflater } from '../../../src/extensions/permessage-deflate/message-deflater.js';
import {
  NodeDecompressor,
  copied,
  inflateAll,
  makeMessage,
  makeShared,
} from '../../fixtures/deflate.js';

/** A compressor that is none. */
class FakeHolder implements CompressorHolder {
  readonly name: string;
  readonly compressorBytes: number;
  readonly #log: string[];
  isWorking = false;

  constructor(name: string, log: string[], compressorBytes = 100) {
    this.name = name;
    this.compressorBytes = compressorBytes;
    this.#log = log;
  }

  dropCompressor(): boolean {
    this.#log.push(this.isWorking ? `${this.name} works` : `${this.name} dropped`);
    return !this.isWorking;
  }
}

function make(maxBytes: number): {
  budget: CompressorBudget;
  log: string[];
  a: FakeHolder;
  b: FakeHolder;
  c: FakeHolder;
} {
  const log: string[] = [];
  return {
    budget: new CompressorBudget(maxBytes),
    log,
    a: new FakeHolder('a', log),
    b: new FakeHolder('b', log),
    c: new FakeHolder('c', log),
  };
}

/** Timers that tick when they are told to. */
class FakeTimers {
  readonly started: { readonly tick: () => void; readonly ms: number; isUnreferenced: boolean }[] =
    [];
  readonly stopped: unknown[] = [];

  constructor(t: Test) {
    t.capture(globalThis, 'setInterval', (tick: () => void, ms: number) => {
      const timer = {
        tick,
        ms,
        isUnreferenced: false,
        unref: () => {
          timer.isUnreferenced = true;
          return timer;
        },
      };
      this.started.push(timer);
      return timer;
    });
    t.capture(globalThis, 'clearInterval', (timer: unknown) => {
      this.stopped.push(timer);
    });
  }
}

t.test('who is used counts once, until it is released', async (t) => {
  const { budget, log, a, b } = make(1000);
  t.equal(budget.liveBytes, 0);
  t.equal(budget.liveCount, 0);
  budget.use(a);
  budget.use(a);
  budget.use(b);
  t.equal(budget.liveBytes, 200);
  t.equal(budget.liveCount, 2);
  budget.release(a);
  t.equal(budget.liveBytes, 100);
  t.equal(budget.liveCount, 1);
  budget.release(a);
  t.equal(budget.liveBytes, 100, 'a second time is nothing');
  budget.release(b);
  t.equal(budget.liveBytes, 0);
  t.equal(budget.liveCount, 0);
  t.strictSame(log, [], 'nobody was asked to go');
});

t.test('exactly the budget is allowed', async (t) => {
  const { budget, log, a, b, c } = make(300);
  budget.use(a);
  budget.use(b);
  budget.use(c);
  budget.rest(a);
  budget.rest(b);
  budget.rest(c);
  t.strictSame(log, []);
  t.equal(budget.liveBytes, 300);
});

t.test('the least recently used goes first', async (t) => {
  const { budget, log, a, b, c } = make(299);
  budget.use(a);
  budget.use(b);
  budget.use(c);
  t.strictSame(log.splice(0), ['a dropped']);
  t.equal(budget.liveBytes, 200);
  // Now b is the oldest; using it makes c the oldest.
  budget.use(b);
  budget.use(a);
  t.strictSame(log.splice(0), ['c dropped']);
  budget.use(c);
  t.strictSame(log.splice(0), ['b dropped']);
  t.equal(budget.liveBytes, 200);
});

t.test('one that was given back within its message is nobody who had to go', async (t) => {
  const { budget, log, a, b } = make(100);
  budget.use(a);
  a.isWorking = true;
  budget.use(b);
  b.isWorking = true;
  budget.release(b);
  const { liveBytes } = budget;
  budget.rest(b);
  t.strictSame(log.splice(0), ['a works'], 'nobody asks it to go');
  t.equal(budget.evictedForMemory, 0);
  t.equal(budget.liveBytes, liveBytes);
  t.equal(budget.liveCount, 1);

  const none = make(0);
  none.budget.use(none.a);
  none.budget.use(none.b);
  none.budget.release(none.b);
  none.budget.rest(none.b);
  t.notOk(none.log.includes('b dropped'), 'nor where there is no room at all');
});

t.test('as many go as must, and no more', async (t) => {
  const { budget, log, a, b, c } = make(350);
  const large = new FakeHolder('large', log, 250);
  budget.use(a);
  budget.use(b);
  budget.use(c);
  budget.use(large);
  t.strictSame(log, ['a dropped', 'b dropped']);
  t.equal(budget.liveBytes, 350);
  t.equal(budget.liveCount, 2);
});

t.test('who works stays, and the next one goes', async (t) => {
  const { budget, log, a, b, c } = make(200);
  budget.use(a);
  a.isWorking = true;
  budget.use(b);
  budget.use(c);
  t.strictSame(log.splice(0), ['a works', 'b dropped']);
  t.equal(budget.liveBytes, 200);
  c.isWorking = true;
  budget.use(b);
  t.strictSame(
    log.splice(0),
    ['c works'],
    'never the one that comes, nor one that is known to work',
  );
  t.equal(budget.liveBytes, 300, 'over the budget, while they work');
  a.isWorking = false;
  budget.rest(a);
  t.strictSame(log.splice(0), ['a dropped'], 'the first that is through makes up for it');
  t.equal(budget.liveBytes, 200);
  c.isWorking = false;
  budget.rest(c);
  t.strictSame(log, []);
});

t.test('a message asks each of those that work once, however many messages come', async (t) => {
  for (const count of [100, 200, 400]) {
    const log: string[] = [];
    const budget = new CompressorBudget(0);
    const workers = Array.from({ length: count }, (_, number) => {
      const worker = new FakeHolder(String(number), log);
      worker.isWorking = true;
      budget.use(worker);
      return worker;
    });
    const small = new FakeHolder('small', []);
    log.length = 0;
    for (let message = 0; message < count; message++) {
      budget.use(small);
      budget.rest(small);
    }
    t.ok(log.length <= count, `${log.length} questions`);
    t.equal(budget.liveCount, count);
    const [first] = workers;
    budget.use(first!);
    t.equal(budget.liveCount, count, 'its next message');
    budget.release(first!);
    for (const worker of workers) {
      worker.isWorking = false;
      budget.rest(worker);
    }
    t.equal(budget.liveCount, 0);
    t.equal(budget.liveBytes, 0);
  }
});

t.test('a budget of 0: no compressor outlives its message', async (t) => {
  const { budget, log, a, b } = make(0);
  budget.use(a);
  t.strictSame(log, [], 'but for its message it has one');
  t.equal(budget.liveBytes, 100);
  budget.rest(a);
  t.strictSame(log.splice(0), ['a dropped']);
  t.equal(budget.liveBytes, 0);
  a.isWorking = true;
  budget.use(a);
  budget.use(b);
  t.strictSame(log.splice(0), ['a works']);
  t.equal(budget.liveCount, 2);
  budget.rest(b);
  a.isWorking = false;
  budget.rest(a);
  t.equal(budget.liveCount, 0);
});

t.test('one whole period without use', async (t) => {
  const { budget, log, a, b, c } = make(1000);
  budget.use(a);
  budget.use(b);
  budget.endPeriod();
  t.strictSame(log, [], 'they were used in the period that ends');
  budget.use(b);
  budget.use(c);
  budget.endPeriod();
  t.strictSame(log.splice(0), ['a dropped']);
  t.equal(budget.liveBytes, 200);
  b.isWorking = true;
  budget.endPeriod();
  t.strictSame(log.splice(0), ['b works', 'c dropped']);
  t.equal(budget.liveBytes, 100);
  budget.endPeriod();
  t.strictSame(log, [], 'whoever works is not asked again');
  b.isWorking = false;
  budget.rest(b);
  budget.endPeriod();
  t.strictSame(log, [], 'it was used in this period');
  budget.endPeriod();
  t.strictSame(log.splice(0), ['b dropped']);
  t.equal(budget.liveCount, 0);
  budget.endPeriod();
  t.strictSame(log, [], 'and nobody is left');
});

t.test('who is dropped and comes again starts anew', async (t) => {
  const { budget, log, a } = make(1000);
  budget.use(a);
  budget.endPeriod();
  budget.endPeriod();
  t.strictSame(log.splice(0), ['a dropped']);
  budget.use(a);
  budget.endPeriod();
  t.strictSame(log.splice(0), []);
  t.equal(budget.liveBytes, 100);
  budget.endPeriod();
  t.strictSame(log, ['a dropped']);
});

t.test('the timer runs while somebody holds, and keeps no process alive', async (t) => {
  const timers = new FakeTimers(t);
  const { budget, log, a, b } = make(1000);
  t.equal(timers.started.length, 0, 'nobody holds');
  budget.use(a);
  budget.use(b);
  budget.use(a);
  t.equal(timers.started.length, 1, 'one for all');
  const [timer] = timers.started;
  t.equal(timer?.isUnreferenced, true);
  t.equal(timer?.ms, 15_000);
  budget.release(b);
  t.strictSame(timers.stopped, []);
  timer?.tick();
  t.equal(budget.liveCount, 1);
  timer?.tick();
  t.strictSame(log, ['a dropped'], 'its ticks are the ends of periods');
  t.equal(timers.stopped.length, 1);
  t.equal(timers.stopped[0], timer, 'nobody holds any more');
  budget.release(a);
  t.equal(timers.stopped.length, 1);
  budget.use(b);
  t.equal(timers.started.length, 2, 'and again');
  budget.release(b);
  t.equal(timers.stopped.length, 2);
});

t.test('the same, with the timers of Node', async (t) => {
  const count = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = count();
  const { budget, a } = make(1000);
  budget.use(a);
  t.equal(count(), before, 'it does not keep the process alive');
  budget.release(a);
  t.equal(count(), before);
});

// ---- With real compressors

const LIMITS = [0, 300_000, 700_000, 2 ** 30];

t.test('a receiver with history can read on, whenever compressors are dropped', async (t) => {
  const someStep = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        who: fc.nat(3),
        length: fc.oneof(fc.nat(200), fc.nat(20_000)),
        content: fc.constantFrom('json' as const, 'random' as const, 'zeros' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ who: fc.nat(3), isDropped: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.constant('end of a period' as const) },
  );
  let dropCount = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(someStep, { minLength: 5, maxLength: 60 }),
      fc.constantFrom(...LIMITS),
      fc.boolean(),
      fc.constantFrom(9, 12, 15),
      async (steps, budgetBytes, isSync, windowBits) => {
        const shared = makeShared(isSync, budgetBytes);
        const deflaters = [0, 1, 2, 3].map(
          () =>
            new MessageDeflater(
              { windowBits, level: 3, hasTakeover: true },
              shared,
              shared.slicedWork.makeShare(),
            ),
        );
        const plain = deflaters.map((): Uint8Array[] => []);
        const wire = deflaters.map((): Uint8Array[] => []);
        for (const step of steps) {
          if (step === 'end of a period') shared.budget.endPeriod();
          else if ('isDropped' in step) {
            const deflater = deflaters[step.who]!;
            if (!deflater.dropCompressor()) throw new Error('it does not work');
            shared.budget.release(deflater);
            dropCount++;
          } else {
            const message = makeMessage(step.content, step.length, plain[step.who]!.length % 3);
            plain[step.who]!.push(message);
            wire[step.who]!.push(await copied(deflaters[step.who]!.deflate(message)));
          }
          if (shared.budget.liveBytes > budgetBytes) throw new Error('over the budget');
        }
        plain.forEach((messages, who) => {
          const back = inflateAll(wire[who]!, windowBits);
          if (!back.equals(Buffer.concat(messages))) throw new Error('not the same');
        });
        for (const deflater of deflaters) deflater.close();
        if (shared.budget.liveBytes !== 0 || shared.budget.liveCount !== 0) {
          throw new Error('not all was given back');
        }
      },
    ),
    { numRuns: 150, seed: 7692 },
  );
  t.ok(dropCount > 50, `${dropCount} compressors were dropped on purpose`);
});

t.test(
  'a peer that reads message by message, while two compressors have room for one',
  async (t) => {
    const shared = makeShared(true, 300_000);
    const pairs = [1, 2].map((seed) => ({
      seed,
      deflater: new MessageDeflater(
        { windowBits: 15, level: 6, hasTakeover: true },
        shared,
        shared.slicedWork.makeShare(),
      ),
      peer: new NodeDecompressor(),
    }));
    const first = new Map<number, number>();
    for (let round = 0; round < 4; round++) {
      for (const { seed, deflater, peer } of pairs) {
        const message = makeMessage('json', 5000, seed);
        const wire = await copied(deflater.deflate(message));
        t.equal(Buffer.compare(await peer.decompress(wire), message), 0, `${round}, ${seed}`);
        first.set(seed, first.get(seed) ?? wire.length);
        t.equal(wire.length, first.get(seed), 'its history went with the other one’s message');
        t.equal(shared.budget.liveCount, 1);
      }
    }
    for (const { deflater, peer } of pairs) {
      deflater.close();
      await peer.close();
    }
  },
);

t.test('who had to go is counted, and who was at work is not', async (t) => {
  const { budget, a, b, c } = make(100);
  budget.use(a);
  budget.use(b);
  t.equal(budget.evictedForMemory, 1);
  b.isWorking = true;
  budget.use(c);
  t.equal(budget.evictedForMemory, 1);
  budget.rest(c);
  t.equal(budget.evictedForMemory, 2);
  t.equal(budget.evictedIdle, 0);
  b.isWorking = false;
  const idle = make(1000);
  idle.budget.use(idle.a);
  idle.b.isWorking = true;
  idle.budget.use(idle.b);
  idle.budget.endPeriod();
  idle.budget.endPeriod();
  t.equal(idle.budget.evictedIdle, 1);
  t.equal(idle.budget.evictedForMemory, 0);
  for (const holder of [b, c, idle.b]) {
    budget.release(holder);
    idle.budget.release(holder);
  }
});
