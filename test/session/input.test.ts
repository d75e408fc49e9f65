import t from 'tap';
import { PolicyError } from '../../src/errors.js';
import { CountedTurns } from '../fixtures/counted-turns.js';
import { nextTurn } from '../fixtures/extensions.js';
import {
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  pingFrame,
  textFrame,
} from '../fixtures/frames.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import {
  Bench,
  Gate,
  Witness,
  closeText,
  echoWitness,
  gatedBench,
  toldText,
} from '../fixtures/session-bench.js';
import { LIMITS, NO_KEEPALIVE } from '../fixtures/test-host.js';

const LARGE = new Uint8Array(LIMITS.outputPause - 10);

t.test('messages and pieces on their way in are counted', async (t) => {
  const messages = new Witness();
  const whole = new Bench(messages).open();
  whole.receive(textFrame('ab'), binaryFrame('c', MORE), continuationFrame('d'));
  t.strictSame(messages.told, ['message 1 6162', 'message 2 6364']);
  t.match(whole.finish(), { messagesIn: 2, bytesIn: 4 });
  const pieces = new Witness('chunks');
  const cut = new Bench(pieces).open();
  cut.receive(binaryFrame('c', MORE), continuationFrame('d'));
  t.strictSame(pieces.told, ['piece 2 63 first', 'piece 2 64 last']);
  t.match(cut.finish(), { messagesIn: 1, bytesIn: 2 });
});

t.test('what is decoded behind our Close reaches nobody', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), closeFrame(1000));
  bench.session.endpoint.sendClose(1000);
  await gate.decoded();
  t.strictSame(mode.told, []);
});

t.test('without extensions the mode decides about reading, and nothing waits', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  bench.calls();
  session.pause();
  session.pause();
  t.ok(session.input.isPaused);
  session.resume();
  t.notOk(session.input.isPaused);
  t.strictSame(bench.calls(), ['pause', 'resume']);
  let isDone = false;
  session.ending.whenThrough(() => {
    isDone = true;
  });
  t.ok(isDone);
  t.notOk(session.isEnding);
  t.strictSame(bench.calls(), []);
});

t.test('extensions and mode both must be able to take more', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  const { session } = bench;
  bench.calls();
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(bench.calls(), ['pause']);
  session.pause();
  await gate.decoded();
  t.strictSame(mode.told, [], 'what is decoded meanwhile waits');
  t.strictSame(bench.calls(), []);
  session.resume();
  await nextTurn();
  t.strictSame(mode.told, [toldText('a')]);
  await gate.decoded();
  t.strictSame(mode.told, [toldText('a'), toldText('b')]);
  t.strictSame(bench.calls(), ['resume']);
});

t.test('a tap can stop reading, whatever the mode wants', async (t) => {
  const tap = new TapWitness();
  const { session } = new Bench(new Witness(), { limits: NO_KEEPALIVE, route: { tap } }).open();
  tap.gate.pause();
  session.pause();
  session.resume();
  t.ok(session.input.isPaused);
  t.ok(session.input.isHeld);
  tap.gate.resume();
  t.notOk(session.input.isPaused);
});

t.test('what the extensions have waits for the tap as for the mode', async (t) => {
  const tap = new TapWitness();
  const mode = new Witness();
  const extensions = [new Gate()];
  const bench = new Bench(mode, { limits: NO_KEEPALIVE, extensions, route: { tap } }).open();
  tap.gate.pause();
  bench.receive(textFrame('a'));
  bench.session.pause();
  bench.session.resume();
  await nextTurn();
  t.strictSame(mode.told, [], 'the mode does not let go what the tap holds');
  tap.gate.resume();
  await nextTurn();
  t.strictSame(mode.told, [toldText('a')]);
  t.notOk(bench.session.input.isPaused);
});

t.test('reading is paused while a message is decoded', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(bench.calls(), ['pause']);
  await gate.decoded();
  t.strictSame(bench.calls(), []);
  await gate.decoded();
  t.strictSame(bench.calls(), ['resume']);
});

t.test('reading goes on while messages are encoded', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(echoWitness(), gate);
  bench.receive(textFrame('a'));
  t.notOk(bench.transport.isInputPaused);
});

t.test('reading stays paused when the mode has paused too', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.receive(textFrame('a'));
  bench.session.pause();
  t.strictSame(bench.calls(), ['pause'], 'once');
  await gate.decoded();
  t.strictSame(bench.calls(), []);
  bench.session.resume();
  await nextTurn();
  t.strictSame(bench.calls(), ['resume'], 'when what was decoded meanwhile has its turn');

  bench.receive(textFrame('b'));
  bench.session.pause();
  bench.session.resume();
  t.strictSame(bench.calls(), ['pause'], 'and the mode cannot start it before');
  await gate.decoded();
  t.strictSame(bench.calls(), ['resume']);
});

t.test('what one read brought waits when the mode pauses', async (t) => {
  const mode = new Witness();
  mode.onMessage = (session, bytes): void => {
    if (bytes[0] === 0x62) session.pause();
  };
  const bench = gatedBench(mode, new Gate());
  bench.receive(textFrame('a'), textFrame('b'), textFrame('c'), pingFrame('p'), closeFrame(1000));
  t.strictSame(mode.told, [toldText('a'), toldText('b')]);
  t.strictSame(bench.sent(), ['10 70'], 'the Close waits too');
  await nextTurn();
  t.equal(mode.told.length, 2);
  bench.session.resume();
  await nextTurn();
  t.strictSame(mode.told.slice(2), [toldText('c')]);
  t.strictSame(bench.sent(), [closeText(1000)]);
});

t.test(
  'a read with much in it is given in several turns, and nothing is read meanwhile',
  async (t) => {
    const mode = new Witness();
    // Two of the messages are enough for one turn.
    const turns = new CountedTurns(LIMITS.maxMessage * 20);
    const extensions = [new Gate()];
    const bench = new Bench(mode, { limits: NO_KEEPALIVE, extensions, turns }).open();
    const large = new Uint8Array(LIMITS.maxMessage);
    bench.receive(...[1, 2, 3, 4].map(() => binaryFrame(large)));
    t.equal(mode.told.length, 2);
    t.ok(bench.transport.isInputPaused);
    await nextTurn();
    t.equal(mode.told.length, 4);
    await nextTurn();
    t.notOk(bench.transport.isInputPaused);
  },
);

t.test('a message that is decoded when all is over is delivered to nobody', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'));
  while (!bench.session.isOver) bench.session.sendRange(2, LARGE);
  await gate.decoded();
  t.strictSame(mode.told, []);
  t.equal(bench.finish().messagesIn, 0);
});

t.test('behind a failure nothing that was decoded is delivered', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'));
  bench.session.fail(new PolicyError('message-timeout'));
  t.equal(bench.sent().length, 1);
  await gate.decoded();
  t.strictSame(mode.told, []);
  t.equal(bench.finish().messagesIn, 0);
});
