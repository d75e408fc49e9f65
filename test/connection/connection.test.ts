import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { Connection } from '../../src/connection/connection.js';
import type { HttpTunnel } from '../../src/http/tunnel.js';
import type { Consumer, Session, SessionSummary } from '../../src/session/session.js';
import { probeSharedReads } from '../../src/connection/node-internals.js';
import { HandshakeError, InvalidStateError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
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
  textFrame,
} from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { ACCEPTED, type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { Gate, extensionOf } from '../fixtures/session-bench.js';
import { byteByByte, piecesOf } from '../fixtures/splits.js';
import {
  type HostOptions,
  LIMITS,
  NO_KEEPALIVE,
  START_MS,
  TestHost,
  arrivalOf,
} from '../fixtures/test-host.js';
import { eventually } from '../fixtures/within.js';

const QUIET: HostOptions = { limits: NO_KEEPALIVE };
const LINGER_MS = 2000;
const LINGER_BYTES = 32 * 1024 * 1024;

const RESERVED_BIT = 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)';
const BAD_FRAME = textFrame('bad', { rsv: 4 });

const fromClient = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, true);
const fromServer = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, false);

/** The head of a request with frames right behind it. */
const requestWith = (...frames: readonly TestFrame[]): Uint8Array =>
  Buffer.concat([Buffer.from(upgradeText()), fromClient(...frames)]);

/** The accepting answer with frames right behind it, in hex. */
const acceptedWith = (...frames: readonly TestFrame[]): string =>
  hexOf(Buffer.concat([Buffer.from(ACCEPTED), fromServer(...frames)]));

/** A consumer that does nothing, apart from what a test says. */
function consumerWith(parts: Partial<Consumer>): Consumer {
  return { delivery: 'messages', ...parts };
}

/** A consumer whose opening the test decides. */
class SlowOpener implements Consumer {
  readonly delivery = 'messages';
  readonly opening: Session[] = [];
  readonly closedWith: SessionSummary[] = [];
  readonly abandonedBy: Session[] = [];
  accept: () => void = () => undefined;
  refuse: (error: unknown) => void = () => undefined;

  upgrade(session: Session): Promise<void> {
    this.opening.push(session);
    return new Promise((resolve, reject) => {
      this.accept = resolve;
      this.refuse = reject;
    });
  }

  message(session: Session, opcode: 1 | 2, bytes: Uint8Array, start: number, end: number): void {
    session.send(opcode, bytes, start, end);
  }

  abandoned(session: Session): void {
    this.abandonedBy.push(session);
  }

  close(_session: Session, summary: SessionSummary): void {
    this.closedWith.push(summary);
  }
}

/** A connection on a socket without a network. */
class Bench {
  readonly socket = new FakeSocket();
  readonly host: TestHost;
  readonly connection: Connection;
  readonly closed: Connection[] = [];

  constructor(consumer: Consumer = echoMode, options: HostOptions = QUIET, host?: TestHost) {
    this.host = host ?? new TestHost(consumer, options);
    this.connection = new Connection(
      this.socket.asSocket,
      arrivalOf(this.socket.asSocket),
      this.host,
      (connection) => this.closed.push(connection),
    );
    this.connection.start();
  }

  /** Has the handshake answered, and forgets what was done for it. */
  open(): this {
    this.receive(upgradeText());
    t.equal(this.socket.takeWritten().toString('latin1'), ACCEPTED);
    this.socket.calls.length = 0;
    return this;
  }

  /** One read. */
  receive(bytes: Uint8Array | string): void {
    this.socket.emit('data', Buffer.from(bytes));
  }

  /** One read of frames. */
  receiveFrames(...frames: readonly TestFrame[]): void {
    this.receive(fromClient(...frames));
  }

  /** What was written since the last call, in hex. */
  written(): string {
    return hexOf(this.socket.takeWritten());
  }

  /** Status and body of the answer. */
  refusal(): string {
    const text = this.socket.takeWritten().toString('latin1');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    return `${head.split(' ')[1] ?? ''} ${body}`;
  }

  /** What was done with the socket since the last call. */
  calls(): readonly string[] {
    return this.socket.calls.splice(0);
  }

  /** Whatever promises were waiting for goes on. */
  async settle(): Promise<void> {
    await new Promise(setImmediate);
  }

  checkAfter(ms: number): void {
    this.host.clock.nowMs = START_MS + ms;
    this.connection.check(START_MS + ms);
  }

  /** How long after the start the next check is due. */
  get nextCheckAfterMs(): number {
    return this.connection.nextCheckMs - START_MS;
  }

  /** The kernel takes nothing any more, which a message from us finds out. */
  async block(): Promise<void> {
    this.socket.isTaking = false;
    this.host.opened[0]!.send(2, Buffer.from('fill'));
    await this.settle();
    t.equal(this.written(), hexOf(fromServer(binaryFrame('fill'))));
    t.ok(this.connection.outbox.isBlocked);
  }
}

// ---- The opening handshake

t.test('a connection knows its peer', async (t) => {
  t.match(new Bench().connection, { remoteAddress: '203.0.113.7', remotePort: 51_234 });
  const socket = new FakeSocket().asSocket;
  const arrival = arrivalOf(socket, 'unix');
  const connection = new Connection(socket, arrival, new TestHost(echoMode), () => undefined);
  t.match(connection, { remoteAddress: 'unix', remotePort: 0, localAddress: 'unix' });
});

t.test('who was refused at the door is told so, whatever is asked for', async (t) => {
  for (const request of [upgradeText(), 'GET / HTTP/9.9\r\n\r\n', '\0']) {
    const socket = new FakeSocket();
    const host = new TestHost(echoMode);
    host.client = { remoteAddress: '198.51.100.7', remotePort: 1 };
    const refusal = new HandshakeError('address');
    const arrival = { ...arrivalOf(socket.asSocket), refusal };
    const connection = new Connection(socket.asSocket, arrival, host, () => undefined);
    t.equal(connection.isCounted, false);
    connection.start();
    socket.emit('data', Buffer.from(request));
    t.match(socket.written.toString('latin1'), /^HTTP\/1\.1 403 /);
    t.match(host.refusals, [{ error: refusal }]);
    t.strictSame(host.found, [], 'it counts for nobody');
  }
});

t.test(
  'a connection can be spared while it waits for a request, and after it was refused one',
  async (t) => {
    const bench = new Bench();
    const isExpendable = (): boolean => bench.host.expendables.has(bench.connection);
    bench.host.expendables.add(bench.connection);
    bench.receive('GET / HTTP/1.1\r\n');
    t.ok(isExpendable());
    bench.receive(upgradeText().replace(/^.*\r\n/, ''));
    t.notOk(isExpendable());
    const refused = new Bench();
    refused.receive('GET / HTTP/1.1\r\n\r\n');
    t.ok(refused.host.expendables.has(refused.connection));
    t.notOk(refused.socket.destroyed);
    refused.connection.giveUp();
    t.ok(refused.socket.destroyed, 'it has its answer');
  },
);

t.test('nothing is read before it starts', async (t) => {
  const socket = new FakeSocket();
  const arrival = arrivalOf(socket.asSocket);
  const host = new TestHost(echoMode);
  const connection = new Connection(socket.asSocket, arrival, host, () => undefined);
  t.strictSame(socket.eventNames(), []);
  connection.start();
  t.strictSame(new Set(socket.eventNames()), new Set(['data', 'error', 'end', 'drain', 'close']));
});

t.test('§4.2.2: a good request is accepted', async (t) => {
  const bench = new Bench();
  bench.receive(upgradeText());
  t.strictSame(bench.calls(), [`write ${ACCEPTED.length}`]);
  t.equal(bench.written(), acceptedWith());
  t.equal(bench.host.opened.length, 1);
  t.strictSame(bench.host.refusals, []);
});

t.test('frames right behind the head, whole and byte by byte', async (t) => {
  const input = requestWith(textFrame('a'), pingFrame('b'), binaryFrame('c'));
  const answer = acceptedWith(textFrame('a'), pongFrame('b'), binaryFrame('c'));
  const whole = new Bench();
  whole.receive(input);
  t.equal(whole.socket.writeCount, 1, 'one write per read');
  t.equal(whole.written(), answer);

  const bytewise = new Bench();
  for (const byte of piecesOf(input, byteByByte(input.length))) bytewise.receive(byte);
  t.equal(bytewise.socket.writeCount, 4);
  t.equal(bytewise.written(), answer);
});

t.test('a malformed request is refused, and nothing behind it is looked at', async (t) => {
  const bench = new Bench();
  bench.receive(Buffer.concat([Buffer.from('GET / HTTP/9.9\r\n\r\n'), requestWith()]));
  t.equal(bench.refusal(), '505 HTTP version must be 1.1 (RFC 6455 4.1)\n');
  t.match(bench.calls(), [/^write \d+$/, 'end', 'resume']);
  bench.receive(upgradeText());
  t.strictSame(bench.calls(), []);
  const [{ address, error, cause }] = bench.host.refusals as [(typeof bench.host.refusals)[0]];
  t.equal(bench.host.refusals.length, 1);
  t.equal(address, bench.connection);
  t.equal(error.rule, 'http-version');
  t.equal(cause, error);
  t.strictSame(bench.host.opened, []);
});

t.test('the answer to HEAD has no body', async (t) => {
  const bench = new Bench();
  bench.receive(upgradeText({}, 'HEAD / HTTP/1.1'));
  t.equal(bench.refusal(), '405 ');
});

t.test('who is not let in is told once the request is complete', async (t) => {
  const bench = new Bench();
  bench.host.refusal = new HandshakeError('full');
  const text = upgradeText();
  bench.receive(text.slice(0, -1));
  t.equal(bench.socket.writeCount, 0);
  bench.receive(text.slice(-1));
  t.equal(bench.refusal(), '503 no more connections are taken now\n');
  t.strictSame(bench.host.opened, []);
});

t.test('a consumer accepts or refuses at once', async (t) => {
  const seen: unknown[] = [];
  const accepting = new Bench(
    consumerWith({
      upgrade: (session, request) => {
        seen.push(session.path, request.target);
      },
    }),
  );
  accepting.receive(upgradeText({}, 'GET /a?b HTTP/1.1'));
  t.strictSame(seen, ['/a', '/a?b']);
  t.equal(accepting.written(), acceptedWith());

  const closed: unknown[] = [];
  const refusing = new Bench(
    consumerWith({
      upgrade: () => {
        throw new HandshakeError('target-refused');
      },
      close: (session) => closed.push(session),
    }),
  );
  refusing.receive(upgradeText());
  t.equal(refusing.refusal(), '502 the target refused the connection\n');
  refusing.socket.destroy();
  await refusing.settle();
  t.strictSame(closed, [], 'a session that never was is not closed');
});

t.test('a consumer that fails while opening is a 500, whose cause only the log sees', async (t) => {
  const defect = new TypeError('secret detail');
  const bench = new Bench(
    consumerWith({
      upgrade: () => {
        throw defect;
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.refusal(), '500 internal error\n');
  t.equal(bench.host.refusals[0]!.error.rule, 'internal');
  t.equal(bench.host.refusals[0]!.cause, defect);
});

t.test('a consumer cannot send before the handshake is answered', async (t) => {
  const bench = new Bench(
    consumerWith({
      upgrade: (session) => {
        session.send(1, Buffer.from('greeting'));
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.refusal(), '500 internal error\n');
  t.type(bench.host.refusals[0]!.cause, InvalidStateError);
});

t.test('a consumer takes its time and accepts', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith(textFrame('a'), textFrame('b', MORE)));
  t.strictSame(bench.calls(), [], 'nothing is answered, and we read on to hear when the peer goes');
  bench.receive(fromClient(continuationFrame('c'), textFrame('d')));
  t.strictSame(bench.host.opened, []);

  consumer.accept();
  await bench.settle();
  const answer = acceptedWith(textFrame('a'), textFrame('bc'), textFrame('d'));
  t.strictSame(bench.calls(), ['resume', `write ${answer.length / 2}`], 'one write for all of it');
  t.equal(bench.written(), answer);
  t.notOk(bench.connection.isInputPaused);
  t.strictSame(bench.host.opened, consumer.opening);
});

t.test('what comes while a consumer takes its time is bounded', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith());
  const large = fromClient(binaryFrame(new Uint8Array(70_000)));
  bench.receive(large.subarray(0, 60_000));
  t.strictSame(bench.calls(), []);
  bench.receive(large.subarray(60_000));
  t.strictSame(bench.calls(), ['pause']);
  consumer.opening[0]!.resumeInput();
  t.strictSame(bench.calls(), [], 'and nobody can start it again');
  consumer.accept();
  await bench.settle();
  t.match(bench.calls(), ['resume', /^write/]);
  t.equal(bench.written().slice(-140_000), hexOf(new Uint8Array(70_000)));
});

t.test('who asks is asked who he is, before the consumer is', async (t) => {
  const consumer = new SlowOpener();
  let answer: (error?: Error) => void = () => undefined;
  const authorize = (): Promise<void> =>
    new Promise((resolve, reject) => {
      answer = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  const opening = { authorize };
  const good = new Bench(consumer, { ...QUIET, opening });
  good.receive(requestWith());
  await good.settle();
  t.equal(consumer.opening.length, 0);
  answer();
  await good.settle();
  t.equal(consumer.opening.length, 1);
  consumer.accept();
  await good.settle();
  t.equal(good.written(), acceptedWith());

  const bad = new Bench(consumer, { ...QUIET, opening });
  bad.receive(requestWith());
  answer(new HandshakeError('unauthorized'));
  await bad.settle();
  t.equal(bad.refusal(), '401 authentication required\n');

  const gone = new Bench(consumer, { ...QUIET, opening });
  gone.receive(requestWith());
  gone.socket.emit('end');
  await gone.settle();
  answer();
  await gone.settle();
  t.equal(consumer.opening.length, 1, 'who is gone meanwhile opens nothing');
  t.equal(gone.written(), '');

  const atOnce = new Bench(echoMode, {
    ...QUIET,
    opening: {
      authorize: () => {
        throw new HandshakeError('unauthorized');
      },
    },
  });
  atOnce.receive(requestWith());
  t.equal(atOnce.refusal(), '401 authentication required\n');
});

t.test('the client is whom a proxy names, for everything that follows', async (t) => {
  const bench = new Bench();
  const proxy = { remoteAddress: '203.0.113.7', remotePort: 51_234 };
  bench.host.client = { remoteAddress: '198.51.100.9', remotePort: 0 };
  bench.receive(upgradeText());
  t.match(bench.connection, bench.host.client);
  t.strictSame(bench.host.found, [[proxy, bench.host.client]]);
  t.match(bench.host.opened, [{ remoteAddress: '198.51.100.9', remotePort: 0 }]);
});

t.test('a session knows the address that it was reached at', async (t) => {
  const bench = new Bench().open();
  t.match(bench.host.opened, [{ localAddress: '192.0.2.1', localPort: 443 }]);
  Object.assign(bench.socket, { localAddress: undefined, localPort: undefined });
  t.match(bench.host.opened, [{ localAddress: '::', localPort: 0 }], 'the socket is gone');
});

t.test('a consumer that wants no input while it opens gets none afterwards', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith());
  consumer.opening[0]!.pauseInput();
  bench.calls();
  consumer.accept();
  await bench.settle();
  t.ok(bench.connection.isInputPaused);
  t.notOk(bench.calls().includes('resume'));
  consumer.opening[0]!.resumeInput();
  t.strictSame(bench.calls(), ['resume']);
});

t.test('a consumer takes its time and nothing came meanwhile', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith());
  consumer.accept();
  await bench.settle();
  t.equal(bench.written(), acceptedWith());
  bench.receiveFrames(textFrame('a'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('a'))));
});

t.test('a consumer takes its time and refuses', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith(textFrame('a')));
  consumer.refuse(new HandshakeError('target-timeout'));
  await bench.settle();
  t.equal(bench.refusal(), '504 the target was not reached in time\n');
  t.match(bench.calls(), [/^write \d+$/, 'end', 'resume']);
  bench.socket.destroy();
  await bench.settle();
  t.strictSame(consumer.closedWith, []);
  t.strictSame(bench.host.ended, []);
});

t.test('a consumer takes its time and fails', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  const defect = new Error('secret detail');
  bench.receive(requestWith());
  consumer.refuse(defect);
  await bench.settle();
  t.equal(bench.refusal(), '500 internal error\n');
  t.equal(bench.host.refusals[0]!.cause, defect);
});

t.test('the peer is gone before the consumer accepts', async (t) => {
  for (const how of ['FIN', 'a drop'] as const) {
    const consumer = new SlowOpener();
    const bench = new Bench(consumer);
    bench.receive(requestWith());
    if (how === 'FIN') bench.socket.emit('end');
    else bench.connection.drop('shutdown');
    await bench.settle();
    t.strictSame(bench.closed, [bench.connection], how);
    t.strictSame(consumer.abandonedBy, consumer.opening, 'it may stop now');
    t.strictSame(consumer.closedWith, [], 'while it opens, it is told nothing else');
    consumer.accept();
    await bench.settle();
    t.equal(consumer.closedWith.length, 1, 'then it is told once');
    t.match(consumer.closedWith[0], { closeCode: 1006, closedBy: 'lost' });
    t.equal(bench.written(), '', 'and nothing is sent');
    t.strictSame(bench.host.opened, []);
    t.strictSame(bench.host.ended, []);
  }
});

t.test('the peer is gone before the consumer refuses', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  bench.receive(requestWith());
  bench.socket.emit('end');
  await bench.settle();
  consumer.refuse(new HandshakeError('target-refused'));
  await bench.settle();
  t.equal(bench.written(), '');
  t.strictSame(consumer.closedWith, []);
});

t.test('408: the consumer takes longer than the handshake may', async (t) => {
  const consumer = new SlowOpener();
  const bench = new Bench(consumer);
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout);
  bench.receive(requestWith());
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'the deadline stands');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(bench.refusal(), '408 opening handshake took too long\n');
  consumer.accept();
  await bench.settle();
  t.equal(consumer.closedWith.length, 1);
  bench.socket.destroy();
  await bench.settle();
  t.equal(consumer.closedWith.length, 1, 'closed is told once');
  t.equal(bench.written(), '');
  t.equal(bench.host.refusals.length, 1);
});

t.test('408: the request does not come to an end', async (t) => {
  const bench = new Bench();
  bench.receive('G');
  bench.host.clock.nowMs = START_MS + 9000;
  bench.receive('E');
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'a byte now and then wins no time');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(bench.refusal(), '408 opening handshake took too long\n');
});

t.test('who says nothing gets no answer', async (t) => {
  const bench = new Bench();
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
  t.strictSame(bench.host.refusals, []);
});

t.test('who hangs up before the head is complete gets no answer', async (t) => {
  const bench = new Bench();
  bench.receive('GET / HTTP/1.1\r\n');
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['destroy']);
  await bench.settle();
  t.strictSame(bench.closed, [bench.connection]);
  t.strictSame(bench.host.refusals, []);
});

t.test('an error of the socket before there is a session is nobody’s', async (t) => {
  const bench = new Bench();
  bench.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  bench.socket.emit('drain');
  bench.socket.emit('close');
  t.strictSame(bench.closed, [bench.connection]);
  t.strictSame(bench.host.ended, []);
});

// ---- Open: output

t.test('one write per read, whatever the read brings', async (t) => {
  const bench = new Bench().open();
  const frames = Array.from({ length: 100 }, (_, index) => textFrame(`message ${index}`));
  const queued = t.capture(bench.host.flushQueue, 'add');
  bench.receiveFrames(...frames);
  t.equal(bench.socket.writeCount, 1);
  t.strictSame(queued(), [], 'who is being read from is flushed anyway');
  t.equal(bench.written(), hexOf(fromServer(...frames)));
});

t.test('what a read sends elsewhere leaves in one write too, at its end', async (t) => {
  const other = new Bench().open();
  const [otherSession] = other.host.opened;
  const order: string[] = [];
  const consumer = consumerWith({
    message: (session, opcode, bytes, start, end) => {
      otherSession!.send(opcode, bytes, start, end);
      session.send(opcode, bytes, start, end);
      order.push(`${other.socket.writeCount}`);
    },
  });
  const host = new TestHost(consumer, QUIET);
  // Both belong to one server.
  Object.assign(host, { flushQueue: other.host.flushQueue });
  const bench = new Bench(consumer, QUIET, host).open();
  const scheduled = t.capture(globalThis, 'queueMicrotask');
  bench.receiveFrames(textFrame('a'), textFrame('b'));
  t.strictSame(scheduled(), [], 'and not later');
  t.strictSame(order, ['0', '0']);
  t.strictSame(other.calls(), ['write 6']);
  t.strictSame(bench.calls(), ['write 6']);
});

t.test('what is sent at any other time leaves soon, in one write', async (t) => {
  const bench = new Bench().open();
  const [session] = bench.host.opened;
  const queued = t.capture(
    bench.host.flushQueue,
    'add',
    bench.host.flushQueue.add.bind(bench.host.flushQueue),
  );
  for (const text of ['a', 'b', 'c']) session!.send(1, Buffer.from(text));
  t.equal(queued().length, 1);
  t.strictSame(bench.calls(), []);
  await bench.settle();
  t.strictSame(bench.calls(), ['write 9']);
  session!.send(1, Buffer.from('d'));
  await bench.settle();
  t.strictSame(bench.calls(), ['write 3']);
});

t.test('while the socket is blocked nothing is written, and the newest Pong is owed', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.calls();
  t.equal(bench.nextCheckAfterMs, LIMITS.sendTimeout / 4);
  bench.receiveFrames(pingFrame('a'), textFrame('b'), pingFrame('c'));
  bench.receiveFrames(textFrame('d'));
  t.strictSame(bench.calls(), []);
  bench.socket.drain();
  t.equal(bench.socket.writeCount, 1);
  t.equal(bench.written(), hexOf(fromServer(textFrame('b'), textFrame('d'), pongFrame('c'))));
});

t.test('an echo that is not read stops the reading until it is', async (t) => {
  const bench = new Bench().open();
  const large = binaryFrame(new Uint8Array(LIMITS.outputPause));
  bench.socket.isTaking = false;
  bench.receiveFrames(large);
  t.ok(bench.connection.isInputPaused);
  t.ok(bench.socket.isPaused);
  bench.socket.drain();
  t.notOk(bench.connection.isInputPaused);
  t.notOk(bench.socket.isPaused);
});

t.test('a large echo that the kernel takes at once does not stop the reading', async (t) => {
  const bench = new Bench().open();
  const large = binaryFrame(new Uint8Array(LIMITS.outputPause));
  bench.receiveFrames(large);
  t.notOk(bench.connection.isInputPaused, "there will be no 'drain' to start it again");
  t.notOk(bench.socket.isPaused);
  t.equal(bench.written(), hexOf(fromServer(large)));
});

t.test('after drained the consumer is blocked again, and told again', async (t) => {
  let drainedCount = 0;
  const large = new Uint8Array(LIMITS.outputPause);
  const bench = new Bench(
    consumerWith({
      message: (session) => {
        t.notOk(session.send(2, large));
      },
      drain: (session) => {
        drainedCount += 1;
        if (drainedCount > 1) return;
        bench.socket.isTaking = false;
        t.notOk(session.send(2, large));
      },
    }),
  ).open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('go'));
  t.equal(drainedCount, 0);
  bench.socket.drain();
  t.equal(drainedCount, 1);
  await bench.settle();
  t.equal(bench.socket.writeCount, 2);
  t.equal(drainedCount, 1);
  bench.socket.drain();
  t.equal(drainedCount, 2);
});

t.test('what waited while blocked can block again: drained waits', async (t) => {
  let drainedCount = 0;
  const bench = new Bench(
    consumerWith({
      drain: () => {
        drainedCount += 1;
      },
    }),
  ).open();
  const [session] = bench.host.opened;
  await bench.block();
  t.notOk(session!.send(2, new Uint8Array(LIMITS.outputPause)));
  await bench.settle();
  bench.socket.writableLength = 0;
  bench.socket.emit('drain');
  t.ok(bench.connection.outbox.isBlocked);
  t.equal(drainedCount, 0);
  bench.socket.drain();
  t.equal(drainedCount, 1);
});

t.test(
  'what waited while blocked can block again, with room for more: drained comes',
  async (t) => {
    const bench = new Bench().open();
    bench.socket.isTaking = false;
    bench.receiveFrames(binaryFrame(new Uint8Array(LIMITS.outputPause)), textFrame('rest'));
    t.ok(bench.connection.isInputPaused);
    bench.socket.writableLength = 0;
    bench.socket.emit('drain');
    t.ok(bench.connection.outbox.isBlocked);
    t.equal(bench.host.opened[0]!.waitingBytes, 6);
    t.notOk(bench.connection.isInputPaused);
  },
);

t.test('1008 and the end: a peer that asks for more and more and reads nothing', async (t) => {
  const bench = new Bench(
    consumerWith({
      message: (session, opcode, bytes, start, end) => {
        session.send(opcode, bytes, start, end);
      },
    }),
  ).open();
  bench.socket.isTaking = false;
  const payload = new Uint8Array(LIMITS.maxMessage);
  let count = 0;
  while (!bench.socket.calls.includes('end') && count < 10) {
    bench.receiveFrames(binaryFrame(payload));
    count += 1;
  }
  t.equal(count, 3, 'the limit and one message');
  const reason = 'client reads too slowly: too much output is waiting';
  t.ok(bench.written().endsWith(hexOf(fromServer(closeFrame(1008, reason)))));
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ rule: 'output-limit', closeCode: 1008, messagesOut: 3 }]);
});

t.test('a consumer that fails in drained gets 1011 sent', async (t) => {
  const defect = new Error('in drained');
  const bench = new Bench(
    consumerWith({
      message: (session) => {
        session.send(2, new Uint8Array(LIMITS.outputPause));
      },
      drain: () => {
        throw defect;
      },
    }),
  ).open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('go'));
  bench.written();
  bench.socket.drain();
  await bench.settle();
  t.equal(bench.written(), hexOf(fromServer(closeFrame(1011, 'internal error'))));
  t.equal(bench.calls().includes('end'), true);
  bench.socket.emit('close');
  t.equal(bench.host.ended[0]!.error, defect);
});

t.test('a consumer that fails by itself gets 1011 sent, and FIN', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.fail(new Error('in a timer'));
  await bench.settle();
  const sent = fromServer(closeFrame(1011, 'internal error'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
});

t.test('a consumer that fails in a message gets 1011 sent, behind what it had sent', async (t) => {
  const bench = new Bench(
    consumerWith({
      message: (session, opcode, bytes, start, end) => {
        session.send(opcode, bytes, start, end);
        if (bytes[start] === 0x62) throw new Error('in message');
      },
    }),
  ).open();
  bench.receiveFrames(textFrame('a'), textFrame('b'), textFrame('c'));
  const sent = fromServer(textFrame('a'), textFrame('b'), closeFrame(1011, 'internal error'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
});

// ---- The end

t.test('§7.1.1: the peer closes: our Close and FIN at once', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a'), closeFrame(1000, 'bye'), textFrame('b'));
  const sent = fromServer(textFrame('a'), closeFrame(1000, 'bye'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.socket.emit('end');
  t.strictSame(bench.calls(), [], 'the rest is the socket’s');
  bench.socket.emit('close');
  t.strictSame(bench.closed, [bench.connection]);
  t.match(bench.host.ended, [{ closedBy: 'client', closeCode: 1000, closeReason: 'bye' }]);
});

t.test('§7.1.2: we close: FIN once the peer has answered', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.close(4000, 'over');
  await bench.settle();
  t.equal(bench.written(), hexOf(fromServer(closeFrame(4000, 'over'))));
  t.notOk(bench.calls().includes('end'));
  bench.receiveFrames(closeFrame(4000));
  t.strictSame(bench.calls(), ['end', 'resume']);
  t.equal(bench.written(), '');
});

t.test('§7.1.7: the connection fails: what was sent, Close, FIN, and deaf', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a'), BAD_FRAME, pingFrame('b'));
  const sent = fromServer(textFrame('a'), closeFrame(1002, RESERVED_BIT));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.receiveFrames(pingFrame('c'), closeFrame(1002));
  t.strictSame(bench.calls(), []);
});

t.test('the end does not wait for a blocked socket, and nothing is lost', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.calls();
  bench.receiveFrames(textFrame('a'), closeFrame(1000));
  const sent = fromServer(textFrame('a'), closeFrame(1000));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.socket.drain();
  t.strictSame(bench.calls(), []);
});

t.test('the end makes a paused socket read on: the peer’s FIN must be seen', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.pauseInput();
  t.strictSame(bench.calls(), ['pause']);
  bench.receiveFrames(closeFrame(1000));
  t.notOk(bench.socket.isPaused);
  bench.host.opened[0]!.pauseInput();
  t.notOk(bench.socket.isPaused, 'and nobody can stop it any more');
  bench.host.opened[0]!.resumeInput();
  t.notOk(bench.socket.isPaused);

  const reading = new Bench().open();
  reading.receiveFrames(closeFrame(1000));
  reading.host.opened[0]!.pauseInput();
  t.notOk(reading.socket.isPaused, 'nor if it had not been paused before');
});

t.test('FIN without Close: ours follows, and the session was lost', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a', MORE));
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['end', 'resume']);
  t.equal(bench.written(), '');
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closedBy: 'lost', closeCode: 1006, error: null, rule: null }]);
});

t.test('FIN behind a request for more: what was asked is still answered', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.receiveFrames(textFrame('a'));
  bench.calls();
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['write 3', 'end', 'resume']);
});

t.test('the socket breaks: its error is in the summary', async (t) => {
  const codes: readonly [Error, string][] = [
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new Error('without a code'), 'without a code'],
  ];
  for (const [error, expected] of codes) {
    const bench = new Bench().open();
    bench.socket.emit('error', error);
    bench.socket.emit('close');
    t.match(bench.host.ended, [{ closedBy: 'lost', closeCode: 1006, error: expected }]);
    t.strictSame(bench.closed, [bench.connection]);
  }
});

t.test('what waits is forgotten with the socket', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  const [session] = bench.host.opened;
  session!.send(1, Buffer.from('lost'));
  t.ok(session!.waitingBytes > 0);
  bench.socket.emit('close');
  t.equal(session!.waitingBytes, 0);
  await bench.settle();
  t.notOk(session!.send(1, Buffer.from('late')), 'a consumer may hold on to a session');
  session!.close();
  await bench.settle();
  t.equal(bench.written(), '');
});

t.test('lingering: at most 32 MiB are thrown away', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(BAD_FRAME);
  bench.calls();
  const chunk = new Uint8Array(LINGER_BYTES / 4);
  for (let count = 0; count < 4; count++) bench.receive(chunk);
  t.strictSame(bench.calls(), []);
  bench.receive(new Uint8Array(1));
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('lingering: two seconds after our last byte has left', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(BAD_FRAME);
  bench.calls();
  t.equal(bench.nextCheckAfterMs, LINGER_MS / 4);
  bench.checkAfter(LINGER_MS - 1);
  t.strictSame(bench.calls(), []);
  t.equal(bench.nextCheckAfterMs, LINGER_MS - 1 + LINGER_MS / 4);
  bench.checkAfter(LINGER_MS);
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('lingering begins when the peer has read everything', async (t) => {
  const bench = new Bench().open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('a'), BAD_FRAME);
  bench.calls();
  bench.checkAfter(4000);
  bench.socket.progress(1);
  bench.checkAfter(8000);
  bench.socket.drain();
  bench.socket.writableFinished = true;
  bench.checkAfter(8000 + LINGER_MS - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(8000 + LINGER_MS);
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('send-timeout at the end: the peer does not read our last bytes', async (t) => {
  const bench = new Bench().open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('a'), closeFrame(1000));
  bench.calls();
  bench.checkAfter(LIMITS.closeTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
  await bench.settle();
  t.match(bench.host.ended, [{ closeCode: 1000, rule: 'send-timeout' }]);
});

t.test('send-timeout of a refusal', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.receive('x\r\n');
  t.equal(bench.host.refusals.length, 1);
  bench.calls();
  bench.checkAfter(1000);
  bench.checkAfter(1000 + LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
});

// ---- Deadlines and the server

t.test('the deadlines of the session are looked at, and what they send leaves', async (t) => {
  const bench = new Bench(echoMode, {}).open();
  t.equal(bench.nextCheckAfterMs, LIMITS.pingInterval, 'that of the handshake is gone');
  bench.checkAfter(LIMITS.pingInterval);
  t.equal(bench.written(), hexOf(fromServer(pingFrame())));
  t.equal(bench.nextCheckAfterMs, LIMITS.pingInterval + LIMITS.pongTimeout);
  bench.calls();
  bench.checkAfter(LIMITS.pingInterval + LIMITS.pongTimeout);
  const reason = 'no answer to a Ping for too long';
  t.equal(bench.written(), hexOf(fromServer(closeFrame(1001, reason))));
  t.strictSame(bench.calls().slice(1), ['end', 'resume'], 'Close and FIN');
  bench.checkAfter(LIMITS.pingInterval + LIMITS.pongTimeout + 2000);
  t.strictSame(bench.calls(), ['destroy']);
  await bench.settle();
  t.match(bench.host.ended, [{ closedBy: 'server', closeCode: 1001, rule: 'pong-timeout' }]);
});

t.test('the message deadline fails the connection, with Close and FIN', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a', MORE));
  bench.checkAfter(LIMITS.messageTimeout);
  const sent = fromServer(closeFrame(1008, 'message took too long to arrive'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
});

t.test('with no deadline nothing is looked at', async (t) => {
  const bench = new Bench().open();
  t.ok(bench.connection.nextCheckMs > 1e15);
  bench.connection.checkWithin(700);
  bench.connection.checkWithin(900);
  t.equal(bench.nextCheckAfterMs, 700, 'the earliest counts');
});

t.test('the server stops: a session is closed with 1001', async (t) => {
  const bench = new Bench().open();
  bench.connection.shutDown();
  bench.connection.shutDown();
  await bench.settle();
  const reason = 'the server is shutting down';
  t.equal(bench.written(), hexOf(fromServer(closeFrame(1001, reason))));
  bench.receiveFrames(closeFrame(1001));
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closedBy: 'server', closeCode: 1001, closeReason: reason }]);
});

t.test('the server stops: a handshake is refused with 503', async (t) => {
  const consumer = new SlowOpener();
  const silent = new Bench(consumer);
  const opening = new Bench(consumer);
  opening.receive(requestWith());
  for (const bench of [silent, opening]) {
    bench.connection.shutDown();
    t.equal(bench.refusal(), '503 the server is shutting down\n');
    t.ok(bench.calls().includes('end'));
    bench.connection.shutDown();
    t.strictSame(bench.calls(), [], 'once');
  }
});

t.test('the server stops: who is ending goes on ending', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(closeFrame(1000));
  bench.written();
  bench.calls();
  bench.connection.shutDown();
  t.strictSame(bench.calls(), []);
  bench.connection.drop('shutdown');
  t.strictSame(bench.calls(), ['destroy']);
});

// ---- Extensions

/** The request that offers {@link Gate}, with frames right behind it. */
const gatedRequest = (...frames: readonly TestFrame[]): Uint8Array =>
  Buffer.concat([
    Buffer.from(upgradeText({ 'Sec-WebSocket-Extensions': 'x-gate' })),
    fromClient(...frames),
  ]);

/** The accepting answer with the extension, and frames right behind it, in hex. */
const gatedAnswer = (...frames: readonly TestFrame[]): string => {
  const head = ACCEPTED.replace(/\r\n$/, 'Sec-WebSocket-Extensions: x-gate\r\n\r\n');
  return hexOf(Buffer.concat([Buffer.from(head), fromServer(...frames)]));
};

/** A connection that speaks, or will speak, with a gate. */
const gatedConnection = (gate: Gate, consumer: Consumer = echoMode): Bench =>
  new Bench(consumer, { ...QUIET, extensions: [gate] });

t.test(
  '§9.1: the answer names the extensions, and they work on what comes behind it',
  async (t) => {
    const gate = new Gate();
    const bench = gatedConnection(gate);
    bench.receive(gatedRequest(textFrame('a', { rsv: 4 })));
    t.equal(bench.written(), gatedAnswer(textFrame('a')), 'the bit is its own');
    t.equal(bench.host.opened[0]!.extensions, 'x-gate');

    const without = gatedConnection(gate);
    without.receive(requestWith(textFrame('a')));
    t.equal(without.written(), acceptedWith(textFrame('a')), 'who offers none gets none');
  },
);

t.test('an answer that cannot be sent: nobody has opened anything for it', async (t) => {
  const extension = extensionOf('x-a', { response: () => 'x-a;\tlevel' });
  for (const open of [(): undefined => undefined, async (): Promise<void> => undefined]) {
    let opened = 0;
    let closed = 0;
    const consumer = consumerWith({
      upgrade: () => {
        opened += 1;
        return open();
      },
      close: () => {
        closed += 1;
      },
    });
    const bench = new Bench(consumer, { ...QUIET, extensions: [extension] });
    bench.receive(upgradeText({ 'Sec-WebSocket-Extensions': 'x-a' }));
    await bench.settle();
    t.match(bench.socket.takeWritten().toString('latin1'), /^HTTP\/1.1 (101|500) /);
    bench.socket.destroy();
    await bench.settle();
    t.equal(closed, opened, 'who was asked is told of the end');
  }
});

t.test('a consumer sees what was agreed on before it agrees itself', async (t) => {
  const consumer = new SlowOpener();
  const bench = gatedConnection(new Gate(), consumer);
  bench.receive(gatedRequest(textFrame('a')));
  t.equal(consumer.opening[0]!.extensions, 'x-gate');
  consumer.accept();
  await bench.settle();
  t.equal(bench.written(), gatedAnswer(textFrame('a')));
});

t.test('what a chain finishes later leaves by itself, and reading waits for it', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedConnection(gate);
  bench.receive(gatedRequest(textFrame('first')));
  await gate.decoded();
  bench.written();
  await gate.encoded();
  t.equal(bench.written(), hexOf(fromServer(textFrame('first'))));

  bench.receiveFrames(textFrame('a'), pingFrame('p'), closeFrame(1000));
  t.equal(bench.written(), hexOf(fromServer(pongFrame('p'))));
  t.ok(bench.socket.isPaused);
  await gate.decoded();
  t.notOk(bench.socket.isPaused);
  bench.calls();
  await gate.encoded();
  t.equal(bench.written(), hexOf(fromServer(textFrame('a'), closeFrame(1000))));
  t.strictSame(bench.calls(), ['write 7', 'end', 'resume'], 'one write, and FIN behind it');
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closeCode: 1000, closedBy: 'client', messagesOut: 2 }]);
  t.equal(gate.closeCount, 1);
});

t.test('FIN behind a question: the answer goes out, and then ours', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedConnection(gate);
  bench.receive(gatedRequest(textFrame('a')));
  bench.socket.emit('end');
  t.equal(bench.written(), gatedAnswer());
  bench.calls();
  await gate.encoded();
  t.equal(bench.written(), hexOf(fromServer(textFrame('a'))));
  t.strictSame(bench.calls(), ['write 3', 'end', 'resume']);
  bench.socket.emit('close');
  t.equal(gate.closeCount, 1);
});

t.test('close-timeout: a chain that hangs does not hold the connection', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedConnection(gate);
  bench.receive(gatedRequest(textFrame('a'), closeFrame(1000)));
  t.equal(bench.nextCheckAfterMs, LIMITS.closeTimeout);
  bench.calls();
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(
    bench.calls(),
    ['write 25', 'destroy'],
    'the client is told that it was not in vain',
  );
  await bench.settle();
  t.match(bench.host.ended, [{ closedBy: 'client', closeCode: 1000, rule: 'close-timeout' }]);
  t.equal(gate.closeCount, 1);
});

t.test('a handshake that is refused gives its extensions back', async (t) => {
  const refusal = new HandshakeError('target-refused');
  const atOnce = new Gate();
  const refusing = gatedConnection(
    atOnce,
    consumerWith({
      upgrade: () => {
        throw refusal;
      },
    }),
  );
  refusing.receive(gatedRequest());
  t.equal(refusing.refusal(), '502 the target refused the connection\n');
  t.equal(atOnce.closeCount, 1);

  const ways: readonly ((bench: Bench, consumer: SlowOpener) => void)[] = [
    (_bench, consumer) => {
      consumer.refuse(refusal);
    },
    (bench) => {
      bench.checkAfter(LIMITS.handshakeTimeout);
    },
    (bench) => {
      bench.connection.shutDown();
    },
  ];
  for (const happens of ways) {
    const gate = new Gate();
    const consumer = new SlowOpener();
    const bench = gatedConnection(gate, consumer);
    bench.receive(gatedRequest(textFrame('a')));
    t.equal(gate.closeCount, 0, 'it is needed while the consumer makes up its mind');
    happens(bench, consumer);
    await bench.settle();
    t.match(bench.refusal(), /^(502|408|503) /);
    t.equal(gate.closeCount, 1, 'whatever became of the socket');
    consumer.accept();
    bench.socket.destroy();
    await bench.settle();
    t.equal(gate.closeCount, 1, 'once');
    t.strictSame(bench.host.ended, []);
  }
});

t.test(
  'whatever phase a connection is in: when its socket goes, its chain is closed',
  async (t) => {
    type Happens = (bench: Bench) => unknown;
    const phases: readonly (readonly [phase: string, consumer: () => Consumer, Happens])[] = [
      ['opening', () => new SlowOpener(), () => undefined],
      ['open', () => echoMode, () => undefined],
      [
        'open, with messages on their way',
        () => echoMode,
        (bench) => {
          bench.receiveFrames(textFrame('a'), textFrame('b'));
        },
      ],
      [
        'open, with a Close behind them',
        () => echoMode,
        (bench) => {
          bench.receiveFrames(textFrame('a'), closeFrame(1000));
        },
      ],
      [
        'open, with FIN behind them',
        () => echoMode,
        (bench) => {
          bench.receiveFrames(textFrame('a'));
          bench.socket.emit('end');
        },
      ],
      [
        'ending',
        () => echoMode,
        (bench) => {
          bench.receiveFrames(closeFrame(1000));
          bench.connection.shutDown();
        },
      ],
    ];
    for (const [phase, makeConsumer, happens] of phases) {
      const gate = new Gate({ decode: true, encode: true });
      const bench = gatedConnection(gate, makeConsumer());
      bench.receive(gatedRequest());
      happens(bench);
      await bench.settle();
      bench.socket.destroy();
      await bench.settle();
      t.strictSame(bench.closed, [bench.connection], phase);
      t.equal(gate.closeCount, 1, `${phase}: the chain is closed, once`);
      bench.written();
      for (const { message, answer } of gate.decoding) answer.resolve(message);
      await bench.settle();
      t.equal(bench.written(), '', `${phase}: nothing is sent any more`);
    }
  },
);

t.test('the consumer may never make up its mind: the chain does not wait for it', async (t) => {
  for (const isLate of [true, false]) {
    const gate = new Gate();
    const consumer = new SlowOpener();
    const bench = gatedConnection(gate, consumer);
    bench.receive(gatedRequest());
    bench.socket.emit('end');
    await bench.settle();
    t.strictSame(bench.closed, [bench.connection]);
    t.equal(gate.closeCount, 1);
    t.strictSame(consumer.closedWith, []);
    if (isLate) consumer.accept();
    else consumer.refuse(new Error('too late as well'));
    await bench.settle();
    t.equal(gate.closeCount, 1, 'once');
    t.match(consumer.closedWith, isLate ? [{ extensions: 'x-gate' }] : []);
    t.strictSame(bench.host.ended, []);
  }
});

// ---- Real sockets, read in both ways

/** A server's end of real connections. */
class RealBench {
  readonly host: TestHost;
  readonly port: number;
  readonly closed: Connection[] = [];
  readonly #connections: Connection[] = [];
  /** System calls: writes that left our side, and reads that brought something. */
  writeCount = 0;
  readCount = 0;

  private constructor(host: TestHost, port: number) {
    this.host = host;
    this.port = port;
  }

  static async start(t: Test, host: TestHost): Promise<RealBench> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 1 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const bench = new RealBench(host, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => {
      t.teardown(() => socket.destroy());
      bench.#accept(socket);
    });
    return bench;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, arrivalOf(socket), this.host, () =>
      this.closed.push(connection),
    );
    const receiveBytes = connection.receiveBytes.bind(connection);
    connection.receiveBytes = (bytes, start, end): void => {
      this.readCount += 1;
      receiveBytes(bytes, start, end);
    };
    const write = socket._write.bind(socket);
    socket._write = (...written): void => {
      this.writeCount += 1;
      write(...written);
    };
    const writev = socket._writev!.bind(socket);
    socket._writev = (...written): void => {
      this.writeCount += 1;
      writev(...written);
    };
    this.#connections.push(connection);
    connection.start();
  }

  /** Drops every connection. @returns how many there were */
  dropAll(): number {
    for (const connection of this.#connections) connection.drop('shutdown');
    return this.#connections.length;
  }

  /** Waits until every connection is gone, ours included. */
  async untilClosed(): Promise<SessionSummary> {
    await eventually(() => this.closed.length > 0, 'the end of the connection');
    t.equal(this.host.ended.length, 1, 'the session is reported once');
    return this.host.ended[0]!;
  }
}

const REAL_LIMITS = {
  ...NO_KEEPALIVE,
  outputPause: 1024 * 1024,
  outputLimit: 16 * 1024 * 1024,
  maxMessage: 16 * 1024 * 1024,
} as const;

for (const isShared of [true, false]) {
  t.test(isShared ? 'with shared reads' : "with the event 'data'", async (t) => {
    const sharedReads = isShared ? await probeSharedReads() : null;

    const start = async (
      t: Test,
      consumer: Consumer = echoMode,
      limits: HostOptions['limits'] = REAL_LIMITS,
    ): Promise<RealBench> =>
      await RealBench.start(t, new TestHost(consumer, { limits, sharedReads }));

    const open = async (t: Test, { port }: RealBench): Promise<RawClient> => {
      const client = await connectRaw(t, port);
      await client.open();
      return client;
    };

    t.test('frames behind the head in one segment, and byte by byte', async (t) => {
      const bench = await start(t);
      const input = requestWith(textFrame('a'), pingFrame('b'), binaryFrame('c'));
      const answer = acceptedWith(textFrame('a'), pongFrame('b'), binaryFrame('c'));
      const whole = await connectRaw(t, bench.port);
      whole.send(input);
      await whole.waitForBytes(answer.length / 2);
      t.equal(hexOf(whole.received), answer);
      const bytewise = await connectRaw(t, bench.port);
      await bytewise.sendByteByByte(input);
      await bytewise.waitForBytes(answer.length / 2);
      t.equal(hexOf(bytewise.received), answer);
    });

    t.test('one write per read', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      bench.readCount = bench.writeCount = 0;
      const frames = Array.from({ length: 100 }, (_, index) => textFrame(`message ${index}`));
      const answer = fromServer(...frames);
      client.send(fromClient(...frames));
      await client.waitForBytes(answer.length);
      t.ok(client.received.equals(answer));
      t.ok(bench.readCount < 10, 'a hundred frames come in few reads');
      t.ok(bench.writeCount <= bench.readCount, 'and leave in no more writes');
    });

    t.test('§7.1.1: after both Closes FIN comes at once', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      const sent = fromServer(textFrame('a'), closeFrame(1000, 'bye'));
      client.send(fromClient(textFrame('a'), closeFrame(1000, 'bye')));
      await client.waitForEnd();
      t.ok(client.received.equals(sent), 'the echo, Close, FIN');
      t.notOk(client.isClosed, 'our own FIN is not awaited');
      t.strictSame(bench.closed, []);
      client.socket.end();
      t.match(await bench.untilClosed(), { closedBy: 'client', closeCode: 1000, error: null });
      t.equal(client.errorCode, null);
    });

    t.test('§7.1.2: the consumer closes first', async (t) => {
      const bench = await start(
        t,
        consumerWith({
          message: (session) => {
            session.close(4000, 'enough');
          },
        }),
      );
      const client = await open(t, bench);
      client.send(fromClient(textFrame('a')));
      const sent = fromServer(closeFrame(4000, 'enough'));
      await client.waitForBytes(sent.length);
      client.send(fromClient(textFrame('ignored'), closeFrame(4000)));
      await client.waitForEnd();
      t.ok(client.received.equals(sent));
      client.socket.end();
      t.match(await bench.untilClosed(), { closedBy: 'server', closeCode: 4000, messagesIn: 1 });
    });

    t.test('a slow reader and a large backlog: our last bytes come before FIN', async (t) => {
      const payload = Buffer.alloc(12 * 1024 * 1024, 'backlog');
      const bench = await start(
        t,
        consumerWith({
          message: (session) => {
            session.send(2, payload);
            session.close(1001, 'done');
          },
        }),
      );
      const client = await open(t, bench);
      client.socket.pause();
      client.send(fromClient(textFrame('go'), closeFrame(1000)));
      // In the end phase now, with most of the message on our side of the network.
      await eventually(() => bench.writeCount >= 2, 'the last write');
      const sent = fromServer(binaryFrame(payload), closeFrame(1001, 'done'));
      while (client.receivedBytes < sent.length && !client.isClosed) {
        client.socket.resume();
        await client.waitForBytes(Math.min(sent.length, client.receivedBytes + 1024 * 1024));
        client.socket.pause();
      }
      client.socket.resume();
      await client.waitForEnd();
      t.ok(client.received.equals(sent), 'every byte, then Close, then FIN');
      client.socket.end();
      t.match(await bench.untilClosed(), { bytesOut: payload.length, error: null });
      t.equal(client.errorCode, null);
    });

    t.test('§7.1.7: output, Close 1002, FIN; input is thrown away', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      client.send(fromClient(textFrame('a'), BAD_FRAME, pingFrame('b')));
      await client.waitForEnd();
      const sent = fromServer(textFrame('a'), closeFrame(1002, RESERVED_BIT));
      t.ok(client.received.equals(sent));
      client.send(fromClient(binaryFrame(new Uint8Array(LINGER_BYTES / 2)), closeFrame(1002)));
      await client.finish();
      t.equal(client.errorCode, null, 'what came late did no harm');
      t.ok(client.received.equals(sent));
      t.match(await bench.untilClosed(), { closeCode: 1002, rule: 'reserved-bit' });
    });

    t.test('lingering ends behind 32 MiB', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      client.send(fromClient(BAD_FRAME));
      await client.waitForEnd();
      client.send(new Uint8Array(2 * LINGER_BYTES));
      await client.waitForClose();
      t.match(await bench.untilClosed(), { closeCode: 1002 });
    });

    t.test('FIN without Close is 1006', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      client.send(fromClient(textFrame('a')));
      await client.finish();
      t.ok(client.received.equals(fromServer(textFrame('a'))), 'what was asked is answered');
      t.match(await bench.untilClosed(), { closedBy: 'lost', closeCode: 1006, error: null });
    });

    t.test('a reset is ECONNRESET', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      client.socket.resetAndDestroy();
      const summary = await bench.untilClosed();
      t.match(summary, { closedBy: 'lost', closeCode: 1006, error: 'ECONNRESET' });
    });

    t.test('back-pressure: an echo of far more than the buffers hold', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      client.socket.pause();
      const payload = Buffer.alloc(200_000, 'pressure');
      const input = fromClient(binaryFrame(payload));
      const count = 200;
      for (let index = 0; index < count; index++) client.send(input);
      await eventually(() => bench.host.opened[0]!.waitingBytes > 0, 'blocked output');
      client.socket.resume();
      const frame = fromServer(binaryFrame(payload));
      await client.waitForBytes(count * frame.length);
      t.ok(
        client.received.equals(Buffer.concat(Array.from({ length: count }, () => frame))),
        'nothing is lost',
      );
      t.ok(bench.host.opened[0]!.waitingBytes === 0);
      client.send(fromClient(closeFrame(1000)));
      await client.waitForEnd();
      await client.finish();
      t.match(await bench.untilClosed(), { messagesIn: count, messagesOut: count, rule: null });
    });

    t.test('large messages, one after the other, never stall', async (t) => {
      const bench = await start(t, echoMode, { ...REAL_LIMITS, outputPause: 1000 });
      const client = await open(t, bench);
      const payload = Buffer.alloc(2000, 'stall');
      const frame = fromServer(binaryFrame(payload));
      for (let round = 1; round <= 5; round++) {
        client.send(fromClient(binaryFrame(payload)));
        await client.waitForBytes(round * frame.length);
      }
      t.equal(client.receivedBytes, 5 * frame.length);
    });

    t.test('1008: the output limit', async (t) => {
      const bench = await start(
        t,
        consumerWith({
          message: (session, opcode, bytes, start, end) => {
            const payload = bytes.slice(start, end);
            // Whoever does not listen to what send says.
            for (let count = 0; count < 100; count++) session.send(opcode, payload);
          },
        }),
      );
      const client = await open(t, bench);
      client.socket.pause();
      client.send(fromClient(binaryFrame(new Uint8Array(1024 * 1024))));
      await eventually(() => bench.writeCount >= 2, 'the last write');
      client.socket.resume();
      await client.waitForEnd();
      const reason = 'client reads too slowly: too much output is waiting';
      const sent = fromServer(closeFrame(1008, reason));
      t.ok(client.received.subarray(-sent.length).equals(sent), 'whoever reads after all sees why');
      await client.finish();
      t.match(await bench.untilClosed(), { closeCode: 1008, rule: 'output-limit' });
    });

    t.test('a consumer that takes its time, and a peer that does not wait', async (t) => {
      const consumer = new SlowOpener();
      const bench = await start(t, consumer);
      const client = await connectRaw(t, bench.port);
      client.send(requestWith(textFrame('a')));
      await eventually(() => consumer.opening.length === 1, 'the request');
      client.send(fromClient(textFrame('b')));
      client.socket.end();
      consumer.accept();
      await client.waitForEnd();
      t.equal(hexOf(client.received), acceptedWith(textFrame('a'), textFrame('b')));
      t.match(await bench.untilClosed(), { closeCode: 1006, messagesIn: 2 });
      t.equal(consumer.closedWith.length, 1);
    });

    t.test('a refusal is read to its end, and FIN follows', async (t) => {
      const bench = await start(t);
      const client = await connectRaw(t, bench.port);
      client.send(upgradeText({ 'Sec-WebSocket-Key': null }));
      await client.waitForEnd();
      t.match(client.received.toString('latin1'), /^HTTP\/1\.1 400 Bad Request\r\n.*base64/s);
      await client.finish();
      await eventually(() => bench.closed.length === 1, 'the end of the connection');
      t.strictSame(bench.host.ended, []);
    });

    t.test('a drop', async (t) => {
      const bench = await start(t);
      const client = await open(t, bench);
      const dropped = bench.dropAll();
      t.equal(dropped, 1);
      await client.waitForEnd();
      const word = fromServer(closeFrame(1001, 'the server is shutting down'));
      t.equal(hexOf(client.received), hexOf(word));
      await client.finish();
      t.match(await bench.untilClosed(), {
        closedBy: 'server',
        closeCode: 1001,
        rule: 'shutdown',
      });
    });
  });
}

// ---- Requests that ask for no WebSocket connection

/** An HTTP server that answers when the test says so. */
class HandHttp {
  readonly tunnels: HttpTunnel[] = [];

  serve(tunnel: HttpTunnel): void {
    this.tunnels.push(tunnel);
  }

  /** Answers the last request. */
  async answer(text: string, isLast = false): Promise<void> {
    const tunnel = this.tunnels.at(-1)!;
    if (isLast) tunnel.end(text);
    else tunnel.write(text);
    await new Promise(setImmediate);
    tunnel.finish();
  }

  /** The request lines that came, in order. */
  requests(): string[] {
    return this.tunnels.map((tunnel) => String(tunnel.read()).split('\r\n')[0]!);
  }
}

/** A connection whose host serves files too. */
class HttpBench extends Bench {
  readonly http: HandHttp;

  constructor(options: HostOptions = {}, http = new HandHttp()) {
    super(echoMode, { ...QUIET, ...options, http });
    this.http = http;
  }

  text(): string {
    return this.socket.takeWritten().toString('latin1');
  }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

t.test('a request without an upgrade gets its answer, and the next one too', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  t.equal(bench.nextCheckAfterMs, LIMITS.sendTimeout / 4, 'the deadline is that of sending');
  await bench.http.answer('answer a');
  t.equal(bench.text(), 'answer a');
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'the deadline is that of a head');
  t.strictSame(bench.calls(), ['write 8', 'resume']);
  for (const byte of get('/b')) bench.receive(byte);
  await bench.http.answer('answer b');
  t.equal(bench.text(), 'answer b');
  t.strictSame(bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);
  t.strictSame(bench.host.ended, [], 'that was no session');
  t.strictSame(bench.host.refusals, []);
});

t.test('an upgrade may follow, and a refusal', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/'));
  await bench.http.answer('page');
  bench.text();
  bench.receive(requestWith(textFrame('a')));
  t.equal(bench.written(), acceptedWith(textFrame('a')));
  bench.receiveFrames(textFrame('b'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('b'))));

  const refused = new HttpBench();
  refused.receive(get('/'));
  await refused.http.answer('page');
  refused.text();
  refused.receive(get('/').replace('GET', 'POST'));
  t.equal(refused.refusal(), '405 method must be GET (RFC 6455 4.1)\n');
});

t.test('without an HTTP server such a request is refused as ever', async (t) => {
  const bench = new Bench();
  bench.receive(get('/'));
  t.match(bench.refusal(), /^426 /);
});

t.test('OPTIONS is answered at once, with files or without, and nothing behind it', async (t) => {
  for (const bench of [new Bench(), new HttpBench()]) {
    bench.receive(`OPTIONS / HTTP/1.0\r\n\r\n${upgradeText()}`);
    const answer = bench.socket.takeWritten().toString('latin1');
    t.match(answer, /^HTTP\/1\.1 204 No Content\r\nAllow: .*\r\n\r\n$/s);
    t.strictSame(bench.calls(), [`write ${answer.length}`, 'end', 'resume']);
    bench.receive(upgradeText());
    t.equal(bench.socket.takeWritten().length, 0);
    t.strictSame([bench.host.refusals, bench.host.opened], [[], []]);
  }
  const full = new Bench();
  full.host.refusal = new HandshakeError('full');
  full.receive('OPTIONS / HTTP/1.0\r\n\r\n');
  t.match(full.refusal(), /^503 /);
});

t.test('a connection is as near as its first request, whatever follows', async (t) => {
  const http = new HandHttp();
  const host = new TestHost(echoMode, { ...QUIET, http, opening: { allowedHosts: 'auto' } });
  for (const [way, status] of [
    ['loopback', '421'],
    ['network', '101'],
  ] as const) {
    const socket = new FakeSocket();
    const arrival = { ...arrivalOf(socket.asSocket), way };
    new Connection(socket.asSocket, arrival, host, () => undefined).start();
    socket.emit('data', Buffer.from('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await http.answer('page');
    t.equal(socket.takeWritten().toString(), 'page');
    socket.emit('data', Buffer.from(upgradeText({ Host: 'evil.example' })));
    t.equal(socket.takeWritten().toString('latin1').slice(9, 12), status, way);
  }
});

t.test('requests that come in one read are answered in turn', async (t) => {
  const bench = new HttpBench();
  bench.receive(`${get('/a')}${get('/b')}${upgradeText()}`);
  t.equal(bench.http.tunnels.length, 1);
  bench.receive(fromClient(textFrame('early')));
  await bench.http.answer('answer a');
  t.equal(bench.http.tunnels.length, 2);
  await bench.http.answer('answer b');
  t.equal(bench.text().slice(0, 16), 'answer aanswer b');
  t.strictSame(bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);
  t.equal(bench.host.opened.length, 1);
});

t.test('what comes during an answer is kept within bounds', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.receive(get('/b'));
  t.notOk(bench.socket.isPaused);
  bench.receive(get('/c').repeat(3000));
  t.ok(bench.socket.isPaused);
  await bench.http.answer('a');
  t.equal(bench.http.tunnels.length, 2);
  t.ok(bench.socket.isPaused, 'there is still enough');
});

t.test('the last answer, and FIN behind it', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a') + get('/b'));
  await bench.http.answer('bye', true);
  t.equal(bench.text(), 'bye');
  t.strictSame(bench.calls(), ['write 3', 'end', 'resume']);
  bench.receive(get('/c'));
  t.equal(bench.http.tunnels.length, 1, 'nobody looks at what comes now');
});

t.test("the peer's FIN comes before the answer", async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a') + get('/b'));
  bench.socket.emit('end');
  await bench.http.answer('a');
  await bench.http.answer('b');
  t.equal(bench.text(), 'ab');
  t.ok(bench.socket.destroyed, 'there is nothing more to wait for');

  const idle = new HttpBench();
  idle.receive(get('/a'));
  await idle.http.answer('a');
  idle.socket.emit('end');
  t.ok(idle.socket.destroyed);
});

t.test('a slow reader is waited for', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.socket.isTaking = false;
  bench.http.tunnels[0]!.write('one');
  bench.http.tunnels[0]!.write('two');
  t.equal(bench.text(), 'one');
  bench.socket.drain();
  await bench.settle();
  t.equal(bench.text(), 'two');
  bench.checkAfter(LIMITS.sendTimeout - 1);
  t.notOk(bench.socket.destroyed);
  bench.checkAfter(LIMITS.sendTimeout);
  t.ok(bench.socket.destroyed);
});

t.test('the peer is gone, and its answer with it', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.socket.destroy();
  await bench.settle();
  t.ok(bench.http.tunnels[0]!.destroyed);
  t.equal(bench.closed.length, 1);

  const dropped = new HttpBench();
  dropped.receive(get('/a') + get('/b'));
  dropped.connection.drop('shutdown');
  dropped.http.tunnels[0]!.finish();
  t.strictSame(dropped.calls(), ['destroy'], 'it is too late for anything');
  t.equal(dropped.http.tunnels.length, 1);
});

t.test('an answer that breaks off', async (t) => {
  const bench = new HttpBench();
  bench.receive(get('/a'));
  bench.http.tunnels[0]!.destroy();
  t.ok(bench.socket.destroyed);
});

t.test('who is not let in gets no file', async (t) => {
  const bench = new HttpBench();
  bench.host.refusal = new HandshakeError('full');
  bench.receive(get('/a'));
  t.equal(bench.refusal(), '503 no more connections are taken now\n');
  t.strictSame(bench.http.tunnels, []);

  const anonymous = new HttpBench({
    opening: {
      authorize: () => {
        throw new HandshakeError('unauthorized');
      },
    },
  });
  anonymous.receive(get('/a'));
  t.equal(anonymous.refusal(), '401 authentication required\n');
});

/** A bench whose clients are let in when the test says so. */
function asking(): { bench: HttpBench; allow: () => void; refuse: (error: unknown) => void } {
  let allow = (): void => undefined;
  let refuse: (error: unknown) => void = () => undefined;
  const authorize = (): Promise<void> =>
    new Promise((resolve, reject) => {
      allow = resolve;
      refuse = reject;
    });
  const bench = new HttpBench({ opening: { authorize } });
  bench.receive(get('/a') + get('/b'));
  return {
    bench,
    allow: () => {
      allow();
    },
    refuse: (error) => {
      refuse(error);
    },
  };
}

t.test('to find out who asks may take its time', async (t) => {
  const good = asking();
  good.bench.socket.emit('end');
  t.strictSame(good.bench.http.tunnels, []);
  good.allow();
  await good.bench.settle();
  await good.bench.http.answer('a');
  t.equal(good.bench.text(), 'a', 'who has ended its side is answered');
  good.allow();
  await good.bench.settle();
  t.strictSame(good.bench.http.requests(), ['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);

  const bad = asking();
  bad.refuse(new HandshakeError('unauthorized'));
  await bad.bench.settle();
  t.equal(bad.bench.refusal(), '401 authentication required\n');

  const slow = asking();
  slow.bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(slow.bench.refusal(), '408 opening handshake took too long\n');
  slow.allow();
  await slow.bench.settle();
  t.strictSame(slow.bench.http.tunnels, []);

  const gone = asking();
  gone.bench.socket.destroy();
  await gone.bench.settle();
  gone.allow();
  await gone.bench.settle();
  t.strictSame(gone.bench.http.tunnels, []);
});

t.test('each request may be of another client behind the same proxy', async (t) => {
  const bench = new HttpBench();
  const proxy = { remoteAddress: '203.0.113.7', remotePort: 51_234 };
  const clients = [
    { remoteAddress: '192.0.2.1', remotePort: 0 },
    { remoteAddress: '192.0.2.2', remotePort: 0 },
  ] as const;
  for (const [index, client] of clients.entries()) {
    t.match(bench.connection, proxy);
    bench.host.client = client;
    bench.receive(get('/'));
    t.match(bench.connection, client);
    t.match(bench.http.tunnels[index]!.peer, client);
    await bench.http.answer('page');
  }
  t.match(bench.host.found, [
    [proxy, clients[0]],
    [clients[0], proxy],
    [proxy, clients[1]],
    [clients[1], proxy],
  ]);
});

t.test('the deadline of a head that follows', async (t) => {
  const idle = new HttpBench();
  idle.receive(get('/'));
  await idle.http.answer('page');
  idle.calls();
  idle.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(idle.calls(), ['destroy'], 'nothing was asked, nothing is answered');

  const slow = new HttpBench();
  slow.receive(get('/'));
  await slow.http.answer('page');
  slow.text();
  slow.receive('GET');
  slow.checkAfter(LIMITS.handshakeTimeout);
  t.equal(slow.refusal(), '408 opening handshake took too long\n');
});

t.test('the server stops', async (t) => {
  const answering = new HttpBench();
  answering.receive(get('/a') + get('/b'));
  answering.connection.shutDown();
  t.strictSame(answering.calls(), [], 'the answer may come');
  await answering.http.answer('a');
  t.strictSame(answering.calls(), ['write 1', 'end', 'resume']);

  const idle = new HttpBench();
  idle.receive(get('/a'));
  await idle.http.answer('a');
  idle.calls();
  idle.connection.shutDown();
  t.strictSame(idle.calls(), ['end', 'resume'], 'without a word');

  const asked = new HttpBench();
  asked.receive(get('/a'));
  await asked.http.answer('a');
  asked.text();
  asked.receive('GET');
  asked.connection.shutDown();
  t.equal(asked.refusal(), '503 the server is shutting down\n');
});

// ---- PROXY protocol

const PROXY_HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';
const NAMED = { remoteAddress: '192.0.2.1', remotePort: 56_324 };

/** A connection from a proxy that must say for whom it is. */
function behindProxy(): Bench {
  return new Bench(echoMode, { ...QUIET, opening: { expectsProxyHeader: () => true } });
}

t.test('the client is whom a PROXY protocol header names, however it is cut', async (t) => {
  for (const pieceBytes of [1, 20, PROXY_HEADER.length, 1000]) {
    const bench = behindProxy();
    const { remoteAddress, remotePort } = bench.connection;
    const text = PROXY_HEADER + upgradeText();
    for (let at = 0; at < text.length; at += pieceBytes)
      bench.receive(text.slice(at, at + pieceBytes));
    t.equal(bench.socket.takeWritten().toString('latin1'), ACCEPTED);
    t.match(bench.connection, NAMED);
    t.match(bench.host.found, [[{ remoteAddress, remotePort }, NAMED]]);
    t.match(bench.host.opened, [NAMED]);
  }
});

t.test('a refusal behind a PROXY protocol header names the client', async (t) => {
  const bench = behindProxy();
  bench.receive(`${PROXY_HEADER}nonsense\r\n`);
  t.match(bench.host.refusals, [{ address: NAMED, error: { rule: 'request-line' } }]);

  const slow = behindProxy();
  slow.receive(PROXY_HEADER + 'GET');
  slow.checkAfter(LIMITS.handshakeTimeout);
  t.match(slow.host.refusals, [{ address: NAMED, error: { rule: 'handshake-timeout' } }]);
});

t.test('the deadline of the handshake covers a PROXY protocol header', async (t) => {
  const bench = behindProxy();
  bench.receive('PROXY');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.match(bench.host.refusals, [{ error: { rule: 'handshake-timeout' } }]);

  const probe = behindProxy();
  probe.receive(PROXY_HEADER);
  probe.checkAfter(LIMITS.handshakeTimeout);
  t.strictSame(probe.host.refusals, [], 'a client that says nothing gets nothing');
});

t.test('without the PROXY protocol header that is due nothing is served', async (t) => {
  const bench = behindProxy();
  const { remoteAddress } = bench.connection;
  bench.receive(upgradeText());
  t.match(bench.host.refusals, [{ address: { remoteAddress }, error: { rule: 'proxy-header' } }]);
  t.strictSame(bench.host.found, []);
});

t.test('a consumer that fails while it makes up its mind refuses the handshake', async (t) => {
  const sessions: Session[] = [];
  const bench = new Bench(
    consumerWith({
      upgrade: async (session: Session) => {
        sessions.push(session);
        return new Promise<void>(() => undefined);
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.written(), '');
  const defect = new Error('in a timer');
  sessions[0]!.fail(defect);
  t.equal(bench.refusal(), '500 internal error\n');
  t.match(bench.host.refusals, [{ cause: defect }]);
});

t.test('whatever has a then is waited for, and may refuse', async (t) => {
  const thenable = (
    act: (resolve: () => void, reject: (error: unknown) => void) => void,
  ): unknown => ({
    then: act,
  });
  const late = thenable((_resolve, reject) => {
    setImmediate(reject, new HandshakeError('unauthorized'));
  });
  const broken = Object.defineProperty({}, 'then', {
    get: () => {
      throw new Error('no');
    },
  });
  for (const [result, status] of [
    [late, 401],
    [broken, 500],
  ] as const) {
    const byConsumer = new Bench(consumerWith({ upgrade: () => result as PromiseLike<void> }));
    const byPolicy = new Bench(echoMode, {
      opening: { authorize: () => result as PromiseLike<void> },
    });
    for (const bench of [byConsumer, byPolicy]) {
      bench.receive(upgradeText());
      await bench.settle();
      t.match(bench.refusal(), new RegExp(`^${status} `));
    }
  }
  const fine = new Bench(
    consumerWith({
      upgrade: () =>
        thenable((resolve) => {
          resolve();
        }) as PromiseLike<void>,
    }),
  );
  fine.receive(upgradeText());
  await fine.settle();
  t.equal(fine.written(), acceptedWith());
});

t.test('a connection is counted out whatever fails at its end', async (t) => {
  const bench = new Bench().open();
  t.intercept(bench.host, 'sessionEnded', {
    value: () => {
      throw new Error('no log');
    },
  });
  t.throws(() => bench.socket.emit('close'), new Error('no log'));
  t.equal(bench.closed.length, 1);
});
