import t, { type Test } from 'tap';
import type { Logger } from 'pino';
import { CRASH_DRAIN_MS, EXIT_MS, Ending } from '../../../src/cli/serve/ending.js';
import { ExitCode } from '../../../src/cli/exit-code.js';
import { type FakeIo, fakeIo } from '../fake-io.js';

type Listener = (error?: unknown) => void;

/** A process that is told to end, with its time in the test's hands. */
class Bench {
  readonly io: FakeIo;
  readonly log: string[] = [];
  readonly told: string[] = [];
  readonly ending: Ending;
  hasStopped = false;
  /** The server has stopped, or could not. */
  settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
  readonly #listeners = new Map<string, Listener>();
  readonly #timers = new Map<number, { readonly dueMs: number; readonly act: () => void }>();
  #nowMs = 0;

  constructor(t: Test, { isTTY = false, isLogBroken = false } = {}) {
    const timers = this.#timers;
    let count = 0;
    t.intercept(globalThis, 'setTimeout', {
      value: (act: () => void, ms: number) => {
        timers.set(++count, { dueMs: this.#nowMs + ms, act });
        return count;
      },
    });
    t.intercept(globalThis, 'clearTimeout', { value: (timer: number) => timers.delete(timer) });
    const listen = (name: string, listener: Listener) => {
      this.#listeners.set(name, listener);
      return () => {
        this.#listeners.delete(name);
      };
    };
    this.io = {
      ...fakeIo([], { isTTY }),
      onSignal: listen,
      onCrash: (listener) => listen('crash', listener),
    };
    const write =
      (level: string) =>
      (fields: object | string, message = ''): void => {
        if (isLogBroken) throw new Error('no log');
        const { err } = fields as { err?: Error };
        this.log.push(`${level} ${typeof fields === 'string' ? fields : message}`);
        if (err !== undefined) this.log.push(`${err.name}: ${err.message}`);
      };
    const log = { info: write('info'), fatal: write('fatal') } as unknown as Logger;
    const { promise, resolve, reject } = withResolvers();
    this.settle = { resolve, reject };
    const server = {
      stop: () => {
        this.told.push('stop');
        return promise;
      },
      endDelay: () => this.told.push('endDelay'),
      stopNow: () => this.told.push('stopNow'),
    };
    const reload = (): Promise<void> => {
      this.told.push('reload');
      return Promise.resolve();
    };
    this.ending = new Ending(server, reload, this.io, log);
    void this.ending.stopped.then(() => {
      this.hasStopped = true;
    });
  }

  get listenerNames(): readonly string[] {
    return [...this.#listeners.keys()].sort();
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  signal(name: string): void {
    this.#listeners.get(name)!();
  }

  crash(error: unknown): void {
    this.#listeners.get('crash')!(error);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const [key, { dueMs, act }] of this.#timers) {
      if (dueMs > this.#nowMs) continue;
      this.#timers.delete(key);
      act();
    }
  }
}

function withResolvers(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
} {
  let settle = {} as { resolve: () => void; reject: (error: unknown) => void };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

const settled = (): Promise<void> => new Promise(setImmediate);

t.test('a signal: the server stops, and that is no failure', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const bench = new Bench(t);
    t.strictSame(bench.listenerNames, ['SIGHUP', 'SIGINT', 'SIGTERM', 'crash']);
    bench.signal(signal);
    t.strictSame(bench.told, ['stop']);
    await settled();
    t.notOk(bench.hasStopped);
    bench.settle.resolve();
    await settled();
    t.ok(bench.hasStopped);
    t.equal(bench.ending.exitCode, ExitCode.Ok);
    t.equal(bench.timerCount, 0, 'a stop may take as long as its options say');
    bench.ending.release();
    t.strictSame(bench.listenerNames, []);
  }
});

t.test('a second signal drops all, and has a deadline; a third one is the end', async (t) => {
  const bench = new Bench(t);
  bench.signal('SIGTERM');
  bench.signal('SIGINT');
  t.strictSame(bench.told, ['stop', 'stopNow']);
  t.equal(bench.ending.exitCode, ExitCode.Failure);
  bench.pass(EXIT_MS - 1);
  t.strictSame(bench.io.exits, []);
  bench.pass(1);
  t.strictSame(bench.io.exits, [1]);
  t.strictSame(bench.log, ['fatal not everything has ended in time: the process exits without it']);
  bench.signal('SIGTERM');
  t.strictSame(bench.io.exits, [1, 1]);

  const inTime = new Bench(t);
  inTime.signal('SIGTERM');
  inTime.signal('SIGTERM');
  inTime.settle.resolve();
  inTime.ending.release();
  inTime.pass(EXIT_MS);
  t.strictSame(inTime.io.exits, [], 'what has ended needs no deadline');
});

t.test('SIGHUP: a stop on a terminal, else a reload', async (t) => {
  const onTerminal = new Bench(t, { isTTY: true });
  onTerminal.signal('SIGHUP');
  t.strictSame(onTerminal.told, ['stop']);
  const other = new Bench(t);
  other.signal('SIGHUP');
  t.strictSame(other.told, ['reload']);
});

t.test('an error that nothing caught: clients are sent away, and 1', async (t) => {
  const bench = new Bench(t);
  bench.crash(new TypeError('a defect'));
  t.strictSame(bench.log, ['fatal internal error', 'TypeError: a defect']);
  t.strictSame(bench.told, ['stop', 'endDelay'], 'nobody new is served');
  bench.pass(CRASH_DRAIN_MS);
  t.strictSame(
    bench.told,
    ['stop', 'endDelay', 'stopNow'],
    'clients that are still there are dropped',
  );
  bench.settle.resolve();
  await settled();
  t.ok(bench.hasStopped);
  t.equal(bench.ending.exitCode, ExitCode.Failure);
  t.strictSame(bench.io.exits, [], 'in time');
  bench.pass(EXIT_MS);
  t.strictSame(bench.io.exits, [1], 'whatever still hangs');
});

t.test('an error after a signal is a failure too', async (t) => {
  const bench = new Bench(t);
  bench.signal('SIGTERM');
  bench.crash(new Error('late'));
  t.strictSame(bench.told, ['stop', 'endDelay']);
  t.equal(bench.ending.exitCode, ExitCode.Failure);
  bench.signal('SIGTERM');
  t.strictSame(bench.told, ['stop', 'endDelay', 'stopNow']);
});

t.test(
  'an error that comes again and again takes nobody their Close, nor fills the log',
  async (t) => {
    const bench = new Bench(t);
    for (let count = 0; count < 1000; count++) bench.crash(new Error('again'));
    t.strictSame(bench.told, ['stop', 'endDelay']);
    t.equal(bench.log.length, 20);
    t.equal(bench.timerCount, 2);
  },
);

t.test('an error that cannot be looked at', async (t) => {
  const bench = new Bench(t);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  bench.crash(proxy);
  t.strictSame(bench.log, ['fatal internal error', 'Error: thrown: something without a text']);
});

t.test('a log that fails keeps nobody from the end', async (t) => {
  const bench = new Bench(t, { isLogBroken: true });
  bench.crash(new Error('a defect'));
  t.strictSame(bench.told, ['stop', 'endDelay']);
  bench.pass(CRASH_DRAIN_MS + EXIT_MS);
  t.strictSame(bench.io.exits, [1]);
});

t.test('a server that cannot stop has stopped', async (t) => {
  const bench = new Bench(t);
  bench.signal('SIGTERM');
  bench.settle.reject(new Error('stuck'));
  await settled();
  t.ok(bench.hasStopped);
  t.equal(bench.ending.exitCode, ExitCode.Failure);
  t.strictSame(bench.log, ['fatal internal error', 'Error: stuck']);
});

t.test('a stop does not wait for an inspector that does not come up', async (t) => {
  const bench = new Bench(t);
  let closed = 0;
  const close = (): Promise<void> => {
    closed++;
    return Promise.resolve();
  };
  const inspector = { close };
  await bench.ending.during(Promise.resolve(), inspector);
  await t.rejects(bench.ending.during(Promise.reject(new Error('no')), inspector), /no/);
  let settle = (): void => undefined;
  const starting = bench.ending.during(
    new Promise<void>((resolve) => (settle = resolve)),
    inspector,
  );
  t.equal(closed, 0, 'one that is up is closed by others, after the last record');
  bench.signal('SIGTERM');
  t.equal(closed, 1);
  settle();
  await starting;
  bench.signal('SIGTERM');
  t.equal(closed, 1);
  await bench.ending.during(Promise.resolve(), inspector);
  t.equal(closed, 2, 'a stop that came before');
  await bench.ending.during(Promise.resolve(), null);
});

t.test('a server that has done its work stops as after a signal, without a delay', async (t) => {
  const bench = new Bench(t);
  bench.ending.end();
  t.strictSame(bench.told, ['stop', 'endDelay']);
  bench.settle.resolve();
  await settled();
  t.ok(bench.hasStopped);
  t.equal(bench.ending.exitCode, ExitCode.Ok);
});
