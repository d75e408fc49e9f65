import t from 'tap';
import type { SessionLimits } from '../../src/session/session-host.js';
import { MORE, closeFrame, continuationFrame, pingFrame, textFrame } from '../fixtures/frames.js';
import { Bench, Gate, Witness, gatedBench, toldText } from '../fixtures/session-bench.js';
import { LIMITS, NO_KEEPALIVE, START_MS } from '../fixtures/test-host.js';

function benchOf(limits: Partial<SessionLimits>, mode = new Witness()): Bench {
  const bench = new Bench(mode, { limits: { ...NO_KEEPALIVE, ...limits } }).open();
  bench.calls();
  return bench;
}

/** What the connection was told about reading since the last call. */
function reading(bench: Bench): readonly string[] {
  return bench.calls().filter((call) => call === 'pause' || call === 'resume');
}

t.test('messages at the rate, and one past it', async (t) => {
  const mode = new Witness();
  const bench = benchOf({ maxMessageRate: 3 }, mode);
  bench.receive(textFrame('a'), textFrame('b'), textFrame('c'));
  t.strictSame(reading(bench), []);
  bench.receive(textFrame('d'));
  t.strictSame(reading(bench), ['pause']);
  t.strictSame(mode.told.slice(-1), [toldText('d')], 'it is delivered all the same');
  t.equal(bench.transport.checkMs, 334);
  bench.checkAfter(333);
  t.strictSame(reading(bench), []);
  t.equal(bench.transport.checkMs, 1, 'a look that comes too early asks for another one');
  bench.checkAfter(334);
  t.strictSame(reading(bench), ['resume']);
  t.strictSame(bench.host.traffic.ratePauses, { messages: 1, bytes: 0 });
  t.equal(bench.host.traffic.inputPauses.under, 0);
  t.equal(bench.host.traffic.inputPauses.begun, 1);
});

t.test('a steady client at its rate never waits', async (t) => {
  const bench = benchOf({ maxMessageRate: 10 });
  for (let count = 0; count < 100; count++) {
    bench.receive(textFrame('a'));
    bench.checkAfter(count * 100);
  }
  t.strictSame(reading(bench), []);
});

t.test('control frames count as messages, fragments do not', async (t) => {
  const bench = benchOf({ maxMessageRate: 3 });
  bench.receive(
    textFrame('a', MORE),
    ...Array.from({ length: 50 }, () => continuationFrame('b', MORE)),
  );
  bench.receive(continuationFrame('c'), pingFrame(), pingFrame());
  t.strictSame(reading(bench), []);
  bench.receive(pingFrame());
  t.strictSame(reading(bench), ['pause']);
});

t.test('of a mode that takes chunks whole messages are counted', async (t) => {
  const bench = benchOf({ maxMessageRate: 2 }, new Witness('chunks'));
  bench.receive(textFrame('a', MORE), continuationFrame('b', MORE), continuationFrame('c'));
  bench.receive(textFrame('d'));
  t.strictSame(reading(bench), []);
  bench.receive(textFrame('e'));
  t.strictSame(reading(bench), ['pause']);
});

t.test('with extensions messages count when they come', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate, { ...NO_KEEPALIVE, maxMessageRate: 1 });
  bench.calls();
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(reading(bench), ['pause']);
  t.strictSame(bench.host.traffic.ratePauses, { messages: 1, bytes: 0 });
  bench.checkAfter(1000);
  t.strictSame(reading(bench), [], 'the extensions are still at work');
  await gate.decoded();
  await gate.decoded();
  t.strictSame(reading(bench), ['resume']);
  t.strictSame(mode.told, [toldText('a'), toldText('b')]);
});

t.test('bytes at the rate, and one past it', async (t) => {
  const bench = benchOf({ maxByteRate: 1000 });
  // Header and masking key are 8 bytes.
  bench.receive(textFrame('a'.repeat(992)));
  t.strictSame(reading(bench), []);
  bench.receive(textFrame('a'.repeat(242)));
  t.strictSame(reading(bench), ['pause']);
  t.equal(bench.transport.checkMs, 250);
  t.strictSame(bench.host.traffic.ratePauses, { messages: 0, bytes: 1 });
});

t.test('of two rates the one that takes longer counts', async (t) => {
  const bench = benchOf({ maxByteRate: 1000, maxMessageRate: 1 });
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(bench.host.traffic.ratePauses, { messages: 1, bytes: 0 });
  t.equal(bench.transport.checkMs, 1000);
});

t.test('after our Close its answer is read at once, whatever came before', async (t) => {
  const bench = benchOf({ maxMessageRate: 1 });
  bench.receive(...Array.from({ length: 100 }, () => textFrame('a')));
  t.strictSame(reading(bench), ['pause']);
  bench.session.close(1000);
  t.strictSame(reading(bench), ['resume']);
  bench.receive(...Array.from({ length: 100 }, () => textFrame('a')), closeFrame(1000));
  t.strictSame(reading(bench), []);
  t.ok(bench.session.isOver);
  bench.finish();
});

t.test(
  'a client that is not read for its rate has its time for a message, and lives',
  async (t) => {
    const bench = benchOf({ ...LIMITS, maxByteRate: 1024 });
    bench.receive(textFrame('a'.repeat(100_000), MORE));
    t.strictSame(reading(bench), ['pause']);
    for (let ms = 0; ms < 96_000; ms += 10_000) bench.checkAfter(ms);
    t.strictSame(bench.sent(), [], 'no Ping, and no message-timeout');
    bench.checkAfter(97_000);
    t.strictSame(reading(bench), ['resume']);
    t.notOk(bench.session.isOver);
  },
);

t.test('the mode’s pause and that of the rate end each by itself', async (t) => {
  const bench = benchOf({ maxMessageRate: 1 });
  bench.receive(textFrame('a'), textFrame('b'));
  bench.session.pause();
  bench.checkAfter(2000);
  t.strictSame(reading(bench), ['pause']);
  bench.session.resume();
  t.strictSame(reading(bench), ['resume']);
});

t.test('a connection that goes while it is not read leaves no pause behind', async (t) => {
  const bench = benchOf({ maxMessageRate: 1 });
  bench.receive(textFrame('a'), textFrame('b'));
  bench.finish();
  t.equal(bench.host.traffic.inputPauses.under, 0);
});

t.test('bystander: the rate of one client is not another one’s', async (t) => {
  const [one, other] = [benchOf({ maxMessageRate: 1 }), benchOf({ maxMessageRate: 1 })];
  one.receive(...Array.from({ length: 1000 }, () => textFrame('a')));
  other.receive(textFrame('a'));
  t.strictSame(reading(other), []);
});

t.test('off by default: nothing is counted for it', async (t) => {
  const bench = benchOf({});
  bench.host.clock.nowMs = START_MS;
  bench.receive(...Array.from({ length: 10_000 }, () => textFrame('a')));
  t.strictSame(reading(bench), []);
  t.strictSame(bench.host.traffic.ratePauses, { messages: 0, bytes: 0 });
});
