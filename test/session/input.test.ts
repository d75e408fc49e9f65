import t from 'tap';
import { Deferred, nextTurn } from '../fixtures/extensions.js';
import { MORE, binaryFrame, closeFrame, continuationFrame, textFrame } from '../fixtures/frames.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import {
  Bench,
  EMPTY_CLOSE,
  Gate,
  Witness,
  gatedBench,
  toldText,
} from '../fixtures/session-bench.js';
import { LIMITS, NO_KEEPALIVE } from '../fixtures/test-host.js';

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
  session.whenThrough(() => {
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

t.test('what comes after all messages waits for the extensions, with one deadline', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  const { session, transport } = bench;
  bench.receive(textFrame('a'));
  bench.calls();
  const done: string[] = [];
  session.whenThrough(() => done.push('a'));
  t.equal(transport.checkMs, LIMITS.closeTimeout);
  transport.checkMs = NaN;
  session.whenThrough(() => done.push('b'));
  t.ok(session.isEnding);
  t.ok(Number.isNaN(transport.checkMs));
  t.strictSame(done, []);
  await gate.decoded();
  t.strictSame(done, ['a', 'b']);
  t.strictSame(bench.calls(), ['flush', 'flush', 'resume']);
});

t.test('the answer to a Close waits for the mode', async (t) => {
  const answers: Deferred<undefined>[] = [];
  const closing = async (): Promise<undefined> => {
    const answer = new Deferred<undefined>();
    answers.push(answer);
    return answer.promise;
  };
  const made = (): Bench => {
    const bench = new Bench(Object.assign(new Witness(), { closing })).open();
    bench.receive(closeFrame());
    t.ok(bench.session.isEnding);
    t.strictSame(bench.sent(), []);
    t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
    return bench;
  };
  const good = made();
  answers[0]!.resolve(undefined);
  await nextTurn();
  t.notOk(good.session.isEnding);
  t.strictSame(good.sent(), [EMPTY_CLOSE]);

  const bad = made();
  const defect = new Error('a defect');
  answers[1]!.reject(defect);
  await nextTurn();
  t.notOk(bad.session.isEnding);
  t.equal(bad.finish().error, defect);
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
