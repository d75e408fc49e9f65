import { Buffer } from 'node:buffer';
import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import {
  Bench,
  QUIET,
  SlowOpener,
  fromClient,
  fromServer,
  modeWith,
  requestWith,
} from '../fixtures/connection-bench.js';
import { CountedTurns } from '../fixtures/counted-turns.js';
import { binaryFrame, closeFrame, pingFrame, pongFrame, textFrame } from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { emptyPool } from '../fixtures/slabs.js';
import { LIMITS, TestHost } from '../fixtures/test-host.js';

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
  const mode = modeWith({
    message: (session, opcode, bytes, start, end) => {
      otherSession!.sendRange(opcode, bytes, start, end);
      session.sendRange(opcode, bytes, start, end);
      order.push(`${other.socket.writeCount}`);
    },
  });
  const host = new TestHost(mode, QUIET);
  // Both belong to one server.
  Object.assign(host, { flushQueue: other.host.flushQueue });
  const bench = new Bench(mode, QUIET, host).open();
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
  for (const text of ['a', 'b', 'c']) session!.sendRange(1, Buffer.from(text));
  t.equal(queued().length, 1);
  t.strictSame(bench.calls(), []);
  await bench.settle();
  t.strictSame(bench.calls(), ['write 9']);
  session!.sendRange(1, Buffer.from('d'));
  await bench.settle();
  t.strictSame(bench.calls(), ['write 3']);
});

t.test('while the socket is blocked nothing is written, and the newest Pong is owed', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.calls();
  t.equal(bench.nextCheckAfterMs, 1000);
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

t.test('after drained the mode is blocked again, and told again', async (t) => {
  let drainedCount = 0;
  const large = new Uint8Array(LIMITS.outputPause);
  const bench = new Bench(
    modeWith({
      message: (session) => {
        t.equal(session.sendRange(2, large), 'wait');
      },
      drain: (session) => {
        drainedCount += 1;
        if (drainedCount > 1) return;
        bench.socket.isTaking = false;
        t.equal(session.sendRange(2, large), 'wait');
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
    modeWith({
      drain: () => {
        drainedCount += 1;
      },
    }),
  ).open();
  const [session] = bench.host.opened;
  await bench.block();
  t.equal(session!.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
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
    t.equal(bench.host.opened[0]!.bufferedAmount, 6);
    t.notOk(bench.connection.isInputPaused);
  },
);

t.test('1008 and the end: a peer that asks for more and more and reads nothing', async (t) => {
  const bench = new Bench(
    modeWith({
      message: (session, opcode, bytes, start, end) => {
        session.sendRange(opcode, bytes, start, end);
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

t.test('a mode that fails in drained gets 1011 sent', async (t) => {
  const defect = new Error('in drained');
  const bench = new Bench(
    modeWith({
      message: (session) => {
        session.sendRange(2, new Uint8Array(LIMITS.outputPause));
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

t.test('a mode that fails by itself gets 1011 sent, and FIN', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.fail(new Error('in a timer'));
  await bench.settle();
  const sent = fromServer(closeFrame(1011, 'internal error'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
});

t.test('a mode that fails in a message gets 1011 sent, behind what it had sent', async (t) => {
  const bench = new Bench(
    modeWith({
      message: (session, opcode, bytes, start, end) => {
        session.sendRange(opcode, bytes, start, end);
        if (bytes[start] === 0x62) throw new Error('in message');
      },
    }),
  ).open();
  bench.receiveFrames(textFrame('a'), textFrame('b'), textFrame('c'));
  const sent = fromServer(textFrame('a'), textFrame('b'), closeFrame(1011, 'internal error'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
});

t.test('a mode that has agreed can refuse no more', async (t) => {
  const bench = new Bench().open();
  bench.connection.refuse(new HandshakeError('route'));
  t.strictSame(bench.calls(), []);
  bench.receiveFrames(textFrame('a'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('a'))));
});

t.test(
  'what waits for its turn is held, and the FIN behind it is told when it comes',
  async (t) => {
    const turns = new CountedTurns();
    const bench = new Bench(echoMode, { ...QUIET, turns }).open();
    const ownBytes = bench.connection.heldBytes;
    const large = binaryFrame(new Uint8Array(20_000));
    turns.isOver = true;
    bench.receiveFrames(large);
    t.ok(bench.connection.heldBytes >= ownBytes + 20_000);
    bench.socket.emit('end');
    t.equal(bench.written(), '');
    t.notOk(bench.calls().includes('end'));
    await bench.settle();
    t.ok(bench.written().startsWith(hexOf(fromServer(large))));
    t.ok(bench.calls().includes('end'));
  },
);

t.test('a session that pauses in its turn is not read behind it', async (t) => {
  const turns = new CountedTurns();
  const mode = modeWith({
    message: (session) => {
      session.pause();
    },
  });
  const bench = new Bench(mode, { ...QUIET, turns }).open();
  turns.isOver = true;
  bench.receiveFrames(binaryFrame(new Uint8Array(20_000)));
  await bench.settle();
  t.ok(bench.socket.isPaused);
  bench.host.opened[0]!.resume();
  t.notOk(bench.socket.isPaused);
});

t.test('what is held before a session is open: what came behind the head', async (t) => {
  const bench = new Bench(new SlowOpener());
  const ownBytes = bench.connection.heldBytes;
  bench.receive(requestWith(binaryFrame(new Uint8Array(5000))));
  t.ok(bench.connection.heldBytes >= ownBytes + 5000);
  bench.socket.emit('close');
});

t.test('memory is scarce: an open session that holds much is not read from', async (t) => {
  const bench = new Bench(modeWith({ heldBytes: () => 100_000 })).open();
  const { connection, socket } = bench;
  const session = connection.openSession!;
  session.saveMemory();
  t.ok(socket.isPaused);
  session.goOn();
  t.notOk(socket.isPaused);
  session.saveMemory();
  t.notOk(socket.isPaused, 'it is read all the same');
  session.memoryIsBack();
  session.saveMemory();
  t.ok(socket.isPaused, 'the next time it is not');
  session.memoryIsBack();
  t.notOk(socket.isPaused);
});

t.test('an open session that is shed ends with 1013', async (t) => {
  const bench = new Bench().open();
  bench.connection.openSession!.shed();
  t.ok(bench.written().startsWith('88'), 'a Close');
  t.notOk(bench.connection.isOpen);
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closedBy: 'server', closeCode: 1013, rule: 'memory' }]);
});

t.test(
  'before a session is open there is none to save memory: it is dropped for want of it',
  async (t) => {
    const bench = new Bench(new SlowOpener());
    bench.receive(requestWith());
    const { connection } = bench;
    t.equal(connection.openSession, null);
    t.notOk(connection.isOpen);
    connection.drop('memory');
    t.ok(bench.socket.destroyed);
    t.equal(bench.written(), '');
    bench.socket.emit('close');
    t.equal(bench.host.closed.length, 1);
  },
);

t.test('a client is read from again as soon as it has had its turn', async (t) => {
  const turns = new CountedTurns();
  const bench = new Bench(echoMode, { ...QUIET, turns }).open();
  turns.isOver = true;
  bench.receiveFrames(binaryFrame(new Uint8Array(20_000)));
  t.ok(bench.socket.isPaused);
  await bench.settle();
  t.notOk(bench.socket.isPaused);
});

t.test('what is held after a session has ended is what the connection takes', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(closeFrame(1000));
  t.notOk(bench.connection.isOpen);
  t.equal(bench.connection.heldBytes, bench.connection.ownBytes);
});

t.test('while something waits for its turn nothing is read into its place', async (t) => {
  const large = binaryFrame(new Uint8Array(100 * 1024));
  const turns = new CountedTurns();
  const bench = new Bench(echoMode, { ...QUIET, turns }).open();
  const frame = fromClient(large);
  bench.receive(frame.subarray(0, 50 * 1024));
  const place = bench.connection.readTarget(64 * 1024);
  t.ok(place!.length >= 32 * 1024);
  turns.isOver = true;
  bench.receive(frame.subarray(50 * 1024, 60 * 1024));
  t.ok(bench.socket.isPaused);
  t.equal(bench.connection.readTarget(64 * 1024), null, 'it would be written over');
  t.equal(bench.connection.readTarget(64 * 1024), undefined, 'it stays so');
  await bench.settle();
  t.ok(bench.connection.readTarget(64 * 1024)!.length >= 32 * 1024);
  bench.receive(frame.subarray(60 * 1024));
  t.equal(bench.connection.readTarget(64 * 1024), null);
  await bench.settle();
  t.equal(bench.written(), hexOf(fromServer(large)));
  bench.socket.emit('close');
  emptyPool(bench.host.slabPool);
  t.equal(bench.host.memory.bytes, 0);
});
