import { Buffer } from 'node:buffer';
import t from 'tap';
import type { Message } from '../../src/extensions/extension.js';
import { nextTurn } from '../fixtures/extensions.js';
import { MORE, closeFrame, continuationFrame, textFrame } from '../fixtures/frames.js';
import { TapWitness } from '../fixtures/tap-witness.js';
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

const LARGE = new Uint8Array(LIMITS.outputPause - 10);

t.test('on their way out too, as messages and as pieces', async (t) => {
  const bench = new Bench(new Witness()).open();
  t.equal(bench.session.sendRange(1, A), 'sent');
  t.equal(bench.session.sendChunkRange(2, A, 0, 1, true, false), 'sent');
  t.equal(bench.session.sendChunkRange(2, A, 0, 1, false, true), 'sent');
  t.strictSame(bench.sent(), ['1 61', '2+ 61', '0 61']);
  t.match(bench.finish(), { messagesOut: 2, bytesOut: 3 });
});

t.test('extensions stand between, for a mode of pieces too', async (t) => {
  const gate = new Gate();
  const mode = new Witness('chunks');
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('ab', { rsv: 4 }));
  t.strictSame(mode.told, ['piece 1 6162 first last']);
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

t.test(
  'chunks that wait for the last one are charged, until they are sent or dropped',
  async (t) => {
    const limits = { ...NO_KEEPALIVE, maxMessage: 1000 };
    const open = (): Bench => new Bench(new Witness(), { limits, extensions: [new Gate()] }).open();
    const chunk = new Uint8Array(600);
    for (const [name, end] of [
      [
        'the last one',
        ({ session }: Bench): void => {
          session.sendChunkRange(2, A, 0, 1, false, true);
        },
      ],
      ['the end', (): void => undefined],
      [
        'a fault',
        ({ session }: Bench): void => {
          session.fail(new Error('broken'));
        },
      ],
    ] as const) {
      const bench = open();
      const { session, host, transport } = bench;
      // Without what is sent already.
      const charged = (): number => host.memory.bytes - transport.outbox.queue.heldBytes;
      const before = [session.heldBytes, charged()] as const;
      session.sendChunkRange(2, chunk, 0, chunk.length, true, false);
      t.ok(session.heldBytes >= before[0] + 600, `${name}: held`);
      t.ok(charged() >= before[1] + 600, `${name}: charged`);
      end(bench);
      bench.finish();
      t.ok(session.heldBytes <= before[0], `${name}: held no more`);
      t.equal(charged(), before[1], `${name}: charged no more`);
    }
    const { session } = open();
    session.sendChunkRange(2, chunk, 0, chunk.length, true, false);
    t.throws(() => session.sendChunkRange(2, chunk, 0, chunk.length, false, true), {
      message: 'a message sent in pieces is over the limit for extensions',
    });
  },
);

t.test('who sends more than is taken waits until it is', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const { session, transport } = bench;
  t.equal(session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  session.resumeOutput();
  t.strictSame(mode.told, [], 'nothing has left');
  transport.isWriting = true;
  transport.flush();
  session.resumeOutput();
  session.resumeOutput();
  t.strictSame(mode.told, ['drained'], 'once');
  t.equal(
    session.sendRange(2, new Uint8Array(LIMITS.outputPause)),
    'sent',
    'what is taken at once is no matter',
  );
});

t.test('a tap knows a message as it was, and what it took on the wire', async (t) => {
  const recorder = new TapWitness();
  const gate = new Gate({ decode: true, encode: true });
  const options = { limits: NO_KEEPALIVE, extensions: [gate], route: { tap: recorder } };
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

t.test('a tap is told of pieces and messages without extensions', async (t) => {
  const recorder = new TapWitness();
  const options = { limits: NO_KEEPALIVE, route: { tap: recorder } };
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
  const recorder = new TapWitness();
  const gate = new Gate({ decode: true, encode: true });
  const mode = new Witness();
  const options = { limits: NO_KEEPALIVE, extensions: [gate], route: { tap: recorder } };
  const bench = new Bench(mode, options).open();
  const { session } = bench;
  recorder.take();
  bench.receive(textFrame('a', { rsv: 4 }), closeFrame(1000));
  session.sendRange(1, A);
  t.strictSame(recorder.take(), [], 'the Close comes behind the message');
  session.fail(new Error('broken'));
  t.strictSame(recorder.take(), ['control in 8 03e8']);
  t.strictSame(mode.told, []);
  t.strictSame(bench.sent(), [], 'our own Close comes behind what we send');
  recorder.gate.hold();
  recorder.gate.close(1013, 'full');
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.strictSame(recorder.take(), ['control out 8 03f3696e7465726e616c206572726f72']);
});

t.test('a tap that takes no more makes the mode wait', async (t) => {
  const recorder = new TapWitness();
  const mode = new Witness();
  const bench = new Bench(mode, { limits: NO_KEEPALIVE, route: { tap: recorder } }).open();
  recorder.gate.pause();
  t.equal(bench.session.sendRange(1, A), 'wait');
  bench.session.resumeOutput();
  t.strictSame(mode.told, []);
  recorder.gate.resume();
  t.strictSame(mode.told, ['drained']);
});

t.test('more than the limit and one message ends the session', async (t) => {
  const bench = new Bench(new Witness()).open();
  const message = new Uint8Array(LIMITS.maxMessage - 10);
  for (let count = 0; count < 3; count++) bench.session.sendRange(2, message);
  t.notOk(bench.session.isOver);
  bench.session.sendRange(2, message);
  t.ok(bench.session.isOver);
});

t.test(
  'back-pressure: above the output pause send says to wait, and drained to go on',
  async (t) => {
    const mode = new Witness();
    const bench = new Bench(mode).open();
    const { session } = bench;
    // Frames of this length have a header of 4 bytes.
    t.equal(session.sendRange(2, new Uint8Array(LIMITS.outputPause / 2 - 4)), 'sent');
    t.equal(session.sendRange(2, new Uint8Array(LIMITS.outputPause / 2 - 4)), 'sent');
    t.equal(session.bufferedAmount, LIMITS.outputPause, 'at the limit there is still room');
    session.resumeOutput();
    t.strictSame(mode.told, [], 'who was not told to wait is not told to go on');

    t.equal(session.sendRange(2, new Uint8Array(0)), 'wait', 'one byte more and there is none');
    session.resumeOutput();
    t.strictSame(mode.told, [], 'nobody has read anything yet');
    bench.sent();
    session.resumeOutput();
    t.strictSame(mode.told, ['drained']);
    session.resumeOutput();
    t.strictSame(mode.told, ['drained'], 'once');
    t.equal(session.sendRange(2, Buffer.from('more')), 'sent');
  },
);

t.test('back-pressure counts what the socket holds', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  bench.block();
  bench.session.resumeOutput();
  t.strictSame(mode.told, []);
  bench.unblock();
  bench.session.resumeOutput();
  t.strictSame(mode.told, ['drained']);
});

t.test('back-pressure: what the peer takes at once does not count', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const large = new Uint8Array(LIMITS.outputPause);
  bench.transport.isWriting = true;
  for (let count = 0; count < 10; count++) t.equal(bench.session.sendRange(2, large), 'sent');
  t.equal(bench.session.bufferedAmount, 0);
  t.strictSame(bench.calls().slice(0, 2), ['flush', 'write']);
  bench.socket.isTaking = false;
  t.equal(bench.session.sendRange(2, large), 'wait', 'what it does not take counts');
  t.strictSame(mode.told, []);
});

t.test(
  'a message of our own that is larger than a client may send is let through too',
  async (t) => {
    const { session } = new Bench(new Witness()).open();
    t.equal(
      session.sendRange(2, new Uint8Array(LIMITS.outputLimit + LIMITS.maxMessage + 1)),
      'wait',
    );
    t.notOk(session.isOver);
    t.equal(session.sendRange(2, new Uint8Array(0)), 'closed');
    t.ok(session.isOver);
  },
);

t.test('the output limit and one message more are let through, one byte more is not', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const message = new Uint8Array(LIMITS.maxMessage - 10);
  session.sendRange(2, message);
  session.sendRange(2, message);
  t.equal(session.sendRange(2, message), 'wait');
  t.equal(session.bufferedAmount, LIMITS.outputLimit + LIMITS.maxMessage);
  t.notOk(session.isOver);
  t.equal(session.sendRange(2, new Uint8Array(0)), 'closed');
  t.ok(session.isOver);
  const reason = 'client reads too slowly: too much output is waiting';
  t.equal(bench.sent().at(-1), closeText(1008, reason));
  t.equal(session.sendRange(2, message), 'closed');
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1008,
    closeReason: reason,
    rule: 'output-limit',
    error: null,
  });
});

t.test('back-pressure counts what is being encoded', async (t) => {
  const gate = new Gate({ encode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.transport.isWriting = true;
  const { session } = bench;
  t.equal(session.sendRange(2, LARGE.subarray(1000)), 'sent');
  t.ok(session.bufferedAmount >= LARGE.length - 1000);
  t.equal(session.sendRange(2, LARGE), 'wait');
  await gate.encoded();
  t.strictSame(mode.told, [], 'one of two is not enough');
  await gate.encoded();
  t.strictSame(mode.told, ['drained']);
  t.equal(session.bufferedAmount, 0);
  t.equal(session.sendRange(2, Buffer.from('more')), 'sent');
  await gate.encoded();
  t.strictSame(mode.told, ['drained'], 'once');
});

t.test('back-pressure: a peer that does not read is waited for behind the chain', async (t) => {
  const gate = new Gate({ encode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  await gate.encoded();
  bench.block();
  bench.session.resumeOutput();
  t.strictSame(mode.told, []);
  bench.unblock();
  bench.session.resumeOutput();
  t.strictSame(mode.told, ['drained']);
});

t.test('back-pressure: messages without a payload have a bound as well', async (t) => {
  const bench = gatedBench(new Witness(), new Gate({ encode: true }));
  let count = 0;
  while (bench.session.sendRange(2, new Uint8Array(0)) === 'sent' && count < 1e6) count += 1;
  t.ok(count < 10_000, `paused behind ${count}`);
});

t.test('Pings that nobody takes meet the output limit', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  let count = 0;
  while (bench.session.ping() && count < 1e7) count += 1;
  t.equal(bench.finish().rule, 'output-limit');
});
