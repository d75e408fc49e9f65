import t, { type Test } from 'tap';
import { type Closable, Drain, type DrainTimes, spreadMs } from '../../src/server/drain.js';
import { KeptLog } from '../fixtures/kept-log.js';

const TIMES: DrainTimes = { drainDelay: 0, drainTimeout: 10_000, closeTimeout: 5000 };

/** A connection that goes when it is told to, or does not. */
class FakeConnection implements Closable {
  readonly isOpen: boolean;
  readonly #bench: Bench;
  readonly #isStubborn: boolean;

  constructor(bench: Bench, isOpen: boolean, isStubborn: boolean) {
    this.#bench = bench;
    this.isOpen = isOpen;
    this.#isStubborn = isStubborn;
  }

  shutDown(): void {
    this.#bench.told.push(this.isOpen ? 'close' : 'refuse');
    if (!this.#isStubborn) this.#bench.remove(this);
  }
}

/** A server that stops, with time in the test's hands. */
class Bench {
  readonly log = new KeptLog();
  readonly told: string[] = [];
  readonly connections = new Set<Closable>();
  readonly drain: Drain;
  /** What modes are still busy with. */
  settled: Promise<void> = Promise.resolve();
  /** Whether connections go when they are dropped. */
  canDrop = true;
  isOver = false;
  readonly #timers = new Map<number, { readonly dueMs: number; readonly act: () => void }>();
  #nowMs = 0;

  constructor(t: Test, times: Partial<DrainTimes> = {}) {
    let count = 0;
    t.intercept(performance, 'now', { value: () => this.#nowMs });
    t.intercept(globalThis, 'setTimeout', {
      value: (act: () => void, ms: number) => {
        this.#timers.set(++count, { dueMs: this.#nowMs + ms, act });
        return count;
      },
    });
    t.intercept(globalThis, 'clearTimeout', {
      value: (timer: number) => this.#timers.delete(timer),
    });
    this.drain = new Drain(
      {
        connections: this.connections,
        log: this.log,
        stopAccepting: () => {
          this.told.push('stopAccepting');
          return Promise.resolve();
        },
        stopNow: () => {
          this.told.push('stopNow');
          if (this.canDrop) for (const one of [...this.connections]) this.remove(one);
        },
        settled: () => this.settled,
      },
      { ...TIMES, ...times },
    );
  }

  add(count: number, { isOpen = true, isStubborn = false } = {}): void {
    for (let index = 0; index < count; index++)
      this.connections.add(new FakeConnection(this, isOpen, isStubborn));
  }

  remove(connection: Closable): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.drain.emptied();
  }

  async begin(): Promise<void> {
    void this.drain.run().then(() => {
      this.isOver = true;
    });
    await settle();
  }

  /** Lets time pass, a step at a time. */
  async pass(ms: number, stepMs = ms): Promise<void> {
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs;) {
      this.#nowMs = Math.min(this.#nowMs + stepMs, endMs);
      for (const [key, { dueMs, act }] of this.#timers) {
        if (dueMs > this.#nowMs) continue;
        this.#timers.delete(key);
        act();
      }
      await settle();
    }
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  get messages(): readonly string[] {
    return this.log.lines.map(({ level, message }) => `${level} ${message}`);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

t.test('nobody is let in any more, and with nobody there it is over', async (t) => {
  const bench = new Bench(t);
  bench.drain.emptied();
  await bench.begin();
  t.ok(bench.isOver);
  t.strictSame(bench.told, ['stopAccepting']);
  t.strictSame(bench.messages, ['info stopping', 'info stopped']);
  t.match(bench.log.lines[0]!.fields, { connections: 0, delayMs: 0, drainMs: 10_000 });
  t.equal(bench.timerCount, 0, 'no timer keeps the process up');
});

t.test('the delay comes before everything else', async (t) => {
  const bench = new Bench(t, { drainDelay: 3000 });
  bench.add(1);
  await bench.begin();
  await bench.pass(2999);
  t.strictSame(bench.told, [], 'it serves on');
  await bench.pass(1);
  t.strictSame(bench.told, ['stopAccepting', 'close']);
  t.ok(bench.isOver);
  t.strictSame(bench.messages, [
    'info stopping',
    'info no more connections are accepted',
    'info stopped',
  ]);
});

t.test('whoever is in a hurry ends the delay, also before it has begun', async (t) => {
  const bench = new Bench(t, { drainDelay: 3000 });
  await bench.begin();
  t.notOk(bench.isOver);
  bench.drain.hurry();
  bench.drain.hurry();
  await settle();
  t.ok(bench.isOver);
  t.equal(bench.timerCount, 0);

  const early = new Bench(t, { drainDelay: 3000 });
  early.drain.hurry();
  await early.begin();
  t.ok(early.isOver);
});

t.test('handshakes are refused at once, and sessions closed one after the other', async (t) => {
  const bench = new Bench(t);
  bench.add(101);
  bench.add(3, { isOpen: false });
  await bench.begin();
  t.strictSame(
    bench.told.slice(0, 6),
    ['stopAccepting', 'refuse', 'refuse', 'refuse', 'close', 'close'],
    'a second spans a hundred',
  );
  const closed = (): number => bench.told.filter((one) => one === 'close').length;
  t.equal(closed(), 3);
  await bench.pass(480, 20);
  t.equal(closed(), 51);
  await bench.pass(500, 20);
  t.equal(closed(), 101);
  t.ok(bench.isOver);
});

t.test('who goes by itself meanwhile is not closed, and ends the spread', async (t) => {
  const bench = new Bench(t);
  bench.add(100);
  await bench.begin();
  const [first, ...others] = bench.connections;
  bench.remove(first!);
  await bench.pass(20);
  const before = bench.told.length;
  for (const one of others) bench.remove(one);
  await bench.pass(20);
  t.ok(bench.isOver);
  t.equal(bench.told.length, before);
});

t.test('a process that is too busy for the steps is in time all the same', async (t) => {
  const bench = new Bench(t);
  bench.add(10_000);
  await bench.begin();
  await bench.pass(5000, 1000);
  t.ok(bench.isOver);
  t.equal(bench.told.length, 10_001);
});

t.test('the last one has its time to answer', async (t) => {
  for (const [sessions, drainTimeout, closeTimeout, expected] of [
    [0, 10_000, 5000, -10],
    [1, 10_000, 5000, 0],
    [2, 10_000, 5000, 10],
    [100, 10_000, 5000, 990],
    [10_000, 10_000, 5000, 5000],
    [10_000, 10_000, 1000, 9000],
    [10_000, 10_000, 60_000, 5000],
    [10_000, 100, 5000, 50],
    [10_000, 1, 5000, 0.5],
  ] as const)
    t.equal(spreadMs(sessions, { drainTimeout, closeTimeout }), expected);
});

t.test('whoever does not go is dropped when the time is over', async (t) => {
  const bench = new Bench(t);
  bench.add(2, { isStubborn: true });
  await bench.begin();
  await bench.pass(9980, 20);
  t.notOk(bench.told.includes('stopNow'));
  await bench.pass(20);
  t.equal(bench.told.at(-1), 'stopNow');
  t.ok(bench.isOver);
  t.equal(bench.messages.at(-1), 'info stopped');
});

t.test('and whoever cannot be dropped keeps nobody', async (t) => {
  const bench = new Bench(t, { drainTimeout: 50 });
  bench.canDrop = false;
  bench.add(1, { isStubborn: true });
  await bench.begin();
  await bench.pass(50);
  t.notOk(bench.isOver);
  await bench.pass(1000);
  t.ok(bench.isOver);
  t.match(bench.log.lines.at(-1), {
    level: 'error',
    message: 'stopped with connections that did not end',
    fields: { connections: 1 },
  });
});

t.test('modes finish with the sessions that have ended, within what is left', async (t) => {
  const bench = new Bench(t);
  let finish: () => void = () => undefined;
  bench.settled = new Promise((resolve) => {
    finish = resolve;
  });
  await bench.begin();
  await bench.pass(9000);
  t.notOk(bench.isOver);
  finish();
  await settle();
  t.ok(bench.isOver);
  t.equal(bench.timerCount, 0);
  t.equal(bench.messages.at(-1), 'info stopped');

  const late = new Bench(t, { drainTimeout: 10 });
  late.settled = new Promise(() => undefined);
  await late.begin();
  await late.pass(999);
  t.notOk(late.isOver, 'a second at least');
  await late.pass(1);
  t.ok(late.isOver);
  t.equal(late.messages.at(-1), 'warn stopped while a mode was still busy with ended sessions');
});
