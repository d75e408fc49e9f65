import { Buffer } from 'node:buffer';
import t from 'tap';
import type { ModeSession, SendResult } from '../../src/session/session.js';
import {
  ExtensionError,
  InvalidArgumentError,
  InvalidStateError,
  PolicyError,
} from '../../src/errors.js';
import type { Message } from '../../src/extensions/extension.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import type { UpgradeResponse } from '../../src/handshake/upgrade-response.js';
import type { CloseStatus } from '../../src/protocol/close.js';
import { numberSessionsFrom } from '../../src/session/server-session.js';
import { CountedTurns } from '../fixtures/counted-turns.js';
import { Deferred, markingSession, nextTurn } from '../fixtures/extensions.js';
import {
  MORE,
  type TestFrame,
  binaryFrame,
  closeFrame,
  continuationFrame,
  pingFrame,
  pongFrame,
  textFrame,
} from '../fixtures/frames.js';
import {
  ADDRESS,
  QUIET,
  Bench,
  EMPTY_CLOSE,
  Gate,
  Witness,
  closeText as close,
  echoWitness,
  extensionOf,
  gatedBench,
  sentText,
  toldText,
} from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { LIMITS, NO_KEEPALIVE as QUIET_LIMITS, START_MS } from '../fixtures/test-host.js';

/** What a mode is asked with; none here looks at it. */
const REQUEST = {} as UpgradeRequest;
const RESPONSE = {} as UpgradeResponse;

const LARGE = new Uint8Array(LIMITS.outputPause - 10);

t.test('before the handshake is answered nothing can be sent', async (t) => {
  const { session, host } = new Bench(new Witness());
  const bytes = Buffer.from('early');
  t.notOk(session.isOpen);
  t.throws(() => session.sendRange(1, bytes), InvalidStateError);
  t.throws(() => session.sendChunkRange(1, bytes, 0, 5, true, true), InvalidStateError);
  t.throws(() => {
    session.close(1000);
  }, InvalidStateError);
  t.notOk(session.isOver);
  t.equal(session.bufferedAmount, 0);
  t.strictSame(host.opened, []);
});

t.test('a session says who and where it is', async (t) => {
  const one = new Bench(new Witness()).session;
  const other = new Bench(new Witness()).session;
  t.equal(other.id, one.id + 1, 'ids count up');
  t.match(one, { ...ADDRESS, path: '/room', subprotocol: 'chat' });
  t.match(one, { localAddress: '192.0.2.1', localPort: 443 });
});

t.test('it opens once the handshake is answered', async (t) => {
  const { session, host } = new Bench(new Witness()).open();
  t.ok(session.isOpen);
  t.notOk(session.isOver);
  t.strictSame(host.opened, [session]);
  t.strictSame(host.ended, []);
});

t.test('messages go to the mode and are counted', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('ab'), binaryFrame('c', MORE), continuationFrame('de'), textFrame(''));
  t.strictSame(mode.told, ['message 1 6162', 'message 2 636465', 'message 1 ']);
  t.match(bench.finish(), { messagesIn: 3, bytesIn: 5, messagesOut: 0, bytesOut: 0 });
});

t.test('pieces go to a mode that wants those', async (t) => {
  const mode = new Witness('chunks');
  const bench = new Bench(mode).open();
  bench.receive(binaryFrame('ab', MORE), continuationFrame('c', MORE), continuationFrame(''));
  bench.receive(textFrame('d'));
  t.strictSame(mode.told, [
    'piece 2 6162 first',
    'piece 2 63',
    'piece 2  last',
    'piece 1 64 first last',
  ]);
  t.match(bench.finish(), { messagesIn: 2, bytesIn: 4 });
});

t.test('a mode need not listen to anything', async (t) => {
  for (const delivery of ['messages', 'chunks'] as const) {
    const bench = new Bench({ name: 'test', delivery }).open();
    bench.receive(textFrame('unheard'), pingFrame('a'), pongFrame('b'));
    t.strictSame(bench.sent(), ['10 61']);
    while (bench.session.sendRange(2, LARGE) === 'sent');
    bench.sent();
    bench.session.resumeOutput();
    t.match(bench.finish(), { messagesIn: 1, error: null });
  }
});

t.test('what is sent is counted, and a flush follows', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const bytes = Buffer.from('abcdef');
  t.equal(session.sendRange(1, bytes), 'sent');
  t.strictSame(bench.calls(), ['flush']);
  t.equal(session.sendRange(2, bytes, 1, 3), 'sent');
  t.equal(session.sendChunkRange(2, bytes, 0, 2, true, false), 'sent');
  t.equal(session.sendChunkRange(2, bytes, 2, 3, false, true), 'sent');
  t.equal(session.bufferedAmount, 2 + 6 + 2 + 2 + 2 + 2 + 2 + 1);
  t.strictSame(bench.sent(), ['1 616263646566', '2 6263', '2+ 6162', '0 63']);
  t.equal(session.bufferedAmount, 0);
  t.match(bench.finish(), { messagesOut: 3, bytesOut: 11 });
});

t.test('after our Close nothing more is sent or counted', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1001);
  t.equal(bench.session.sendRange(1, Buffer.from('late')), 'closed');
  t.equal(bench.session.sendChunkRange(1, Buffer.from('late'), 0, 4, true, true), 'closed');
  t.strictSame(bench.sent(), [close(1001)]);
  t.match(bench.finish(), { messagesOut: 0, bytesOut: 0 });
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
  t.equal(bench.sent().at(-1), close(1008, reason));
  t.equal(session.sendRange(2, message), 'closed');
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1008,
    closeReason: reason,
    rule: 'output-limit',
    error: null,
  });
});

t.test('a mode that fails in drained fails its session alone', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in drained');
  mode.onDrained = () => {
    throw defect;
  };
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  bench.sent();
  bench.calls();
  bench.session.resumeOutput();
  t.strictSame(bench.calls(), ['flush']);
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1011, rule: null, error: defect });
});

t.test('a mode fails its session when something goes wrong later', async (t) => {
  const bench = new Bench(new Witness()).open();
  const defect = new Error('in a timer');
  bench.session.sendRange(1, Buffer.from('before'));
  bench.calls();
  bench.session.fail(defect);
  t.ok(bench.calls().includes('flush'), 'nobody else would see to it');
  t.ok(bench.session.isOver);
  bench.session.fail(new Error('once more'));
  t.equal(bench.session.sendRange(1, Buffer.from('after')), 'closed');
  bench.session.close(1000);
  t.strictSame(bench.sent(), [sentText('before'), close(1011, 'internal error')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1011, rule: null, error: defect });

  const closing = new Bench(new Witness()).open();
  closing.session.close(1001);
  closing.session.fail(defect);
  t.ok(closing.session.isOver, 'the answer is not waited for');
  t.strictSame(closing.sent(), [close(1001)]);
  t.match(closing.finish(), { closeCode: 1001, error: defect });
});

t.test('a mode that throws no Error is a defect too', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  mode.onMessage = () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a careless mode may do it
    throw 'a text';
  };
  bench.receive(textFrame('a'));
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: new Error('thrown: a text') });
});

t.test('a mode that fails in a message fails its session alone', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in message');
  mode.onMessage = (session) => {
    session.sendRange(1, Buffer.from('first'));
    throw defect;
  };
  bench.receive(textFrame('a'), textFrame('b'), pingFrame());
  t.strictSame(mode.told, ['message 1 61'], 'nothing is looked at behind it');
  t.strictSame(bench.sent(), ['1 6669727374', close(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, closeReason: 'internal error', error: defect });
});

t.test('§5.5.1: the peer closes, and gets its own code and reason back', async (t) => {
  const cases: readonly [TestFrame, string, number, string][] = [
    [closeFrame(1000, 'bye'), close(1000, 'bye'), 1000, 'bye'],
    [closeFrame(4999), close(4999), 4999, ''],
    [closeFrame(), EMPTY_CLOSE, 1005, ''],
  ];
  for (const [frame, answer, closeCode, closeReason] of cases) {
    const bench = new Bench(new Witness()).open();
    bench.receive(textFrame('a'), frame, textFrame('ignored'));
    t.ok(bench.session.isOver);
    t.strictSame(bench.sent(), [answer]);
    t.match(bench.finish(), {
      closedBy: 'client',
      closeCode,
      closeReason,
      messagesIn: 1,
      rule: null,
      error: null,
    });
  }
});

t.test('§7.1.2: we close, and wait for the answer', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.pause();
  bench.calls();
  bench.session.close(1001, 'away');
  t.strictSame(bench.calls(), ['flush', 'resume'], 'the answer must be read');
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  t.strictSame(bench.sent(), [close(1001, 'away')]);
  t.notOk(bench.session.isOver);
  bench.session.close(4000);
  t.strictSame(bench.calls(), [], 'a second call does nothing');
  bench.receive(textFrame('unwanted'), closeFrame(4001, 'other'));
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1001,
    closeReason: 'away',
    messagesIn: 0,
  });
});

t.test('without a code we close normally', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1000);
  t.strictSame(bench.sent(), [close(1000)]);
});

t.test('a code that must not be sent is our own defect', async (t) => {
  const bench = new Bench(new Witness()).open();
  t.throws(() => {
    bench.session.close(1006);
  }, InvalidStateError);
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), { closedBy: 'lost' });
});

t.test('the peer breaks a rule', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a'), textFrame('b', { rsv: 4 }), textFrame('c'));
  t.ok(bench.session.isOver);
  const reason = 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)';
  t.strictSame(bench.sent(), [close(1002, reason)]);
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1002,
    closeReason: reason,
    rule: 'reserved-bit',
    error: null,
    messagesIn: 1,
  });
});

t.test('the peer breaks a rule instead of answering our Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1001);
  bench.receive(textFrame('b', { rsv: 4 }));
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [close(1001)], 'there is one Close');
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: 'reserved-bit' });
});

t.test('§7.1.5: a connection that is lost without a Close is 1006', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a', MORE));
  bench.session.receiveEof();
  t.ok(bench.session.isOver);
  const summary = bench.finish();
  t.match(summary, { closedBy: 'lost', closeCode: 1006, closeReason: '', rule: null, error: null });
  t.strictSame(mode.summaries, [summary]);
});

t.test('the socket goes without FIN', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.lost('ECONNRESET');
  bench.session.lost('EPIPE');
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, error: 'ECONNRESET' });
});

t.test('what the system says does not hide what we did wrong', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in message');
  mode.onMessage = () => {
    throw defect;
  };
  bench.receive(textFrame('a'));
  bench.session.lost('EPIPE');
  t.equal(bench.finish().error, defect);
});

t.test(
  'a session that is dropped names the rule, and its client is told if it can be',
  async (t) => {
    for (const [rule, code, reason] of [
      ['shutdown', 1001, 'the server is shutting down'],
      ['close-timeout', 1011, 'closing took too long'],
      ['send-timeout', 1008, 'client reads too slowly: it took nothing for too long'],
    ] as const) {
      const bench = new Bench(new Witness()).open();
      bench.session.dropped(rule);
      t.strictSame(bench.sent(), [close(code, reason)]);
      t.match(bench.finish(), { closedBy: 'server', closeCode: code, closeReason: reason, rule });
    }
    const blocked = new Bench(new Witness()).open();
    blocked.block();
    blocked.session.dropped('shutdown');
    t.match(blocked.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'shutdown' });
    const closing = new Bench(new Witness()).open();
    closing.session.close(4000, 'mine');
    closing.session.dropped('shutdown');
    t.strictSame(closing.sent(), [close(4000, 'mine')], 'once');
    const never = new Bench(new Witness()).session;
    never.dropped('shutdown');
    t.notOk(never.isOpen);
  },
);

t.test('a summary has everything the log needs', async (t) => {
  const bench = new Bench(new Witness());
  bench.host.clock.nowMs = START_MS + 500;
  bench.open();
  bench.host.clock.nowMs = START_MS + 1700;
  bench.receive(textFrame('abc'), closeFrame(1000, 'bye'));
  t.strictSame(bench.finish(), {
    id: bench.session.id,
    remoteAddress: '203.0.113.7',
    remotePort: 51_234,
    mode: 'test',
    notes: {},
    path: '/room',
    subprotocol: 'chat',
    extensions: null,
    extensionStats: {},
    messagesIn: 1,
    bytesIn: 3,
    messagesOut: 0,
    bytesOut: 0,
    durationMs: 1200,
    closeCode: 1000,
    closeReason: 'bye',
    closedBy: 'client',
    rule: null,
    error: null,
  });
});

t.test('a mode that fails in closed is reported', async (t) => {
  const defect = new Error('in closed');
  const bench = new Bench({
    name: 'test',
    delivery: 'messages',
    close: () => {
      throw defect;
    },
  }).open();
  bench.receive(closeFrame(1000));
  t.match(bench.finish(), { closeCode: 1000, error: defect });
});

t.test('a session that never opened is over for its mode only', async (t) => {
  const mode = new Witness();
  const { session, host } = new Bench(mode);
  session.finish();
  t.strictSame(mode.told, ['closed']);
  t.match(mode.summaries, [{ closedBy: 'lost', closeCode: 1006, messagesIn: 0 }]);
  t.strictSame(host.ended, []);
});

t.test('a session can be paused and resumed by its mode', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.pause();
  bench.session.resume();
  t.strictSame(bench.calls(), ['pause', 'resume']);
});

t.test('§5.5.3: while output is blocked only the newest Pong is owed', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(pingFrame('a'), pingFrame('b'));
  t.strictSame(bench.sent(), ['10 61', '10 62'], 'all are answered while output flows');
  bench.block();
  t.strictSame(bench.sent(), ['2 66696c6c']);
  bench.receive(pingFrame('c'), pingFrame('d'));
  bench.receive(pingFrame('e'));
  bench.unblock();
  t.strictSame(bench.sent(), ['10 65']);
  bench.receive(pingFrame('f'));
  t.strictSame(bench.sent(), ['10 66']);
});

t.test('no Pong is owed behind a Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.sent();
  bench.receive(pingFrame('a'));
  bench.session.close(1000);
  bench.unblock();
  t.equal(bench.sent().at(-1), close(1000));
});

// ---- With extensions

const RESERVED_BIT = 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)';

/** An error as an extension throws it that says whose fault it is. */
const extensionFault = (closeCode?: number): Error =>
  Object.assign(new Error('no good'), closeCode === undefined ? {} : { closeCode });

t.test('what was agreed on is known before the session opens', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode, {
    limits: QUIET_LIMITS,
    extensions: [extensionOf('x-a'), extensionOf('x-b', { response: () => 'x-b; level=2' })],
    offers: 'x-b; level=9, x-unknown, x-a',
  });
  t.equal(bench.session.extensions, 'x-b; level=2, x-a');
  t.strictSame(bench.host.declined, []);
  bench.open();
  t.equal(bench.finish().extensions, 'x-b; level=2, x-a');
});

t.test('an extension that is not used is reported, and the session does without', async (t) => {
  const bench = new Bench(new Witness(), {
    limits: QUIET_LIMITS,
    extensions: [
      extensionOf('x-a', { enabled: false }),
      extensionOf('x-b', { reserveRsv: () => 4 }),
      extensionOf('x-c', { reserveRsv: () => 4 }),
      extensionOf('x-d', { response: () => 'x-e' }),
    ],
  }).open();
  t.equal(bench.session.extensions, 'x-b');
  t.match(bench.host.declined, [
    { name: 'x-a', why: 'offer' },
    { name: 'x-c', why: 'reserved-bit' },
    { name: 'x-d', why: 'defect' },
  ]);

  const none = new Bench(new Witness(), { limits: QUIET_LIMITS, extensions: [], offers: 'x-a' });
  t.equal(none.session.extensions, null);
  none.open();
  t.match(none.finish(), { extensions: null, extensionStats: {} });
});

t.test('reserved bits are allowed if an extension owns them, and only those', async (t) => {
  const mode = new Witness();
  const bench = gatedBench(mode, new Gate());
  bench.receive(textFrame('a', { rsv: 4 }), textFrame('b', { rsv: 2 }));
  t.strictSame(mode.told, [toldText('a')]);
  t.strictSame(bench.sent(), [close(1002, RESERVED_BIT)]);
});

for (const isAsync of [false, true]) {
  const kind = isAsync ? 'later' : 'at once';

  t.test(`messages through the chain in both directions, ${kind}`, async (t) => {
    const mode = echoWitness();
    const later = (result: Message): Message | Promise<Message> =>
      isAsync ? Promise.resolve(result) : result;
    const bench = new Bench(mode, {
      limits: QUIET_LIMITS,
      extensions: ['x-a', 'x-b'].map((name) => ({
        name,
        create: () => ({ ...markingSession(name, later), response: () => name }),
      })),
    }).open();
    bench.receive(textFrame('1x-ax-b'), textFrame('2x-', MORE), continuationFrame('ax-b'));
    await nextTurn();
    t.strictSame(mode.told, [toldText('1'), toldText('2')]);
    t.strictSame(bench.sent(), [sentText('1x-ax-b'), sentText('2x-ax-b')]);
    t.match(bench.finish(), { messagesIn: 2, bytesIn: 2, messagesOut: 2, bytesOut: 2 });
  });

  t.test(`a mode of pieces gets each message as one, ${kind}`, async (t) => {
    const mode = new Witness('chunks');
    const gate = new Gate({ decode: isAsync });
    const bench = gatedBench(mode, gate);
    bench.receive(binaryFrame('ab', MORE), continuationFrame('c'), textFrame(''));
    while (gate.decoding.length > 0) await gate.decoded();
    t.strictSame(mode.told, ['piece 2 616263 first last', 'piece 1  first last']);
    t.match(bench.finish(), { messagesIn: 2, bytesIn: 3 });
  });

  t.test(`pieces that are sent leave as one message, ${kind}`, async (t) => {
    const gate = new Gate({ encode: isAsync });
    const bench = gatedBench(new Witness(), gate);
    const bytes = Buffer.from('abcdef');
    t.equal(bench.session.sendChunkRange(2, bytes, 0, 2, true, false), 'sent');
    t.equal(bench.session.sendChunkRange(2, bytes, 2, 3, false, false), 'sent');
    t.strictSame(bench.sent(), []);
    t.equal(bench.session.sendChunkRange(2, bytes, 3, 6, false, true), 'sent');
    bytes.fill(0);
    if (isAsync) await gate.encoded();
    t.strictSame(bench.sent(), ['2 616263646566']);
    t.match(bench.finish(), { messagesOut: 1, bytesOut: 6 });
  });

  t.test(`§8.1: text that is not UTF-8 behind the chain, ${kind}`, async (t) => {
    const gate = new Gate({ decode: isAsync });
    const mode = new Witness();
    const bench = gatedBench(mode, gate);
    bench.receive(textFrame(Buffer.of(0xff), { rsv: 4 }), textFrame('behind'));
    if (isAsync) await gate.decoded();
    t.strictSame(mode.told, []);
    const reason = 'text message is not valid UTF-8 (RFC 6455 8.1)';
    t.strictSame(bench.sent(), [close(1007, reason)]);
    t.ok(bench.session.isOver);
    t.match(bench.finish(), { closedBy: 'server', closeCode: 1007, rule: 'text-not-utf8' });
  });

  t.test(`an extension cannot decode: whose fault it is decides, ${kind}`, async (t) => {
    const tooBig = `message is over the limit of ${LIMITS.maxMessage} bytes`;
    const cases = [
      [extensionFault(1007), 1007, 'no good', 'extension-data'],
      [extensionFault(1009), 1009, tooBig, 'message-too-big'],
      [extensionFault(), 1011, 'internal error', null],
    ] as const;
    for (const [error, closeCode, closeReason, rule] of cases) {
      const mode = new Witness();
      const bench = new Bench(mode, {
        limits: QUIET_LIMITS,
        extensions: [
          extensionOf('x-a', {
            decode: () => {
              if (isAsync) return Promise.reject(error);
              throw error;
            },
          }),
        ],
      }).open();
      bench.receive(textFrame('a'), textFrame('b'), pingFrame());
      await nextTurn();
      t.strictSame(mode.told, []);
      t.equal(bench.sent().at(-1), close(closeCode, closeReason));
      t.ok(bench.session.isOver);
      const summary = bench.finish();
      t.match(summary, { closedBy: 'server', closeCode, rule, messagesIn: 0 });
      if (rule === null) t.type(summary.error, ExtensionError);
      else t.equal(summary.error, null);
    }
  });
}

t.test('pieces that do not fit together are a defect of the mode', async (t) => {
  const bench = gatedBench(new Witness(), new Gate());
  const { session } = bench;
  const large = new Uint8Array(LIMITS.maxMessage);
  t.throws(() => session.sendChunkRange(2, large, 0, 1, false, true), InvalidStateError);
  t.equal(session.sendChunkRange(2, large, 0, 1, true, false), 'sent');
  t.throws(() => session.sendChunkRange(2, large, 0, 1, true, false), InvalidStateError);
  t.throws(() => session.sendRange(2, large), InvalidStateError);
  t.throws(
    () => session.sendChunkRange(2, large, 0, large.length, false, false),
    InvalidStateError,
  );
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), { messagesOut: 0 });
});

t.test('an extension that fails in encode ends the session; the mode only hears no', async (t) => {
  const sent: SendResult[] = [];
  const mode = new Witness();
  mode.onMessage = (session): void => {
    const bytes = Buffer.from('answer');
    sent.push(session.sendRange(1, bytes), session.sendChunkRange(1, bytes, 0, 6, true, true));
  };
  const bench = new Bench(mode, {
    limits: QUIET_LIMITS,
    extensions: [
      extensionOf('x-a', {
        encode: () => {
          throw extensionFault(1007);
        },
      }),
    ],
  }).open();
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(sent, ['closed', 'closed']);
  t.strictSame(mode.told, [toldText('a')], 'nothing is looked at behind it');
  t.strictSame(bench.sent(), [close(1011, 'internal error')], 'the peer has no part in it');
  const summary = bench.finish();
  t.match(summary, { messagesOut: 0, closeCode: 1011, rule: null });
  t.type(summary.error, ExtensionError);
});

t.test('an extension that fails in encode while a mode sends by itself', async (t) => {
  const failing = extensionOf('x-a', {
    encode: () => {
      throw extensionFault();
    },
  });
  const atOnce = new Bench(new Witness(), { limits: QUIET_LIMITS, extensions: [failing] }).open();
  t.equal(atOnce.session.sendChunkRange(1, Buffer.from('a'), 0, 1, true, true), 'closed');
  t.ok(atOnce.calls().includes('flush'), 'nobody else would see to it');
  t.strictSame(atOnce.sent(), [close(1011, 'internal error')]);

  const gate = new Gate({ encode: true });
  const later = gatedBench(new Witness(), gate);
  t.equal(later.session.sendRange(1, Buffer.from('a')), 'sent');
  t.equal(later.session.sendRange(1, Buffer.from('b')), 'sent');
  later.calls();
  await gate.encodeFails(extensionFault());
  t.ok(later.calls().includes('flush'));
  t.strictSame(later.sent(), [close(1011, 'internal error')]);
  t.equal(later.session.sendRange(1, Buffer.from('c')), 'closed');
  t.equal(later.finish().closeCode, 1011);
});

t.test('a mode that fails in a message that came later fails its session alone', async (t) => {
  const defect = new Error('in message');
  const gate = new Gate({ decode: true, encode: true });
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.sendRange(1, Buffer.from('first'));
    throw defect;
  };
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'));
  await gate.decoded();
  t.notOk(bench.session.isOver, 'what it had sent goes first');
  t.notOk(bench.transport.isInputPaused);
  await gate.encoded();
  t.strictSame(mode.told, [toldText('a')]);
  t.strictSame(bench.sent(), [sentText('first'), close(1011, 'internal error')]);
  t.equal(bench.finish().error, defect);
});

t.test('a mode that fails in drained: what it had sent goes first', async (t) => {
  const defect = new Error('in drained');
  const gate = new Gate({ encode: true });
  const mode = new Witness();
  mode.onDrained = (session): void => {
    session.sendRange(1, Buffer.from('more'));
    throw defect;
  };
  const bench = gatedBench(mode, gate);
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  bench.transport.isWriting = true;
  await gate.encoded();
  t.strictSame(mode.told, ['drained']);
  t.notOk(bench.session.isOver);
  await gate.encoded();
  t.strictSame(bench.sent().slice(1), [sentText('more'), close(1011, 'internal error')]);
  t.equal(bench.finish().error, defect);
});

// ---- The order of Close, failure and end

t.test('our Close waits for what is being encoded', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.session.sendRange(1, Buffer.from('b'));
  bench.session.close(1001, 'away');
  t.equal(bench.session.sendRange(1, Buffer.from('late')), 'closed', 'nothing more is taken');
  t.equal(bench.session.sendChunkRange(1, Buffer.from('late'), 0, 4, true, true), 'closed');
  t.ok(bench.session.isEnding);
  bench.calls();
  await gate.encoded();
  t.strictSame(bench.calls(), ['flush']);
  t.strictSame(bench.sent(), [sentText('a')]);
  bench.calls();
  await gate.encoded();
  t.ok(bench.calls().includes('flush'));
  t.strictSame(bench.sent(), [sentText('b'), close(1001, 'away')]);
  t.notOk(bench.session.isEnding);
  t.notOk(bench.session.isOver);
  bench.receive(closeFrame(1001));
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, messagesOut: 2 });
});

t.test('§5.5.1: the Close of the peer waits for decode and encode; Pong does not', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedBench(echoWitness(), gate);
  bench.receive(textFrame('a'), pingFrame('p'), textFrame('b'), closeFrame(4000, 'bye'));
  t.strictSame(bench.sent(), ['10 70']);
  await gate.decoded();
  await gate.decoded();
  t.strictSame(bench.sent(), [], 'all is decoded, nothing is encoded');
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a')]);
  t.notOk(bench.session.isOver);
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('b'), close(4000, 'bye')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'client', closeCode: 4000, messagesIn: 2, messagesOut: 2 });
});

t.test('§7.1.7: a broken rule waits for the answers to what came before', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const mode = echoWitness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }), textFrame('c'), pingFrame('p'));
  await gate.decoded();
  bench.receive(textFrame('d'), pingFrame('p'), closeFrame(1000));
  t.strictSame(bench.sent(), [], 'nothing more is read');
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), close(1002, RESERVED_BIT)]);
  t.ok(bench.session.isOver);
  t.strictSame(mode.told, [toldText('a')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1002, rule: 'reserved-bit' });
});

t.test('§5.5.2: a Pong that is owed is sent before the failure that waits', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  await gate.encoded();
  bench.session.sendRange(1, Buffer.from('b'));
  bench.block();
  bench.sent();
  bench.receive(pingFrame('p'), textFrame('bad', { rsv: 1 }));
  bench.unblock();
  t.strictSame(bench.sent(), ['10 70']);
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('b'), close(1002, RESERVED_BIT)]);
});

t.test('with nothing on its way a failure does not wait', async (t) => {
  const bench = gatedBench(echoWitness(), new Gate());
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }));
  t.strictSame(bench.sent(), [sentText('a'), close(1002, RESERVED_BIT)]);
});

t.test('the end of the input waits for decode and encode', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedBench(echoWitness(), gate);
  bench.receive(textFrame('a'));
  bench.session.receiveEof();
  t.notOk(bench.session.isOver);
  await gate.decoded();
  t.notOk(bench.session.isOver);
  bench.calls();
  await gate.encoded();
  t.ok(bench.session.isOver);
  t.ok(bench.calls().includes('flush'), 'our FIN follows');
  t.strictSame(bench.sent(), [sentText('a')]);
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, messagesOut: 1 });
});

t.test('a message that cannot be decoded comes before all that came behind it', async (t) => {
  const begins: readonly ((bench: Bench) => void)[] = [
    (bench) => {
      bench.receive(closeFrame(4000));
    },
    (bench) => {
      bench.receive(textFrame('bad', { rsv: 1 }));
    },
    (bench) => {
      bench.session.receiveEof();
    },
  ];
  for (const begin of begins) {
    const gate = new Gate({ decode: true, encode: true });
    const bench = gatedBench(echoWitness(), gate);
    bench.session.sendRange(1, Buffer.from('before'));
    bench.receive(textFrame('a'), textFrame('b'));
    begin(bench);
    await gate.decodeFails(extensionFault(1007));
    t.strictSame(bench.sent(), [], 'what was sent before it goes first');
    t.notOk(bench.transport.isInputPaused);
    await gate.encoded();
    t.strictSame(bench.sent(), [sentText('before'), close(1007, 'no good')]);
    t.ok(bench.session.isOver);
    t.match(bench.finish(), { rule: 'extension-data', messagesIn: 0 });
  }
});

t.test('close: a second one does nothing, whoever began', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.session.close(1001, 'first');
  bench.calls();
  bench.session.close(4000, 'second');
  bench.session.close(1006);
  t.strictSame(bench.calls(), []);
  bench.receive(closeFrame(4001, 'third'));
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), close(1001, 'first')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, closeReason: 'first' });

  const answering = gatedBench(new Witness(), new Gate({ encode: true }));
  answering.session.sendRange(1, Buffer.from('a'));
  answering.receive(closeFrame(4001, 'theirs'));
  answering.session.close(1001, 'ours');
  t.equal(answering.session.sendRange(1, Buffer.from('b')), 'closed');
  t.match(answering.finish(), { closedBy: 'client', closeCode: 4001, messagesOut: 1 });
});

t.test('close: a code that must not be sent is refused at once, whatever waits', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  t.throws(() => {
    bench.session.close(1006);
  }, InvalidStateError);
  t.equal(bench.session.sendRange(1, Buffer.from('b')), 'sent', 'the session goes on');
  await gate.encoded();
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), sentText('b')]);
});

t.test('close drops the messages that are on their way to the mode', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'));
  bench.session.close(1001);
  t.strictSame(bench.sent(), [close(1001)], 'and does not wait for them');
  t.notOk(bench.transport.isInputPaused, 'the answer must be read');
  bench.receive(textFrame('c'));
  while (gate.decoding.length > 0) await gate.decoded();
  t.strictSame(mode.told, []);
  bench.receive(closeFrame(1001));
  t.ok(bench.session.isOver);
});

t.test('close runs what waited for messages that are dropped by it', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.receive(textFrame('a'), closeFrame(4000, 'bye'));
  bench.session.close(1001);
  t.strictSame(bench.sent(), [close(4000, 'bye')], 'the peer was first');
  t.ok(bench.session.isOver);
});

t.test('close inside a message that came later: nothing behind it is delivered', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.sendRange(1, Buffer.from('last'));
    session.close(4000);
  };
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'), textFrame('bad', { rsv: 1 }));
  await gate.decoded();
  t.strictSame(mode.told, [toldText('a')]);
  t.equal(gate.decoding.length, 0);
  const [answer, reason] = bench.sent();
  t.equal(answer, sentText('last'));
  t.equal(reason, close(1002, RESERVED_BIT), 'the rule was broken before');
});

t.test('the clock may find a deadline that has passed', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1000);
  bench.calls();
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

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

t.test('what fails when all is over changes no account', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  while (!bench.session.isOver) bench.session.sendRange(2, LARGE);
  bench.session.fail(new PolicyError('message-timeout'));
  await gate.encodeFails(extensionFault());
  const reason = 'client reads too slowly: too much output is waiting';
  t.strictSame(bench.sent(), [close(1008, reason)]);
  t.match(bench.finish(), { closeCode: 1008, rule: 'output-limit', error: null });
});

// ---- Back-pressure

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
  t.strictSame(bench.sent(), [close(1000)]);
});

t.test(
  'a read with much in it is given in several turns, and nothing is read meanwhile',
  async (t) => {
    const mode = new Witness();
    // Two of the messages are enough for one turn.
    const turns = new CountedTurns(LIMITS.maxMessage * 20);
    const extensions = [new Gate()];
    const bench = new Bench(mode, { limits: QUIET_LIMITS, extensions, turns }).open();
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

// ---- The end of the chain

t.test('the summary has what the extensions say', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode, {
    limits: QUIET_LIMITS,
    extensions: [
      extensionOf('x-a', { stats: { ratioIn: 4.18 } }),
      extensionOf('x-b', { stats: null }),
      extensionOf('x-c'),
    ],
  }).open();
  const summary = bench.finish();
  t.match(summary, { extensions: 'x-a, x-b, x-c' });
  t.strictSame(summary.extensionStats, { 'x-a': { ratioIn: 4.18 } });
  t.strictSame(mode.summaries, [summary]);
});

t.test('however a session ends, its chain is closed, once', async (t) => {
  const ways: readonly [string, (bench: Bench, gate: Gate) => unknown][] = [
    ['nothing happens', () => undefined],
    [
      'both Closes',
      (bench) => {
        bench.receive(closeFrame(1000));
      },
    ],
    [
      'our Close',
      (bench) => {
        bench.session.close(1000);
      },
    ],
    [
      'FIN',
      (bench) => {
        bench.session.receiveEof();
      },
    ],
    [
      'a broken rule',
      (bench) => {
        bench.receive(textFrame('', { rsv: 1 }));
      },
    ],
    [
      'a drop',
      (bench) => {
        bench.session.dropped('shutdown');
      },
    ],
    [
      'decode hangs',
      (bench) => {
        bench.receive(textFrame('a'), textFrame('b'));
      },
    ],
    ['encode hangs', (bench) => bench.session.sendRange(1, Buffer.from('a'))],
    [
      'a Close waits',
      (bench) => {
        bench.receive(textFrame('a'), closeFrame(1000));
      },
    ],
    [
      'decode fails',
      async (bench, gate) => {
        bench.receive(textFrame('a'));
        await gate.decodeFails(extensionFault());
      },
    ],
    [
      'encode fails',
      async (bench, gate) => {
        bench.session.sendRange(1, Buffer.from('a'));
        await gate.encodeFails(extensionFault());
      },
    ],
  ];
  for (const [name, happens] of ways) {
    const gate = new Gate({ decode: true, encode: true });
    const bench = gatedBench(echoWitness(), gate);
    await happens(bench, gate);
    t.equal(gate.closeCount, 0, `${name}: while the connection is there it is needed`);
    bench.finish();
    bench.session.abandon();
    t.equal(gate.closeCount, 1, name);
    bench.sent();
    for (const { message, answer } of [...gate.decoding, ...gate.encoding]) answer.resolve(message);
    await nextTurn();
    t.strictSame(bench.sent(), [], `${name}: what is late is dropped`);
    t.equal(gate.closeCount, 1, name);
  }

  const gate = new Gate();
  const refused = new Bench(new Witness(), { limits: QUIET_LIMITS, extensions: [gate] });
  refused.session.abandon();
  refused.session.abandon();
  t.equal(gate.closeCount, 1, 'a handshake that was refused');
  refused.session.finish();
  t.equal(gate.closeCount, 1, 'and a mode that took its time');
});

t.test('an extension that fails in close is in the log, and the others are closed', async (t) => {
  const gate = new Gate();
  const cause = new Error('in close');
  const failing = extensionOf('x-a', {
    close: () => {
      throw cause;
    },
  });
  const make = (): Bench =>
    new Bench(new Witness(), { limits: QUIET_LIMITS, extensions: [failing, gate] }).open();
  const bench = make();
  bench.receive(closeFrame(1000));
  const { error, closeCode } = bench.finish();
  t.type(error, ExtensionError);
  t.equal((error as Error).cause, cause);
  t.equal(closeCode, 1000);
  t.equal(gate.closeCount, 1);

  const broken = make();
  const defect = new Error('before');
  broken.session.fail(defect);
  t.equal(broken.finish().error, defect, 'what went wrong before is worth more');
});

t.test('a failure that waits is named even if the connection is gone before', async (t) => {
  const bench = gatedBench(echoWitness(), new Gate({ encode: true }));
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }));
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'reserved-bit' });

  const gate = new Gate({ decode: true, encode: true });
  const decoding = gatedBench(new Witness(), gate);
  decoding.session.sendRange(1, Buffer.from('a'));
  decoding.receive(textFrame('a'));
  await gate.decodeFails(extensionFault(1007));
  t.match(decoding.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'extension-data' });
});

t.test('a mode that is told of the end can neither send nor close', async (t) => {
  const mode = new Witness();
  const sent: unknown[] = [];
  mode.onClosed = (session): void => {
    session.close(1001);
    session.fail(new Error('late'));
    sent.push(session.sendRange(1, Buffer.from('late')));
  };
  const bench = gatedBench(mode, new Gate({ encode: true }));
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(closeFrame(1000));
  const summary = bench.finish();
  t.strictSame(sent, ['closed']);
  t.strictSame(bench.sent(), []);
  t.match(summary, { closedBy: 'client', closeCode: 1000, messagesOut: 1 });
  t.match(summary.error, { message: 'late' }, 'but say what went wrong');
  t.equal(bench.session.bufferedAmount, 0);

  const never = new Bench(mode);
  never.session.finish();
  t.strictSame(sent, ['closed', 'closed'], 'nor if it never opened');
  t.match(mode.summaries[1], { error: null });
  t.match(never.host.failedLate, [{ message: 'late' }]);
});

// ---- What a proxy needs

t.test('a mode is told that messages can be sent', async (t) => {
  const mode = Object.assign(new Witness(), {
    open: (session: ModeSession) => session.sendRange(1, Buffer.from('hello')),
  });
  const bench = new Bench(mode).open();
  t.strictSame(bench.sent(), [sentText('hello')]);
});

t.test('a mode that fails when it is told so ends its session', async (t) => {
  const defect = new TypeError('a defect');
  const mode = Object.assign(new Witness(), {
    open: () => {
      throw defect;
    },
  });
  const bench = new Bench(mode).open();
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: defect });
});

t.test('what a mode has to say is in the summary, with the name of its mode', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.notes = { target: 'localhost:5900' };
  bench.session.data = bench;
  t.equal(bench.session.data, bench);
  t.match(bench.finish(), { mode: 'test', notes: { target: 'localhost:5900' } });
  t.strictSame(new Bench(new Witness()).open().finish().notes, {});
});

/** A mode that answers the peer's Close when the test says so. */
class Holder extends Witness {
  readonly held = new Deferred<undefined>();

  async closing(_session: ModeSession, { code, reason }: CloseStatus): Promise<void> {
    this.told.push(`Close ${code} ${reason}`);
    await this.held.promise;
  }
}

t.test('the answer to a Close waits for the mode, which may still send', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a'), closeFrame(1000, 'bye'));
  t.strictSame(mode.told, ['message 1 61', 'Close 1000 bye']);
  t.equal(bench.session.sendRange(1, Buffer.from('b')), 'sent');
  t.strictSame(bench.sent(), [sentText('b')]);
  t.notOk(bench.session.isOver);
  mode.held.resolve(undefined);
  await nextTurn();
  t.strictSame(bench.sent(), [close(1000, 'bye')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'client', closeCode: 1000, closeReason: 'bye' });
});

t.test('an answer that waits too long is dropped', async (t) => {
  const bench = new Bench(new Holder()).open();
  bench.receive(closeFrame(1000));
  t.ok(bench.session.isEnding);
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  bench.host.clock.nowMs = START_MS + LIMITS.closeTimeout;
  bench.session.check(START_MS + LIMITS.closeTimeout);
  t.ok(bench.transport.calls.includes('drop close-timeout'));
});

t.test('a mode that fails over a Close says so to nobody but the log', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(closeFrame(1000));
  const defect = new Error('a defect');
  mode.held.reject(defect);
  await nextTurn();
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: defect });
});

t.test('who is gone is not answered', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(closeFrame(1000));
  bench.finish();
  mode.held.resolve(undefined);
  await nextTurn();
  t.strictSame(bench.sent(), []);
});

t.test(
  "who hears the peer out gets what comes after its own Close, until the peer's",
  async (t) => {
    for (const extensions of [[], [extensionOf('x-none')]]) {
      const mode = Object.assign(new Witness('chunks'), { receiveAfterClose: true });
      const bench = new Bench(mode, { limits: QUIET_LIMITS, extensions }).open();
      bench.session.close(1000);
      bench.receive(textFrame('a'), closeFrame(1000), textFrame('b'));
      t.strictSame(mode.told, ['piece 1 61 first last']);
    }
    const mode = new Witness('chunks');
    const bench = new Bench(mode).open();
    bench.session.close(1000);
    bench.receive(textFrame('a'), closeFrame(1000));
    t.strictSame(mode.told, [], 'nobody else does');
  },
);

t.test('a handshake that is given up is told to the mode', async (t) => {
  const abandoned: ModeSession[] = [];
  const mode = Object.assign(new Witness(), {
    abandoned: (session: ModeSession) => abandoned.push(session),
  });
  const unasked = new Bench(mode).session;
  unasked.abandonOpening();
  t.strictSame(abandoned, [], 'not when it was not asked');
  const { session } = new Bench(Object.assign(mode, { upgrade: (): void => undefined }));
  t.equal(session.ask(REQUEST, RESPONSE), null);
  session.abandonOpening();
  t.strictSame(abandoned, [session]);
  t.equal(session.send('late'), 'closed', 'whoever still knows it sends in vain');
  const silent = new Bench(Object.assign(new Witness(), { upgrade: (): void => undefined }))
    .session;
  silent.ask(REQUEST, RESPONSE);
  silent.abandonOpening();
});

t.test('an tap is told of what happens, in order', async (t) => {
  const recorder = new TapWitness(true);
  const bench = new Bench(echoWitness(), { ...QUIET, route: { tap: recorder } }).open();
  t.strictSame(recorder.take(), ['begin /room /room?secret test']);
  bench.receive(textFrame('ab'), pingFrame('p'), closeFrame(1000));
  bench.session.reportTarget({ state: 'ended', target: 'host:1' });
  bench.finish();
  t.strictSame(recorder.take(), [
    'frame in 81 masked 2 8',
    'received 1 6162 first last 8',
    'frame out 81 2 4',
    'sent 1 6162 first last 4',
    'frame in 89 masked 1 7',
    'control in 9 70',
    'frame out 8a 1 3',
    'control out 10 70',
    'frame in 88 masked 2 8',
    'control in 8 03e8',
    'frame out 88 2 4',
    'control out 8 03e8',
    'target ended host:1',
    'closed 1000',
  ]);
});

t.test('without an tap nobody is told about a target', async (t) => {
  const { session } = new Bench(new Witness()).open();
  session.reportTarget({ state: 'lost', target: 'host:1' });
  t.ok(session.isOpen);
});

// ---- What a mode may send, and how it may fail

t.test('what cannot be sent is refused before a byte is in the output', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const send = session.send.bind(session) as (...given: unknown[]) => unknown;
  const sendChunk = session.sendChunk.bind(session) as (...given: unknown[]) => unknown;
  const bytes = Buffer.from('abc');
  for (const given of [
    [],
    [7],
    [null],
    [1, bytes],
    [new ArrayBuffer(3)],
    [[1, 2]],
    [bytes, 1],
    [bytes, null],
    ['abc', 'text'],
  ]) {
    t.throws(() => send(...given), InvalidArgumentError);
    const [data, isBinary = true] = given;
    t.throws(() => sendChunk(data, isBinary, true, true), InvalidArgumentError);
  }
  t.throws(() => sendChunk(bytes, true, 1, true), InvalidArgumentError);
  t.throws(() => sendChunk(bytes, true), InvalidArgumentError);
  t.throws(() => sendChunk(bytes), InvalidArgumentError);
  const close = session.close.bind(session) as (...given: unknown[]) => void;
  t.throws(() => {
    close(1000, 7);
  }, InvalidArgumentError);
  t.throws(() => {
    close('1000');
  }, new InvalidStateError('close code "1000" must not be sent'));
  t.throws(() => {
    close(undefined, 'bye');
  }, new InvalidArgumentError('a close reason cannot be sent without a code: give a code such as 1000 (RFC 6455 5.5.1)'));
  const ping = session.ping.bind(session) as (...given: unknown[]) => unknown;
  t.throws(() => ping(7), InvalidArgumentError);
  for (const large of [Buffer.alloc(126), 'x'.repeat(126), '€'.repeat(42)]) {
    t.throws(
      () => ping(large),
      new InvalidArgumentError('a Ping cannot have 126 bytes: give at most 125 (RFC 6455 5.5)'),
    );
  }
  t.strictSame(bench.sent(), []);
  t.equal(session.send(bytes, false), 'sent');
  t.strictSame(bench.sent(), [sentText('abc')], 'and nothing else has changed');
  t.match(bench.finish(), { messagesOut: 1, bytesOut: 3 });
});

t.test('strings are text and bytes are binary, unless the mode says otherwise', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  t.equal(session.send('hello'), 'sent');
  t.equal(session.send('grüß', true), 'sent');
  t.equal(session.send(''), 'sent');
  t.equal(session.send('a\ud800b'), 'sent');
  t.equal(session.send(Buffer.from('a')), 'sent');
  t.equal(session.send(Buffer.from('a'), false), 'sent');
  t.equal(session.sendChunk('one', false, true, false), 'sent');
  t.equal(session.sendChunk(Buffer.from('€'), false, false, true), 'sent');
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  t.strictSame(bench.sent(), [
    `1 ${hex('hello')}`,
    `2 ${hex('grüß')}`,
    '1 ',
    '1 61efbfbd62',
    '2 61',
    '1 61',
    `1+ ${hex('one')}`,
    `0 ${hex('€')}`,
  ]);
  session.close();
  t.equal(session.send('late'), 'closed');
  t.equal(session.sendChunk('late', false, true, true), 'closed');
});

t.test('text has to be UTF-8, but that of a built-in mode is not looked at', async (t) => {
  const bad = Buffer.of(0x61, 0xff);
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  t.throws(() => session.send(bad, false), InvalidArgumentError);
  t.throws(() => session.sendChunk(bad, false, true, true), InvalidArgumentError);
  t.equal(session.send(bad.subarray(0, 1), false), 'sent');
  t.equal(session.send(bad), 'sent');
  t.equal(session.sendChunk(bad, true, true, true), 'sent');
  t.equal(session.sendChunk(Buffer.from('€').subarray(0, 1), false, true, false), 'sent');
  t.throws(() => session.sendChunk(bad, false, false, true), InvalidArgumentError);
  t.equal(session.sendChunk(Buffer.from('€').subarray(1), false, false, true), 'sent');
  t.equal(session.sendRange(1, bad), 'sent', 'a replay may want to');
  t.strictSame(bench.sent(), ['1 61', '2 61ff', '2 61ff', '1+ e2', '0 82ac', '1 61ff']);
});

t.test('a Ping, and what the mode is told of those that come', async (t) => {
  const told: string[] = [];
  const tell =
    (what: string) =>
    (_session: ModeSession, bytes: Uint8Array, start: number, end: number): void => {
      told.push(`${what} ${Buffer.from(bytes.subarray(start, end)).toString()}`);
    };
  const bench = new Bench(
    Object.assign(new Witness(), { ping: tell('ping'), pong: tell('pong') }),
  ).open();
  const { session } = bench;
  t.ok(session.ping());
  t.ok(session.ping('grüß'));
  t.ok(session.ping(Buffer.alloc(125)));
  t.strictSame(bench.sent(), ['9 ', '9 6772c3bcc39f', `9 ${'00'.repeat(125)}`]);
  bench.receive(pongFrame('grüß'), pingFrame('a'));
  t.strictSame(told, ['pong grüß', 'ping a']);
  t.strictSame(bench.sent(), ['10 61'], 'its Pong');
  session.close();
  t.strictSame(bench.sent(), ['8 '], 'a Close without a code');
  bench.receive(pingFrame('b'), pongFrame('c'));
  t.strictSame(told, ['pong grüß', 'ping a'], 'nobody is told after our own Close');
  t.notOk(session.ping());
  t.match(bench.finish(), { closeCode: 1005, closedBy: 'server', messagesOut: 0, bytesOut: 0 });
});

t.test('Pings that nobody takes meet the output limit', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  let count = 0;
  while (bench.session.ping() && count < 1e7) count += 1;
  t.equal(bench.finish().rule, 'output-limit');
});

t.test('a session that is dropped ends at once, without a Close', async (t) => {
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.send('last');
    session.drop();
    session.drop();
    t.equal(session.send('late'), 'closed');
    t.notOk(session.ping());
    session.close();
  };
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a'), textFrame('b'), pingFrame('c'));
  t.equal(mode.told.length, 1, 'what the same read has brought is not delivered');
  t.strictSame(bench.calls().slice(-1), ['drop dropped-by-mode']);
  t.strictSame(bench.sent(), [sentText('last')]);
  bench.session.dropped('dropped-by-mode');
  t.match(bench.finish(), { closeCode: 1006, closedBy: 'lost', rule: 'dropped-by-mode' });
  t.throws(() => {
    new Bench(new Witness()).session.drop();
  }, InvalidStateError);
});

/** A mode whose every call returns what is given. */
function returning(result: unknown): Witness {
  const call = (): unknown => result;
  return Object.assign(new Witness(), {
    open: call,
    message: call,
    chunk: call,
    drain: call,
    close: call,
  });
}

t.test('a promise that rejects ends its own session, whichever call it is', async (t) => {
  const defect = new Error('late');
  for (const start of [
    (bench: Bench): void => void bench.open(),
    (bench: Bench): void => {
      bench.open().receive(textFrame('a'));
    },
    (bench: Bench): void => {
      bench.open();
      while (bench.session.sendRange(2, LARGE) === 'sent');
      bench.sent();
      bench.session.resumeOutput();
    },
  ]) {
    const { promise, reject } = new Deferred<never>();
    const bench = new Bench(returning(promise));
    start(bench);
    t.notOk(bench.session.isOver);
    reject(defect);
    await nextTurn();
    t.ok(bench.session.isOver);
    t.equal(bench.sent().at(-1), close(1011, 'internal error'));
    bench.session.finish();
    t.match(bench.host.ended, [{ closeCode: 1011, error: defect }]);
  }
  const pieces = new Bench(
    Object.assign(returning(Promise.reject(defect)), { delivery: 'chunks' }),
  );
  pieces.open().receive(binaryFrame('a'));
  await nextTurn();
  t.ok(pieces.session.isOver);
});

t.test('what fails at the very end is told, once', async (t) => {
  const { promise, reject } = new Deferred<never>();
  const bench = new Bench(returning(promise)).open();
  bench.session.finish();
  t.match(bench.host.ended, [{ error: null }]);
  t.strictSame(bench.host.failedLate, []);
  reject(new Error('late'));
  await nextTurn();
  bench.session.fail(new Error('later'));
  t.match(bench.host.failedLate, [{ message: 'late' }]);
  t.equal(bench.host.failedLate.length, 1);

  const throwing = new Witness();
  throwing.onClosed = (): void => {
    throw new Error('in closed');
  };
  t.match(new Bench(throwing).open().finish().error, { message: 'in closed' });

  const late = new Bench(new Witness()).open();
  late.session.finish();
  late.session.fail(new PolicyError('output-limit'));
  late.session.fail(new ExtensionError('stopped at work'));
  t.strictSame(late.host.failedLate, [], 'what comes of the end is not told');
});

t.test('a failure of the log or the tap keeps nobody from the rest', async (t) => {
  const recorder = new TapWitness();
  const bench = new Bench(new Witness(), { limits: QUIET_LIMITS, route: { tap: recorder } }).open();
  const observation = recorder.begin.bind(recorder);
  t.ok(observation);
  Object.assign(bench.session.endpoint.watcher!, {
    closed: () => {
      throw new Error('no record');
    },
  });
  t.throws(() => {
    bench.session.finish();
  }, new Error('no record'));
  t.equal(bench.host.ended.length, 1, 'it is in the log');
});

t.test('while a handshake is not answered, fail refuses it', async (t) => {
  const pending = new Bench(
    Object.assign(new Witness(), { upgrade: async () => new Promise<void>(() => undefined) }),
  );
  t.ok(pending.session.ask(REQUEST, RESPONSE) instanceof Promise);
  pending.session.fail(new Error('no'));
  t.strictSame(pending.calls(), ['refuse Error: no']);

  const defect = new Error('at once');
  for (const result of [undefined, Promise.reject(new Error('as well'))]) {
    const mode = Object.assign(new Witness(), {
      upgrade: (session: ModeSession) => {
        session.fail(defect);
        return result;
      },
    });
    t.throws(() => new Bench(mode).session.ask(REQUEST, RESPONSE), defect);
  }
  await nextTurn();
});

t.test('a mode that fails when it is given up', async (t) => {
  for (const abandoned of [
    (): never => {
      throw new Error('in abandoned');
    },
    async (): Promise<never> => Promise.reject(new Error('in abandoned')),
  ]) {
    const mode = Object.assign(new Witness(), { upgrade: (): void => undefined, abandoned });
    const { session, host } = new Bench(mode);
    session.ask(REQUEST, RESPONSE);
    session.abandonOpening();
    await nextTurn();
    t.match(host.failedLate, [{ message: 'in abandoned' }]);
    t.strictSame(host.ended, []);
  }
});

t.test('an extension that fails when it is given back', async (t) => {
  const failing = extensionOf('x-bad', {
    close: () => {
      throw new Error('in close');
    },
  });
  const options = { limits: QUIET_LIMITS, extensions: [failing] };
  const refused = new Bench(new Witness(), options);
  refused.session.abandon();
  const message = 'extension x-bad failed in close: in close';
  t.match(refused.host.failedLate, [{ message }]);
  const opened = new Bench(new Witness(), options).open();
  t.match(opened.finish().error, { message });

  const { promise, reject } = new Deferred<never>();
  const slow = extensionOf('x-slow', { close: () => promise as unknown as undefined });
  const late = new Bench(new Witness(), { limits: QUIET_LIMITS, extensions: [slow] }).open();
  t.equal(late.finish().error, null);
  reject(new Error('late'));
  await nextTurn();
  t.match(late.host.failedLate, [{ message: 'extension x-slow failed in close: late' }]);
});

t.test('a peerClosed that throws, or whose promise is of another library', async (t) => {
  const throwing = new Bench(
    Object.assign(new Witness(), {
      closing: (): never => {
        throw new Error('in peerClosed');
      },
    }),
  ).open();
  throwing.receive(closeFrame(1000));
  t.strictSame(throwing.sent(), [close(1011, 'internal error')]);
  t.match(throwing.finish().error, { message: 'in peerClosed' });

  let settle = (): void => undefined;
  const thenable = {
    then: (resolve: () => void) => {
      settle = resolve;
    },
  } as unknown as PromiseLike<void>;
  const waiting = new Bench(Object.assign(new Witness(), { closing: () => thenable })).open();
  waiting.receive(closeFrame(1000));
  await nextTurn();
  t.strictSame(waiting.sent(), [], 'the answer waits');
  settle();
  await nextTurn();
  t.strictSame(waiting.sent(), [close(1000)]);
});

t.test('§8.1: a text that is sent as bytes must be UTF-8', async (t) => {
  const { session } = new Bench(new Witness()).open();
  const euro = Buffer.from('€');
  const refused = new InvalidArgumentError(
    'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary',
  );
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc'), euro, Buffer.from('€'.repeat(1000))])
    session.send(bytes, false);
  for (const bytes of [
    Buffer.of(0xff),
    euro.subarray(0, 2),
    euro.subarray(1),
    Buffer.of(0xc0, 0x80),
    Buffer.of(0xed, 0xa0, 0x80),
  ]) {
    t.throws(() => session.send(bytes, false), refused);
    session.send(bytes, true);
  }
  session.send(euro, false);
});

t.test('§8.1: chunks of a text may end inside a character', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const euro = Buffer.from('€');
  const refused = { name: 'InvalidArgumentError' };
  session.sendChunk(euro.subarray(0, 1), false, true, false);
  session.sendChunk(euro.subarray(1, 2), false, false, false);
  t.throws(() => session.sendChunk('', false, false, true), refused);
  t.throws(() => session.sendChunk(euro.subarray(0, 1), false, false, false), refused);
  session.sendChunk(euro.subarray(2), false, false, true);
  session.sendChunk(euro, false, true, true);
  t.strictSame(bench.sent(), ['1+ e2', '0+ 82', '0 ac', '1 e282ac']);
});

t.test("the client's certificate", async (t) => {
  const certificate = {
    subject: 'CN=a',
    issuer: 'CN=b',
    fingerprint: 'AB',
    serialNumber: '1',
    altNames: null,
  };
  const tls = { version: 'TLSv1.3', cipher: 'c', serverName: null };
  const bench = (one: typeof certificate | null): Bench =>
    new Bench(new Witness(), { ...QUIET, tlsPeer: { ...tls, certificate: one } });
  t.equal(bench(certificate).session.clientCertificate, certificate);
  t.equal(bench(null).session.clientCertificate, null);
  t.equal(new Bench(new Witness()).session.clientCertificate, null);
});

t.test('the user whose password was right', async (t) => {
  t.equal(new Bench(new Witness(), { ...QUIET, user: 'ann' }).session.user, 'ann');
  t.equal(new Bench(new Witness()).session.user, null);
});

t.test('it knows what serves it', async (t) => {
  const mode = new Witness();
  t.equal(new Bench(mode).session.mode, mode);
});

t.test('the sessions of one of several processes have numbers of their own', async (t) => {
  const numberOfNext = (): number => new Bench(new Witness()).session.id;
  const first = numberOfNext() + 1_000_000;
  numberSessionsFrom(first);
  t.strictSame([numberOfNext(), numberOfNext()], [first, first + 1]);
});
