import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type Socket, createServer } from 'node:net';
import t from 'tap';
import { Outbox } from '../../src/connection/outbox.js';
import { HAND_OVER_BYTES, OutputQueue } from '../../src/protocol/output-queue.js';
import { SLAB_BYTES } from '../../src/protocol/slabs/slab.js';
import { HEADROOM_BYTES, SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { eventually } from '../fixtures/within.js';

interface Fixture {
  readonly socket: FakeSocket;
  readonly pool: SlabPool;
  readonly outbox: Outbox;
}

function make(): Fixture {
  const socket = new FakeSocket();
  const pool = new SlabPool();
  return { socket, pool, outbox: new Outbox(socket.asSocket, new OutputQueue(pool)) };
}

const text = (outbox: Outbox, what: string): void => {
  outbox.queue.appendBytes(Buffer.from(what));
};

t.test('all that waits leaves in one write', async (t) => {
  const { socket, outbox, pool } = make();
  outbox.flush(0);
  t.strictSame(socket.calls, [], 'nothing waits, nothing is written');
  text(outbox, 'one ');
  text(outbox, 'two ');
  text(outbox, 'three');
  outbox.flush(0);
  t.strictSame(socket.calls, ['write 13']);
  t.equal(socket.written.toString(), 'one two three');
  t.notOk(outbox.isBlocked);
  t.equal(outbox.queue.waitingBytes, 0);
  t.equal(pool.freeCount, 1, 'the kernel has it, so the memory can be used again');
  outbox.flush(0);
  t.strictSame(socket.calls, ['write 13']);
});

t.test('what does not lie in one place leaves corked, which is one write too', async (t) => {
  const { socket, outbox, pool } = make();
  const bytes = Buffer.alloc(SLAB_BYTES + 10, 'ab');
  outbox.queue.appendBytes(bytes);
  const slab = pool.takeForMessage(HAND_OVER_BYTES, HAND_OVER_BYTES);
  const [start, end] = [HEADROOM_BYTES, HEADROOM_BYTES + HAND_OVER_BYTES];
  slab.bytes.fill(0x63, start, end);
  outbox.queue.appendFrame(0x82, null, slab.bytes, start, end, slab);
  pool.give(slab);
  outbox.flush(0);
  t.strictSame(socket.calls, [
    'cork',
    `write ${SLAB_BYTES}`,
    'write 10',
    `write ${4 + HAND_OVER_BYTES}`,
    'uncork',
  ]);
  const header = Buffer.from('827e8000', 'hex');
  const large = Buffer.alloc(HAND_OVER_BYTES, 'c');
  t.ok(socket.written.equals(Buffer.concat([bytes, header, large])), 'in order, and all of it');
  t.equal(pool.freeCount, 3);
});

t.test('while the kernel has not taken the last write, nothing more is written', async (t) => {
  const { socket, outbox, pool } = make();
  socket.isTaking = false;
  text(outbox, 'first');
  outbox.flush(0);
  t.ok(outbox.isBlocked);
  t.equal(outbox.queue.waitingBytes, 5, 'what the peer has not read is waiting');
  t.equal(pool.freeCount, 0, 'the socket holds the memory');
  text(outbox, 'second');
  outbox.flush(0);
  t.strictSame(socket.calls, ['write 5']);
  t.equal(outbox.queue.waitingBytes, 11);

  socket.drain();
  outbox.unblock();
  t.notOk(outbox.isBlocked);
  t.equal(pool.freeCount, 1);
  t.equal(outbox.queue.waitingBytes, 6);
  outbox.flush(0);
  t.strictSame(socket.calls, ['write 5', 'write 6']);
  t.equal(socket.written.toString(), 'firstsecond');
});

t.test('the end: all that waits and FIN behind it, blocked or not', async (t) => {
  const { socket, outbox } = make();
  socket.isTaking = false;
  text(outbox, 'first');
  outbox.flush(0);
  text(outbox, 'last');
  outbox.end(0);
  t.strictSame(socket.calls, ['write 5', 'write 4', 'end']);

  const idle = make();
  idle.outbox.end(0);
  t.strictSame(idle.socket.calls, ['end'], 'with nothing waiting only FIN');
});

t.test('memory is used again when the kernel takes the last bytes at once', async (t) => {
  const { outbox, pool } = make();
  text(outbox, 'a refusal');
  outbox.end(0);
  t.equal(pool.freeCount, 1);
});

t.test('memory that is lent at the end is not used again', async (t) => {
  const { socket, outbox, pool } = make();
  socket.isTaking = false;
  text(outbox, 'first');
  outbox.flush(0);
  text(outbox, 'last');
  outbox.end(0);
  t.equal(pool.freeCount, 0);
});

t.test('TLS has a copy at once: the memory is used again, and the bytes still wait', async (t) => {
  const socket = new FakeSocket();
  const pool = new SlabPool();
  const outbox = new Outbox(socket.asSocket, new OutputQueue(pool), true);
  socket.isTaking = false;
  text(outbox, 'first');
  outbox.flush(0);
  t.ok(outbox.isBlocked);
  t.equal(pool.freeCount, 1);
  t.equal(outbox.queue.waitingBytes, 5);
  text(outbox, 'second');
  outbox.flush(0);
  t.strictSame(socket.calls, ['write 5']);
  t.equal(pool.freeCount, 0, 'it is in the memory of the first');
  socket.drain();
  outbox.unblock();
  t.equal(outbox.queue.waitingBytes, 6);
  socket.isTaking = false;
  outbox.end(0);
  t.strictSame(socket.calls, ['write 5', 'write 6', 'end']);
  t.equal(pool.freeCount, 1);

  const late = new Outbox(socket.asSocket, new OutputQueue(pool), true);
  text(late, 'first');
  late.flush(0);
  text(late, 'last');
  late.end(0);
  t.equal(pool.freeCount, 0, 'behind a write that has not left it waits as it is');
});

t.test('a stall lasts from the write until the peer reads a byte', async (t) => {
  const { socket, outbox } = make();
  socket.isTaking = false;
  text(outbox, 'some bytes');
  outbox.flush(1000);
  t.equal(outbox.stalledMs(1000), 0);
  t.equal(outbox.stalledMs(1300), 300);
  socket.progress(1);
  t.equal(outbox.stalledMs(1400), 0, 'seen now, so it may have been now');
  t.equal(outbox.stalledMs(1500), 100);
  socket.progress(9);
  t.equal(outbox.stalledMs(1600), 0);
  t.equal(outbox.stalledMs(1601), 1);
});

t.test('what the kernel takes at once is not part of a stall', async (t) => {
  const { socket, outbox } = make();
  text(outbox, 'taken');
  outbox.flush(0);
  socket.isTaking = false;
  text(outbox, 'stuck');
  outbox.flush(5000);
  t.equal(outbox.stalledMs(5001), 1);
});

t.test('at the end the stall begins anew', async (t) => {
  const { socket, outbox } = make();
  socket.isTaking = false;
  text(outbox, 'stuck');
  outbox.flush(1000);
  t.equal(outbox.stalledMs(2000), 1000);
  outbox.end(2000);
  t.equal(outbox.stalledMs(2400), 400);
});

t.test('a real socket whose peer does not read, and then does', async (t) => {
  const server = createServer({ highWaterMark: 1, noDelay: true });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = await connectRaw(t, (server.address() as { port: number }).port, {
    isPaused: true,
  });
  const [socket] = (await accepted) as [Socket];
  t.teardown(() => socket.destroy());
  const drained = { isTrue: false };
  socket.on('drain', () => {
    drained.isTrue = true;
  });

  const outbox = new Outbox(socket, new OutputQueue(new SlabPool()));
  const bytes = Buffer.alloc(16 * 1024 * 1024, 'twist');
  outbox.queue.appendBytes(bytes);
  outbox.flush(0);
  t.ok(outbox.isBlocked);
  // The kernel may go on moving bytes to the other side's buffer for a moment.
  let lastMs = 0;
  await eventually(() => outbox.stalledMs(++lastMs) >= 3, 'the stall');
  client.socket.resume();
  await eventually(() => outbox.stalledMs(++lastMs) === 0 || drained.isTrue, 'progress');
  await client.waitForBytes(bytes.length);
  await eventually(() => drained.isTrue, "'drain'");
  outbox.unblock();
  t.equal(outbox.queue.waitingBytes, 0);
  outbox.queue.appendBytes(Buffer.from('end'));
  outbox.end(0);
  await client.waitForEnd();
  t.ok(client.received.equals(Buffer.concat([bytes, Buffer.from('end')])));
});

t.test('pieces of somebody else leave as they are, past the queue', async (t) => {
  const { socket, outbox, pool } = make();
  outbox.writePieces([Buffer.from('one '), Buffer.from('two')], 1000);
  t.strictSame(socket.calls, ['cork', 'write 4', 'write 3', 'uncork']);
  t.notOk(outbox.isBlocked);
  t.equal(outbox.stalledMs(1500), 500, 'since the last piece nothing has moved');

  socket.isTaking = false;
  outbox.writePieces([Buffer.from('three')], 2000);
  t.ok(outbox.isBlocked);
  t.equal(outbox.stalledMs(2300), 300);
  socket.progress(2);
  t.equal(outbox.stalledMs(2400), 0, 'the peer has read something');
  t.equal(outbox.stalledMs(2500), 100);
  outbox.restartStall(2600);
  t.equal(outbox.stalledMs(2700), 100);
  socket.drain();
  outbox.unblock();
  t.notOk(outbox.isBlocked);
  t.equal(pool.freeCount, 0, 'no memory of ours was in it');
});
