import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import t from 'tap';
import {
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
  PolicyError,
  type PeerError,
  ProtocolError,
} from '../../src/errors.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import type { EndpointEvents, EndpointOptions } from '../../src/protocol/endpoint-events.js';
import { Opcode } from '../../src/protocol/frame.js';
import { Kernel } from '../../src/protocol/kernel/kernel.js';
import { HAND_OVER_BYTES, OutputQueue } from '../../src/protocol/output-queue.js';
import { SLAB_BYTES, withHeaders } from '../../src/protocol/slabs/slab.js';
import { HEADROOM_BYTES, SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { EchoSide, echoSides } from '../fixtures/echo-sides.js';
import { emptyTally, firstEndpointDifference } from '../fixtures/echo-fuzz.js';
import {
  DEFAULT_OPTIONS,
  carry,
  makeEchoSide,
  makePair,
  makeSide,
  receiveInReads,
  takeOutput,
  type Side,
} from '../fixtures/endpoint-pair.js';
import {
  binaryEvent,
  closeEvent,
  failedEvent,
  messageEvent,
  pieceEvent,
  pingEvent,
  pongEvent,
  textEvent,
} from '../fixtures/event-recorder.js';
import { FRAME_ERRORS } from '../fixtures/frame-errors.js';
import {
  MASKING_KEY,
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  readFrames,
  textFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { maskedFrame, noise } from '../fixtures/large-frames.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { PlacingReader } from '../fixtures/placing-reader.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { emptyPool } from '../fixtures/slabs.js';
import { byteByByte, everyCut, piecesOf } from '../fixtures/splits.js';
import { testWire, testWireInBothRoles } from '../fixtures/wire.js';

const ROLES = ['server', 'client'] as const;
const WHOLE = { isFirst: true, isLast: true };

/** Lets frames of the peer arrive in one read. */
const receive = (side: Side, frames: readonly TestFrame[]): void => {
  const bytes = encodeFrames(frames, side.endpoint.isServer);
  side.endpoint.receive(bytes, 0, bytes.length);
};

/** What is sent, in hex. */
const sentBy = (side: Side): string => hexOf(takeOutput(side));

/** The hex of frames as a server sends them. */
const serverHex = (...frames: TestFrame[]): string => hexOf(encodeFrames(frames, false));

const sendText = (side: Side, text: string): boolean => {
  const bytes = Buffer.from(text);
  return side.endpoint.sendMessage(Opcode.Text, bytes, 0, bytes.length);
};

const sendPiece = (side: Side, text: string, isFirst: boolean, isLast: boolean): boolean => {
  const bytes = Buffer.from(text);
  return side.endpoint.sendChunk(Opcode.Text, bytes, 0, bytes.length, isFirst, isLast);
};

const ignore = (): void => undefined;
const SILENT: EndpointEvents = {
  message: ignore,
  chunk: ignore,
  pingReceived: ignore,
  pongReceived: ignore,
  peerClose: ignore,
  failed: ignore,
};

/** A server with a listener of its own; `failed` errors are kept. */
const makeServer = (
  events: Partial<EndpointEvents>,
  delivery: 'messages' | 'chunks' = 'messages',
): { endpoint: Endpoint; errors: unknown[]; pool: SlabPool } => {
  const errors: unknown[] = [];
  const failed = (error: unknown): void => void errors.push(error);
  const pool = new SlabPool();
  const endpoint = new Endpoint(
    { ...DEFAULT_OPTIONS, delivery, pool },
    { ...SILENT, failed, ...events },
    new OutputQueue(pool),
  );
  return { endpoint, errors, pool };
};

const receiveAt = (endpoint: Endpoint, frames: readonly TestFrame[]): void => {
  const bytes = encodeFrames(frames, endpoint.isServer);
  endpoint.receive(bytes, 0, bytes.length);
};

const outputOf = (endpoint: Endpoint): string => {
  const bytes = Buffer.concat(endpoint.output.take());
  endpoint.output.release();
  return hexOf(bytes);
};

// Every case arrives in dozens of ways: that takes its time on a slow machine.
t.setTimeout(120_000);

t.test('the examples of RFC 6455 §5.7', (t) => {
  testWire(t, 'an unmasked text message', {
    role: 'client',
    input: '81 05 48 65 6c 6c 6f',
    events: [textEvent('Hello')],
    output: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
  });
  testWire(t, 'a masked text message', {
    input: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
    events: [textEvent('Hello')],
    output: '81 05 48 65 6c 6c 6f',
  });
  testWire(t, 'a fragmented unmasked text message', {
    role: 'client',
    input: '01 03 48 65 6c 80 02 6c 6f',
    events: [textEvent('Hello')],
    output: '81 85 37 fa 21 3d 7f 9f 4d 51 58',
  });
  testWire(t, 'an unmasked Ping and its masked Pong', {
    role: 'client',
    input: '89 05 48 65 6c 6c 6f',
    events: [pingEvent('Hello')],
    output: '8a 85 37 fa 21 3d 7f 9f 4d 51 58',
  });
  testWire(t, 'a masked Pong', {
    input: '8a 85 37 fa 21 3d 7f 9f 4d 51 58',
    events: [pongEvent('Hello')],
  });
  testWire(t, '256 bytes of binary data, unmasked', {
    role: 'client',
    input: `82 7e 01 00 ${'5a'.repeat(256)}`,
    events: [binaryEvent(Buffer.alloc(256, 0x5a))],
    output: [binaryFrame(Buffer.alloc(256, 0x5a))],
  });
  testWire(t, '64 KiB of binary data, unmasked', {
    role: 'client',
    input: `82 7f 00 00 00 00 00 01 00 00 ${'5a'.repeat(65_536)}`,
    events: [binaryEvent(Buffer.alloc(65_536, 0x5a))],
    output: [binaryFrame(Buffer.alloc(65_536, 0x5a))],
  });
  t.end();
});

t.test('every bad input gets its code, rule and reason, behind what was answered before', (t) => {
  const errorClasses = {
    1002: ProtocolError,
    1007: InvalidPayloadError,
    1008: PolicyError,
    1009: MessageTooBigError,
  } as Readonly<Record<number, abstract new (...none: never) => PeerError>>;
  for (const row of FRAME_ERRORS) {
    for (const role of ROLES) {
      if (row.role !== undefined && row.role !== role) continue;
      const { code, rule, reason } = row;
      const frames = [textFrame('before'), pingFrame('ping'), ...row.frames];
      const answer = closeFrame(code, reason);
      testWire(t, `${row.name}, to a ${role}`, {
        role,
        input: frames,
        events: [textEvent('before'), pingEvent('ping'), failedEvent(rule)],
        output: [textFrame('before'), pongFrame('ping'), answer],
      });
      if (row.isForWholeMessages !== true) {
        // Empty first fragments are no pieces of their own.
        testWire(t, `${row.name}, to a ${role} that takes pieces`, {
          role,
          options: { delivery: 'chunks' },
          input: frames,
          events: [pieceEvent(1, 'before', WHOLE), pingEvent('ping'), failedEvent(rule)],
          output: [pongFrame('ping'), answer],
        });
      }

      const side = makeSide({ role });
      receive(side, row.frames);
      const [error] = side.recorder.errors;
      t.ok(error instanceof errorClasses[code]!, `${row.name}: class of the error`);
      t.strictSame(side.endpoint.sentClose, { code, reason });
      t.equal(side.endpoint.receivedClose, null);
      t.ok(side.endpoint.isClosed);
      t.notOk(side.endpoint.canSend);
    }
  }
  t.end();
});

t.test('the closing handshake that the peer begins (RFC 6455 §5.5.1)', (t) => {
  const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  for (const code of [...codes, 3000, 3999, 4000, 4999]) {
    testWireInBothRoles(t, `F12 Close ${code} is answered in kind`, {
      input: [closeFrame(code)],
      events: [closeEvent(code)],
      output: [closeFrame(code)],
    });
  }
  testWireInBothRoles(t, 'F12 an empty Close is answered by an empty one', {
    input: [closeFrame()],
    events: [closeEvent(1005)],
    output: [closeFrame()],
  });
  for (const reason of [
    'bye',
    'κόσμε \u{1f600}',
    '\ufeffmark',
    '\0',
    'r'.repeat(123),
    '€'.repeat(41),
  ]) {
    testWireInBothRoles(t, `F12 the reason ${JSON.stringify(reason)} is sent back`, {
      input: [closeFrame(1000, reason)],
      events: [closeEvent(1000, reason)],
      output: [closeFrame(1000, reason)],
    });
  }
  testWireInBothRoles(t, 'F13 Close inside a fragmented message (Autobahn 7.1.5)', {
    input: [textFrame('part', MORE), closeFrame(1000)],
    events: [closeEvent(1000)],
    output: [closeFrame(1000)],
  });
  testWireInBothRoles(t, 'F13 Close inside a fragmented message that comes in pieces', {
    options: { delivery: 'chunks' },
    input: [textFrame('part', MORE), closeFrame(1000)],
    events: [pieceEvent(1, 'part', { isFirst: true }), closeEvent(1000)],
    output: [closeFrame(1000)],
  });
  testWireInBothRoles(t, 'F13 a message and a Ping behind a Close (Autobahn 7.1.2 to 7.1.4)', {
    input: [textFrame('one'), closeFrame(1000), textFrame('two'), pingFrame(), closeFrame(1001)],
    events: [textEvent('one'), closeEvent(1000)],
    output: [textFrame('one'), closeFrame(1000)],
  });
  testWireInBothRoles(t, 'F13 a bad frame behind a Close', {
    input: [closeFrame(1000), { opcode: 3, rsv: 7 }],
    events: [closeEvent(1000)],
    output: [closeFrame(1000)],
  });

  t.test('nothing is looked at after a Close, even while ours is owed', (t) => {
    const side = makeSide();
    receive(side, [closeFrame(1001, 'bye'), pingFrame('a')]);
    receive(side, [pingFrame('b'), textFrame('c'), { opcode: 3 }]);
    t.strictSame(side.recorder.events, [closeEvent(1001, 'bye')]);
    t.equal(sentBy(side), '', 'no Pong');
    t.strictSame(side.endpoint.receivedClose, { code: 1001, reason: 'bye' });
    t.notOk(side.endpoint.isClosed);
    t.end();
  });

  t.test('what was to be said can be said before our Close', (t) => {
    const side = makeSide();
    receive(side, [closeFrame(1000)]);
    t.ok(side.endpoint.canSend);
    t.ok(sendText(side, 'last words'));
    t.ok(side.endpoint.sendPing(Uint8Array.of(1)));
    t.ok(side.endpoint.sendClose(1000));
    t.ok(side.endpoint.isClosed);
    t.notOk(side.endpoint.canSend);
    t.notOk(sendText(side, 'too late'));
    t.equal(
      sentBy(side),
      serverHex(textFrame('last words'), pingFrame('\u0001'), closeFrame(1000)),
    );
    t.end();
  });
  t.end();
});

t.test('the closing handshake that we begin (RFC 6455 §7.1.2)', (t) => {
  const closeSent = { prepare: (endpoint: Endpoint) => void endpoint.sendClose(1001, 'drain') };
  const ours = closeFrame(1001, 'drain');

  testWireInBothRoles(t, 'the answer ends it', {
    ...closeSent,
    input: [closeFrame(1001, 'drain')],
    events: [closeEvent(1001, 'drain')],
    output: [ours],
  });
  testWireInBothRoles(t, 'a Close of the peer that crossed ours', {
    ...closeSent,
    input: [closeFrame(4000)],
    events: [closeEvent(4000)],
    output: [ours],
  });
  testWireInBothRoles(t, 'messages that were under way are dropped, Pings are answered (§5.5.2)', {
    ...closeSent,
    input: [
      textFrame('x'),
      binaryFrame('x', MORE),
      pingFrame('p'),
      continuationFrame('x'),
      pongFrame('q'),
      closeFrame(1001),
    ],
    events: [pingEvent('p'), pongEvent('q'), closeEvent(1001)],
    output: [ours, pongFrame('p')],
  });
  testWireInBothRoles(t, 'pieces that were under way are dropped', {
    ...closeSent,
    options: { delivery: 'chunks' },
    input: [textFrame('x', MORE), continuationFrame('y'), closeFrame(1001)],
    events: [closeEvent(1001)],
    output: [ours],
  });
  testWireInBothRoles(t, 'a peer that errs instead is told nothing more', {
    ...closeSent,
    input: [textFrame(bytesOfHex('ff'))],
    events: [failedEvent('text-not-utf8')],
    output: [ours],
  });
  testWireInBothRoles(t, 'a bad Close instead of an answer', {
    ...closeSent,
    input: [closeFrame(1006)],
    events: [failedEvent('close-code')],
    output: [ours],
  });
  testWireInBothRoles(t, 'limits hold on', {
    ...closeSent,
    options: { maxMessage: 10 },
    input: [binaryFrame('', { length: 11n })],
    events: [failedEvent('message-too-big')],
    output: [ours],
  });

  t.test('a Close sent by the listener in the middle of a read', (t) => {
    const messages: number[] = [];
    const { endpoint } = makeServer({
      message: (_opcode, bytes, start) => {
        messages.push(bytes[start]!);
        endpoint.sendClose(1000);
      },
    });
    receiveAt(endpoint, [textFrame('a'), textFrame('b'), pingFrame('p')]);
    t.strictSame(messages, [0x61], 'the second message is dropped');
    t.equal(outputOf(endpoint), serverHex(closeFrame(1000), pongFrame('p')));
    t.end();
  });

  t.test('a second Close is not sent', (t) => {
    const side = makeSide();
    t.ok(side.endpoint.sendClose(1001, 'first'));
    t.notOk(side.endpoint.sendClose(1000, 'second'));
    t.notOk(side.endpoint.canSend);
    t.notOk(side.endpoint.isClosed, 'the answer is awaited');
    t.strictSame(side.endpoint.sentClose, { code: 1001, reason: 'first' });
    t.equal(sentBy(side), serverHex(closeFrame(1001, 'first')));
    t.end();
  });

  t.test('a Close that was taken back is sent again, and nobody is told', (t) => {
    for (const role of ROLES) {
      for (const code of [1001, 1005]) {
        const side = makeSide({ role });
        const { endpoint } = side;
        const frames: number[] = [];
        endpoint.watcher = {
          frameReceived: () => undefined,
          controlReceived: () => undefined,
          frameSent: (first) => frames.push(first),
        };
        // Whoever holds output back has dropped it.
        endpoint.sink = { appendFrame: () => undefined, appendBytes: () => undefined };
        endpoint.sendClose(code);
        endpoint.sink = endpoint.output;
        t.equal(sentBy(side), '');
        endpoint.repeatClose(endpoint.sentClose!);
        const close = code === 1005 ? closeFrame() : closeFrame(code);
        t.equal(sentBy(side), hexOf(encodeFrames([close], role === 'client')));
        t.strictSame(frames, [0x88], 'once');
        t.not(endpoint.watcher, null);
      }
    }
    t.end();
  });

  t.test('who hears the peer out gets its messages after our Close, until its own', (t) => {
    for (const delivery of ['messages', 'chunks'] as const) {
      const side = makeSide({ delivery });
      side.endpoint.hearsOut = true;
      side.endpoint.sendClose(1000);
      receive(side, [textFrame('a'), closeFrame(1000), textFrame('b')]);
      t.equal(side.recorder.events.length, 2);
      t.strictSame(side.recorder.events[1], closeEvent(1000));
      t.ok(side.endpoint.isClosed);
    }
    t.end();
  });

  t.test('no data after our Close (RFC 6455 §5.5.1)', (t) => {
    const side = makeSide();
    side.endpoint.sendClose(1000);
    t.equal(sentBy(side), serverHex(closeFrame(1000)));
    t.notOk(sendText(side, 'x'));
    t.notOk(sendPiece(side, 'x', true, false));
    t.notOk(side.endpoint.sendPing(new Uint8Array(0)));
    t.equal(sentBy(side), '');
    t.end();
  });

  t.test('a code that must not be sent is refused and nothing is sent (RFC 6455 §7.4)', (t) => {
    const side = makeSide();
    for (const code of [-1, 0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 66_536, NaN]) {
      t.throws(() => side.endpoint.sendClose(code), InvalidStateError, `${code}`);
    }
    t.equal(side.endpoint.output.queuedBytes, 0);
    t.equal(side.endpoint.sentClose, null);
    t.ok(side.endpoint.canSend);
    t.ok(side.endpoint.sendClose(1003), 'F18: data that a mode cannot take');
    t.equal(sentBy(side), serverHex(closeFrame(1003)));
    t.end();
  });

  t.test('a long reason is cut between two characters', (t) => {
    const reasons = [
      ['r'.repeat(123), 'r'.repeat(123)],
      ['r'.repeat(124), 'r'.repeat(123)],
      ['é'.repeat(100), 'é'.repeat(61)],
      ['€'.repeat(100), '€'.repeat(41)],
      ['x\u{1f600}'.repeat(25), `${'x\u{1f600}'.repeat(24)}x`],
      ['\ud800', '\ufffd'],
    ] as const;
    for (const [reason, sent] of reasons) {
      const side = makeSide();
      side.endpoint.sendClose(4000, reason);
      t.equal(sentBy(side), serverHex(closeFrame(4000, sent)));
    }
    t.end();
  });

  t.test('code 1005 sends an empty Close', (t) => {
    const side = makeSide();
    t.ok(side.endpoint.sendClose(1005, 'not sent'));
    t.equal(sentBy(side), '8800');
    t.end();
  });
  t.end();
});

t.test('Ping and Pong (RFC 6455 §5.5.2, §5.5.3)', (t) => {
  testWireInBothRoles(t, 'ten Pings get ten Pongs in order (Autobahn 2.10)', {
    input: Array.from({ length: 10 }, (_, index) => pingFrame(`ping ${index}`)),
    events: Array.from({ length: 10 }, (_, index) => pingEvent(`ping ${index}`)),
    output: Array.from({ length: 10 }, (_, index) => pongFrame(`ping ${index}`)),
  });
  for (const length of [0, 1, 124, 125]) {
    const payload = new SeededRandom(length + 1).bytes(length);
    testWireInBothRoles(t, `a Ping of ${length} bytes that are not text`, {
      input: [pingFrame(payload)],
      events: [pingEvent(payload)],
      output: [pongFrame(payload)],
    });
  }
  testWireInBothRoles(t, 'a Ping between fragments is answered before the message', {
    input: [textFrame('Hel', MORE), pingFrame('now'), continuationFrame('lo')],
    events: [pingEvent('now'), textEvent('Hello')],
    output: [pongFrame('now'), textFrame('Hello')],
  });
  testWireInBothRoles(t, 'a Ping between fragments is answered though the message goes on', {
    input: [textFrame('Hel', MORE), pingFrame('now'), continuationFrame('l', MORE)],
    events: [pingEvent('now')],
    output: [pongFrame('now')],
  });
  testWireInBothRoles(t, 'Pings between pieces come in their place', {
    options: { delivery: 'chunks' },
    input: [textFrame('a', MORE), pingFrame('p'), continuationFrame('b', MORE), pongFrame('q')],
    events: [
      pieceEvent(1, 'a', { isFirst: true }),
      pingEvent('p'),
      pieceEvent(1, 'b'),
      pongEvent('q'),
    ],
    output: [pongFrame('p')],
  });
  testWireInBothRoles(t, 'Pongs that nobody asked for are ignored (Autobahn 2.7 to 2.9)', {
    input: [pongFrame(), pongFrame('x'.repeat(125)), pingFrame('p')],
    events: [pongEvent(''), pongEvent('x'.repeat(125)), pingEvent('p')],
    output: [pongFrame('p')],
  });
  testWireInBothRoles(t, 'while output is blocked no Pong is sent', {
    prepare: (endpoint) => {
      endpoint.isOutputBlocked = true;
    },
    input: [pingFrame('a'), pingFrame('b')],
    events: [pingEvent('a'), pingEvent('b')],
  });

  t.test('after a blocked time only the newest Ping is answered (§5.5.3)', (t) => {
    const side = makeSide();
    receive(side, [pingFrame('a')]);
    side.endpoint.isOutputBlocked = true;
    for (let index = 0; index < 1000; index++) receive(side, [pingFrame(`flood ${index}`)]);
    t.equal(side.endpoint.output.queuedBytes, 3, 'nothing piles up');
    side.endpoint.isOutputBlocked = false;
    side.endpoint.sendOwedPong();
    side.endpoint.sendOwedPong();
    receive(side, [pingFrame('z')]);
    t.equal(sentBy(side), serverHex(pongFrame('a'), pongFrame('flood 999'), pongFrame('z')));
    t.end();
  });

  t.test('the Pong that is owed is a copy, also of a Ping in two reads', (t) => {
    const side = makeSide();
    side.endpoint.isOutputBlocked = true;
    receiveInReads(side, encodeFrames([pingFrame('in reads')], true), 9);
    side.endpoint.sendOwedPong();
    t.equal(sentBy(side), serverHex(pongFrame('in reads')));

    const ping = encodeFrames([pingFrame('whole')], true);
    side.endpoint.receive(ping, 0, ping.length);
    ping.fill(0xee);
    side.endpoint.sendOwedPong();
    t.equal(sentBy(side), serverHex(pongFrame('whole')));
    t.end();
  });

  t.test('a Pong that is owed goes before our Close, and never after the end', (t) => {
    const blocked = (): Side => {
      const side = makeSide();
      side.endpoint.isOutputBlocked = true;
      receive(side, [pingFrame('p')]);
      return side;
    };
    const weClosed = blocked();
    weClosed.endpoint.sendClose(1001);
    weClosed.endpoint.sendOwedPong();
    t.equal(sentBy(weClosed), serverHex(pongFrame('p'), closeFrame(1001)), 'we sent a Close');

    const peerClosed = blocked();
    receive(peerClosed, [closeFrame(1000)]);
    peerClosed.endpoint.sendOwedPong();
    t.equal(sentBy(peerClosed), '', 'the peer sent a Close');

    const failed = blocked();
    receive(failed, [{ opcode: 3 }]);
    failed.endpoint.sendOwedPong();
    const answer = closeFrame(1002, 'reserved opcode (RFC 6455 5.2)');
    t.equal(sentBy(failed), serverHex(pongFrame('p'), answer), 'the connection failed');

    const gone = blocked();
    gone.endpoint.receiveEof();
    gone.endpoint.sendOwedPong();
    t.equal(sentBy(gone), '', 'the peer is gone');

    const failedAfterClose = makeSide();
    failedAfterClose.endpoint.sendClose(1000);
    t.equal(sentBy(failedAfterClose), serverHex(closeFrame(1000)));
    failedAfterClose.endpoint.isOutputBlocked = true;
    receive(failedAfterClose, [pingFrame('p'), { opcode: 3 }]);
    failedAfterClose.endpoint.sendOwedPong();
    t.equal(sentBy(failedAfterClose), '', 'the connection failed after our Close');
    t.end();
  });

  t.test('a Pong that is owed has the payload of its Ping, whatever is read meanwhile', (t) => {
    const side = makeSide();
    side.endpoint.isOutputBlocked = true;
    // A socket is read into a Buffer, whose own slice would be a view of it.
    const read = Buffer.from(encodeFrames([pingFrame('whole')], true));
    side.endpoint.receive(read, 0, read.length);
    read.fill(0xee);
    side.endpoint.sendOwedPong();
    t.equal(sentBy(side), serverHex(pongFrame('whole')));
    t.end();
  });

  for (const [send, frame] of [
    ['sendPing', pingFrame],
    ['sendPong', pongFrame],
  ] as const) {
    t.test(send, (t) => {
      const side = makeSide();
      t.ok(side.endpoint[send](new Uint8Array(0)));
      t.ok(side.endpoint[send](new Uint8Array(125).fill(7)));
      t.throws(() => side.endpoint[send](new Uint8Array(126)), InvalidArgumentError);
      t.equal(sentBy(side), serverHex(frame(), frame(new Uint8Array(125).fill(7))));
      side.endpoint.sendClose(1000);
      t.notOk(side.endpoint[send](new Uint8Array(0)));
      t.end();
    });
  }
  t.end();
});

t.test('whole messages', (t) => {
  testWireInBothRoles(t, 'empty ones', {
    input: [textFrame(''), binaryFrame('')],
    events: [textEvent(''), binaryEvent('')],
    output: [textFrame(''), binaryFrame('')],
  });
  testWireInBothRoles(t, 'with fragments that are empty', {
    input: [
      textFrame('', MORE),
      continuationFrame('a', MORE),
      continuationFrame('', MORE),
      continuationFrame('b', MORE),
      continuationFrame(''),
      binaryFrame('', MORE),
      continuationFrame(''),
      binaryFrame('', MORE),
      continuationFrame('c'),
    ],
    events: [textEvent('ab'), binaryEvent(''), binaryEvent('c')],
    output: [textFrame('ab'), binaryFrame(''), binaryFrame('c')],
  });
  testWireInBothRoles(t, 'of all bytes', {
    input: [binaryFrame(Uint8Array.from({ length: 256 }, (_, byte) => byte))],
    events: [binaryEvent(Uint8Array.from({ length: 256 }, (_, byte) => byte))],
    output: [binaryFrame(Uint8Array.from({ length: 256 }, (_, byte) => byte))],
  });
  for (const length of [125, 126, 127, 65_535, 65_536]) {
    const payload = new SeededRandom(length).bytes(length);
    testWireInBothRoles(t, `of ${length} bytes, in one frame`, {
      input: [binaryFrame(payload)],
      events: [binaryEvent(payload)],
      output: [binaryFrame(payload)],
    });
  }
  for (const lengths of [
    [1, 125],
    [126, 2],
    [3, 127],
    [5000, 2000],
  ] as const) {
    const [first, second] = lengths;
    const payload = new SeededRandom(first).bytes(first + second);
    testWireInBothRoles(t, `in fragments of ${first} and ${second} bytes`, {
      input: [
        binaryFrame(payload.subarray(0, first), MORE),
        continuationFrame(payload.subarray(first)),
      ],
      events: [binaryEvent(payload)],
      output: [binaryFrame(payload)],
    });
  }
  testWireInBothRoles(t, 'nothing before the last byte', {
    input: [textFrame('Hell', { length: 5n })],
    events: [],
    isInsideFrame: true,
  });

  t.test('isMessageOpen, from the first header to the last byte', (t) => {
    const side = makeSide();
    const bytes = encodeFrames([textFrame('a', MORE), pingFrame(), continuationFrame('b')], true);
    const states = Array.from(bytes, (byte) => {
      side.endpoint.receive(Uint8Array.of(byte), 0, 1);
      return side.endpoint.isMessageOpen;
    });
    // A header of 6 bytes, 7 bytes of Ping and last fragment each less one, and the last byte.
    const opensAt = 5;
    t.strictSame(
      states,
      Array.from(bytes, (_, index) => index >= opensAt && index < bytes.length - 1),
    );
    t.end();
  });
  t.end();
});

t.test('messages in pieces', (t) => {
  const pieces = { options: { delivery: 'chunks' } } as const;
  testWireInBothRoles(t, 'a message in one frame', {
    ...pieces,
    input: [textFrame('Hello'), binaryFrame('')],
    events: [pieceEvent(1, 'Hello', WHOLE), pieceEvent(2, '', WHOLE)],
  });
  testWireInBothRoles(t, 'a fragmented message', {
    ...pieces,
    input: [
      binaryFrame('', MORE),
      continuationFrame('He', MORE),
      continuationFrame('', MORE),
      continuationFrame('llo', MORE),
      continuationFrame(''),
      textFrame('next'),
    ],
    events: [pieceEvent(2, 'Hello', WHOLE), pieceEvent(1, 'next', WHOLE)],
  });
  testWireInBothRoles(t, 'what is there of a frame comes at once', {
    ...pieces,
    input: [binaryFrame('Hell', { length: 1_000_000n })],
    events: [pieceEvent(2, 'Hell', { isFirst: true })],
    isInsideFrame: true,
  });
  testWireInBothRoles(t, 'pieces have no limits', {
    options: { delivery: 'chunks', maxMessage: 3, maxFragments: 2 },
    input: [
      binaryFrame('12', MORE),
      continuationFrame('34', MORE),
      continuationFrame('5678', MORE),
      continuationFrame('9'),
    ],
    events: [pieceEvent(2, '123456789', WHOLE)],
  });
  testWireInBothRoles(t, 'a frame of 2^53 - 1 bytes is begun', {
    ...pieces,
    input: [binaryFrame('start', { length: 2n ** 53n - 1n })],
    events: [pieceEvent(2, 'start', { isFirst: true })],
    isInsideFrame: true,
  });
  for (const length of [2n ** 53n, 2n ** 62n, 2n ** 63n - 1n]) {
    testWireInBothRoles(t, `a frame of ${length} bytes cannot be counted`, {
      ...pieces,
      input: [binaryFrame('', { length })],
      events: [failedEvent('message-too-big')],
      output: [closeFrame(1009, 'message is over the limit of 9007199254740991 bytes')],
    });
  }
  testWireInBothRoles(t, 'text that is cut inside characters', {
    ...pieces,
    input: [
      textFrame(bytesOfHex('ce'), MORE),
      continuationFrame(bytesOfHex('ba f0 9f'), MORE),
      continuationFrame(bytesOfHex('98 80')),
    ],
    events: [pieceEvent(1, 'κ\u{1f600}', WHOLE)],
  });

  t.test('each frame of one read is a piece, with its marks', (t) => {
    const calls: unknown[] = [];
    const { endpoint } = makeServer(
      {
        chunk: (opcode, bytes, start, end, isFirst, isLast) =>
          void calls.push([opcode, hexOf(bytes.slice(start, end)), isFirst, isLast]),
      },
      'chunks',
    );
    receiveAt(endpoint, [
      binaryFrame('', MORE),
      continuationFrame('a', MORE),
      continuationFrame('b', MORE),
      continuationFrame(''),
    ]);
    t.strictSame(calls, [
      [2, '61', true, false],
      [2, '62', false, false],
      [2, '', false, true],
    ]);
    t.end();
  });

  t.test('text that is not UTF-8 fails at once; what came before it was good', (t) => {
    for (const readBytes of [1, 2, 3, 7, Infinity]) {
      const side = makeSide({ delivery: 'chunks' });
      const bytes = encodeFrames([textFrame('good'), textFrame(bytesOfHex('6f6b ff 6f6b'))], true);
      receiveInReads(side, bytes, readBytes);
      const { events } = side.recorder;
      t.strictSame(events[0], pieceEvent(1, 'good', WHOLE));
      t.strictSame(events.at(-1), failedEvent('text-not-utf8'));
      t.equal(side.recorder.payloadBytes, 6, 'every good byte is told, and no bad one');
      const reason = 'text message is not valid UTF-8 (RFC 6455 8.1)';
      t.equal(sentBy(side), serverHex(closeFrame(1007, reason)));
    }
    t.end();
  });
  t.end();
});

t.test('text (RFC 6455 §5.6, §8.1)', (t) => {
  const text = 'aκόσμε €\u{1f600} \ud7ff\ue000\ufffe\uffff\u{10ffff} \0 end';
  const bytes = Buffer.from(text);
  testWireInBothRoles(t, 'one frame', {
    input: [textFrame(text)],
    events: [textEvent(text)],
    output: [textFrame(text)],
  });
  testWireInBothRoles(t, 'one fragment for each byte', {
    input: [
      textFrame('', MORE),
      ...Array.from(bytes, (byte) => continuationFrame(Uint8Array.of(byte), MORE)),
      continuationFrame(''),
    ],
    events: [textEvent(text)],
    output: [textFrame(text)],
  });
  testWireInBothRoles(t, 'a Ping inside a character', {
    input: [
      textFrame(bytesOfHex('f09f'), MORE),
      pingFrame(bytesOfHex('ff')),
      continuationFrame(bytesOfHex('9880')),
    ],
    events: [pingEvent(bytesOfHex('ff')), textEvent('\u{1f600}')],
    output: [pongFrame(bytesOfHex('ff')), textFrame('\u{1f600}')],
  });
  testWireInBothRoles(t, 'ASCII cannot end a character that was begun', {
    input: [textFrame(bytesOfHex('e282'), MORE), continuationFrame('ascii', MORE)],
    events: [failedEvent('text-not-utf8')],
    output: [closeFrame(1007, 'text message is not valid UTF-8 (RFC 6455 8.1)')],
  });
  testWireInBothRoles(t, 'a long text that is wrong at its very end', {
    input: [textFrame(Buffer.concat([Buffer.from('€'.repeat(400)), bytesOfHex('e282')]))],
    events: [failedEvent('text-not-utf8')],
    output: [closeFrame(1007, 'text message is not valid UTF-8 (RFC 6455 8.1)')],
  });
  testWireInBothRoles(t, 'binary is not looked at', {
    input: [binaryFrame(bytesOfHex('c0aff490')), binaryFrame('', MORE), continuationFrame('é')],
    events: [binaryEvent(bytesOfHex('c0aff490')), binaryEvent('é')],
    output: [binaryFrame(bytesOfHex('c0aff490')), binaryFrame('é')],
  });
  testWireInBothRoles(t, 'a text after a message is a new text', {
    input: [binaryFrame(bytesOfHex('e2')), textFrame('a'), textFrame('é')],
    events: [binaryEvent(bytesOfHex('e2')), textEvent('a'), textEvent('é')],
    output: [binaryFrame(bytesOfHex('e2')), textFrame('a'), textFrame('é')],
  });

  t.test('a text fails at the byte that makes it impossible (Autobahn 6.4.3, 6.4.4)', (t) => {
    const start = Buffer.from('κόσμε');
    const cases = [
      ['c0', ''],
      ['c1', ''],
      ['f5', ''],
      ['e0', '9f'],
      ['ed', 'a0'],
      ['f0', '8f'],
      ['f4', '90'],
      ['e2', '28'],
      ['e2 82', '28'],
      ['f0 9f 98', 'c0'],
    ] as const;
    for (const [possible, impossible] of cases) {
      const side = makeSide();
      const frame = encodeFrames(
        [textFrame(Buffer.concat([start, bytesOfHex(possible + impossible)]), { length: 500n })],
        true,
      );
      const before = impossible === '' ? frame.length - 1 : frame.length - impossible.length / 2;
      side.endpoint.receive(frame.slice(), 0, before);
      t.notOk(side.endpoint.isClosed, `${possible}: the bytes before may be text`);
      side.endpoint.receive(frame.slice(before, before + 1), 0, 1);
      t.strictSame(
        side.recorder.events,
        [failedEvent('text-not-utf8')],
        `${possible} ${impossible} fails`,
      );
    }
    t.end();
  });
  t.end();
});

t.test('limits (inclusive), and one past them', (t) => {
  const small = { options: { maxMessage: 10, maxFragments: 4 } };
  const tooBig = {
    events: [failedEvent('message-too-big')],
    output: [closeFrame(1009, 'message is over the limit of 10 bytes')],
  };
  const tooMany = {
    events: [failedEvent('too-many-fragments')],
    output: [closeFrame(1008, 'too many fragments in one message')],
  };
  testWireInBothRoles(t, 'a frame of as many bytes', {
    ...small,
    input: [binaryFrame('0123456789'), textFrame('0123456789')],
    events: [binaryEvent('0123456789'), textEvent('0123456789')],
    output: [binaryFrame('0123456789'), textFrame('0123456789')],
  });
  testWireInBothRoles(t, 'a frame of one more, header only', {
    ...small,
    input: [binaryFrame('', { length: 11n })],
    ...tooBig,
  });
  testWireInBothRoles(t, 'fragments of as many bytes, with control frames between them', {
    ...small,
    input: [
      textFrame('0123', MORE),
      pongFrame('x'.repeat(125)),
      continuationFrame('45678', MORE),
      pongFrame('x'.repeat(125)),
      continuationFrame('', MORE),
      continuationFrame('9'),
    ],
    events: [pongEvent('x'.repeat(125)), pongEvent('x'.repeat(125)), textEvent('0123456789')],
    output: [textFrame('0123456789')],
  });
  testWireInBothRoles(t, 'fragments of one more, with a Ping between them, header only', {
    ...small,
    input: [
      textFrame('012345678', MORE),
      pingFrame('p'),
      continuationFrame('', { length: 2n, isFinal: false }),
    ],
    events: [pingEvent('p'), ...tooBig.events],
    output: [pongFrame('p'), ...tooBig.output],
  });
  testWireInBothRoles(t, 'a full message and an empty last fragment', {
    ...small,
    input: [textFrame('0123456789', MORE), continuationFrame('')],
    events: [textEvent('0123456789')],
    output: [textFrame('0123456789')],
  });
  testWireInBothRoles(t, 'a message is too big before it has too many fragments', {
    options: { maxMessage: 10, maxFragments: 1 },
    input: [textFrame('a', MORE), continuationFrame('', { length: 10n })],
    ...tooBig,
  });
  testWireInBothRoles(t, 'only empty messages fit', {
    options: { maxMessage: 0 },
    input: [textFrame(''), textFrame('', MORE), continuationFrame('', { length: 1n })],
    events: [textEvent(''), failedEvent('message-too-big')],
    output: [textFrame(''), closeFrame(1009, 'message is over the limit of 0 bytes')],
  });
  // 1024 bytes, a quarter of that, 64, and 16 for each fragment.
  const changed = {
    options: { maxMessage: 1024 },
    prepare: (endpoint: Endpoint) => {
      endpoint.allowedRsv = 4;
    },
  };
  const over = (limitBytes: number): typeof tooBig => ({
    events: [failedEvent('message-too-big')],
    output: [closeFrame(1009, `message is over the limit of ${limitBytes} bytes on the wire`)],
  });
  const wire = 'x'.repeat(1360);
  testWireInBothRoles(t, 'what an extension has changed, in one frame', {
    ...changed,
    input: [binaryFrame(wire, { rsv: 4 })],
    events: [messageEvent(2, wire, 4)],
    output: [binaryFrame(wire, { rsv: 4 })],
  });
  testWireInBothRoles(t, 'what an extension has changed, one more, header only', {
    ...changed,
    input: [binaryFrame('', { rsv: 4, length: 1361n })],
    ...over(1360),
  });
  testWireInBothRoles(t, 'what an extension has changed, in three fragments', {
    ...changed,
    input: [
      binaryFrame(wire, { rsv: 4, isFinal: false }),
      continuationFrame('y'.repeat(16), MORE),
      continuationFrame('z'.repeat(16)),
    ],
    events: [messageEvent(2, wire + 'y'.repeat(16) + 'z'.repeat(16), 4)],
    output: [binaryFrame(wire + 'y'.repeat(16) + 'z'.repeat(16), { rsv: 4 })],
  });
  testWireInBothRoles(t, 'what an extension has changed, one more in three fragments', {
    ...changed,
    input: [
      binaryFrame(wire, { rsv: 4, isFinal: false }),
      continuationFrame('y'.repeat(16), MORE),
      continuationFrame('', { length: 17n }),
    ],
    ...over(1392),
  });
  testWireInBothRoles(t, 'as many fragments, empty ones counted, control frames not', {
    ...small,
    input: [
      textFrame('', MORE),
      pongFrame(),
      continuationFrame('', MORE),
      pongFrame(),
      continuationFrame('a', MORE),
      pongFrame(),
      continuationFrame(''),
    ],
    events: [pongEvent(''), pongEvent(''), pongEvent(''), textEvent('a')],
    output: [textFrame('a')],
  });
  testWireInBothRoles(t, 'one fragment more, header only', {
    ...small,
    input: [
      textFrame('', MORE),
      continuationFrame('', MORE),
      continuationFrame('a', MORE),
      continuationFrame('', MORE),
      continuationFrame('', { length: 2n }),
    ],
    ...tooMany,
  });

  t.test('the limits are those of one message: 20,000 whole and fragmented ones', (t) => {
    for (const role of ROLES) {
      const side = makeEchoSide({ role, maxMessage: 3, maxFragments: 3 });
      const messages = [
        textFrame('abc'),
        textFrame('a', MORE),
        continuationFrame('b', MORE),
        continuationFrame('c'),
      ];
      const bytes = encodeFrames(
        Array.from({ length: 100 }, () => messages).flat(),
        role === 'server',
      );
      let sentBytes = 0;
      for (let round = 0; round < 100; round++) {
        side.endpoint.receive(bytes.slice(), 0, bytes.length);
        sentBytes += takeOutput(side).length;
      }
      t.equal(side.recorder.count, 20_000, role);
      t.equal(sentBytes, 20_000 * (role === 'server' ? 5 : 9));
      t.ok(side.endpoint.canSend);
    }
    t.end();
  });

  t.test('17,000 empty fragments make one message, or too many', (t) => {
    const frames = [
      binaryFrame('', MORE),
      ...Array.from({ length: 16_998 }, () => continuationFrame('', MORE)),
      continuationFrame('end'),
    ];
    const side = makeSide();
    receive(side, frames);
    t.strictSame(side.recorder.events, [binaryEvent('end')]);

    const exact = makeSide({ maxFragments: 17_000 });
    receive(exact, frames);
    t.strictSame(exact.recorder.events, [binaryEvent('end')]);

    const strict = makeSide({ maxFragments: 16_999 });
    receive(strict, frames);
    t.strictSame(strict.recorder.events, [failedEvent('too-many-fragments')]);
    t.end();
  });

  t.test('the default limits, at them and one past (DESIGN 6)', (t) => {
    const { maxMessage, maxFragments } = DEFAULT_OPTIONS;
    const side = makeSide();
    const payload = Buffer.alloc(maxMessage, 'x');
    const bytes = encodeFrames([binaryFrame('', { length: BigInt(maxMessage) })], true);
    side.endpoint.receive(bytes, 0, bytes.length);
    receiveInReads(
      side,
      Buffer.from(payload.map((byte, at) => byte ^ bytes[10 + (at & 3)]!)),
      65_536,
    );
    t.strictSame(side.recorder.events, [binaryEvent(payload)], '16 MiB');

    const many = makeSide();
    const fragments = encodeFrames(
      Array.from({ length: 1024 }, () => continuationFrame('x', MORE)),
      true,
    );
    receive(many, [binaryFrame('x', MORE)]);
    for (let count = 1; count < maxFragments; count += 1024) {
      const isLastRound = count + 1024 > maxFragments;
      const read = fragments.slice(0, isLastRound ? (maxFragments - count) * 7 : undefined);
      many.endpoint.receive(read, 0, read.length);
    }
    t.equal(many.recorder.count, 0, 'as many fragments');
    receive(many, [continuationFrame('', MORE)]);
    t.strictSame(many.recorder.events, [failedEvent('too-many-fragments')], 'and one more');
    t.end();
  });
  t.end();
});

/** Memory in use once everything that is not has been collected, in bytes. */
const measureMemory = async (): Promise<{ heapBytes: number; bufferBytes: number }> => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  // In a turn of its own: what callers have on their stack counts as used.
  for (let round = 0; round < 2; round++) {
    await setImmediate();
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapBytes: heapUsed, bufferBytes: arrayBuffers };
};

t.test('only whole messages are assembled', async (t) => {
  t.equal(makeSide({ delivery: 'messages' }).endpoint.isAssembling, true);
  t.equal(makeSide({ delivery: 'chunks' }).endpoint.isAssembling, false);
});

t.test('a million one-byte fragments cost about what they carry', async (t) => {
  const received: number[] = [];
  const endpoint = new Endpoint(
    { ...DEFAULT_OPTIONS, maxFragments: 2_000_000 },
    {
      ...SILENT,
      message: (_opcode, bytes, start, end) => void received.push(end - start, bytes.length),
    },
    new OutputQueue(new SlabPool()),
  );
  const fragments = encodeFrames(
    Array.from({ length: 10_000 }, () => continuationFrame('x', MORE)),
    true,
  );
  receiveAt(endpoint, [binaryFrame('x', MORE)]);
  const before = await measureMemory();
  for (let round = 0; round < 100; round++) {
    // A read of its own each time: a view that was kept would keep it.
    const read = fragments.slice();
    endpoint.receive(read, 0, read.length);
  }
  const after = await measureMemory();
  t.ok(
    after.bufferBytes - before.bufferBytes <= 2 * 1_000_000 + 65_536,
    'buffers: twice the payload',
  );
  t.ok(after.heapBytes - before.heapBytes <= 2 * 1024 * 1024, 'nothing for each fragment');
  receiveAt(endpoint, [continuationFrame('x')]);
  t.equal(received[0], 1_000_002);
  t.ok(received[1]! <= 2 * 1_000_002, 'the buffer of the message');
});

t.test('a message that was begun is freed however the connection ends', async (t) => {
  const endings: Readonly<Record<string, (side: Side) => void>> = {
    'a Close of the peer': (side) => {
      receive(side, [closeFrame(1000)]);
    },
    'a failure': (side) => {
      receive(side, [{ opcode: 3 }]);
    },
    'the end of the byte stream': (side) => {
      side.endpoint.receiveEof();
    },
    'the end of the message': (side) => {
      receive(side, [continuationFrame('')]);
    },
  };
  for (const [name, end] of Object.entries(endings)) {
    const pool = new SlabPool();
    const side = makeSide({ pool });
    receiveInReads(
      side,
      encodeFrames([binaryFrame(new Uint8Array(4_000_000), MORE)], true),
      65_536,
    );
    t.ok(pool.memory.bytes - pool.freeMessageBytes >= 4_000_000, `${name}: it was held`);
    end(side);
    t.notOk(side.endpoint.output.queuedBytes > 1000);
    takeOutput(side);
    emptyPool(pool);
    t.equal(pool.memory.bytes, 0, `${name}: it is not now`);
  }
});

t.test('a declared length costs nothing', (t) => {
  const { endpoint } = makeServer({});
  const { arrayBuffers } = process.memoryUsage();
  receiveAt(endpoint, [binaryFrame('x'.repeat(100), { length: 16_777_216n })]);
  t.ok(process.memoryUsage().arrayBuffers - arrayBuffers < 1024 * 1024);
  t.notOk(endpoint.isClosed);
  t.end();
});

t.test('reserved bits that extensions own (RFC 6455 §5.2, RFC 7692 §6)', (t) => {
  const allow = (rsv: number) => ({
    prepare: (endpoint: Endpoint) => {
      endpoint.allowedRsv = rsv;
    },
  });
  testWireInBothRoles(t, 'RSV1 on the first frame belongs to the message', {
    ...allow(4),
    input: [
      binaryFrame('a', { rsv: 4, isFinal: false }),
      continuationFrame('b'),
      binaryFrame('c'),
      textFrame('d', { rsv: 4 }),
    ],
    events: [messageEvent(2, 'ab', 4), binaryEvent('c'), messageEvent(1, 'd', 4)],
    output: [binaryFrame('ab', { rsv: 4 }), binaryFrame('c'), textFrame('d', { rsv: 4 })],
  });
  testWireInBothRoles(t, 'a text with a reserved bit is not text yet, one without it is', {
    ...allow(4),
    input: [
      textFrame(bytesOfHex('ff'), { rsv: 4, isFinal: false }),
      continuationFrame(bytesOfHex('fe')),
      textFrame(bytesOfHex('ff')),
    ],
    events: [messageEvent(1, bytesOfHex('fffe'), 4), failedEvent('text-not-utf8')],
    output: [
      textFrame(bytesOfHex('fffe'), { rsv: 4 }),
      closeFrame(1007, 'text message is not valid UTF-8 (RFC 6455 8.1)'),
    ],
  });
  testWireInBothRoles(t, 'all three bits', {
    ...allow(7),
    input: [1, 2, 3, 4, 5, 6, 7].map((rsv) => binaryFrame('x', { rsv })),
    events: [1, 2, 3, 4, 5, 6, 7].map((rsv) => messageEvent(2, 'x', rsv)),
    output: [1, 2, 3, 4, 5, 6, 7].map((rsv) => binaryFrame('x', { rsv })),
  });
  const broken = {
    events: [failedEvent('reserved-bit')],
    output: [
      closeFrame(1002, 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)'),
    ],
  };
  const wrong: readonly (readonly [string, readonly TestFrame[]])[] = [
    ['F2 RSV2 where RSV1 is owned', [textFrame('', { rsv: 2 })]],
    ['F2 RSV1 and RSV3 where RSV1 is owned', [textFrame('', { rsv: 5 })]],
  ];
  for (const [name, input] of wrong) {
    testWireInBothRoles(t, name, { ...allow(4), input, ...broken });
  }
  const misplaced = {
    events: [failedEvent('reserved-bit-misplaced')],
    output: [
      closeFrame(
        1002,
        'reserved bit of an extension on a frame that does not begin a message (RFC 7692 6.1)',
      ),
    ],
  };
  const behind: readonly (readonly [string, readonly TestFrame[]])[] = [
    [
      'F2 RSV1 on a continuation (RFC 7692 §6.1)',
      [textFrame('', { rsv: 4, isFinal: false }), continuationFrame('', { rsv: 4 })],
    ],
    ['F2 RSV1 on a Ping (RFC 7692 §6.1)', [{ opcode: 9, rsv: 4 }]],
    ['F2 RSV1 on a Close', [{ ...closeFrame(1000), rsv: 4 }]],
  ];
  for (const [name, input] of behind) {
    testWireInBothRoles(t, name, { ...allow(4), input, ...misplaced });
  }
  t.end();
});

t.test('sending', (t) => {
  t.test('a server does not mask, a client does with a fresh key each (RFC 6455 §5.3)', (t) => {
    const server = makeSide();
    sendText(server, 'Hello');
    t.equal(sentBy(server), '810548656c6c6f');

    const keys = [MASKING_KEY, 0, MASKING_KEY];
    const client = makeSide({ role: 'client', makeMaskingKey: () => keys.shift()! });
    sendText(client, 'Hello');
    sendText(client, 'Hello');
    client.endpoint.sendPing(new Uint8Array(0));
    t.equal(sentBy(client), '818537fa213d7f9f4d5158' + '81850000000048656c6c6f' + '898037fa213d');
    t.strictSame(keys, []);
    t.end();
  });

  t.test('a part of a buffer, with reserved bits', (t) => {
    const side = makeSide();
    t.ok(side.endpoint.sendMessage(Opcode.Binary, Buffer.from('abcdef'), 2, 4, 4));
    t.ok(side.endpoint.sendMessage(Opcode.Binary, Buffer.from('abcdef'), 6, 6));
    t.equal(sentBy(side), 'c2026364' + '8200');
    t.end();
  });

  t.test('in pieces, which are fragments (RFC 6455 §5.4)', (t) => {
    const side = makeSide();
    t.ok(sendPiece(side, 'Hel', true, false));
    t.ok(side.endpoint.sendPing(Uint8Array.of(0x70)));
    receive(side, [pingFrame('q')]);
    t.ok(sendPiece(side, '', false, false));
    t.ok(sendPiece(side, 'lo', false, true));
    t.ok(sendPiece(side, 'whole', true, true));
    t.ok(sendText(side, 'after'));
    t.equal(
      sentBy(side),
      serverHex(
        textFrame('Hel', MORE),
        pingFrame('p'),
        pongFrame('q'),
        continuationFrame('', MORE),
        continuationFrame('lo'),
        textFrame('whole'),
        textFrame('after'),
      ),
    );
    t.end();
  });

  t.test('misuse throws and sends nothing', (t) => {
    const side = makeSide();
    t.throws(() => sendPiece(side, 'x', false, true), InvalidStateError, 'nothing was begun');
    t.throws(() => sendPiece(side, 'x', false, false), InvalidStateError, 'nothing was begun');
    t.equal(sentBy(side), '');
    sendPiece(side, 'a', true, false);
    t.throws(() => sendPiece(side, 'x', true, false), InvalidStateError, 'begun twice');
    t.throws(() => sendText(side, 'x'), InvalidStateError, 'a message inside a message');
    sendPiece(side, 'b', false, true);
    t.throws(() => sendPiece(side, 'x', false, true), InvalidStateError, 'ended twice');
    t.equal(sentBy(side), serverHex(textFrame('a', MORE), continuationFrame('b')));
    t.ok(side.endpoint.canSend, 'the peer does not hear of it');
    t.end();
  });

  t.test('a Close may end a message that is sent in pieces', (t) => {
    const side = makeSide();
    sendPiece(side, 'a', true, false);
    t.ok(side.endpoint.sendClose(1011));
    t.notOk(sendPiece(side, 'b', false, true));
    t.notOk(sendText(side, 'c'));
    t.equal(sentBy(side), serverHex(textFrame('a', MORE), closeFrame(1011)));
    t.end();
  });

  t.test('what is no message is refused before a byte of it is in the output', (t) => {
    const side = makeSide();
    const { endpoint } = side;
    const bytes = Buffer.from('abc');
    for (const [opcode, payload, start, end] of [
      [Opcode.Ping, bytes, 0, 3],
      [Opcode.Continuation, bytes, 0, 3],
      ['text', bytes, 0, 3],
      [Opcode.Text, 'abc', 0, 3],
      [Opcode.Text, null, 0, 0],
      [Opcode.Text, bytes.buffer, 0, 3],
      [Opcode.Text, bytes, 2, 1],
      [Opcode.Text, bytes, 0, 4],
      [Opcode.Text, bytes, -1, 3],
      [Opcode.Text, bytes, 0.5, 3],
    ] as [typeof Opcode.Text, Uint8Array, number, number][]) {
      const what = `${opcode} ${String(payload)} ${start} ${end}`;
      t.throws(() => endpoint.sendMessage(opcode, payload, start, end), InvalidArgumentError, what);
      t.throws(
        () => endpoint.sendChunk(opcode, payload, start, end, true, true),
        InvalidArgumentError,
        what,
      );
    }
    const noFlag = 1 as unknown as boolean;
    t.throws(
      () => endpoint.sendChunk(Opcode.Text, bytes, 0, 3, noFlag, true),
      InvalidArgumentError,
    );
    t.throws(() => endpoint.sendPing(Buffer.alloc(126)), InvalidArgumentError);
    t.throws(() => endpoint.sendPong('a' as unknown as Uint8Array), InvalidArgumentError);
    t.ok(sendText(side, 'd'));
    t.equal(sentBy(side), serverHex(textFrame('d')));
    t.end();
  });

  t.test('a large message that is sent back leaves from where it is, in one piece', (t) => {
    const seen: ArrayBufferLike[] = [];
    const { endpoint, pool } = makeServer({
      message: (opcode, bytes, start, end) => {
        seen.push(bytes.buffer);
        endpoint.sendMessage(opcode, bytes, start, end);
      },
    });
    const payload = Buffer.from(new SeededRandom(9).bytes(4 * HAND_OVER_BYTES));
    const frames = encodeFrames([binaryFrame(payload), binaryFrame('next')], true);
    for (let at = 0; at < frames.length; at += 65_536) {
      const read = frames.slice(at, at + 65_536);
      endpoint.receive(read, 0, read.length);
      read.fill(0xee);
    }
    const pieces = endpoint.output.take();
    t.equal(pieces.length, 2);
    t.equal(pieces[0]!.buffer, seen[0], 'the same memory');
    const sent = Buffer.concat(pieces);
    t.equal(hexOf(sent.subarray(0, 10)), '827f0000000000020000');
    t.ok(payload.equals(sent.subarray(10, 10 + payload.length)));
    t.strictSame(
      readFrames(sent).map((frame) => frame.payload.length),
      [payload.length, 4],
    );
    t.notOk(pool.takeForMessage(payload.length, payload.length).bytes.buffer === seen[0]);
    endpoint.output.release();
    t.ok(pool.takeForMessage(payload.length, payload.length).bytes.buffer === seen[0]);
    t.end();
  });

  t.test('a large message that came in one read is copied: the read is used again', (t) => {
    const side = makeEchoSide();
    const payload = Buffer.from(new SeededRandom(10).bytes(2 * HAND_OVER_BYTES));
    const read = encodeFrames([binaryFrame(payload)], true);
    side.endpoint.receive(read, 0, read.length);
    read.fill(0xee);
    t.ok(payload.equals(readFrames(takeOutput(side))[0]!.payload));
    t.end();
  });

  t.test('a large message is copied when someone else sends it', (t) => {
    const other = makeSide();
    const seen: ArrayBufferLike[] = [];
    const { endpoint } = makeServer({
      message: (opcode, bytes, start, end) => {
        seen.push(bytes.buffer);
        other.endpoint.sendMessage(opcode, bytes, start, end);
      },
    });
    const half = new Uint8Array(HAND_OVER_BYTES).fill(1);
    receiveAt(endpoint, [binaryFrame(half, MORE), continuationFrame(half)]);
    t.notOk(other.endpoint.output.take().some((piece) => piece.buffer === seen[0]));
    t.end();
  });
  t.end();
});

t.test('F19 a listener that throws ends the connection with 1011 and no detail', (t) => {
  const fault = (): never => {
    throw new Error('secret detail');
  };
  const internal = closeFrame(1011, 'internal error');
  const cases = [
    ['message', { message: fault }, [textFrame('x')], [internal]],
    [
      'long message',
      { message: fault },
      [textFrame('x', MORE), continuationFrame('y')],
      [internal],
    ],
    ['chunk', { chunk: fault }, [textFrame('x', MORE)], [internal]],
    ['ping', { pingReceived: fault }, [pingFrame('p')], [pongFrame('p'), internal]],
    ['pong', { pongReceived: fault }, [pongFrame('p')], [internal]],
    ['peerClose', { peerClose: fault }, [closeFrame(1000)], [internal]],
  ] as const;
  for (const [name, events, frames, sent] of cases) {
    const { endpoint, errors } = makeServer(events, name === 'chunk' ? 'chunks' : 'messages');
    receiveAt(endpoint, [...frames, pingFrame('more')]);
    t.equal(outputOf(endpoint), serverHex(...sent), name);
    t.strictSame(
      errors.map((error) => (error as Error).message),
      ['secret detail'],
      `${name}: the listener hears of it`,
    );
    t.strictSame(endpoint.sentClose, { code: 1011, reason: 'internal error' });
    t.ok(endpoint.isClosed);
    receiveAt(endpoint, [pingFrame('more'), closeFrame(1000)]);
    t.equal(outputOf(endpoint), '', `${name}: nothing more is looked at`);
    t.equal(errors.length, 1);
  }

  t.test('what was sent before the fault is sent', (t) => {
    let count = 0;
    const { endpoint } = makeServer({
      message: (opcode, bytes, start, end) => {
        if (++count === 3) fault();
        endpoint.sendMessage(opcode, bytes, start, end);
      },
    });
    receiveAt(endpoint, [textFrame('a'), textFrame('b'), textFrame('c'), textFrame('d')]);
    t.equal(outputOf(endpoint), serverHex(textFrame('a'), textFrame('b'), internal));
    t.equal(count, 3);
    t.end();
  });

  t.test('misuse inside a listener is our fault', (t) => {
    const { endpoint, errors } = makeServer({
      message: (opcode, bytes, start, end) =>
        void endpoint.sendChunk(opcode, bytes, start, end, false, true),
    });
    receiveAt(endpoint, [textFrame('a')]);
    t.equal(outputOf(endpoint), serverHex(internal));
    t.ok(errors[0] instanceof InvalidStateError);
    t.end();
  });

  t.test('what is thrown need not be an error', (t) => {
    const { endpoint, errors } = makeServer({
      message: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- the case is about this
        throw 'text';
      },
    });
    receiveAt(endpoint, [textFrame('a')]);
    t.equal(outputOf(endpoint), serverHex(internal));
    t.strictSame(errors, ['text']);
    t.end();
  });

  t.test('a fault of the peer that a listener finds keeps its code', (t) => {
    const found: readonly (readonly [PeerError, number])[] = [
      [new ProtocolError('reserved-bit'), 1002],
      [new InvalidPayloadError('text-not-utf8'), 1007],
      [new PolicyError('output-limit'), 1008],
      [new MessageTooBigError(77), 1009],
    ];
    for (const [error, code] of found) {
      const { endpoint, errors } = makeServer({
        message: () => {
          throw error;
        },
      });
      receiveAt(endpoint, [textFrame('a'), textFrame('b')]);
      t.equal(outputOf(endpoint), serverHex(closeFrame(code, error.message)));
      t.strictSame(errors, [error]);
    }
    t.end();
  });
  t.end();
});

t.test('fail', (t) => {
  t.test('from outside, once', (t) => {
    const side = makeSide();
    receive(side, [textFrame('begun', MORE)]);
    side.endpoint.fail(new PolicyError('message-timeout'));
    side.endpoint.fail(new PolicyError('output-limit'));
    receive(side, [continuationFrame('more')]);
    t.strictSame(side.recorder.events, [failedEvent('message-timeout')]);
    t.equal(sentBy(side), serverHex(closeFrame(1008, 'message took too long to arrive')));
    t.notOk(side.endpoint.sendClose(1000));
    t.end();
  });

  t.test('inside a listener: the rest of the read is not looked at', (t) => {
    const calls: string[] = [];
    const { endpoint, errors } = makeServer({
      message: () => {
        calls.push('message');
        endpoint.fail(new PolicyError('output-limit'));
      },
      pingReceived: () => void calls.push('ping'),
    });
    receiveAt(endpoint, [
      textFrame('a', MORE),
      continuationFrame('b'),
      pingFrame(),
      textFrame('c'),
    ]);
    t.strictSame(calls, ['message']);
    t.equal(errors.length, 1);
    t.equal(
      outputOf(endpoint),
      serverHex(closeFrame(1008, 'client reads too slowly: too much output is waiting')),
    );
    t.end();
  });

  t.test('after a closing handshake there is nothing to fail', (t) => {
    const side = makeEchoSide();
    receive(side, [closeFrame(1000)]);
    side.endpoint.fail(new Error('late'));
    t.strictSame(side.recorder.events, [closeEvent(1000)]);
    t.equal(sentBy(side), serverHex(closeFrame(1000)));
    t.end();
  });

  t.test('while our Close is owed it takes the place of the answer', (t) => {
    const side = makeSide();
    receive(side, [closeFrame(1000)]);
    side.endpoint.fail(new Error('detail'));
    t.strictSame(side.recorder.events, [closeEvent(1000), failedEvent('internal')]);
    t.equal(sentBy(side), serverHex(closeFrame(1011, 'internal error')));
    t.ok(side.endpoint.isClosed);
    t.end();
  });
  t.end();
});

t.test('holdFailure', (t) => {
  const WRONG = { opcode: 3 };
  const REASON = 'reserved opcode (RFC 6455 5.2)';

  /** A server whose failures are held back, or not; each question is written down. */
  const holding = (
    isHeld: boolean,
    events: Partial<EndpointEvents> = {},
  ): ReturnType<typeof makeServer> & { asked: unknown[] } => {
    const asked: unknown[] = [];
    const holdFailure = (error: unknown): boolean => {
      asked.push(error);
      return isHeld;
    };
    return { ...makeServer({ holdFailure, ...events }), asked };
  };

  t.test('false, or nobody to ask: the connection fails at once', (t) => {
    for (const { endpoint, errors } of [holding(false), makeServer({})]) {
      receiveAt(endpoint, [WRONG]);
      t.equal(outputOf(endpoint), serverHex(closeFrame(1002, REASON)));
      t.ok(endpoint.isClosed);
      t.equal(errors.length, 1);
    }
    const { endpoint, asked } = holding(false);
    receiveAt(endpoint, [WRONG, WRONG]);
    t.strictSame(asked, [new ProtocolError('reserved-opcode')], 'asked once, with the error');
    t.end();
  });

  t.test('true: nothing is said, nothing more is read, and what is owed can be sent', (t) => {
    const messages: number[] = [];
    const { endpoint, errors, asked } = holding(true, { message: (code) => messages.push(code) });
    receiveAt(endpoint, [textFrame('a'), WRONG, textFrame('b'), pingFrame('p')]);
    t.equal(outputOf(endpoint), '');
    t.notOk(endpoint.isClosed);
    t.ok(endpoint.canSend);
    t.equal(endpoint.sentClose, null);
    receiveAt(endpoint, [binaryFrame('c'), pingFrame('p'), closeFrame(1000), WRONG]);
    endpoint.receive(new Uint8Array(1), 0, 1);
    t.strictSame(messages, [1]);
    t.equal(endpoint.receivedClose, null);
    t.equal(asked.length, 1);

    const answer = Buffer.from('answer');
    t.ok(endpoint.sendMessage(Opcode.Text, answer, 0, answer.length, 4));
    t.ok(endpoint.sendChunk(Opcode.Text, answer, 0, 3, true, false));
    t.ok(endpoint.sendChunk(Opcode.Text, answer, 3, 6, false, true));
    endpoint.receiveEof();
    t.notOk(endpoint.isClosed, 'the end of the input takes nothing back');
    t.strictSame(errors, [], 'it has not failed yet');

    endpoint.fail(asked[0]);
    t.equal(
      outputOf(endpoint),
      serverHex(
        textFrame('answer', { rsv: 4 }),
        textFrame('ans', MORE),
        continuationFrame('wer'),
        closeFrame(1002, REASON),
      ),
    );
    t.ok(endpoint.isClosed);
    t.strictSame(errors, asked);
    t.strictSame(endpoint.sentClose, { code: 1002, reason: REASON });
    endpoint.fail(new Error('once more'));
    t.equal(errors.length, 1, 'it fails once');
    t.notOk(endpoint.sendMessage(Opcode.Text, answer, 0, answer.length));
    t.end();
  });

  t.test('another error, or a Close, may come in the place of the one that is held', (t) => {
    const other = holding(true);
    receiveAt(other.endpoint, [WRONG]);
    other.endpoint.fail(new InvalidPayloadError('deflate-data'));
    other.endpoint.fail(other.asked[0]);
    const reason = 'compressed data cannot be decompressed (RFC 7692 7.2.2)';
    t.equal(outputOf(other.endpoint), serverHex(closeFrame(1007, reason)));
    t.equal(other.errors.length, 1);

    const closing = holding(true);
    receiveAt(closing.endpoint, [WRONG]);
    t.ok(closing.endpoint.sendClose(1001));
    t.ok(closing.endpoint.isClosed, 'the peer has nothing more to say');
    closing.endpoint.fail(closing.asked[0]);
    t.equal(outputOf(closing.endpoint), serverHex(closeFrame(1001)));
    t.strictSame(closing.errors, []);
    t.end();
  });

  t.test('a fault of a listener can be held too', (t) => {
    const fault = new Error('secret detail');
    const { endpoint, errors, asked } = holding(true, {
      message: () => {
        throw fault;
      },
    });
    receiveAt(endpoint, [textFrame('a', MORE), continuationFrame('b'), pingFrame('p')]);
    t.strictSame(asked, [fault]);
    t.equal(outputOf(endpoint), '');
    endpoint.fail(fault);
    t.equal(outputOf(endpoint), serverHex(closeFrame(1011, 'internal error')));
    t.strictSame(errors, [fault]);
    t.end();
  });

  t.test('a Pong that is owed stays owed: it was asked for before', (t) => {
    const make = (): ReturnType<typeof holding> => {
      const side = holding(true);
      side.endpoint.isOutputBlocked = true;
      receiveAt(side.endpoint, [pingFrame('p'), WRONG, pingFrame('q')]);
      return side;
    };
    const unblocked = make();
    unblocked.endpoint.sendOwedPong();
    t.equal(outputOf(unblocked.endpoint), serverHex(pongFrame('p')));
    const failed = make();
    failed.endpoint.fail(failed.asked[0]);
    t.equal(outputOf(failed.endpoint), serverHex(pongFrame('p'), closeFrame(1002, REASON)));
    t.end();
  });

  t.test('after our Close nobody is asked: no answer is left that could go first', (t) => {
    const { endpoint, errors, asked } = holding(true);
    endpoint.sendClose(1000);
    receiveAt(endpoint, [WRONG]);
    t.strictSame(asked, []);
    t.equal(errors.length, 1);
    t.ok(endpoint.isClosed);
    t.equal(outputOf(endpoint), serverHex(closeFrame(1000)));
    t.end();
  });

  t.test('behind the Close of the peer: its answer can be put off by a failure', (t) => {
    const fault = new Error('in peerClose');
    const { endpoint, errors, asked } = holding(true, {
      peerClose: () => {
        throw fault;
      },
    });
    receiveAt(endpoint, [closeFrame(1000), textFrame('a')]);
    t.strictSame(asked, [fault]);
    t.ok(endpoint.canSend);
    t.notOk(endpoint.isClosed);
    endpoint.fail(fault);
    t.equal(outputOf(endpoint), serverHex(closeFrame(1011, 'internal error')));
    t.strictSame(errors, [fault]);
    t.end();
  });

  t.test('when all is over nobody is asked', (t) => {
    const { endpoint, errors, asked } = holding(true, {
      message: () => {
        endpoint.receiveEof();
        throw new Error('late');
      },
    });
    receiveAt(endpoint, [textFrame('a'), textFrame('b')]);
    t.strictSame(asked, []);
    t.strictSame(errors, []);
    t.equal(outputOf(endpoint), '');
    t.ok(endpoint.isClosed);
    t.end();
  });
  t.end();
});

t.test('F17 the byte stream ends (RFC 6455 §7.1.5)', (t) => {
  t.test('without a Close: nothing is said and nothing is sent', (t) => {
    const beginnings: readonly (readonly TestFrame[])[] = [
      [],
      [textFrame('begun', MORE)],
      [textFrame('begun', { length: 100n })],
    ];
    for (const frames of beginnings) {
      const side = makeSide();
      receive(side, frames);
      side.endpoint.receiveEof();
      t.ok(side.endpoint.isClosed);
      t.notOk(side.endpoint.canSend);
      receive(side, [pingFrame()]);
      t.notOk(sendText(side, 'x'));
      t.notOk(side.endpoint.sendClose(1000));
      t.strictSame(side.recorder.events, []);
      t.equal(sentBy(side), '');
      t.equal(side.endpoint.receivedClose, null, '1006: no Close was received');
    }
    t.end();
  });

  t.test('what was sent before still waits in the output', (t) => {
    const side = makeEchoSide();
    receive(side, [textFrame('x')]);
    side.endpoint.receiveEof();
    t.equal(sentBy(side), serverHex(textFrame('x')));
    t.end();
  });

  t.test('instead of the answer to our Close', (t) => {
    const side = makeSide();
    side.endpoint.sendClose(1000);
    side.endpoint.receiveEof();
    t.ok(side.endpoint.isClosed);
    t.equal(side.endpoint.receivedClose, null);
    t.end();
  });

  t.test('behind the Close of the peer: ours is still owed', (t) => {
    const side = makeSide();
    receive(side, [closeFrame(1000, 'bye')]);
    side.endpoint.receiveEof();
    t.notOk(side.endpoint.isClosed);
    t.ok(sendText(side, 'last'));
    t.ok(side.endpoint.sendClose(1000, 'bye'));
    t.ok(side.endpoint.isClosed);
    t.equal(sentBy(side), serverHex(textFrame('last'), closeFrame(1000, 'bye')));
    t.end();
  });

  t.test('after everything', (t) => {
    const side = makeEchoSide();
    receive(side, [closeFrame(1000)]);
    side.endpoint.receiveEof();
    t.ok(side.endpoint.isClosed);
    t.strictSame(side.recorder.events, [closeEvent(1000)]);
    t.end();
  });
  t.end();
});

t.test('through both roles and back', (t) => {
  const range = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const lengths = [
    ...range(0, 16),
    ...range(120, 130),
    ...range(65_530, 65_540),
    HAND_OVER_BYTES - 1,
    HAND_OVER_BYTES,
    ...range(SLAB_BYTES - 24, SLAB_BYTES + 8),
    3 * SLAB_BYTES + 1,
  ];
  const random = new SeededRandom(11);
  const randomBytes = random.bytes(4 * SLAB_BYTES);
  const payloadOf = (length: number): Uint8Array => {
    const at = random.below(randomBytes.length - length);
    return randomBytes.subarray(at, at + length);
  };

  for (const readBytes of [Infinity, 65_536, 4093]) {
    t.test(`lengths of binary messages, in reads of ${readBytes} bytes`, (t) => {
      const pair = makePair();
      const mismatches = new Mismatches();
      for (const length of lengths) {
        const payload = payloadOf(length);
        // Something before it, so that frames begin anywhere in a slab.
        pair.client.endpoint.sendPing(payloadOf(length % 7));
        pair.client.endpoint.sendMessage(Opcode.Binary, payload, 0, length);
        carry(pair, readBytes);
        const expected = JSON.stringify(binaryEvent(payload));
        for (const { recorder } of [pair.server, pair.client]) {
          const last = JSON.stringify(recorder.events.at(-1));
          mismatches.compare(last, expected, () => `${length} bytes`);
        }
      }
      mismatches.assertNone(t, 2 * lengths.length, 'messages');
      t.equal(pair.client.recorder.count, 2 * lengths.length, 'a Pong and a message each');
      t.end();
    });
  }

  t.test('lengths of texts', (t) => {
    const pair = makePair();
    const mismatches = new Mismatches();
    for (const length of lengths) {
      const text = 'aé€\u{1f600}'.repeat(Math.ceil(length / 10)).slice(0, length);
      sendText(pair.client, text);
      carry(pair, 30_011);
      const actual = JSON.stringify(pair.client.recorder.events.at(-1));
      const expected = JSON.stringify(textEvent(Buffer.from(text)));
      mismatches.compare(actual, expected, () => `${length} units`);
    }
    mismatches.assertNone(t, lengths.length, 'texts');
    t.end();
  });

  t.test('messages in pieces arrive as messages, and as pieces', (t) => {
    const payload = payloadOf(100_000);
    const send = ({ endpoint }: Side): void => {
      for (let at = 0; at < payload.length; at += 999) {
        const stop = Math.min(payload.length, at + 999);
        const isLast = stop === payload.length;
        endpoint.sendChunk(Opcode.Binary, payload, at, stop, at === 0, isLast);
      }
    };
    const whole = makePair();
    send(whole.client);
    carry(whole, 1000);
    t.strictSame(whole.client.recorder.events, [binaryEvent(payload)]);

    const pieces = makePair({ delivery: 'chunks' });
    send(pieces.client);
    send(pieces.server);
    carry(pieces, 1000);
    t.strictSame(pieces.server.recorder.events, [pieceEvent(2, payload, WHOLE)]);
    t.strictSame(pieces.client.recorder.events, [pieceEvent(2, payload, WHOLE)]);
    t.end();
  });

  t.test('either side can close; both are closed then', (t) => {
    for (const side of ['client', 'server'] as const) {
      const pair = makePair();
      sendText(pair.client, 'hello');
      pair[side].endpoint.sendClose(1000, 'done');
      carry(pair, 3);
      for (const { endpoint } of [pair.client, pair.server]) {
        t.ok(endpoint.isClosed);
        t.strictSame(endpoint.sentClose, { code: 1000, reason: 'done' });
        t.strictSame(endpoint.receivedClose, { code: 1000, reason: 'done' });
      }
    }
    t.end();
  });

  t.test('both sides close at once', (t) => {
    const pair = makePair();
    pair.client.endpoint.sendClose(1000);
    pair.server.endpoint.sendClose(1001);
    carry(pair);
    t.ok(pair.client.endpoint.isClosed && pair.server.endpoint.isClosed);
    t.strictSame(pair.client.endpoint.receivedClose, { code: 1001, reason: '' });
    t.strictSame(pair.server.endpoint.receivedClose, { code: 1000, reason: '' });
    t.end();
  });
  t.end();
});

t.test('who watches the frames is told of each, before what it causes', (t) => {
  const told: string[] = [];
  const { endpoint } = makeSide();
  endpoint.allowedRsv = 4;
  endpoint.watcher = {
    frameReceived: (first, isMasked, payloadBytes) =>
      told.push(`received ${first.toString(16)} ${isMasked} ${payloadBytes}`),
    controlReceived: (opcode, bytes, start, end) =>
      told.push(`control ${opcode} ${hexOf(bytes.subarray(start, end))}`),
    frameSent: (first, isMasked, bytes, start, end) =>
      told.push(`sent ${first.toString(16)} ${isMasked} ${hexOf(bytes.subarray(start, end))}`),
  };
  const frames = [binaryFrame('ab', { rsv: 4, ...MORE }), pingFrame('p'), continuationFrame('')];
  const bytes = encodeFrames(frames, true);
  endpoint.receive(bytes, 0, bytes.length);
  endpoint.sendMessage(1, Buffer.from('xyz'), 1, 2);
  t.strictSame(told, [
    'received 42 true 2',
    'received 89 true 1',
    'control 9 70',
    'sent 8a false 70',
    'received 80 true 0',
    'sent 81 false 79',
  ]);
  t.end();
});

t.test('control frames are counted, where somebody asks for that', async (t) => {
  const controlIn = { pings: 0, pongs: 0, closes: 0 };
  const controlOut = { pings: 0, pongs: 0, closes: 0 };
  const { endpoint } = makeSide({ ...DEFAULT_OPTIONS, controlIn, controlOut });
  endpoint.isOutputBlocked = true;
  const frames = encodeFrames([pingFrame('a'), pingFrame('b'), pongFrame('')], true);
  endpoint.receive(frames, 0, frames.length);
  t.strictSame(controlIn, { pings: 2, pongs: 1, closes: 0 });
  t.strictSame(controlOut, { pings: 0, pongs: 0, closes: 0 }, 'only the newest Pong is owed');
  endpoint.sendOwedPong();
  endpoint.sendPing(new Uint8Array(0));
  endpoint.sendPong(new Uint8Array(0));
  const close = encodeFrames([closeFrame(1000)], true);
  endpoint.receive(close, 0, close.length);
  endpoint.sendClose(1000);
  endpoint.sendClose(1000);
  t.strictSame(controlIn, { pings: 2, pongs: 1, closes: 1 });
  t.strictSame(controlOut, { pings: 1, pongs: 2, closes: 1 });
});

t.test('a message that is not complete says how much has come and what it takes', (t) => {
  const side = makeSide({ role: 'server' });
  const sizes = (): number[] => [side.endpoint.assembledBytes, side.endpoint.heldBytes];
  t.strictSame(sizes(), [0, 0]);
  receive(side, [binaryFrame(new Uint8Array(3000), MORE)]);
  t.equal(side.endpoint.assembledBytes, 3000);
  t.ok(side.endpoint.heldBytes >= 3000);
  receive(side, [continuationFrame(new Uint8Array(1))]);
  t.strictSame(sizes(), [0, 0]);
  t.end();
});

t.test('what is read into its place', (t) => {
  const KIB = 1024;
  const LARGE = 300 * KIB;

  interface Placed {
    readonly side: Side;
    readonly reader: PlacingReader;
    readonly pool: SlabPool;
  }

  const makePlaced = (options: Partial<EndpointOptions> = {}, maxBytes?: number): Placed => {
    const pool = new SlabPool();
    const side = makeEchoSide({ ...options, pool });
    return { side, reader: new PlacingReader(side.endpoint, pool, maxBytes), pool };
  };

  /** Half of a message, then a place for the rest. */
  const half = (placed: Placed, payload: Uint8Array): Uint8Array => {
    const frame = maskedFrame(0x82, payload);
    placed.reader.read(frame.subarray(0, frame.length / 2));
    return frame.subarray(frame.length / 2);
  };

  t.test('means the same as what comes elsewhere, however it is cut', (t) => {
    const random = new SeededRandom(21);
    const text = Buffer.alloc(150 * KIB, 'aé€\u{10348}');
    const payload = noise(1, LARGE);
    const wires: Readonly<Record<string, readonly Uint8Array[]>> = {
      'one frame': [maskedFrame(0x82, payload)],
      'fragments and Pings': [
        maskedFrame(0x02, payload.subarray(0, 70_000)),
        maskedFrame(0x89, Buffer.from('a')),
        maskedFrame(0x00, payload.subarray(70_000, 70_001)),
        maskedFrame(0x00, payload.subarray(70_001)),
        maskedFrame(0x89, Buffer.from('b')),
        maskedFrame(0x80, payload.subarray(0, 50_000)),
      ],
      text: [maskedFrame(0x81, text), maskedFrame(0x81, text.subarray(0, 66_000))],
      'text that is none': [maskedFrame(0x81, Buffer.concat([text, Buffer.of(0xff), text]))],
      'a rule is broken behind it': [maskedFrame(0x82, payload), maskedFrame(0x83, payload)],
      'a rule is broken inside of it': [maskedFrame(0x02, payload), maskedFrame(0x02, payload)],
      'a message that is too large': [
        maskedFrame(0x02, payload),
        maskedFrame(0x80, noise(2, LARGE)),
      ],
      'a Close behind it': [maskedFrame(0x82, payload), maskedFrame(0x88, Buffer.of(3, 232))],
    };
    for (const [name, frames] of Object.entries(wires)) {
      const wire = Buffer.concat(frames);
      const options = { maxMessage: 500 * KIB };
      const whole = makeEchoSide(options);
      whole.endpoint.receive(new Uint8Array(wire), 0, wire.length);
      const expected = hexOf(takeOutput(whole));
      for (let round = 0; round < 12; round++) {
        const placed = makePlaced(options, [256 * KIB, 64 * KIB, 40 * KIB][round % 3]);
        for (let at = 0; at < wire.length;) {
          const count = 1 + random.below(round < 6 ? 100_000 : 3000);
          placed.reader.read(wire.subarray(at, at + count));
          at += count;
        }
        const { side, reader, pool } = placed;
        t.strictSame(side.recorder.events, whole.recorder.events, `${name}: events`);
        t.ok(hexOf(takeOutput(side)) === expected, `${name}: output`);
        t.strictSame(side.endpoint.sentClose, whole.endpoint.sentClose, name);
        if (name === 'one frame') t.ok(reader.placedBytes > 100_000, 'most of it is placed');
        side.endpoint.receiveEof();
        reader.close();
        emptyPool(pool);
        t.equal(pool.memory.bytes, 0, `${name}: nothing is held`);
      }
    }
    t.end();
  });

  t.test('its memory is nobody else’s while the socket still reads there', (t) => {
    const ends: Readonly<Record<string, (endpoint: Endpoint) => void>> = {
      'the session fails': (endpoint) => {
        endpoint.fail(new Error('mode'));
      },
      'the byte stream ends': (endpoint) => {
        endpoint.receiveEof();
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      const placed = makePlaced();
      const { side, reader, pool } = placed;
      const rest = half(placed, noise(1, LARGE));
      const { slab } = reader;
      const bytes = slab!.bytes.length - HEADROOM_BYTES;
      t.ok(side.endpoint.assembledSlab === slab);
      t.equal(slab!.holders, 2, 'the message and the socket');
      end(side.endpoint);
      t.equal(side.endpoint.assembledSlab, null);
      t.equal(slab!.holders, 1, `${name}: the socket`);
      const other = pool.takeForMessage(bytes, bytes);
      t.ok(other !== slab, name);
      other.bytes.fill(0x11);
      reader.read(rest.subarray(0, 50_000));
      t.equal(reader.slab, null, 'it reads elsewhere');
      t.equal(slab!.holders, 0);
      t.ok(other.bytes.every((byte) => byte === 0x11));
      t.ok(pool.takeForMessage(bytes, bytes) === slab, `${name}: then it is used again`);
    }
    t.end();
  });

  t.test('a message that nobody hears gives its memory back all the same', (t) => {
    const placed = makePlaced();
    const { side, reader, pool } = placed;
    const rest = half(placed, noise(1, LARGE));
    side.endpoint.sendClose(1001);
    reader.read(rest);
    t.strictSame(side.recorder.events, []);
    t.equal(reader.slab, null);
    takeOutput(side);
    emptyPool(pool);
    t.equal(pool.memory.bytes, 0);
    t.end();
  });

  t.test('a listener that throws, or fails the session, with its memory in hand', (t) => {
    for (const message of [
      (): never => {
        throw new Error('mode');
      },
      (endpoint: Endpoint): void => {
        endpoint.fail(new Error('mode'));
      },
      (endpoint: Endpoint, bytes: Uint8Array, start: number, end: number): void => {
        endpoint.sendMessage(2, bytes, start, end);
        endpoint.fail(new Error('mode'));
      },
    ]) {
      const { endpoint, pool } = makeServer({
        message: (_opcode, bytes, start, end) => {
          message(endpoint, bytes, start, end);
        },
      });
      const reader = new PlacingReader(endpoint, pool);
      reader.read(maskedFrame(0x82, noise(1, LARGE)));
      t.ok(endpoint.isClosed);
      endpoint.output.discard();
      t.equal(reader.slab, null);
      t.equal(
        pool.freeMessageBytes + withHeaders(4096),
        pool.memory.bytes,
        'all is free, each once',
      );
      const slabs = Array.from({ length: pool.freeCount }, () => pool.takeForMessage(LARGE, LARGE));
      t.equal(new Set(slabs).size, slabs.length);
    }
    t.end();
  });

  t.test('is only for what is worth it: much to come, some of it there, whole messages', (t) => {
    const { endpoint } = makeServer({});
    const chunks = makeServer({}, 'chunks').endpoint;
    const frame = maskedFrame(0x82, noise(1, LARGE));
    t.equal(endpoint.placeForRead(65_536), null, 'between frames');
    t.equal(endpoint.assembledSlab, null);
    for (const one of [endpoint, chunks]) one.receive(new Uint8Array(frame), 0, 70_000);
    t.equal(chunks.placeForRead(65_536), null);
    t.equal(endpoint.placeForRead(65_536)!.length, 65_536);
    t.equal(endpoint.placeForRead(32 * KIB)!.length, 32 * KIB);
    t.equal(endpoint.placeForRead(32 * KIB - 1), null);
    const place = endpoint.placeForRead(256 * KIB)!;
    t.ok(place.length > 65_536);
    t.equal(place.buffer, endpoint.assembledSlab!.bytes.buffer);
    endpoint.receive(new Uint8Array(frame), 70_000, frame.length - 32 * KIB + 1);
    t.equal(endpoint.placeForRead(65_536), null, 'little is to come');
    t.end();
  });
  t.end();
});

t.test('echoes: the endpoint sends messages back by itself, to the same effect', (t) => {
  const kernel = new Kernel();
  const text = textFrame('é€😀'.repeat(5));
  const large = binaryFrame(new Uint8Array(70_000).fill(7));
  const streams: Readonly<Record<string, readonly TestFrame[]>> = {
    messages: [text, binaryFrame('a'), textFrame(''), large, binaryFrame('b'.repeat(126))],
    'control frames between': [
      text,
      pingFrame('p'),
      text,
      pongFrame('q'),
      text,
      pingFrame(''),
      text,
    ],
    'fragments between': [
      text,
      textFrame('Hel', MORE),
      continuationFrame('l', MORE),
      pingFrame('p'),
      continuationFrame('o'),
      text,
    ],
    'a Close': [text, text, closeFrame(1000, 'bye'), text, text],
    'a message in the middle of another': [text, textFrame('a', MORE), text, text],
    'a continuation of nothing': [text, continuationFrame('a'), text],
    'a reserved bit': [text, binaryFrame('a', { rsv: 2 }), text],
    'no mask': [text, binaryFrame('a', { isMasked: false }), text],
    'text that is none': [text, textFrame(bytesOfHex('61 c3 28 61')), text],
    'text that ends too early': [text, textFrame(bytesOfHex('61 e2 82')), text],
    'a length that is too long': [text, binaryFrame('a', { form: 16 }), text],
    'too large a message': [text, binaryFrame(new Uint8Array(100_001)), text],
    'a message as large as is allowed': [text, binaryFrame(new Uint8Array(100_000)), text],
    'too many fragments': [
      text,
      textFrame('a', MORE),
      ...Array.from({ length: 9 }, () => continuationFrame('', MORE)),
      text,
    ],
  };
  const random = new SeededRandom(9);
  for (const [name, frames] of Object.entries(streams)) {
    const wire = encodeFrames(frames, true);
    const cuts = [
      [],
      ...(wire.length < 1000 ? everyCut(wire.length) : []),
      ...Array.from({ length: 20 }, () =>
        Array.from({ length: 6 }, () => random.below(wire.length)).sort((one, two) => one - two),
      ),
      ...(wire.length < 1000 ? [byteByByte(wire.length)] : []),
    ];
    const mismatches = new Mismatches();
    for (const [index, cut] of cuts.entries()) {
      const [first, ...others] = echoSides(kernel, { maxMessage: 100_000, maxFragments: 9 });
      for (const piece of piecesOf(wire, cut))
        for (const side of [first, ...others]) side.receive(piece, index % 16);
      const output = hexOf(first.takeOutput());
      for (const side of others) {
        const where = (): string => `${side.name}, ${JSON.stringify(cut)}`;
        mismatches.compare(side.summary(), first.summary(), where);
        mismatches.compare(hexOf(side.takeOutput()), output, where);
        if (index === 0) t.ok(side.echoedMessages > 0, `${name}: ${side.name}`);
      }
      t.equal(first.echoedMessages, 0);
    }
    mismatches.assertNone(t, cuts.length * 4, name);
  }
  t.end();
});

t.test('echoes: only whole messages between others are sent back at once', (t) => {
  const wire = encodeFrames([textFrame('Hello'), binaryFrame('a'), textFrame('b')], true);
  const ways: Readonly<Record<string, (side: EchoSide) => void>> = {
    'a watcher sees each frame': ({ endpoint }) => {
      endpoint.watcher = {
        frameReceived: () => undefined,
        controlReceived: () => undefined,
        frameSent: () => undefined,
      };
    },
    'frames are held back': ({ endpoint, pool }) => {
      endpoint.sink = new OutputQueue(pool);
    },
    'a Close was sent': ({ endpoint }) => {
      endpoint.sendClose(1001);
    },
    'nobody wants it': ({ endpoint }) => {
      endpoint.echoes = null;
    },
    'there is no room': (side) => {
      side.echoRoom = 0;
    },
    'there is less than none': (side) => {
      side.echoRoom = -100_000;
    },
    'there is not even room for a header': (side) => {
      side.echoRoom = 5;
    },
  };
  for (const [name, prepare] of Object.entries(ways)) {
    const side = new EchoSide(name, true);
    prepare(side);
    side.receive(wire);
    t.equal(side.echoedMessages, 0, name);
    const isHeard = side.endpoint.sentClose === null;
    t.equal(side.counts.textMessages + side.counts.binaryMessages, isHeard ? 3 : 0, name);
  }
  t.end();
});

t.test('echoes: no more than there is room for, and then message by message', (t) => {
  const frames = Array.from({ length: 100 }, (_, index) => textFrame(`message ${index}`));
  const wire = encodeFrames(frames, true);
  const expected = hexOf(encodeFrames(frames, false));
  for (const room of [6, 17, 18, 19, 100, 1000, wire.length - 1, wire.length]) {
    const side = new EchoSide('in runs', true);
    Object.defineProperty(side, 'echoRoom', {
      get: () => room - side.endpoint.output.waitingBytes,
    });
    side.receive(wire);
    t.equal(hexOf(side.takeOutput()), expected, `${room} bytes`);
    t.equal(side.counts.textMessages, 100);
    // Ours are 4 bytes shorter each: there was room for a little more, which is no fault.
    t.ok(side.echoedMessages * 12 <= room);
    t.ok(room < 18 || side.echoedMessages > 0);
  }
  t.end();
});

t.test('echoes: random streams, to the same effect', (t) => {
  const tally = emptyTally();
  const random = new SeededRandom(20_261_130);
  t.equal(firstEndpointDifference(new Kernel(), random, 10_000, tally), null);
  t.ok(tally.messages > 20_000, `${tally.messages} messages`);
  t.end();
});
