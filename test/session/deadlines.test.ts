import { Buffer } from 'node:buffer';
import t from 'tap';
import type { TapGate } from '../../src/session/tap/tap.js';
import {
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  textFrame,
} from '../fixtures/frames.js';
import {
  Bench,
  Gate,
  Witness,
  closeText as close,
  echoWitness,
  gatedBench,
  sentText,
} from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { type HostOptions, LIMITS, NO_KEEPALIVE, START_MS } from '../fixtures/test-host.js';

t.test('close-timeout: the peer does not answer our Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.host.clock.nowMs = START_MS + 1000;
  bench.session.close(1000);
  bench.sent();
  bench.calls();
  bench.checkAfter(1000 + LIMITS.closeTimeout - 1);
  t.strictSame(bench.calls(), []);
  t.equal(bench.transport.checkMs, 1);
  bench.checkAfter(1000 + LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('close-timeout counts from when our Close could leave', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.session.close(1000);
  bench.calls();
  bench.host.clock.nowMs = START_MS + 9000;
  bench.unblock();
  t.strictSame(bench.sent(), ['2 66696c6c', close(1000)]);
  bench.checkAfter(9000 + LIMITS.closeTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(9000 + LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('close-timeout cannot be put off by Pings and slow reading', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1000);
  t.strictSame(bench.sent(), [close(1000)]);
  bench.calls();
  for (let afterMs = 2000; afterMs < LIMITS.closeTimeout; afterMs += 2000) {
    bench.host.clock.nowMs = START_MS + afterMs;
    bench.block();
    bench.receive(pingFrame('a'));
    bench.unblock();
  }
  bench.sent();
  bench.calls();
  bench.checkAfter(2000 + LIMITS.closeTimeout);
  t.ok(bench.calls().includes('drop close-timeout'));
});

t.test('send-timeout: the peer reads nothing', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.calls();
  t.equal(bench.transport.checkMs, 1000, 'a second');
  bench.checkAfter(LIMITS.sendTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.sendTimeout);
  t.strictSame(bench.calls(), ['write'], 'it is told, in case it reads on');
  t.ok(bench.session.isOver);
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  bench.socket.drain();
  bench.transport.outbox.unblock();
  const reason = 'client reads too slowly: it took nothing for too long';
  t.equal(bench.sent().at(-1), close(1008, reason));
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1008, rule: 'send-timeout' });
});

t.test('send-timeout: a client that was sent a Close is not told again', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.session.close(1000);
  bench.calls();
  bench.checkAfter(LIMITS.sendTimeout);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('send-timeout: what the tap holds back stays where it is', async (t) => {
  const recorder = new TapWitness();
  const bench = new Bench(new Witness(), { limits: NO_KEEPALIVE, route: { tap: recorder } }).open();
  bench.block();
  recorder.gate.hold();
  bench.checkAfter(LIMITS.sendTimeout);
  t.notOk(bench.session.isOver, 'the Close is held as well');
  bench.calls();
  bench.checkAfter(LIMITS.sendTimeout + LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('send-timeout: a peer that reads a byte now and then lives', async (t) => {
  const bench = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, sendTimeout: 1001 } }).open();
  bench.block();
  t.equal(bench.transport.checkMs, 126, 'an eighth, in whole milliseconds');
  bench.calls();
  bench.checkAfter(1000);
  bench.socket.progress(1);
  bench.checkAfter(1500);
  bench.checkAfter(2500);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(2501);
  t.strictSame(bench.calls(), ['write']);
  t.ok(bench.session.isOver);
});

t.test('while blocked, a Close that waits is not late', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.session.close(1000);
  bench.calls();
  bench.checkAfter(LIMITS.sendTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.sendTimeout);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('message-timeout: a message takes too long to arrive', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.host.clock.nowMs = START_MS + 500;
  bench.receive(textFrame('a', MORE));
  t.equal(bench.transport.checkMs, LIMITS.messageTimeout);
  bench.host.clock.nowMs = START_MS + 30_000;
  bench.receive(pingFrame(), continuationFrame('b', MORE));
  bench.sent();
  bench.checkAfter(500 + LIMITS.messageTimeout - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(500 + LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [close(1008, 'message took too long to arrive')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1008, rule: 'message-timeout' });
});

t.test('message-timeout: every message has its own time', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a', MORE));
  bench.checkAfter(LIMITS.messageTimeout - 10);
  t.equal(bench.transport.checkMs > 0, true);
  bench.receive(continuationFrame('end'), textFrame('b', MORE));
  bench.checkAfter(LIMITS.messageTimeout);
  t.notOk(bench.session.isOver, 'the first one is complete, the second is young');
  bench.receive(continuationFrame('end'));
  bench.checkAfter(3 * LIMITS.messageTimeout);
  t.notOk(bench.session.isOver, 'no message is open');
  bench.receive(textFrame('c', MORE));
  bench.checkAfter(4 * LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: while we do not read, nothing can arrive', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a', MORE));
  bench.session.pause();
  bench.checkAfter(2 * LIMITS.messageTimeout);
  t.notOk(bench.session.isOver);
  bench.session.resume();
  bench.checkAfter(3 * LIMITS.messageTimeout - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(3 * LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
});

const RATED = { ...NO_KEEPALIVE, minDataRate: 100 };
const STEP_MS = LIMITS.messageTimeout / 4;

t.test('message-timeout: what comes at minDataRate may take as long as it needs', async (t) => {
  const bench = new Bench(new Witness(), { limits: RATED }).open();
  bench.receive(textFrame('a', MORE));
  t.equal(bench.transport.checkMs, STEP_MS, 'it is looked at now and then');
  for (let step = 1; step <= 100; step++) {
    bench.receive(continuationFrame('b'.repeat((100 * STEP_MS) / 1000), MORE));
    bench.checkAfter(step * STEP_MS);
  }
  t.notOk(bench.session.isOver);
});

t.test('message-timeout: what comes at half of it has twice the time', async (t) => {
  const bench = new Bench(new Witness(), { limits: RATED }).open();
  bench.receive(textFrame('a', MORE));
  for (let step = 1; step <= 7; step++) {
    bench.receive(continuationFrame('b'.repeat((50 * STEP_MS) / 1000), MORE));
    bench.checkAfter(step * STEP_MS);
    t.notOk(bench.session.isOver, `step ${step}`);
  }
  bench.receive(continuationFrame('b'.repeat((50 * STEP_MS) / 1000), MORE));
  bench.checkAfter(8 * STEP_MS);
  t.notOk(bench.session.isOver, 'the first byte came early');
  bench.checkAfter(8 * STEP_MS + 10);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: what came fast is no reason to wait long for the rest', async (t) => {
  const bench = new Bench(new Witness(), { limits: RATED }).open();
  bench.receive(textFrame('a'.repeat(150_000), MORE));
  bench.checkAfter(STEP_MS);
  bench.checkAfter(STEP_MS + LIMITS.messageTimeout - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(STEP_MS + LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
  bench.sent();
  t.match(bench.finish(), { closeCode: 1008, rule: 'message-timeout' });
});

t.test('message-timeout: empty fragments and Pings are no progress', async (t) => {
  const bench = new Bench(new Witness(), { limits: RATED }).open();
  bench.receive(textFrame('a', MORE));
  for (let step = 1; step <= 4; step++) {
    for (let count = 0; count < 100; count++)
      bench.receive(continuationFrame('', MORE), pingFrame('x'.repeat(100)));
    bench.checkAfter(step * STEP_MS + (step === 4 ? 10 : 0));
  }
  t.ok(bench.session.isOver);
});

t.test('message-timeout: the next message has its own rate', async (t) => {
  const bench = new Bench(new Witness(), { limits: RATED }).open();
  bench.receive(textFrame('a'.repeat(1000), MORE));
  bench.checkAfter(10);
  bench.receive(continuationFrame(''), textFrame('b', MORE));
  bench.checkAfter(LIMITS.messageTimeout);
  t.notOk(bench.session.isOver);
  bench.checkAfter(LIMITS.messageTimeout + 20);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: a header alone begins a message', async (t) => {
  const bench = new Bench(new Witness()).open();
  const bytes = encodeFrames([textFrame('abc')], true);
  bench.session.receive(bytes, 0, 6);
  bench.checkAfter(LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: 0 means never, and pieces are nobody’s to wait for', async (t) => {
  const off = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, messageTimeout: 0 } }).open();
  off.receive(textFrame('a', MORE));
  off.checkAfter(1e9);
  t.notOk(off.session.isOver);

  const pieces = new Bench(new Witness('chunks')).open();
  pieces.receive(textFrame('a', MORE));
  pieces.checkAfter(1e9);
  t.notOk(pieces.session.isOver);
});

t.test('pong-timeout: a silent peer is pinged, and given up without an answer', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  t.equal(bench.transport.checkMs, LIMITS.pingInterval, 'the first look is asked for');
  bench.checkAfter(LIMITS.pingInterval - 1);
  t.strictSame(bench.sent(), []);
  t.equal(bench.transport.checkMs, 1);
  bench.checkAfter(LIMITS.pingInterval);
  t.strictSame(bench.sent(), ['9 ']);
  t.equal(bench.transport.checkMs, LIMITS.pongTimeout);
  bench.checkAfter(LIMITS.pingInterval + LIMITS.pongTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.pingInterval + LIMITS.pongTimeout);
  t.strictSame(bench.calls(), ['write']);
  t.strictSame(bench.sent(), [close(1001, 'no answer to a Ping for too long')]);
  t.ok(bench.session.isOver, 'no answer is waited for');
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: 'pong-timeout' });
});

t.test('pong-timeout: any byte is a sign of life', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.checkAfter(LIMITS.pingInterval);
  t.strictSame(bench.sent(), ['9 ']);
  const frame = encodeFrames([pongFrame()], true);
  bench.session.receive(frame, 0, 1);
  bench.checkAfter(LIMITS.pingInterval + LIMITS.pongTimeout);
  t.strictSame(bench.calls(), []);
  t.strictSame(bench.sent(), [], 'and the next Ping is not due yet');
  bench.checkAfter(2 * LIMITS.pingInterval);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('time before the handshake was answered is not silence', async (t) => {
  const bench = new Bench(new Witness(), {});
  bench.host.clock.nowMs = START_MS + 9000;
  bench.open();
  bench.checkAfter(LIMITS.pingInterval);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(9000 + LIMITS.pingInterval);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('whom we do not read we do not give up', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.session.pause();
  bench.checkAfter(LIMITS.pingInterval);
  bench.checkAfter(10 * LIMITS.pingInterval);
  t.strictSame(bench.sent(), []);
  bench.session.resume();
  bench.checkAfter(11 * LIMITS.pingInterval - 1);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(11 * LIMITS.pingInterval);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('who reads slowly lives', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.block();
  bench.sent();
  bench.checkAfter(LIMITS.pingInterval + 1);
  t.equal(bench.transport.outbox.queue.queuedBytes, 0, 'no Ping joins the queue');
  t.strictSame(
    bench.calls().filter((call) => call.startsWith('drop')),
    [],
  );
});

t.test('idle: no message for too long', async (t) => {
  const bench = new Bench(new Witness(), {
    limits: { ...NO_KEEPALIVE, idleTimeout: 60_000 },
  }).open();
  bench.host.clock.nowMs = START_MS + 20_000;
  bench.receive(textFrame('a'));
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.receive(pingFrame());
  bench.sent();
  bench.checkAfter(79_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(80_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
  bench.receive(closeFrame(1001));
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: null });
});

t.test('lifetime: each session has its own, a tenth more or less', async (t) => {
  const limits = { ...NO_KEEPALIVE, maxLifetime: 100_000 };
  const reason = 'the session has lasted long enough: connect again';
  for (const [random, endsMs] of [
    [0, 90_000],
    [0.5, 100_000],
    [0.999_99, 110_000],
  ] as const) {
    t.intercept(Math, 'random', { value: () => random });
    const bench = new Bench(new Witness(), { limits }).open();
    t.equal(bench.transport.checkMs, endsMs);
    bench.host.clock.nowMs = START_MS + 20_000;
    bench.receive(textFrame('a'));
    bench.sent();
    bench.checkAfter(endsMs - 1);
    t.strictSame(bench.sent(), []);
    t.equal(bench.transport.checkMs, 1);
    bench.checkAfter(endsMs);
    t.strictSame(bench.sent(), [close(1001, reason)]);
    bench.receive(closeFrame(1001));
    t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: null });
  }
});

t.test('lifetime: silence and a long life are told apart', async (t) => {
  t.intercept(Math, 'random', { value: () => 0.5 });
  const limits = { maxLifetime: 60_000, idleTimeout: 70_000, pingInterval: 25_000 };
  const bench = new Bench(new Witness(), { limits }).open();
  bench.checkAfter(25_000);
  t.strictSame(bench.sent(), ['9 ']);
  bench.receive(pongFrame());
  bench.checkAfter(60_000);
  t.strictSame(bench.sent(), [close(1001, 'the session has lasted long enough: connect again')]);
});

t.test('idle: what we send are messages too', async (t) => {
  const bench = new Bench(new Witness(), {
    limits: { ...NO_KEEPALIVE, idleTimeout: 60_000 },
  }).open();
  bench.host.clock.nowMs = START_MS + 30_000;
  bench.session.sendRange(1, Buffer.from('a'));
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.session.sendChunkRange(1, Buffer.from('b'), 0, 1, true, false);
  bench.sent();
  bench.checkAfter(109_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(110_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
});

t.test('idle: pieces are messages too', async (t) => {
  const limits = { ...NO_KEEPALIVE, idleTimeout: 60_000 };
  const bench = new Bench(new Witness('chunks'), { limits }).open();
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.receive(binaryFrame('a', MORE));
  bench.checkAfter(109_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(110_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
});

// ---- With extensions

const drops = (bench: Bench): readonly string[] =>
  bench.calls().filter((call) => call.startsWith('drop'));

/** What can wait for extensions: how it comes about, on a bench whose chain is busy. */
const ENDINGS: readonly [what: string, begin: (bench: Bench) => void][] = [
  [
    'the Close of the peer',
    (bench) => {
      bench.receive(closeFrame(1000));
    },
  ],
  [
    'our Close',
    (bench) => {
      bench.session.close(1001);
    },
  ],
  [
    'the end of the input',
    (bench) => {
      bench.session.receiveEof();
    },
  ],
  [
    'a failure',
    (bench) => {
      bench.receive(textFrame('bad', { rsv: 1 }));
    },
  ],
];

for (const [what, begin] of ENDINGS) {
  t.test(`close-timeout: ${what} waits for a chain that hangs`, async (t) => {
    const bench = gatedBench(new Witness(), new Gate({ encode: true }));
    bench.session.sendRange(1, Buffer.from('a'));
    bench.checkAfter(100 * LIMITS.closeTimeout);
    t.strictSame(drops(bench), [], 'before it begins to end it may take its time');
    const sinceMs = 100 * LIMITS.closeTimeout;
    begin(bench);
    t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
    bench.checkAfter(sinceMs + LIMITS.closeTimeout - 1);
    t.strictSame(drops(bench), []);
    t.equal(bench.transport.checkMs, 1);
    bench.checkAfter(sinceMs + LIMITS.closeTimeout);
    t.strictSame(drops(bench), ['drop close-timeout']);
    t.strictSame(bench.sent(), []);
  });
}

t.test('close-timeout: what joins those that wait for a chain puts nothing off', async (t) => {
  const bench = gatedBench(new Witness(), new Gate({ encode: true }));
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(closeFrame(1000));
  bench.host.clock.nowMs = START_MS + 4000;
  bench.session.close(1001);
  bench.session.receiveEof();
  bench.checkAfter(LIMITS.closeTimeout - 1);
  t.strictSame(drops(bench), []);
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(drops(bench), ['drop close-timeout']);
});

t.test('close-timeout: our Close has its whole time once the chain lets it go', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.session.close(1001);
  bench.checkAfter(LIMITS.closeTimeout - 1);
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), close(1001)]);
  bench.checkAfter(2 * LIMITS.closeTimeout - 2);
  t.strictSame(drops(bench), []);
  bench.checkAfter(2 * LIMITS.closeTimeout - 1);
  t.strictSame(drops(bench), ['drop close-timeout']);
});

t.test('close-timeout: a chain is not blamed for a peer that reads slowly', async (t) => {
  const gate = new Gate({ encode: true });
  const limits = { ...NO_KEEPALIVE, sendTimeout: 1_000_000 };
  const bench = gatedBench(new Witness(), gate, limits);
  bench.session.sendRange(1, Buffer.from('a'));
  await gate.encoded();
  bench.session.sendRange(1, Buffer.from('b'));
  bench.receive(closeFrame(1000));
  bench.block();
  bench.checkAfter(3 * LIMITS.closeTimeout);
  bench.checkAfter(5 * LIMITS.closeTimeout);
  t.strictSame(drops(bench), []);
  bench.unblock();
  bench.checkAfter(6 * LIMITS.closeTimeout - 1);
  t.strictSame(drops(bench), []);
  bench.checkAfter(6 * LIMITS.closeTimeout);
  t.strictSame(drops(bench), ['drop close-timeout'], 'from the last look at it on');
});

t.test('close-timeout: a chain is not blamed for a mode that has paused', async (t) => {
  const mode = new Witness();
  const bench = gatedBench(mode, new Gate());
  bench.session.pause();
  bench.receive(textFrame('a'), closeFrame(1000));
  bench.checkAfter(10 * LIMITS.closeTimeout);
  t.strictSame(drops(bench), []);
  t.strictSame(mode.told, []);
  t.strictSame(bench.sent(), []);
});

t.test('a session that is about to end is asked for nothing else', async (t) => {
  const limits = { pingInterval: 1000, pongTimeout: 500, idleTimeout: 3000, messageTimeout: 2000 };
  const bench = gatedBench(new Witness(), new Gate({ encode: true }), limits);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(textFrame('open', MORE), textFrame('wrong'));
  bench.checkAfter(LIMITS.closeTimeout - 1);
  t.strictSame(bench.sent(), [], 'no Ping, no idle Close, no message-timeout');
  t.strictSame(drops(bench), []);
});

t.test('message-timeout: answers that are being encoded go out before it', async (t) => {
  const gate = new Gate({ encode: true });
  const mode = echoWitness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b', MORE));
  bench.checkAfter(LIMITS.messageTimeout);
  t.notOk(bench.session.isOver);
  bench.receive(continuationFrame('late'), textFrame('more'));
  t.strictSame(mode.told, ['message 1 61'], 'nothing more is delivered');
  await gate.encoded();
  const reason = 'message took too long to arrive';
  t.strictSame(bench.sent(), [sentText('a'), close(1008, reason)]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1008, rule: 'message-timeout' });
});

t.test(
  'message-timeout: for extensions messages are put together, whoever gets them',
  async (t) => {
    const bench = gatedBench(new Witness('chunks'), new Gate());
    bench.receive(textFrame('a', MORE));
    bench.checkAfter(LIMITS.messageTimeout);
    t.ok(bench.session.isOver);
    t.strictSame(bench.sent(), [close(1008, 'message took too long to arrive')]);
  },
);

t.test('message-timeout: while a chain works we do not read', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.receive(textFrame('a'), textFrame('b', MORE));
  bench.checkAfter(LIMITS.messageTimeout - 1);
  bench.checkAfter(3 * LIMITS.messageTimeout);
  t.notOk(bench.session.isOver);
  await gate.decoded();
  bench.checkAfter(4 * LIMITS.messageTimeout - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(4 * LIMITS.messageTimeout);
  t.ok(bench.session.isOver);
});

t.test(
  'close-timeout: every message that comes through the chain begins the time anew',
  async (t) => {
    const gate = new Gate({ decode: true });
    const bench = gatedBench(echoWitness(), gate);
    bench.receive(textFrame('a'), textFrame('b'), textFrame('c'), closeFrame(1000));
    for (let count = 0; count < 2; count++) {
      bench.host.clock.nowMs += LIMITS.closeTimeout - 1;
      bench.session.check(bench.host.clock.nowMs);
      await gate.decoded();
    }
    bench.host.clock.nowMs += LIMITS.closeTimeout - 1;
    bench.session.check(bench.host.clock.nowMs);
    t.notOk(bench.transport.calls.includes('drop close-timeout'), 'it is slow, and it moves');
    bench.host.clock.nowMs += 1;
    bench.session.check(bench.host.clock.nowMs);
    t.ok(bench.transport.calls.includes('drop close-timeout'), 'now it hangs');
  },
);

/** A session whose output is held; it does not wait for its record to be safe before the test says so. */
function held(mode: Witness = new Witness(), limits: HostOptions['limits'] = {}): HeldBench {
  const recorder = new TapWitness();
  const bench = new Bench(mode, { limits, route: { tap: recorder } }).open();
  bench.transport.isWriting = true;
  recorder.gate.hold();
  return { bench, gate: recorder.gate };
}

interface HeldBench {
  readonly bench: Bench;
  readonly gate: TapGate;
}

function letGo({ gate }: HeldBench): void {
  gate.seal();
  gate.letGo();
}

t.test('close-timeout counts from when our Close was let go', async (t) => {
  const one = held();
  const { bench, gate } = one;
  bench.session.close(1000);
  for (const factor of [1, 2, 3]) bench.checkAfter(factor * LIMITS.closeTimeout);
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  bench.host.clock.nowMs = START_MS + 4 * LIMITS.closeTimeout - 1;
  gate.letGo();
  bench.checkAfter(4 * LIMITS.closeTimeout);
  bench.host.clock.nowMs = START_MS + 4 * LIMITS.closeTimeout + 100;
  letGo(one);
  bench.receive(pingFrame());
  bench.host.clock.nowMs += 1000;
  letGo(one);
  bench.calls();
  bench.checkAfter(5 * LIMITS.closeTimeout + 99);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(5 * LIMITS.closeTimeout + 100);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('an answer to a Close, while it is held, is not late', async (t) => {
  const one = held();
  const { bench } = one;
  bench.receive(closeFrame(1000));
  bench.calls();
  bench.checkAfter(LIMITS.pingInterval);
  bench.checkAfter(10 * LIMITS.closeTimeout);
  t.strictSame(bench.calls(), []);
  letGo(one);
  t.ok(bench.session.isOver);
});

t.test('who is at work on the answer has time while our output is held', async (t) => {
  const mode = new Witness();
  const one = held(Object.assign(mode, { closing: () => new Promise<void>(() => undefined) }));
  const { bench } = one;
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(closeFrame(1000));
  bench.calls();
  bench.checkAfter(4 * LIMITS.closeTimeout);
  t.strictSame(bench.calls(), []);
  letGo(one);
  bench.calls();
  bench.checkAfter(5 * LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('pong-timeout counts from when our Ping was let go', async (t) => {
  const one = held();
  const { bench } = one;
  bench.checkAfter(LIMITS.pingInterval);
  const atMs = (ms: number): void => {
    bench.checkAfter(LIMITS.pingInterval + ms);
  };
  atMs(2 * LIMITS.pongTimeout);
  bench.calls();
  bench.host.clock.nowMs = START_MS + LIMITS.pingInterval + 3 * LIMITS.pongTimeout - 1;
  one.gate.letGo();
  letGo(one);
  bench.host.clock.nowMs += 5;
  letGo(one);
  t.strictSame(bench.calls(), ['write', 'write', 'write']);
  atMs(4 * LIMITS.pongTimeout - 2);
  t.strictSame(bench.calls(), []);
  atMs(4 * LIMITS.pongTimeout - 1);
  t.ok(bench.session.endpoint.isClosed);
  t.match(bench.finish(), { rule: 'pong-timeout' });
});
