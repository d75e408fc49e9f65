import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import t, { type Test } from 'tap';
import { Connection } from '../../src/connection/connection.js';
import type { Mode } from '../../src/session/mode.js';
import type { SessionSummary } from '../../src/session/session.js';
import { probeSharedReads } from '../../src/connection/node-internals.js';
import { HandshakeError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import {
  BAD_FRAME,
  Bench,
  LINGER_BYTES,
  QUIET,
  RESERVED_BIT,
  SlowOpener,
  acceptedWith,
  modeWith,
  fromClient,
  fromServer,
  requestWith,
} from '../fixtures/connection-bench.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import {
  MORE,
  type TestFrame,
  binaryFrame,
  closeFrame,
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
  TestHost,
  arrivalOf,
} from '../fixtures/test-host.js';
import { eventually } from '../fixtures/within.js';

// ---- The opening handshake

t.test('a connection knows its peer', async (t) => {
  t.match(new Bench().connection, { remoteAddress: '203.0.113.7', remotePort: 51_234 });
  const socket = new FakeSocket().asSocket;
  const arrival = arrivalOf(socket, 'unix');
  const connection = new Connection(socket, arrival, new TestHost(echoMode));
  t.match(connection, { remoteAddress: 'unix', remotePort: 0, localAddress: 'unix' });
});

t.test('nothing is read before it starts', async (t) => {
  const socket = new FakeSocket();
  const arrival = arrivalOf(socket.asSocket);
  const host = new TestHost(echoMode);
  const connection = new Connection(socket.asSocket, arrival, host);
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

t.test('a session knows the address that it was reached at', async (t) => {
  const bench = new Bench().open();
  t.match(bench.host.opened, [{ localAddress: '192.0.2.1', localPort: 443 }]);
  Object.assign(bench.socket, { localAddress: undefined, localPort: undefined });
  t.match(bench.host.opened, [{ localAddress: '::', localPort: 0 }], 'the socket is gone');
});

t.test('an error of the socket before there is a session is nobody’s', async (t) => {
  const bench = new Bench();
  bench.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  bench.socket.emit('drain');
  bench.socket.emit('close');
  t.strictSame(bench.host.closed, [bench.connection]);
  t.strictSame(bench.host.ended, []);
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
  const mode = new SlowOpener();
  const silent = new Bench(mode);
  const opening = new Bench(mode);
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
const gatedConnection = (gate: Gate, mode: Mode = echoMode): Bench =>
  new Bench(mode, { ...QUIET, extensions: [gate] });

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
    const mode = modeWith({
      upgrade: () => {
        opened += 1;
        return open();
      },
      close: () => {
        closed += 1;
      },
    });
    const bench = new Bench(mode, { ...QUIET, extensions: [extension] });
    bench.receive(upgradeText({ 'Sec-WebSocket-Extensions': 'x-a' }));
    await bench.settle();
    t.match(bench.socket.takeWritten().toString('latin1'), /^HTTP\/1.1 (101|500) /);
    bench.socket.destroy();
    await bench.settle();
    t.equal(closed, opened, 'who was asked is told of the end');
  }
});

t.test('a mode sees what was agreed on before it agrees itself', async (t) => {
  const mode = new SlowOpener();
  const bench = gatedConnection(new Gate(), mode);
  bench.receive(gatedRequest(textFrame('a')));
  t.equal(mode.opening[0]!.extensions, 'x-gate');
  mode.accept();
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
    modeWith({
      upgrade: () => {
        throw refusal;
      },
    }),
  );
  refusing.receive(gatedRequest());
  t.equal(refusing.refusal(), '502 the target refused the connection\n');
  t.equal(atOnce.closeCount, 1);

  const ways: readonly ((bench: Bench, mode: SlowOpener) => void)[] = [
    (_bench, mode) => {
      mode.refuse(refusal);
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
    const mode = new SlowOpener();
    const bench = gatedConnection(gate, mode);
    bench.receive(gatedRequest(textFrame('a')));
    t.equal(gate.closeCount, 0, 'it is needed while the mode makes up its mind');
    happens(bench, mode);
    await bench.settle();
    t.match(bench.refusal(), /^(502|408|503) /);
    t.equal(gate.closeCount, 1, 'whatever became of the socket');
    mode.accept();
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
    const phases: readonly (readonly [phase: string, mode: () => Mode, Happens])[] = [
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
    for (const [phase, makeMode, happens] of phases) {
      const gate = new Gate({ decode: true, encode: true });
      const bench = gatedConnection(gate, makeMode());
      bench.receive(gatedRequest());
      happens(bench);
      await bench.settle();
      bench.socket.destroy();
      await bench.settle();
      t.strictSame(bench.host.closed, [bench.connection], phase);
      t.equal(gate.closeCount, 1, `${phase}: the chain is closed, once`);
      bench.written();
      for (const { message, answer } of gate.decoding) answer.resolve(message);
      await bench.settle();
      t.equal(bench.written(), '', `${phase}: nothing is sent any more`);
    }
  },
);

t.test('the mode may never make up its mind: the chain does not wait for it', async (t) => {
  for (const isLate of [true, false]) {
    const gate = new Gate();
    const mode = new SlowOpener();
    const bench = gatedConnection(gate, mode);
    bench.receive(gatedRequest());
    bench.socket.emit('end');
    await bench.settle();
    t.strictSame(bench.host.closed, [bench.connection]);
    t.equal(gate.closeCount, 1);
    t.strictSame(mode.closedWith, []);
    if (isLate) mode.accept();
    else mode.refuse(new Error('too late as well'));
    await bench.settle();
    t.equal(gate.closeCount, 1, 'once');
    t.match(mode.closedWith, isLate ? [{ extensions: 'x-gate' }] : []);
    t.strictSame(bench.host.ended, []);
  }
});

// ---- Real sockets, read in both ways

/** A server's end of real connections. */
class RealBench {
  readonly host: TestHost;
  readonly port: number;
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
    const connection = new Connection(socket, arrivalOf(socket), this.host);
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
    await eventually(() => this.host.closed.length > 0, 'the end of the connection');
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
      mode: Mode = echoMode,
      limits: HostOptions['limits'] = REAL_LIMITS,
    ): Promise<RealBench> => await RealBench.start(t, new TestHost(mode, { limits, sharedReads }));

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
      t.strictSame(bench.host.closed, []);
      client.socket.end();
      t.match(await bench.untilClosed(), { closedBy: 'client', closeCode: 1000, error: null });
      t.equal(client.errorCode, null);
    });

    t.test('§7.1.2: the mode closes first', async (t) => {
      const bench = await start(
        t,
        modeWith({
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
        modeWith({
          message: (session) => {
            session.sendRange(2, payload);
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
      await eventually(() => bench.host.opened[0]!.bufferedAmount > 0, 'blocked output');
      client.socket.resume();
      const frame = fromServer(binaryFrame(payload));
      await client.waitForBytes(count * frame.length);
      t.ok(
        client.received.equals(Buffer.concat(Array.from({ length: count }, () => frame))),
        'nothing is lost',
      );
      t.ok(bench.host.opened[0]!.bufferedAmount === 0);
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
        modeWith({
          message: (session, opcode, bytes, start, end) => {
            const payload = bytes.slice(start, end);
            // Whoever does not listen to what send says.
            for (let count = 0; count < 100; count++) session.sendRange(opcode, payload);
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

    t.test('a mode that takes its time, and a peer that does not wait', async (t) => {
      const mode = new SlowOpener();
      const bench = await start(t, mode);
      const client = await connectRaw(t, bench.port);
      client.send(requestWith(textFrame('a')));
      await eventually(() => mode.opening.length === 1, 'the request');
      client.send(fromClient(textFrame('b')));
      client.socket.end();
      mode.accept();
      await client.waitForEnd();
      t.equal(hexOf(client.received), acceptedWith(textFrame('a'), textFrame('b')));
      t.match(await bench.untilClosed(), { closeCode: 1006, messagesIn: 2 });
      t.equal(mode.closedWith.length, 1);
    });

    t.test('a refusal is read to its end, and FIN follows', async (t) => {
      const bench = await start(t);
      const client = await connectRaw(t, bench.port);
      client.send(upgradeText({ 'Sec-WebSocket-Key': null }));
      await client.waitForEnd();
      t.match(client.received.toString('latin1'), /^HTTP\/1\.1 400 Bad Request\r\n.*base64/s);
      await client.finish();
      await eventually(() => bench.host.closed.length === 1, 'the end of the connection');
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

t.test('a connection is counted out whatever fails at its end', async (t) => {
  const bench = new Bench().open();
  t.intercept(bench.host, 'sessionEnded', {
    value: () => {
      throw new Error('no log');
    },
  });
  t.throws(() => bench.socket.emit('close'), new Error('no log'));
  t.equal(bench.host.closed.length, 1);
});

t.test('bytes on the wire are counted: all that a session writes, and no refusal', async (t) => {
  const bench = new Bench().open();
  const { traffic } = bench.host;
  const opened = traffic.wireBytesOut;
  t.equal(opened, ACCEPTED.length);
  bench.receiveFrames(textFrame('hello'));
  t.equal(traffic.wireBytesOut, opened + fromServer(textFrame('hello')).length);
  bench.receiveFrames(closeFrame(1000));
  const all = fromServer(textFrame('hello'), closeFrame(1000)).length;
  t.equal(traffic.wireBytesOut, opened + all);
  const refused = new Bench();
  refused.receive(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  t.equal(refused.host.traffic.wireBytesOut, 0);
  const dropped = new Bench().open();
  dropped.connection.drop('shutdown');
  const goodbye = fromServer(closeFrame(1001, 'the server is shutting down')).length;
  t.equal(dropped.host.traffic.wireBytesOut, opened + goodbye);
});

t.test('a connection is open from its 101 until its session has ended', async (t) => {
  const bench = new Bench();
  t.notOk(bench.connection.isOpen);
  bench.receive(upgradeText());
  t.ok(bench.connection.isOpen);
  bench.socket.emit('close');
  t.notOk(bench.connection.isOpen);
});
