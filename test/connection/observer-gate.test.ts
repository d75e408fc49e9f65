import { Buffer } from 'node:buffer';
import t from 'tap';
import { Bench, Witness, echoWitness, sentText } from '../fixtures/session-bench.js';
import { ObserverGate } from '../../src/connection/observer-gate.js';
import { closeFrame, textFrame } from '../fixtures/frames.js';
import { ObserverWitness } from '../fixtures/observer-witness.js';
import { NO_KEEPALIVE } from '../fixtures/test-host.js';

/** A bench whose session is watched, with writes that reach the socket at once. */
function watched(consumer: Witness): { bench: Bench; gate: ObserverGate } {
  const recorder = new ObserverWitness();
  const bench = new Bench(consumer, { limits: NO_KEEPALIVE, route: { recorder } }).open();
  bench.transport.isWriting = true;
  const { gate } = recorder;
  if (!(gate instanceof ObserverGate)) throw new Error('another gate');
  return { bench, gate };
}

t.test('a session that is paused is not read, and who sends is told to wait', async (t) => {
  const consumer = new Witness();
  const { bench, gate } = watched(consumer);
  const { session, transport } = bench;
  t.notOk(gate.hearsOut);
  gate.pause();
  t.ok(transport.isInputPaused);
  t.notOk(session.send(1, Buffer.from('a')), 'it is sent all the same');
  session.resumeInput();
  t.ok(transport.isInputPaused, 'the mode has no say in it');
  session.pauseInput();
  gate.resume();
  t.ok(transport.isInputPaused, 'nor has the gate in what the mode wants');
  t.strictSame(consumer.told, ['drained']);
  session.resumeInput();
  t.notOk(transport.isInputPaused);
  t.ok(session.send(1, Buffer.from('b')));
  t.strictSame(bench.sent(), [sentText('a'), sentText('b')]);
});

t.test('what is held leaves when it was sealed and let go', async (t) => {
  const { bench, gate } = watched(echoWitness());
  gate.hold();
  bench.receive(textFrame('a'));
  gate.letGo();
  t.strictSame(bench.sent(), [], 'nothing was sealed');
  gate.seal();
  bench.receive(textFrame('b'));
  gate.letGo();
  t.strictSame(bench.sent(), [sentText('a')], 'what came later was not');
  gate.stopHolding();
  bench.receive(textFrame('c'));
  t.strictSame(bench.sent(), [sentText('b'), sentText('c')]);
});

t.test('who waits for room gets it from what was let go', async (t) => {
  const consumer = new Witness();
  const { bench, gate } = watched(consumer);
  gate.hold();
  t.notOk(bench.session.send(2, new Uint8Array(200_000)));
  gate.seal();
  t.strictSame(consumer.told, []);
  gate.letGo();
  t.strictSame(consumer.told, ['drained']);
});

t.test('a session that is held is over when its last byte was let go', async (t) => {
  const { bench, gate } = watched(new Witness());
  gate.hold();
  bench.receive(closeFrame(1000));
  t.notOk(bench.session.isOver);
  gate.seal();
  gate.letGo();
  t.ok(bench.session.isOver);
});

t.test('a session that is closed takes back what was not let go', async (t) => {
  const { bench, gate } = watched(echoWitness());
  gate.hold();
  bench.receive(textFrame('a'));
  gate.close(1013, 'full');
  t.strictSame(bench.sent(), ['8 03f566756c6c']);
  const other = watched(echoWitness());
  other.gate.close(1013, 'full');
  t.strictSame(other.bench.sent(), ['8 03f566756c6c'], 'also when nothing is held');
});
