/** When a silent client is asked for a sign of life, and when it is given up. Times count from the start. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import { closeFrame, pongFrame } from '../fixtures/frames.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { Bench, type BenchOptions, Witness, closeText } from '../fixtures/session-bench.js';
import { START_MS } from '../fixtures/test-host.js';

const LIMITS = { pingInterval: 25, pongTimeout: 20, idleTimeout: 0 };
const OFF = { pingInterval: 0, pongTimeout: 20, idleTimeout: 0 };

/** What a check does, by the frame that is sent. */
const ACTIONS: Readonly<Record<string, string>> = {
  '9 ': 'ping',
  [closeText(1001, 'no answer to a Ping for too long')]: 'pong-timeout',
  [closeText(1001, 'idle: no message for too long')]: 'idle',
};

class Life {
  readonly bench: Bench;
  #nowMs: number;

  constructor(limits: typeof LIMITS, { startMs = 0, ...options }: LifeOptions = {}) {
    this.bench = new Bench(new Witness(), { limits, ...options });
    this.#nowMs = startMs;
    this.#setClock(startMs);
    this.bench.open();
  }

  /** When the clock looks next, at the latest. */
  get nextCheckMs(): number {
    return this.#nowMs + this.bench.transport.checkMs;
  }

  heard(ms: number): void {
    this.#setClock(ms);
    this.bench.receive(pongFrame());
  }

  message(ms: number): void {
    this.#setClock(ms);
    this.bench.session.sendRange(2, Buffer.from('message'));
    this.bench.sent();
  }

  check(ms: number): string {
    this.#nowMs = ms;
    this.bench.checkAfter(ms);
    const sent = this.bench.sent();
    return sent.length === 0 ? 'none' : sent.map((frame) => ACTIONS[frame] ?? frame).join();
  }

  #setClock(ms: number): void {
    this.#nowMs = ms;
    this.bench.host.clock.nowMs = START_MS + ms;
  }
}

interface LifeOptions extends BenchOptions {
  readonly startMs?: number;
}

t.test('§5.5.2: a silent client is pinged, at the time and not before', async (t) => {
  const life = new Life(LIMITS);
  t.equal(life.nextCheckMs, 25);
  t.equal(life.check(24), 'none');
  t.equal(life.check(25), 'ping');
});

t.test('silence counts from what was heard last', async (t) => {
  const life = new Life(LIMITS);
  life.heard(20);
  t.equal(life.check(25), 'none');
  t.equal(life.nextCheckMs, 45);
  t.equal(life.check(44), 'none');
  t.equal(life.check(45), 'ping');
});

t.test(
  '§5.5.3: without a sign of life the client is given up, at the time and not before',
  async (t) => {
    const life = new Life(LIMITS);
    life.check(25);
    t.equal(life.nextCheckMs, 45);
    t.equal(life.check(44), 'none', 'no second Ping meanwhile');
    t.equal(life.check(45), 'pong-timeout');
  },
);

t.test('a Ping that leaves later is answered later', async (t) => {
  const tap = new TapWitness();
  const life = new Life(LIMITS, { route: { tap } });
  tap.gate.hold();
  t.equal(life.check(25), 'none', 'it is held');
  life.bench.host.clock.nowMs = START_MS + 40;
  tap.gate.seal();
  tap.gate.letGo();
  t.equal(life.check(59), 'ping');
  t.equal(life.check(60), 'none', 'it is sealed, and another one is not due');
  life.heard(61);
  tap.gate.letGo();
  t.equal(life.check(85), 'none', 'no Ping waits for an answer');
});

t.test('any sign of life answers a Ping', async (t) => {
  const life = new Life(LIMITS);
  life.check(25);
  life.heard(44);
  t.equal(life.check(45), 'none');
  t.equal(life.nextCheckMs, 69);
  t.equal(life.check(68), 'none');
  t.equal(life.check(69), 'ping');
});

t.test('the next Ping after an answer that came at once is not late', async (t) => {
  const life = new Life({ pingInterval: 10, pongTimeout: 20, idleTimeout: 0 });
  t.equal(life.check(10), 'ping');
  t.equal(life.nextCheckMs, 20, 'before the answer is late');
  life.heard(10);
  t.equal(life.check(20), 'ping');
  t.equal(life.check(30), 'none');
});

t.test('a Ping at time zero is one', async (t) => {
  const life = new Life(LIMITS, { startMs: -START_MS - 25 });
  t.equal(life.check(-START_MS), 'ping');
  t.equal(life.check(-START_MS + 19), 'none');
  t.equal(life.check(-START_MS + 20), 'pong-timeout');
});

t.test('0 means never', async (t) => {
  const life = new Life(OFF);
  t.equal(life.check(1e12), 'none');
  t.ok(life.nextCheckMs > 1e15);
});

t.test('a session is idle without messages, whatever else is heard', async (t) => {
  const limits = { ...LIMITS, idleTimeout: 60 };
  const life = new Life(limits);
  life.heard(50);
  t.equal(life.check(50), 'none');
  t.equal(life.nextCheckMs, 60);
  t.equal(life.check(59), 'none');
  life.message(60);
  t.equal(life.check(60), 'none');
  t.equal(life.nextCheckMs, 75, 'the Ping is due before the next idle time');
  t.equal(life.check(110), 'ping');
  t.equal(life.nextCheckMs, 120, 'idle is due before the Pong');
  t.equal(life.check(130), 'idle', 'and is what a late check finds');
});

t.test('idle without Pings', async (t) => {
  const life = new Life({ ...OFF, idleTimeout: 60 });
  t.equal(life.nextCheckMs, 60);
  t.equal(life.check(59), 'none');
  t.equal(life.check(60), 'idle');
  life.bench.receive(closeFrame(1001));
  t.ok(life.bench.session.isOver);
});
