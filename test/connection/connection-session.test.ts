import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  ConnectionSession,
  type SessionTransport,
} from '../../src/connection/connection-session.js';
import { Opening } from '../../src/connection/opening.js';
import { Outbox } from '../../src/connection/outbox.js';
import type { Consumer, DropRule, Session, SessionSummary } from '../../src/connection/session.js';
import { InvalidStateError } from '../../src/errors.js';
import { OutputQueue } from '../../src/protocol/output-queue.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import {
  MORE,
  type TestFrame,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  readFrames,
  textFrame,
} from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import {
  type HostOptions,
  LIMITS,
  NO_KEEPALIVE,
  START_MS,
  TestHost,
} from '../fixtures/test-host.js';

const ADDRESS = { remoteAddress: '203.0.113.7', remotePort: 51_234 };
const QUIET: HostOptions = { limits: NO_KEEPALIVE };

class FakeTransport implements SessionTransport {
  readonly remoteAddress = ADDRESS.remoteAddress;
  readonly remotePort = ADDRESS.remotePort;
  readonly outbox: Outbox;
  isInputPaused = false;
  readonly calls: string[] = [];
  /** What `checkWithin` was last asked for. */
  checkMs = NaN;
  /** Whether a flush reaches the socket at once; otherwise the test writes. */
  isWriting = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  flush(): void {
    this.calls.push('write');
    if (this.isWriting) this.outbox.flush(START_MS);
  }

  scheduleFlush(): void {
    this.calls.push('flush');
  }

  pauseInput(): void {
    this.isInputPaused = true;
    this.calls.push('pause');
  }

  resumeInput(): void {
    this.isInputPaused = false;
    this.calls.push('resume');
  }

  checkWithin(ms: number): void {
    this.checkMs = ms;
  }

  drop(rule: DropRule): void {
    this.calls.push(`drop ${rule}`);
  }
}

/** A consumer that writes down what it is told. */
class Witness implements Consumer {
  readonly delivery: 'messages' | 'pieces';
  readonly told: string[] = [];
  readonly summaries: SessionSummary[] = [];
  /** Done with each message. */
  onMessage: (session: Session, bytes: Uint8Array) => void = () => undefined;
  onDrained: (session: Session) => void = () => undefined;

  constructor(delivery: 'messages' | 'pieces' = 'messages') {
    this.delivery = delivery;
  }

  message(session: Session, opcode: number, bytes: Uint8Array, start: number, end: number): void {
    const payload = bytes.slice(start, end);
    this.told.push(`message ${opcode} ${hexOf(payload)}`);
    this.onMessage(session, payload);
  }

  piece(
    _session: Session,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    const marks = `${isFirst ? ' first' : ''}${isLast ? ' last' : ''}`;
    this.told.push(`piece ${opcode} ${hexOf(bytes.subarray(start, end))}${marks}`);
  }

  drained(session: Session): void {
    this.told.push('drained');
    this.onDrained(session);
  }

  closed(_session: Session, summary: SessionSummary): void {
    this.told.push('closed');
    this.summaries.push(summary);
  }
}

/** A session with everything around it in the test's hands. */
class Bench {
  readonly host: TestHost;
  readonly socket = new FakeSocket();
  readonly transport: FakeTransport;
  readonly session: ConnectionSession;
  readonly #consumer: Consumer;

  constructor(consumer: Consumer, options: HostOptions = QUIET) {
    this.#consumer = consumer;
    this.host = new TestHost(consumer, options);
    const queue = new OutputQueue(this.host.slabPool);
    this.transport = new FakeTransport(new Outbox(this.socket.asSocket, queue));
    const opening = new Opening(this.host.opening);
    const head = Buffer.from(
      upgradeText({ 'Sec-WebSocket-Protocol': 'chat' }, 'GET /room?secret HTTP/1.1'),
    );
    opening.receive(head, 0, head.length);
    this.session = new ConnectionSession(opening.upgrade!, this.host, this.transport);
  }

  /** Begins, as an answered handshake does. */
  open(): this {
    this.session.open();
    return this;
  }

  /** The peer sends frames. */
  receive(...frames: readonly TestFrame[]): void {
    const bytes = encodeFrames(frames, true);
    this.session.receive(bytes, 0, bytes.length);
  }

  /** What was sent since the last call, as opcode and payload in hex. */
  sent(): readonly string[] {
    this.transport.outbox.flush(this.host.clock.nowMs);
    return readFrames(this.socket.takeWritten()).map(
      ({ opcode, isFinal, payload }) => `${opcode}${isFinal ? '' : '+'} ${hexOf(payload)}`,
    );
  }

  /** The kernel takes nothing any more, which a write finds out. */
  block(): void {
    this.socket.isTaking = false;
    if (this.transport.outbox.queue.queuedBytes === 0) {
      this.session.send(2, Buffer.from('fill'));
    }
    this.transport.outbox.flush(this.host.clock.nowMs);
    this.session.blocked();
  }

  /** The kernel has taken everything. */
  unblock(): void {
    this.socket.drain();
    this.transport.outbox.unblock();
    this.session.unblocked();
  }

  /** Time passes, and the clock looks. */
  checkAfter(ms: number): void {
    this.host.clock.nowMs = START_MS + ms;
    this.session.check(START_MS + ms);
  }

  /** What the transport was told since the last call. */
  calls(): readonly string[] {
    return this.transport.calls.splice(0);
  }

  /** The socket goes. @returns what was reported to the host */
  finish(): SessionSummary {
    const before = this.host.ended.length;
    this.session.finish();
    t.equal(this.host.ended.length, before + 1, 'the session is reported once');
    if (this.#consumer instanceof Witness) t.equal(this.#consumer.summaries.length, 1);
    return this.host.ended[before]!;
  }
}

const close = (code: number, reason = ''): string =>
  `8 ${hexOf(encodeFrames([closeFrame(code, reason)], false).subarray(2))}`;

const EMPTY_CLOSE = '8 ';
const LARGE = new Uint8Array(LIMITS.outputPauseBytes - 10);

t.test('before the handshake is answered nothing can be sent', async (t) => {
  const { session, host } = new Bench(new Witness());
  const bytes = Buffer.from('early');
  t.notOk(session.isOpen);
  t.throws(() => session.send(1, bytes), InvalidStateError);
  t.throws(() => session.sendPiece(1, bytes, 0, 5, true, true), InvalidStateError);
  t.throws(() => {
    session.close();
  }, InvalidStateError);
  t.throws(() => session.isOver, { message: 'the session is not open yet' });
  t.equal(session.waitingBytes, 0);
  t.strictSame(host.opened, []);
});

t.test('a session says who and where it is', async (t) => {
  const one = new Bench(new Witness()).session;
  const other = new Bench(new Witness()).session;
  t.equal(other.id, one.id + 1, 'ids count up');
  t.match(one, { ...ADDRESS, path: '/room', subprotocol: 'chat' });
});

t.test('it opens once the handshake is answered', async (t) => {
  const { session, host } = new Bench(new Witness()).open();
  t.ok(session.isOpen);
  t.notOk(session.isOver);
  t.strictSame(host.opened, [session]);
  t.strictSame(host.ended, []);
});

t.test('messages go to the consumer and are counted', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  bench.receive(textFrame('ab'), binaryFrame('c', MORE), continuationFrame('de'), textFrame(''));
  t.strictSame(consumer.told, ['message 1 6162', 'message 2 636465', 'message 1 ']);
  t.match(bench.finish(), { messagesIn: 3, bytesIn: 5, messagesOut: 0, bytesOut: 0 });
});

t.test('pieces go to a consumer that wants those', async (t) => {
  const consumer = new Witness('pieces');
  const bench = new Bench(consumer).open();
  bench.receive(binaryFrame('ab', MORE), continuationFrame('c', MORE), continuationFrame(''));
  bench.receive(textFrame('d'));
  t.strictSame(consumer.told, [
    'piece 2 6162 first',
    'piece 2 63',
    'piece 2  last',
    'piece 1 64 first last',
  ]);
  t.match(bench.finish(), { messagesIn: 2, bytesIn: 4 });
});

t.test('a consumer need not listen to anything', async (t) => {
  for (const delivery of ['messages', 'pieces'] as const) {
    const bench = new Bench({ delivery }).open();
    bench.receive(textFrame('unheard'), pingFrame('a'), pongFrame('b'));
    t.strictSame(bench.sent(), ['10 61']);
    while (bench.session.send(2, LARGE));
    bench.sent();
    bench.session.resumeOutput();
    t.match(bench.finish(), { messagesIn: 1, error: null });
  }
});

t.test('what is sent is counted, and a flush follows', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const bytes = Buffer.from('abcdef');
  t.ok(session.send(1, bytes));
  t.strictSame(bench.calls(), ['flush']);
  t.ok(session.send(2, bytes, 1, 3));
  t.ok(session.sendPiece(2, bytes, 0, 2, true, false));
  t.ok(session.sendPiece(2, bytes, 2, 3, false, true));
  t.equal(session.waitingBytes, 2 + 6 + 2 + 2 + 2 + 2 + 2 + 1);
  t.strictSame(bench.sent(), ['1 616263646566', '2 6263', '2+ 6162', '0 63']);
  t.equal(session.waitingBytes, 0);
  t.match(bench.finish(), { messagesOut: 3, bytesOut: 11 });
});

t.test('after our Close nothing more is sent or counted', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1001);
  t.notOk(bench.session.send(1, Buffer.from('late')));
  t.notOk(bench.session.sendPiece(1, Buffer.from('late'), 0, 4, true, true));
  t.strictSame(bench.sent(), [close(1001)]);
  t.match(bench.finish(), { messagesOut: 0, bytesOut: 0 });
});

t.test(
  'back-pressure: above the output pause send says to wait, and drained to go on',
  async (t) => {
    const consumer = new Witness();
    const bench = new Bench(consumer).open();
    const { session } = bench;
    // Frames of this length have a header of 4 bytes.
    t.ok(session.send(2, new Uint8Array(LIMITS.outputPauseBytes / 2 - 4)));
    t.ok(session.send(2, new Uint8Array(LIMITS.outputPauseBytes / 2 - 4)));
    t.equal(session.waitingBytes, LIMITS.outputPauseBytes, 'at the limit there is still room');
    session.resumeOutput();
    t.strictSame(consumer.told, [], 'who was not told to wait is not told to go on');

    t.notOk(session.send(2, new Uint8Array(0)), 'one byte more and there is none');
    session.resumeOutput();
    t.strictSame(consumer.told, [], 'nobody has read anything yet');
    bench.sent();
    session.resumeOutput();
    t.strictSame(consumer.told, ['drained']);
    session.resumeOutput();
    t.strictSame(consumer.told, ['drained'], 'once');
    t.ok(session.send(2, Buffer.from('more')));
  },
);

t.test('back-pressure counts what the socket holds', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  t.notOk(bench.session.send(2, new Uint8Array(LIMITS.outputPauseBytes)));
  bench.block();
  bench.session.resumeOutput();
  t.strictSame(consumer.told, []);
  bench.unblock();
  bench.session.resumeOutput();
  t.strictSame(consumer.told, ['drained']);
});

t.test('back-pressure: what the peer takes at once does not count', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  const large = new Uint8Array(LIMITS.outputPauseBytes);
  bench.transport.isWriting = true;
  for (let count = 0; count < 10; count++) t.ok(bench.session.send(2, large));
  t.equal(bench.session.waitingBytes, 0);
  t.strictSame(bench.calls().slice(0, 2), ['flush', 'write']);
  bench.socket.isTaking = false;
  t.notOk(bench.session.send(2, large), 'what it does not take counts');
  t.strictSame(consumer.told, []);
});

t.test('the output limit and one message more are let through, one byte more is not', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const message = new Uint8Array(LIMITS.maxMessageBytes - 10);
  session.send(2, message);
  session.send(2, message);
  t.notOk(session.send(2, message));
  t.equal(session.waitingBytes, LIMITS.outputLimitBytes + LIMITS.maxMessageBytes);
  t.notOk(session.isOver);
  t.notOk(session.send(2, new Uint8Array(0)));
  t.ok(session.isOver);
  const reason = 'client reads too slowly: too much output is waiting';
  t.equal(bench.sent().at(-1), close(1008, reason));
  t.notOk(session.send(2, message));
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1008,
    closeReason: reason,
    rule: 'output-limit',
    error: null,
  });
});

t.test('a consumer that fails in drained fails its session alone', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  const defect = new Error('in drained');
  consumer.onDrained = () => {
    throw defect;
  };
  t.notOk(bench.session.send(2, new Uint8Array(LIMITS.outputPauseBytes)));
  bench.sent();
  bench.calls();
  bench.session.resumeOutput();
  t.strictSame(bench.calls(), ['flush']);
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1011, rule: null, error: defect });
});

t.test('a consumer that throws no Error is a defect too', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  consumer.onMessage = () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a careless mode may do it
    throw 'a text';
  };
  bench.receive(textFrame('a'));
  t.strictSame(bench.sent(), [close(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: new Error('thrown: a text') });
});

t.test('a consumer that fails in a message fails its session alone', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  const defect = new Error('in message');
  consumer.onMessage = (session) => {
    session.send(1, Buffer.from('first'));
    throw defect;
  };
  bench.receive(textFrame('a'), textFrame('b'), pingFrame());
  t.strictSame(consumer.told, ['message 1 61'], 'nothing is looked at behind it');
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
  bench.transport.pauseInput();
  bench.calls();
  bench.session.close(1001, 'away');
  t.strictSame(bench.calls(), ['flush', 'resume'], 'the answer must be read');
  t.equal(bench.transport.checkMs, LIMITS.closeMs);
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
  bench.session.close();
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
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  bench.receive(textFrame('a', MORE));
  bench.session.receiveEof();
  t.ok(bench.session.isOver);
  const summary = bench.finish();
  t.match(summary, { closedBy: 'lost', closeCode: 1006, closeReason: '', rule: null, error: null });
  t.strictSame(consumer.summaries, [summary]);
});

t.test('the socket goes without FIN', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.lost('ECONNRESET');
  bench.session.lost('EPIPE');
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, error: 'ECONNRESET' });
});

t.test('what the system says does not hide what we did wrong', async (t) => {
  const consumer = new Witness();
  const bench = new Bench(consumer).open();
  const defect = new Error('in message');
  consumer.onMessage = () => {
    throw defect;
  };
  bench.receive(textFrame('a'));
  bench.session.lost('EPIPE');
  t.equal(bench.finish().error, defect);
});

t.test('a session that is dropped names the rule', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.dropped('shutdown');
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'shutdown' });
});

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
    path: '/room',
    subprotocol: 'chat',
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

t.test('a consumer that fails in closed is reported', async (t) => {
  const defect = new Error('in closed');
  const bench = new Bench({
    delivery: 'messages',
    closed: () => {
      throw defect;
    },
  }).open();
  bench.receive(closeFrame(1000));
  t.match(bench.finish(), { closeCode: 1000, error: defect });
});

t.test('a session that never opened is over for its consumer only', async (t) => {
  const consumer = new Witness();
  const { session, host } = new Bench(consumer);
  session.finish();
  t.strictSame(consumer.told, ['closed']);
  t.match(consumer.summaries, [{ closedBy: 'lost', closeCode: 1006, messagesIn: 0 }]);
  t.strictSame(host.ended, []);
});

t.test('a session can be paused and resumed by its consumer', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.pauseInput();
  bench.session.resumeInput();
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
  bench.session.close();
  bench.unblock();
  t.equal(bench.sent().at(-1), close(1000));
});

// ---- Deadlines

t.test('close-timeout: the peer does not answer our Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.host.clock.nowMs = START_MS + 1000;
  bench.session.close();
  bench.sent();
  bench.calls();
  bench.checkAfter(1000 + LIMITS.closeMs - 1);
  t.strictSame(bench.calls(), []);
  t.equal(bench.transport.checkMs, 1);
  bench.checkAfter(1000 + LIMITS.closeMs);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('close-timeout counts from when our Close could leave', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.session.close();
  bench.calls();
  bench.host.clock.nowMs = START_MS + 9000;
  bench.unblock();
  t.strictSame(bench.sent(), ['2 66696c6c', close(1000)]);
  bench.checkAfter(9000 + LIMITS.closeMs - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(9000 + LIMITS.closeMs);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('close-timeout cannot be put off by Pings and slow reading', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close();
  t.strictSame(bench.sent(), [close(1000)]);
  bench.calls();
  for (let afterMs = 2000; afterMs < LIMITS.closeMs; afterMs += 2000) {
    bench.host.clock.nowMs = START_MS + afterMs;
    bench.block();
    bench.receive(pingFrame('a'));
    bench.unblock();
  }
  bench.sent();
  bench.calls();
  bench.checkAfter(2000 + LIMITS.closeMs);
  t.ok(bench.calls().includes('drop close-timeout'));
});

t.test('send-timeout: the peer reads nothing', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.calls();
  t.equal(bench.transport.checkMs, LIMITS.sendMs / 4);
  bench.checkAfter(LIMITS.sendMs - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.sendMs);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('send-timeout: a peer that reads a byte now and then lives', async (t) => {
  const bench = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, sendMs: 1001 } }).open();
  bench.block();
  t.equal(bench.transport.checkMs, 251, 'whole milliseconds');
  bench.calls();
  bench.checkAfter(1000);
  bench.socket.progress(1);
  bench.checkAfter(1500);
  bench.checkAfter(2500);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(2501);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('while blocked, a Close that waits is not late', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.session.close();
  bench.calls();
  bench.checkAfter(LIMITS.sendMs - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.sendMs);
  t.strictSame(bench.calls(), ['drop send-timeout']);
});

t.test('message-timeout: a message takes too long to arrive', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.host.clock.nowMs = START_MS + 500;
  bench.receive(textFrame('a', MORE));
  t.equal(bench.transport.checkMs, LIMITS.messageMs);
  bench.host.clock.nowMs = START_MS + 30_000;
  bench.receive(pingFrame(), continuationFrame('b', MORE));
  bench.sent();
  bench.checkAfter(500 + LIMITS.messageMs - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(500 + LIMITS.messageMs);
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [close(1008, 'message took too long to arrive')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1008, rule: 'message-timeout' });
});

t.test('message-timeout: every message has its own time', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a', MORE));
  bench.checkAfter(LIMITS.messageMs - 10);
  t.equal(bench.transport.checkMs > 0, true);
  bench.receive(continuationFrame('end'), textFrame('b', MORE));
  bench.checkAfter(LIMITS.messageMs);
  t.notOk(bench.session.isOver, 'the first one is complete, the second is young');
  bench.receive(continuationFrame('end'));
  bench.checkAfter(3 * LIMITS.messageMs);
  t.notOk(bench.session.isOver, 'no message is open');
  bench.receive(textFrame('c', MORE));
  bench.checkAfter(4 * LIMITS.messageMs);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: while we do not read, nothing can arrive', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a', MORE));
  bench.session.pauseInput();
  bench.checkAfter(2 * LIMITS.messageMs);
  t.notOk(bench.session.isOver);
  bench.session.resumeInput();
  bench.checkAfter(3 * LIMITS.messageMs - 1);
  t.notOk(bench.session.isOver);
  bench.checkAfter(3 * LIMITS.messageMs);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: a header alone begins a message', async (t) => {
  const bench = new Bench(new Witness()).open();
  const bytes = encodeFrames([textFrame('abc')], true);
  bench.session.receive(bytes, 0, 6);
  bench.checkAfter(LIMITS.messageMs);
  t.ok(bench.session.isOver);
});

t.test('message-timeout: 0 means never, and pieces are nobody’s to wait for', async (t) => {
  const off = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, messageMs: 0 } }).open();
  off.receive(textFrame('a', MORE));
  off.checkAfter(1e9);
  t.notOk(off.session.isOver);

  const pieces = new Bench(new Witness('pieces')).open();
  pieces.receive(textFrame('a', MORE));
  pieces.checkAfter(1e9);
  t.notOk(pieces.session.isOver);
});

t.test('pong-timeout: a silent peer is pinged, and given up without an answer', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  t.equal(bench.transport.checkMs, LIMITS.pingMs, 'the first look is asked for');
  bench.checkAfter(LIMITS.pingMs - 1);
  t.strictSame(bench.sent(), []);
  t.equal(bench.transport.checkMs, 1);
  bench.checkAfter(LIMITS.pingMs);
  t.strictSame(bench.sent(), ['9 ']);
  t.equal(bench.transport.checkMs, LIMITS.pongMs);
  bench.checkAfter(LIMITS.pingMs + LIMITS.pongMs - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.pingMs + LIMITS.pongMs);
  t.strictSame(bench.calls(), ['drop pong-timeout']);
});

t.test('pong-timeout: any byte is a sign of life', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.checkAfter(LIMITS.pingMs);
  t.strictSame(bench.sent(), ['9 ']);
  const frame = encodeFrames([pongFrame()], true);
  bench.session.receive(frame, 0, 1);
  bench.checkAfter(LIMITS.pingMs + LIMITS.pongMs);
  t.strictSame(bench.calls(), []);
  t.strictSame(bench.sent(), [], 'and the next Ping is not due yet');
  bench.checkAfter(2 * LIMITS.pingMs);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('time before the handshake was answered is not silence', async (t) => {
  const bench = new Bench(new Witness(), {});
  bench.host.clock.nowMs = START_MS + 9000;
  bench.open();
  bench.checkAfter(LIMITS.pingMs);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(9000 + LIMITS.pingMs);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('whom we do not read we do not give up', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.transport.isInputPaused = true;
  bench.checkAfter(LIMITS.pingMs);
  bench.checkAfter(10 * LIMITS.pingMs);
  t.strictSame(bench.sent(), []);
  bench.transport.isInputPaused = false;
  bench.checkAfter(11 * LIMITS.pingMs - 1);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(11 * LIMITS.pingMs);
  t.strictSame(bench.sent(), ['9 ']);
});

t.test('who reads slowly lives', async (t) => {
  const bench = new Bench(new Witness(), {}).open();
  bench.block();
  bench.sent();
  bench.checkAfter(LIMITS.pingMs + 1);
  t.equal(bench.transport.outbox.queue.queuedBytes, 0, 'no Ping joins the queue');
  t.strictSame(
    bench.calls().filter((call) => call.startsWith('drop')),
    [],
  );
});

t.test('idle: no message for too long', async (t) => {
  const bench = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, idleMs: 60_000 } }).open();
  bench.host.clock.nowMs = START_MS + 20_000;
  bench.receive(textFrame('a'));
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.receive(pingFrame());
  bench.sent();
  bench.checkAfter(79_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(80_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
  bench.receive(closeFrame(1001));
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: null });
});

t.test('idle: what we send are messages too', async (t) => {
  const bench = new Bench(new Witness(), { limits: { ...NO_KEEPALIVE, idleMs: 60_000 } }).open();
  bench.host.clock.nowMs = START_MS + 30_000;
  bench.session.send(1, Buffer.from('a'));
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.session.sendPiece(1, Buffer.from('b'), 0, 1, true, false);
  bench.sent();
  bench.checkAfter(109_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(110_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
});

t.test('idle: pieces are messages too', async (t) => {
  const limits = { ...NO_KEEPALIVE, idleMs: 60_000 };
  const bench = new Bench(new Witness('pieces'), { limits }).open();
  bench.host.clock.nowMs = START_MS + 50_000;
  bench.receive(binaryFrame('a', MORE));
  bench.checkAfter(109_999);
  t.strictSame(bench.sent(), []);
  bench.checkAfter(110_000);
  t.strictSame(bench.sent(), [close(1001, 'idle: no message for too long')]);
});
