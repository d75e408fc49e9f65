import t, { type Test } from 'tap';
import type { Logger } from 'pino';
import { SelfEnding } from '../../../src/cli/serve/self-ending.js';

/** A server that is watched, with time in the test's hands. */
class Bench {
  readonly told: string[] = [];
  readonly server: {
    connectionCount: number;
    sessionsChanged: ((open: number) => void) | null;
    serveOnce: () => void;
  };
  readonly selfEnding: SelfEnding;
  readonly #timers = new Map<number, { readonly dueMs: number; readonly act: () => void }>();
  #nowMs = 0;

  constructor(t: Test, settings: { once?: boolean; idleExit?: number }) {
    let count = 0;
    t.intercept(globalThis, 'setTimeout', {
      value: (act: () => void, ms: number) => {
        this.#timers.set(++count, { dueMs: this.#nowMs + ms, act });
        return count;
      },
    });
    t.intercept(globalThis, 'clearTimeout', {
      value: (timer: number) => this.#timers.delete(timer),
    });
    this.server = {
      connectionCount: 0,
      sessionsChanged: null,
      serveOnce: () => this.told.push('serveOnce'),
    };
    const log = { info: (message: string) => this.told.push(message) } as unknown as Logger;
    this.selfEnding = new SelfEnding(
      { once: false, idleExit: 0, ...settings },
      this.server,
      () => this.told.push('end'),
      log,
    );
  }

  /** So many sessions are open now. */
  open(count: number): void {
    this.server.connectionCount = count;
    this.server.sessionsChanged?.(count);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const [key, { dueMs, act }] of this.#timers) {
      if (dueMs > this.#nowMs) continue;
      this.#timers.delete(key);
      act();
    }
  }

  get timerCount(): number {
    return this.#timers.size;
  }
}

const ONCE = 'the only session has ended: the server stops (once)';
const IDLE = 'no session for 5m: the server stops (idleExit)';
const FIVE_MINUTES = 300_000;

t.test('without either nothing is watched', async (t) => {
  const bench = new Bench(t, {});
  t.equal(bench.server.sessionsChanged, null);
  t.equal(bench.timerCount, 0);
  t.strictSame(bench.told, []);
});

t.test('once: it ends with its first session', async (t) => {
  const bench = new Bench(t, { once: true });
  t.strictSame(bench.told, ['serveOnce']);
  bench.open(1);
  t.equal(bench.told.length, 1);
  bench.open(0);
  t.strictSame(bench.told, ['serveOnce', ONCE, 'end']);
  bench.open(0);
  t.equal(bench.told.length, 3, 'once');
});

t.test('idle: it ends when nobody came for so long', async (t) => {
  const bench = new Bench(t, { idleExit: FIVE_MINUTES });
  bench.pass(FIVE_MINUTES - 1);
  bench.open(1);
  bench.pass(FIVE_MINUTES);
  t.strictSame(bench.told, []);
  bench.open(2);
  bench.open(1);
  bench.pass(FIVE_MINUTES);
  t.strictSame(bench.told, [], 'one is left');
  bench.open(0);
  bench.pass(FIVE_MINUTES - 1);
  t.strictSame(bench.told, []);
  bench.pass(1);
  t.strictSame(bench.told, [IDLE, 'end']);
  t.equal(bench.timerCount, 0);
});

t.test('idle: a handshake that is under way is waited for', async (t) => {
  const bench = new Bench(t, { idleExit: FIVE_MINUTES });
  bench.server.connectionCount = 1;
  bench.pass(FIVE_MINUTES);
  bench.pass(1000);
  t.strictSame(bench.told, []);
  bench.server.connectionCount = 0;
  bench.pass(1000);
  t.strictSame(bench.told, [IDLE, 'end']);
});

t.test('both', async (t) => {
  const bench = new Bench(t, { once: true, idleExit: FIVE_MINUTES });
  bench.pass(FIVE_MINUTES);
  t.strictSame(bench.told, ['serveOnce', IDLE, 'end'], 'nobody came at all');
});

t.test('a server that stops is watched no more', async (t) => {
  const bench = new Bench(t, { idleExit: FIVE_MINUTES });
  bench.selfEnding.release();
  bench.pass(FIVE_MINUTES);
  t.strictSame(bench.told, []);
  t.equal(bench.server.sessionsChanged, null);
});
