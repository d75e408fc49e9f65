import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  Bench,
  EMPTY_CLOSE,
  Gate,
  Witness,
  closeText,
  echoWitness,
  sentText,
} from '../fixtures/session-bench.js';
import { SessionGate } from '../../src/session/session-gate.js';
import { closeFrame, pingFrame, textFrame } from '../fixtures/frames.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { NO_KEEPALIVE } from '../fixtures/test-host.js';

/** A bench whose session is watched, with writes that reach the socket at once. */
function watched(mode: Witness): { bench: Bench; gate: SessionGate } {
  const recorder = new TapWitness();
  const bench = new Bench(mode, { limits: NO_KEEPALIVE, route: { tap: recorder } }).open();
  bench.transport.isWriting = true;
  const { gate } = recorder;
  if (!(gate instanceof SessionGate)) throw new Error('another gate');
  return { bench, gate };
}

t.test('a session that is paused is not read, and who sends is told to wait', async (t) => {
  const mode = new Witness();
  const { bench, gate } = watched(mode);
  const { session, transport } = bench;
  t.notOk(gate.hearsOut);
  gate.pause();
  t.ok(transport.isInputPaused);
  t.equal(session.sendRange(1, Buffer.from('a')), 'wait', 'it is sent all the same');
  session.resume();
  t.ok(transport.isInputPaused, 'the mode has no say in it');
  session.pause();
  gate.resume();
  t.ok(transport.isInputPaused, 'nor has the gate in what the mode wants');
  t.strictSame(mode.told, ['drained']);
  session.resume();
  t.notOk(transport.isInputPaused);
  t.equal(session.sendRange(1, Buffer.from('b')), 'sent');
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
  const mode = new Witness();
  const { bench, gate } = watched(mode);
  gate.hold();
  t.equal(bench.session.sendRange(2, new Uint8Array(200_000)), 'wait');
  gate.seal();
  t.strictSame(mode.told, []);
  gate.letGo();
  t.strictSame(mode.told, ['drained']);
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

t.test('a session that is ended sends what came before, also what is held', async (t) => {
  const free = watched(echoWitness());
  free.bench.receive(textFrame('a'));
  free.gate.end(1000, 'enough');
  t.strictSame(free.bench.sent(), [sentText('a'), '8 03e8656e6f756768']);
  const { bench, gate } = watched(echoWitness());
  gate.hold();
  bench.receive(textFrame('a'));
  gate.end(1000, 'enough');
  t.strictSame(bench.sent(), []);
  gate.seal();
  gate.letGo();
  t.strictSame(bench.sent(), [sentText('a'), '8 03e8656e6f756768']);
});

t.test('a session that is closed takes back what was not let go', async (t) => {
  const { bench, gate } = watched(echoWitness());
  gate.hold();
  bench.receive(textFrame('a'));
  gate.close(1013, 'full');
  t.strictSame(bench.sent(), ['8 03f566756c6c']);
  bench.receive(textFrame('late'));
  t.strictSame(bench.sent(), []);
  const other = watched(echoWitness());
  other.gate.close(1013, 'full');
  t.strictSame(other.bench.sent(), ['8 03f566756c6c'], 'also when nothing is held');
});

t.test('what extensions are at work on is taken back as well', async (t) => {
  const slow = new Gate({ encode: true });
  const recorder = new TapWitness();
  const options = { limits: NO_KEEPALIVE, extensions: [slow], route: { tap: recorder } };
  const bench = new Bench(echoWitness(), options).open();
  recorder.gate.hold();
  bench.receive(textFrame('a'), textFrame('b'));
  await slow.encoded();
  recorder.gate.close(1013, 'full');
  await slow.encoded();
  t.strictSame(bench.sent(), ['8 03f566756c6c'], 'neither what was encoded nor what was not');
  const other = new Bench(echoWitness(), options).open();
  other.receive(textFrame('a'));
  recorder.gate.close(1013, 'full');
  await slow.encoded();
  t.strictSame(other.sent(), [sentText('a'), '8 03f566756c6c'], 'unless nothing is held');
});

t.test('a Close that we have sent leaves, though all else is taken back', async (t) => {
  const ours = watched(echoWitness());
  ours.gate.hold();
  ours.bench.receive(textFrame('a'));
  ours.bench.session.close(1000, 'done');
  ours.gate.seal();
  ours.bench.receive(pingFrame('p'));
  ours.gate.close(1013, 'full');
  t.strictSame(ours.bench.sent(), [closeText(1000, 'done')]);
  t.notOk(ours.bench.session.isOver, "the peer's is still to come");

  const answer = watched(echoWitness());
  answer.gate.hold();
  answer.bench.receive(textFrame('a'), closeFrame());
  t.notOk(answer.bench.session.isOver);
  answer.gate.close(1013, 'full');
  t.strictSame(answer.bench.sent(), [EMPTY_CLOSE]);
  t.ok(answer.bench.session.isOver);
});

t.test('a Close that was let go is not sent again', async (t) => {
  const { bench, gate } = watched(echoWitness());
  gate.hold();
  bench.session.close(1000, 'done');
  gate.seal();
  gate.letGo();
  bench.receive(pingFrame('p'));
  gate.close(1013, 'full');
  t.strictSame(bench.sent(), [closeText(1000, 'done')]);
});
