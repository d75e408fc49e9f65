import { Buffer } from 'node:buffer';
import t from 'tap';
import type { Message } from '../../src/extensions/extension.js';
import { nextTurn } from '../fixtures/extensions.js';
import { MORE, binaryFrame, closeFrame, continuationFrame, textFrame } from '../fixtures/frames.js';
import { ObserverWitness } from '../fixtures/observer-witness.js';
import {
  Bench,
  Gate,
  Witness,
  closeText,
  echoWitness,
  extensionOf,
  gatedBench,
  sentText,
} from '../fixtures/session-bench.js';
import { LIMITS, NO_KEEPALIVE } from '../fixtures/test-host.js';

const A = Buffer.from('a');

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

t.test('on their way out too, as messages and as pieces', async (t) => {
  const bench = new Bench(new Witness()).open();
  t.equal(bench.session.sendRange(1, A), 'sent');
  t.equal(bench.session.sendChunkRange(2, A, 0, 1, true, false), 'sent');
  t.equal(bench.session.sendChunkRange(2, A, 0, 1, false, true), 'sent');
  t.strictSame(bench.sent(), ['1 61', '2+ 61', '0 61']);
  t.match(bench.finish(), { messagesOut: 2, bytesOut: 3 });
});

t.test('extensions stand between, for a consumer of pieces too', async (t) => {
  const gate = new Gate();
  const consumer = new Witness('chunks');
  const bench = gatedBench(consumer, gate);
  bench.receive(textFrame('ab', { rsv: 4 }));
  t.strictSame(consumer.told, ['piece 1 6162 first last']);
  t.equal(bench.session.sendRange(1, A), 'sent');
  t.equal(bench.session.sendChunkRange(1, A, 0, 1, true, false), 'sent');
  t.equal(bench.session.sendChunkRange(1, A, 0, 1, false, true), 'sent');
  t.strictSame(bench.sent(), ['1 61', '1 6161']);
  t.match(bench.finish(), { messagesOut: 2, bytesOut: 3 });
});

t.test('an extension that fails is a no to who sends', async (t) => {
  const broken = extensionOf('x-broken', {
    encode: (): Message => {
      throw new Error('broken');
    },
  });
  const made = (): Bench =>
    new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [broken] }).open();
  t.equal(made().session.sendRange(1, A), 'closed');
  t.equal(made().session.sendChunkRange(1, A, 0, 1, true, true), 'closed');
});

t.test('what is decoded behind our Close reaches nobody', async (t) => {
  const gate = new Gate({ decode: true });
  const consumer = new Witness();
  const bench = gatedBench(consumer, gate);
  bench.receive(textFrame('a'), closeFrame(1000));
  bench.session.endpoint.sendClose(1000);
  await gate.decoded();
  t.strictSame(consumer.told, []);
});

t.test('who sends more than is taken waits until it is', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  const { session, transport } = bench;
  t.equal(session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  session.resumeOutput();
  t.strictSame(consumer.told, [], 'nothing has left');
  transport.isWriting = true;
  transport.flush();
  session.resumeOutput();
  session.resumeOutput();
  t.strictSame(consumer.told, ['drained'], 'once');
  t.equal(
    session.sendRange(2, new Uint8Array(LIMITS.outputPause)),
    'sent',
    'what is taken at once is no matter',
  );
});

t.test('an observer knows a message as it was, and what it took on the wire', async (t) => {
  const recorder = new ObserverWitness();
  const gate = new Gate({ decode: true, encode: true });
  const options = { limits: NO_KEEPALIVE, extensions: [gate], route: { recorder } };
  const bench = new Bench(echoWitness(), options).open();
  recorder.take();
  bench.receive(textFrame('abcd', { rsv: 4 }));
  t.strictSame(recorder.take(), []);
  await gate.decoded({ payload: A });
  t.strictSame(recorder.take(), ['received 1 61 first last 10']);
  await gate.encoded({ payload: Buffer.from('xyz') });
  await nextTurn();
  t.strictSame(recorder.take(), ['sent 1 61 first last 5']);
  t.strictSame(bench.sent(), [sentText('xyz')]);
  bench.session.sendRange(1, A);
  bench.session.endpoint.sendClose(1000);
  recorder.take();
  await gate.encoded();
  t.strictSame(recorder.take(), [], 'what could not be sent was not');
});

t.test('an observer is told of pieces and messages without extensions', async (t) => {
  const recorder = new ObserverWitness();
  const options = { limits: NO_KEEPALIVE, route: { recorder } };
  const bench = new Bench(new Witness('chunks'), options).open();
  recorder.take();
  bench.receive(textFrame('a', MORE), continuationFrame('b'));
  bench.session.sendRange(2, A);
  bench.session.sendChunkRange(1, A, 0, 1, true, false);
  t.strictSame(recorder.take(), [
    'received 1 61 first 7',
    'received 1 62 last 7',
    'sent 2 61 first last 3',
    'sent 1 61 first 3',
  ]);
  const whole = new Bench(new Witness(), options).open();
  recorder.take();
  whole.receive(textFrame('a', MORE), continuationFrame('b'));
  t.strictSame(recorder.take(), ['received 1 6162 first last 14']);
});

t.test('what is stopped on its way is dropped, in each direction by itself', async (t) => {
  const recorder = new ObserverWitness();
  const gate = new Gate({ decode: true, encode: true });
  const consumer = new Witness();
  const options = { limits: NO_KEEPALIVE, extensions: [gate], route: { recorder } };
  const bench = new Bench(consumer, options).open();
  const { session } = bench;
  recorder.take();
  bench.receive(textFrame('a', { rsv: 4 }), closeFrame(1000));
  session.sendRange(1, A);
  t.strictSame(recorder.take(), [], 'the Close comes behind the message');
  session.fail(new Error('broken'));
  t.strictSame(recorder.take(), ['control in 8 03e8']);
  t.strictSame(consumer.told, []);
  t.strictSame(bench.sent(), [], 'our own Close comes behind what we send');
  recorder.gate.hold();
  recorder.gate.close(1013, 'full');
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.strictSame(recorder.take(), ['control out 8 03f3696e7465726e616c206572726f72']);
});

t.test('an observer that takes no more makes the consumer wait', async (t) => {
  const recorder = new ObserverWitness();
  const consumer = new Witness();
  const bench = new Bench(consumer, { limits: NO_KEEPALIVE, route: { recorder } }).open();
  recorder.gate.pause();
  t.equal(bench.session.sendRange(1, A), 'wait');
  bench.session.resumeOutput();
  t.strictSame(consumer.told, []);
  recorder.gate.resume();
  t.strictSame(consumer.told, ['drained']);
});

t.test('more than the limit and one message ends the session', async (t) => {
  const bench = new Bench(new Witness()).open();
  const message = new Uint8Array(LIMITS.maxMessage - 10);
  for (let count = 0; count < 3; count++) bench.session.sendRange(2, message);
  t.notOk(bench.session.isOver);
  bench.session.sendRange(2, message);
  t.ok(bench.session.isOver);
});
