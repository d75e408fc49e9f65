/** What a session holds, what it does while memory is scarce, and how it ends for it. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import { OVERLOAD_RULES } from '../../src/errors.js';
import { MORE, binaryFrame, closeFrame, continuationFrame, textFrame } from '../fixtures/frames.js';
import { Bench, Gate, Witness, closeText, gatedBench } from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { LIMITS, NEAR_BYTES, NO_KEEPALIVE } from '../fixtures/test-host.js';

const KIB = 1024;
const CLOSED = closeText(1013, OVERLOAD_RULES.memory);

const half = (kibibytes: number): ReturnType<typeof binaryFrame> =>
  binaryFrame(Buffer.alloc(kibibytes * KIB), MORE);

t.test('what is held is charged, and given back with the message', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { memory, slabPool } = bench.host;
  const before = memory.bytes;
  bench.receive(half(100));
  t.ok(bench.session.heldBytes >= 100 * KIB);
  t.equal(memory.bytes - before, bench.session.heldBytes);
  bench.receive(textFrame('', { opcode: 0 }));
  t.equal(bench.session.heldBytes, 0);
  t.equal(memory.bytes - slabPool.freeMessageBytes, before);
  bench.receive(half(100));
  bench.finish();
  t.equal(memory.bytes - slabPool.freeMessageBytes, before, 'and with the connection');
  slabPool.giveBack();
  t.equal(memory.bytes, before);
});

t.test('a mode says what it holds, once its session is open', async (t) => {
  const mode = Object.assign(new Witness(), { heldBytes: () => 7 });
  const bench = new Bench(mode);
  t.equal(bench.session.heldBytes, 0);
  t.equal(bench.open().session.heldBytes, 7);
});

t.test('whoever holds much is not read while memory is scarce; others are', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session, transport, host } = bench;
  host.memory.charge(NEAR_BYTES);
  bench.receive(textFrame('a'));
  t.notOk(transport.isInputPaused);
  bench.receive(half(100));
  t.ok(transport.isInputPaused);
  session.memoryIsBack();
  t.notOk(transport.isInputPaused);
  session.saveMemory();
  t.ok(transport.isInputPaused);
  session.goOn();
  t.notOk(transport.isInputPaused, 'but for the one that may go on');
  session.saveMemory();
  t.notOk(transport.isInputPaused);
  session.memoryIsBack();
  session.saveMemory();
  t.ok(transport.isInputPaused, 'until memory was back once');
  session.goOn();
  session.waitAgain();
  session.saveMemory();
  t.ok(transport.isInputPaused, 'or it is the turn of another one');
});

t.test('whoever was sent a Close is read, however much was held for it', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session, transport, host } = bench;
  host.memory.charge(NEAR_BYTES);
  bench.receive(half(100));
  t.ok(transport.isInputPaused);
  session.close(1001);
  t.notOk(transport.isInputPaused);
  session.saveMemory();
  t.notOk(transport.isInputPaused);
  bench.receive(continuationFrame('b'), closeFrame(1001));
  t.match(bench.finish(), { closeCode: 1001, closedBy: 'server', rule: null });
});

t.test('a mode is told earlier to wait, and goes on when memory is back', async (t) => {
  let drains = 0;
  const drain = (): void => {
    drains++;
  };
  const mode = Object.assign(new Witness(), { drain });
  const bench = new Bench(mode).open();
  const { session, host } = bench;
  bench.block();
  host.memory.charge(NEAR_BYTES);
  t.equal(session.sendRange(2, new Uint8Array(60 * KIB)), 'sent');
  t.equal(session.sendRange(2, new Uint8Array(10 * KIB)), 'wait');
  session.resumeOutput();
  t.equal(drains, 0);
  host.memory.release(NEAR_BYTES);
  session.memoryIsBack();
  t.equal(drains, 1);
  t.ok(session.bufferedAmount < LIMITS.outputPause);
});

t.test('the largest gets 1013, and what it holds is given back at once', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { memory } = bench.host;
  bench.receive(half(100));
  memory.charge(NEAR_BYTES);
  const before = memory.bytes;
  bench.transport.isWriting = true;
  bench.session.shed();
  t.strictSame(bench.sent(), [CLOSED]);
  t.ok(memory.bytes < before - 80 * KIB);
  t.equal(bench.session.heldBytes, 0);
  t.match(bench.finish(), { rule: 'memory', closeCode: 1013, closedBy: 'server', error: null });
});

t.test('what its extensions are still at is not waited for', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(textFrame('b', { rsv: 4 }));
  bench.session.shed();
  t.strictSame(bench.sent(), [CLOSED]);
  t.equal(gate.closeCount, 1, 'and they give back what they keep');
  t.match(bench.finish(), { rule: 'memory' });
  t.equal(gate.closeCount, 1);
});

t.test('one that reads nothing is dropped: no Close would overtake what waits', async (t) => {
  const bench = new Bench(new Witness(), { limits: NO_KEEPALIVE }).open();
  bench.block();
  bench.session.shed();
  t.ok(bench.calls().includes('drop memory'));
  bench.session.dropped('memory');
  t.match(bench.finish(), { rule: 'memory' });
});

t.test(
  'output that is held counts; whoever has some is dropped, as its Close could not leave',
  async (t) => {
    const tap = new TapWitness();
    const bench = new Bench(new Witness(), { limits: NO_KEEPALIVE, route: { tap } }).open();
    tap.gate.hold();
    const { session } = bench;
    const before = session.heldBytes;
    session.sendRange(2, Buffer.alloc(KIB));
    t.ok(session.output.heldBytes >= KIB);
    t.equal(session.heldBytes - before, session.output.heldBytes);
    session.shed();
    t.ok(bench.calls().includes('drop memory'));
  },
);

t.test('one whose extensions hold nothing has no output in memory either', async (t) => {
  const bench = gatedBench(new Witness(), new Gate());
  t.equal(bench.session.output.heldBytes, 0);
});

t.test('what the system has taken does not stand in the way of a Close', async (t) => {
  const bench = new Bench(new Witness(), { limits: NO_KEEPALIVE }).open();
  bench.block();
  bench.transport.outbox.isTaken = true;
  bench.session.shed();
  t.notOk(bench.calls().includes('drop memory'));
});
