/** The echo mode, whose messages the endpoint sends back by itself: what a session makes of it is as without. */
import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { echoMode } from '../../src/modes/echo.js';
import { Kernel } from '../../src/protocol/kernel/kernel.js';
import type { Mode } from '../../src/session/mode.js';
import {
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  textFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { Bench, type BenchOptions, Gate, QUIET } from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { LIMITS, NEAR_BYTES, NO_KEEPALIVE } from '../fixtures/test-host.js';

const KIB = 1024;
const kernel = new Kernel();

/** The same mode, to which each message is a call. */
const messageByMessage: Mode = { ...echoMode, echoes: false };

/** A session in the echo mode that writes as soon as it is told to flush. */
class EchoBench extends Bench {
  /** Messages that came by a call of the mode. */
  calledMessages = 0;

  constructor(mode: Mode, options: BenchOptions = QUIET) {
    super(
      {
        ...mode,
        message: (...args) => {
          this.calledMessages++;
          mode.message!(...args);
        },
      },
      options,
    );
    this.transport.isWriting = true;
    this.open();
  }

  /** A read, and what follows it. */
  read(wire: Uint8Array): void {
    const bytes = this.host.slabPool.kernel?.receiveBuffer ?? new Uint8Array(wire.length);
    bytes.set(wire);
    this.session.receive(bytes, 0, wire.length);
    this.transport.flush();
  }

  /** Everything that has been sent, in hex. */
  written(): string {
    return hexOf(this.socket.takeWritten());
  }

  /** What can be compared. */
  state(): object {
    const { textMessagesIn, textBytesIn, binaryMessagesIn, binaryBytesIn } = this.host.traffic;
    const { textMessagesOut, textBytesOut, binaryMessagesOut, binaryBytesOut, wireBytesIn } =
      this.host.traffic;
    const { inputPauses, outputPauses, ratePauses, controlIn, controlOut } = this.host.traffic;
    return {
      isPaused: this.transport.isInputPaused,
      bufferedAmount: this.session.bufferedAmount,
      isOver: this.session.isOver,
      ...{ textMessagesIn, textBytesIn, binaryMessagesIn, binaryBytesIn, wireBytesIn },
      ...{ textMessagesOut, textBytesOut, binaryMessagesOut, binaryBytesOut },
      ...{ inputPauses: inputPauses.begun, outputPauses: outputPauses.begun, ratePauses },
      ...{ controlIn, controlOut },
      sentClose: this.session.endpoint.sentClose,
    };
  }
}

/** What is compared: as before, in JavaScript, and in the kernel. */
function benches(options: BenchOptions = QUIET): readonly [EchoBench, EchoBench, EchoBench] {
  return [
    new EchoBench(messageByMessage, options),
    new EchoBench(echoMode, options),
    new EchoBench(echoMode, { ...options, kernel }),
  ];
}

const wireOf = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, true);

const many = (count: number, bytes: number): readonly TestFrame[] =>
  Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? textFrame('a'.repeat(bytes)) : binaryFrame('b'.repeat(bytes)),
  );

t.test('messages are counted, and none is a call of the mode', async (t) => {
  for (const bench of benches()) {
    bench.calls();
    bench.read(wireOf(...many(5, 100), pingFrame('p'), ...many(2, 3)));
    t.match(bench.state(), {
      ...{ textMessagesIn: 4, textBytesIn: 303, binaryMessagesIn: 3, binaryBytesIn: 203 },
      ...{ textMessagesOut: 4, textBytesOut: 303, binaryMessagesOut: 3, binaryBytesOut: 203 },
      ...{ controlIn: { pings: 1 }, controlOut: { pongs: 1 } },
    });
    t.ok(bench.calls().includes('flush'), 'a flush follows');
    t.match(bench.finish(), { messagesIn: 7, bytesIn: 506, messagesOut: 7, bytesOut: 506 });
  }
  const [before, ...inRuns] = benches();
  for (const bench of [before, ...inRuns]) bench.read(wireOf(...many(5, 100)));
  t.equal(before.calledMessages, 5);
  for (const bench of inRuns) t.equal(bench.calledMessages, 0);
});

t.test('a client that does not read is not read, from the same message on', async (t) => {
  const all = benches();
  for (const bench of all) {
    bench.block();
    bench.written();
    let reads = 0;
    while (!bench.transport.isInputPaused) {
      bench.read(wireOf(...many(20, 1000)));
      reads++;
    }
    t.equal(reads, 5, 'at 100,000 bytes');
    t.ok(bench.session.bufferedAmount <= LIMITS.outputPause + 20 * KIB);
    // What has been read already is served all the same.
    bench.read(wireOf(...many(3, 1000)));
    t.ok(bench.transport.isInputPaused);
    bench.unblock();
    bench.transport.flush();
    bench.session.resumeOutput();
    t.notOk(bench.transport.isInputPaused);
  }
  const [first, ...others] = all.map((bench) => [bench.written(), bench.state()]);
  for (const other of others) t.strictSame(other, first);
});

t.test(
  'output-limit ends a session at the same message, and nothing follows the Close',
  async (t) => {
    const limits = { ...NO_KEEPALIVE, outputPause: 1024, outputLimit: 2048, maxMessage: 500 };
    const all = benches({ limits });
    for (const bench of all) {
      bench.block();
      bench.written();
      const frames = many(400, 100);
      bench.read(wireOf(...frames, pingFrame('late'), closeFrame(1000), ...frames));
      t.ok(bench.session.bufferedAmount < 4 * KIB, 'not a whole read is sent back');
      bench.unblock();
      bench.transport.flush();
    }
    const [first, ...others] = all.map((bench) => [bench.written(), bench.state()]);
    for (const other of others) t.strictSame(other, first);
    for (const bench of all)
      t.match(bench.finish(), { closeCode: 1008, rule: 'output-limit', messagesIn: 25 });
  },
);

t.test('a fast client has no limit that could be reached, however small it is', async (t) => {
  const limits = { ...NO_KEEPALIVE, outputPause: 1024, outputLimit: 1024, maxMessage: 500 };
  const all = benches({ limits });
  for (const bench of all) bench.read(wireOf(...many(400, 100)));
  const [first, ...others] = all.map((bench) => [bench.written(), bench.state()]);
  for (const other of others) t.strictSame(other, first);
  for (const bench of all) t.match(bench.finish(), { messagesOut: 400, rule: null });
  t.ok(all[1].calledMessages < 100, 'most are sent back in runs');
});

t.test('while memory is scarce less is sent before the client has to read', async (t) => {
  const all = benches();
  for (const bench of all) {
    bench.host.memory.charge(NEAR_BYTES);
    bench.block();
    bench.written();
    bench.read(wireOf(...many(60, 1000)));
    t.equal(bench.session.bufferedAmount, 60 * 1004 + 6);
    bench.read(wireOf(...many(10, 1000)));
    t.equal(bench.transport.isInputPaused, true);
  }
  const [first, ...others] = all.map((bench) => bench.state());
  for (const other of others) t.strictSame(other, first);
});

t.test('while memory is scarce a small message is no reason not to be read', async (t) => {
  for (const bench of benches()) {
    bench.host.memory.charge(NEAR_BYTES);
    bench.transport.outbox.queue.expectedBytes = 300;
    bench.read(wireOf(...many(10, 20)));
    t.equal(bench.transport.isInputPaused, false);
  }
});

t.test('rates are kept: messages and bytes that are sent back in runs count', async (t) => {
  for (const limits of [{ maxMessageRate: 10 }, { maxByteRate: 5000 }]) {
    const all = benches({ limits: { ...NO_KEEPALIVE, ...limits } });
    for (const bench of all) {
      bench.read(wireOf(...many(10, 100)));
      t.notOk(bench.transport.isInputPaused);
      bench.read(wireOf(...many(50, 100)));
      t.ok(bench.transport.isInputPaused, Object.keys(limits)[0]!);
    }
    const [first, ...others] = all.map((bench) => [bench.transport.checkMs, bench.state()]);
    for (const other of others) t.strictSame(other, first);
  }
});

t.test('a session is not idle while messages are sent back', async (t) => {
  const limits = { ...NO_KEEPALIVE, idleTimeout: 1000 };
  for (const bench of benches({ limits })) {
    bench.checkAfter(900);
    bench.read(wireOf(...many(3, 100)));
    bench.checkAfter(1800);
    t.equal(bench.session.endpoint.sentClose, null);
    bench.checkAfter(1900);
    t.match(bench.session.endpoint.sentClose, { code: 1001 });
  }
});

t.test('a message that was slow is over when another one comes', async (t) => {
  for (const bench of benches()) {
    bench.read(wireOf(textFrame('a', MORE)));
    bench.read(wireOf(continuationFrame('b'), ...many(3, 100)));
    bench.checkAfter(LIMITS.messageTimeout);
    t.equal(bench.session.endpoint.sentClose, null);
  }
});

t.test('after our Close nothing is sent back, and nothing counts as sent', async (t) => {
  for (const bench of benches()) {
    bench.session.close(1001, 'bye');
    bench.transport.flush();
    bench.written();
    bench.read(wireOf(...many(5, 100)));
    t.equal(bench.written(), '');
    t.match(bench.state(), { textMessagesIn: 0, textMessagesOut: 0 });
    bench.read(wireOf(...many(5, 100), closeFrame(1001)));
    t.match(bench.finish(), { closedBy: 'server', messagesIn: 0, messagesOut: 0 });
  }
});

t.test('with extensions, or a tap, each message takes its way', async (t) => {
  const gate = new Gate();
  const withGate = new EchoBench(echoMode, { limits: NO_KEEPALIVE, extensions: [gate] });
  withGate.read(wireOf(textFrame('a', { rsv: 4 }), ...many(5, 100)));
  t.equal(withGate.calledMessages, 6);
  const tap = new TapWitness();
  const tapped = new EchoBench(echoMode, { ...QUIET, route: { tap } });
  tapped.read(wireOf(...many(5, 100)));
  t.equal(tapped.calledMessages, 5);
});

t.test('while memory is scarce a slab of the kernel is much that is held', async (t) => {
  const [, inJavaScript, inKernel] = benches();
  for (const bench of [inJavaScript, inKernel]) {
    bench.socket.isTaking = false;
    bench.transport.outbox.queue.expectedBytes = 300;
    bench.read(wireOf(...many(10, 20)));
    bench.host.memory.charge(NEAR_BYTES);
    bench.session.saveMemory();
  }
  t.equal(inJavaScript.transport.isInputPaused, false);
  t.equal(inKernel.transport.isInputPaused, true, 'a client that does not read is not read');
  inKernel.transport.outbox.queue.discard();
});

const small = { outputPause: 2048, outputLimit: 6000, maxMessage: 900 };

function randomFrames(random: SeededRandom): readonly TestFrame[] {
  return Array.from({ length: 1 + random.below(30) }, (): TestFrame => {
    const payload = Buffer.alloc(random.below(random.pick([5, 130, 400, 903])), 0x61);
    const kind = random.below(100);
    if (kind < 60) return textFrame(payload);
    if (kind < 92) return binaryFrame(payload);
    if (kind < 97) return pingFrame(payload.subarray(0, 125));
    return random.pick([textFrame('a', MORE), continuationFrame('b'), binaryFrame('c')]);
  });
}

/** What happens between two reads. */
const STEPS: readonly ((bench: EchoBench) => void)[] = [
  (bench) => {
    bench.socket.isTaking = false;
  },
  (bench) => {
    bench.socket.isTaking = true;
    if (!bench.transport.outbox.isBlocked) return;
    bench.unblock();
    bench.transport.flush();
    bench.session.resumeOutput();
  },
  ({ host }) => {
    if (!host.memory.isNear) host.memory.charge(NEAR_BYTES);
  },
  ({ host }) => {
    if (host.memory.isNear) host.memory.release(NEAR_BYTES);
  },
];

/** What a session comes to, in words that can be compared. */
function endOf(bench: EchoBench): readonly string[] {
  const { socket, transport } = bench;
  socket.isTaking = true;
  transport.outbox.unblock();
  transport.flush();
  const { messagesIn, rule, closeCode } = bench.finish();
  transport.outbox.queue.discard();
  return [bench.written(), `${messagesIn} ${rule} ${closeCode}`];
}

/** @returns how many messages were sent back in runs, and how the session ended */
function compareOnce(t: Test, random: SeededRandom, session: number): [number, string] {
  const limits = { ...NO_KEEPALIVE, ...(session % 2 === 0 ? small : {}) };
  // The kernel's slabs are larger than others, which shows while memory is scarce.
  const isShort = session % 3 === 0;
  const all = benches({ limits }).slice(0, isShort ? 2 : 3);
  const compare = (what: (bench: EchoBench) => unknown): void => {
    const [first, ...others] = all.map((bench) => JSON.stringify(what(bench)));
    for (const other of others) if (other !== first) t.equal(other, first, `session ${session}`);
  };
  for (let round = 0; round < 12; round++) {
    const step = STEPS[random.below(isShort ? 8 : 4)];
    const wire = wireOf(...randomFrames(random));
    const cut = random.below(wire.length);
    for (const bench of all) {
      if (step !== undefined && (isShort || STEPS.indexOf(step) < 2)) step(bench);
      bench.read(wire.subarray(0, cut));
      bench.read(wire.subarray(cut));
    }
    compare((bench) => bench.state());
    if (round === 10 && session % 5 === 0) for (const { session } of all) session.close(1000);
  }
  const ends = all.map(endOf);
  compare((bench) => ends[all.indexOf(bench)]);
  const bench = all.at(-1)!;
  const { messagesIn, rule } = bench.host.ended[0]!;
  return [messagesIn - bench.calledMessages, String(rule)];
}

t.test('whatever a client sends, and however it reads', async (t) => {
  const random = new SeededRandom(4711);
  const rules = new Set<string>();
  let inRuns = 0;
  for (let session = 0; session < 300; session++) {
    const [messages, rule] = compareOnce(t, random, session);
    inRuns += messages;
    rules.add(rule);
  }
  t.strictSame([...rules].sort(), [
    ...['continuation-unexpected', 'message-interleaved', 'message-too-big'],
    ...['null', 'output-limit'],
  ]);
  t.ok(inRuns > 5000, `${inRuns} in runs`);
  t.equal(kernel.shelf.free.length, 4);
});
