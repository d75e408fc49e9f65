import { Buffer } from 'node:buffer';
import t from 'tap';
import { HAND_OVER_BYTES, OutputQueue } from '../../src/protocol/output-queue.js';
import { SLAB_BYTES, SlabPool } from '../../src/protocol/slab-pool.js';
import { MASKING_KEY, binaryFrame, encodeFrames, readFrames } from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

/** FIN and the opcode of a binary message. */
const BINARY = 0x82;

const appendBinary = (
  queue: OutputQueue,
  payload: Uint8Array,
  { maskingKey = null, isGivenAway = false }: { maskingKey?: number | null; isGivenAway?: boolean },
): void => {
  queue.appendFrame(BINARY, maskingKey, payload, 0, payload.length, isGivenAway);
};

/** Takes and releases everything; the result is a copy. */
const drain = (queue: OutputQueue): Buffer => {
  const bytes = Buffer.concat(queue.take());
  queue.release();
  return bytes;
};

const wireOf = (payloads: readonly Uint8Array[], isMasked: boolean): Uint8Array =>
  encodeFrames(
    payloads.map((payload) => binaryFrame(payload)),
    isMasked,
  );

t.test('nothing waits at first, and nothing is taken from the pool', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  t.strictSame(queue.take(), []);
  t.equal(queue.waitingBytes, 0);
  queue.release();
  t.equal(pool.freeCount, 0);
  t.end();
});

t.test('small frames of both roles (RFC 6455 §5.7)', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const hello = Buffer.from('xHelloy');
  queue.appendFrame(0x81, null, hello, 1, 6, false);
  t.equal(hexOf(drain(queue)), '810548656c6c6f');
  queue.appendFrame(0x81, MASKING_KEY, hello, 1, 6, false);
  t.equal(hexOf(drain(queue)), '818537fa213d7f9f4d5158');
  t.equal(hello.toString(), 'xHelloy', 'the payload is not masked in place');
  t.end();
});

t.test('the frames of one read leave in one piece', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const payloads = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(126).fill(2)];
  for (const payload of payloads) appendBinary(queue, payload, {});
  const pieces = queue.take();
  t.equal(pieces.length, 1);
  t.equal(hexOf(pieces[0]!), hexOf(wireOf(payloads, false)));
  t.end();
});

t.test('bytes that are not a frame stand as they are, in order', (t) => {
  const queue = new OutputQueue(new SlabPool());
  queue.appendBytes(Buffer.from('HTTP/1.1 101\r\n\r\n'));
  appendBinary(queue, Uint8Array.of(7), {});
  queue.appendBytes(new Uint8Array(0));
  t.equal(queue.queuedBytes, 19);
  t.equal(drain(queue).toString('latin1'), 'HTTP/1.1 101\r\n\r\n\x82\x01\x07');
  t.end();
});

t.test('a copied payload may change at once', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const payload = new Uint8Array(HAND_OVER_BYTES).fill(1);
  appendBinary(queue, payload, {});
  payload.fill(2);
  t.ok(drain(queue).subarray(10).equals(Buffer.alloc(HAND_OVER_BYTES, 1)));
  t.end();
});

t.test('counts what waits: queued, then lent, then gone', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const counts = (): number[] => [queue.queuedBytes, queue.lentBytes, queue.waitingBytes];
  appendBinary(queue, new Uint8Array(125), {});
  t.strictSame(counts(), [127, 0, 127]);
  appendBinary(queue, new Uint8Array(126), { maskingKey: MASKING_KEY });
  t.strictSame(counts(), [127 + 134, 0, 127 + 134]);
  t.equal(Buffer.concat(queue.take()).length, 127 + 134);
  t.strictSame(counts(), [0, 261, 261]);
  appendBinary(queue, new Uint8Array(10), {});
  t.strictSame(counts(), [12, 261, 273], 'more comes while the socket holds the first part');
  queue.release();
  t.strictSame(counts(), [12, 0, 12]);
  queue.take();
  queue.release();
  t.strictSame(counts(), [0, 0, 0]);
  t.end();
});

t.test('the count is right for a payload that is handed over', (t) => {
  const queue = new OutputQueue(new SlabPool());
  appendBinary(queue, new Uint8Array(HAND_OVER_BYTES), { isGivenAway: true });
  t.equal(queue.queuedBytes, HAND_OVER_BYTES + 10);
  t.equal(Buffer.concat(queue.take()).length, HAND_OVER_BYTES + 10);
  t.equal(queue.lentBytes, HAND_OVER_BYTES + 10);
  t.end();
});

t.test('a large payload that is given away is not copied', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const buffer = new Uint8Array(HAND_OVER_BYTES + 20).fill(3);
  appendBinary(queue, Uint8Array.of(1), {});
  queue.appendFrame(BINARY, null, buffer, 5, 5 + HAND_OVER_BYTES, true);
  appendBinary(queue, Uint8Array.of(2), {});
  const pieces = queue.take();
  t.equal(pieces.length, 3);
  t.equal(hexOf(pieces[0]!), '820101827f0000000000020000', 'what was before, and a header');
  t.equal(pieces[1]!.buffer, buffer.buffer, 'the same buffer');
  t.equal(pieces[1]!.byteOffset, buffer.byteOffset + 5);
  t.equal(pieces[1]!.length, HAND_OVER_BYTES);
  t.equal(hexOf(pieces[2]!), '820102', 'what came after');
  t.end();
});

t.test('a payload handed over when its header has filled the slab', (t) => {
  for (const room of [14, 15, 23, 24]) {
    const queue = new OutputQueue(new SlabPool());
    queue.appendBytes(new Uint8Array(SLAB_BYTES - room));
    const payload = new Uint8Array(HAND_OVER_BYTES).fill(4);
    appendBinary(queue, payload, { isGivenAway: true });
    appendBinary(queue, Uint8Array.of(5), {});
    const pieces = queue.take();
    t.notOk(pieces.some((piece) => piece.length === 0));
    const sent = Buffer.concat(pieces).subarray(SLAB_BYTES - room);
    t.ok(sent.equals(wireOf([payload, Uint8Array.of(5)], false)), `${room} bytes were left`);
  }
  t.end();
});

t.test('payloads handed over one after the other, with nothing behind them', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const payloads = [1, 2, 3].map((fill) => new Uint8Array(HAND_OVER_BYTES).fill(fill));
  for (const payload of payloads) appendBinary(queue, payload, { isGivenAway: true });
  const pieces = queue.take();
  t.strictSame(
    pieces.filter((piece) => piece.length === HAND_OVER_BYTES).map((piece) => piece.buffer),
    payloads.map((payload) => payload.buffer),
  );
  t.ok(Buffer.concat(pieces).equals(wireOf(payloads, false)));
  t.end();
});

t.test('what is copied although it is given away: small payloads and masked ones', (t) => {
  const small = new Uint8Array(HAND_OVER_BYTES - 1).fill(1);
  const large = new Uint8Array(HAND_OVER_BYTES).fill(2);
  const queue = new OutputQueue(new SlabPool());
  appendBinary(queue, small, { isGivenAway: true });
  appendBinary(queue, large, { isGivenAway: true, maskingKey: MASKING_KEY });
  const pieces = queue.take();
  t.notOk(pieces.some(({ buffer }) => buffer === small.buffer || buffer === large.buffer));
  t.ok(
    large.every((byte) => byte === 2),
    'the payload is not masked in place',
  );
  const frames = readFrames(Buffer.concat(pieces));
  t.strictSame(
    frames.map(({ isMasked, payload }) => [isMasked, payload.length, payload[77]]),
    [
      [false, small.length, 1],
      [true, large.length, 2],
    ],
  );
  t.end();
});

t.test('a payload at every distance from the end of a slab', (t) => {
  const random = new SeededRandom(5);
  const mismatches = new Mismatches();
  const payload = random.bytes(40);
  let count = 0;
  for (const maskingKey of [null, MASKING_KEY]) {
    for (let room = 0; room <= 60; room++) {
      const queue = new OutputQueue(new SlabPool());
      queue.appendBytes(new Uint8Array(SLAB_BYTES - room));
      appendBinary(queue, payload, { maskingKey });
      const sent = drain(queue).subarray(SLAB_BYTES - room);
      const expected = wireOf([payload], maskingKey !== null);
      mismatches.compare(hexOf(sent), hexOf(expected), () => `room ${room}, key ${maskingKey}`);
      count++;
    }
  }
  mismatches.assertNone(t, count, 'frames');
  t.end();
});

t.test('large payloads over the borders of slabs, unmasked and masked', (t) => {
  const random = new SeededRandom(6);
  const payload = Buffer.from(random.bytes(3 * SLAB_BYTES + 3));
  for (const maskingKey of [null, MASKING_KEY]) {
    for (const before of [
      0,
      1,
      2,
      3,
      SLAB_BYTES - 14,
      SLAB_BYTES - 13,
      SLAB_BYTES - 1,
      SLAB_BYTES,
    ]) {
      const queue = new OutputQueue(new SlabPool());
      queue.appendBytes(new Uint8Array(before));
      appendBinary(queue, payload, { maskingKey });
      appendBinary(queue, Uint8Array.of(9), { maskingKey });
      t.equal(queue.queuedBytes, before + payload.length + (maskingKey === null ? 13 : 21));
      const frames = readFrames(drain(queue).subarray(before));
      t.equal(frames.length, 2);
      t.ok(payload.equals(frames[0]!.payload), `${before} bytes before, key ${maskingKey}`);
      t.equal(frames[0]!.isMasked, maskingKey !== null);
      t.strictSame([...frames[1]!.payload], [9]);
    }
  }
  t.end();
});

t.test('many slabs: everything leaves in order and every slab comes back', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const random = new SeededRandom(7);
  const payloads = Array.from({ length: 300 }, () => random.bytes(random.below(9000)));
  for (const payload of payloads) appendBinary(queue, payload, {});
  const expected = wireOf(payloads, false);
  t.ok(expected.length > 4 * SLAB_BYTES, 'the case is large enough');
  const pieces = queue.take();
  t.ok(Buffer.concat(pieces).equals(expected));
  t.equal(pool.freeCount, 0, 'the socket may still hold them');
  queue.release();
  t.equal(pool.freeCount, Math.ceil(expected.length / SLAB_BYTES));
  queue.release();
  t.equal(pool.freeCount, Math.ceil(expected.length / SLAB_BYTES), 'each comes back once');
  appendBinary(queue, Uint8Array.of(1), {});
  drain(queue);
  t.equal(pool.freeCount, Math.ceil(expected.length / SLAB_BYTES), 'and is not kept in mind');
  const slabs = Array.from({ length: pool.freeCount }, () => pool.take());
  t.equal(new Set(slabs).size, slabs.length, 'no slab is there twice');
  t.end();
});

t.test('a slab is filled to its last byte', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  queue.appendBytes(new Uint8Array(SLAB_BYTES - 1));
  queue.appendBytes(Uint8Array.of(1));
  const pieces = queue.take();
  t.equal(pieces.length, 1);
  t.equal(pieces[0]!.length, SLAB_BYTES);
  queue.release();
  t.equal(pool.freeCount, 1);
  t.end();
});

t.test('the same slab serves one take after the other', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 10; round++) {
    appendBinary(queue, new Uint8Array(100).fill(round), {});
    const [piece] = queue.take();
    buffers.add(piece!.buffer);
    t.equal(piece![2], round);
    queue.release();
  }
  t.equal(buffers.size, 1);
  t.equal(pool.freeCount, 1);
  t.end();
});

t.test('one pool serves many queues, of which an idle one holds no slab', (t) => {
  const pool = new SlabPool();
  const queues = Array.from({ length: 100 }, () => new OutputQueue(pool));
  const buffers = new Set<ArrayBufferLike>();
  queues.forEach((queue, index) => {
    appendBinary(queue, Uint8Array.of(index), {});
    const [piece] = queue.take();
    buffers.add(piece!.buffer);
    t.equal(hexOf(piece!), hexOf(Uint8Array.of(BINARY, 1, index)));
    queue.release();
  });
  t.equal(buffers.size, 1);
  t.end();
});

t.test('what is lent is not written over before it is released', (t) => {
  const queue = new OutputQueue(new SlabPool());
  appendBinary(queue, Uint8Array.of(1, 2, 3), {});
  const lent = queue.take();
  appendBinary(queue, Uint8Array.of(4, 5, 6), {});
  t.equal(hexOf(Buffer.concat(lent)), '8203010203');
  queue.release();
  t.equal(hexOf(drain(queue)), '8203040506');
  t.end();
});

t.test('discard drops what waits and gives its slabs back', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  appendBinary(queue, new Uint8Array(3 * SLAB_BYTES), {});
  appendBinary(queue, new Uint8Array(HAND_OVER_BYTES), { isGivenAway: true });
  queue.discard();
  t.equal(queue.waitingBytes, 0);
  t.equal(pool.freeCount, 4);
  t.strictSame(queue.take(), []);
  queue.release();
  t.equal(pool.freeCount, 4);
  appendBinary(queue, Uint8Array.of(5), {});
  t.equal(hexOf(drain(queue)), '820105', 'the queue can be used again');
  t.end();
});

t.test('discard does not give back what is lent: the socket may still hold it', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  appendBinary(queue, Uint8Array.of(1), {});
  const lent = queue.take();
  t.equal(queue.lentBytes, 3);
  queue.discard();
  t.equal(queue.lentBytes, 0);
  queue.release();
  t.equal(pool.freeCount, 0);
  appendBinary(queue, Uint8Array.of(2), {});
  t.equal(hexOf(Buffer.concat(lent)), '820101', 'not written over');
  t.end();
});

t.test('discard of an empty queue', (t) => {
  const pool = new SlabPool();
  new OutputQueue(pool).discard();
  t.equal(pool.freeCount, 0);
  t.end();
});

t.test('no byte of a former use leaves', (t) => {
  const pool = new SlabPool();
  const slab = pool.take();
  slab.bytes.fill(0xa5);
  pool.give(slab);
  const queue = new OutputQueue(pool);
  queue.appendBytes(new Uint8Array(SLAB_BYTES - 5));
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    appendBinary(queue, new Uint8Array(length), {});
  }
  t.notOk(drain(queue).includes(0xa5));
  t.end();
});

t.test('bytes that are given away are sent from where they are', (t) => {
  const queue = new OutputQueue(new SlabPool());
  const piece = Buffer.from('b');
  queue.appendBytes(Buffer.from('a'));
  queue.appendPiece(piece);
  queue.appendBytes(Buffer.from('c'));
  t.equal(queue.waitingBytes, 3);
  const pieces = queue.take();
  t.equal(Buffer.concat(pieces).toString(), 'abc');
  t.equal(pieces[1], piece);
  t.end();
});

t.test('what waits moves behind what waits in another queue, and no byte is copied', (t) => {
  const pool = new SlabPool();
  const one = new OutputQueue(pool);
  const other = new OutputQueue(pool);
  const large = new Uint8Array(HAND_OVER_BYTES).fill(0x62);
  one.moveTo(other);
  t.equal(other.waitingBytes, 0, 'of nothing nothing');
  other.appendBytes(Buffer.from('a'));
  appendBinary(one, large, { isGivenAway: true });
  one.appendBytes(Buffer.from('c'));
  one.moveTo(other);
  t.equal(one.waitingBytes, 0);
  t.strictSame(one.take(), []);
  one.appendBytes(Buffer.from('e'));
  other.appendBytes(Buffer.from('d'));
  one.moveTo(other);
  t.equal(other.waitingBytes, 1 + 10 + HAND_OVER_BYTES + 1 + 1 + 1);
  const pieces = other.take();
  t.ok(pieces.some(({ buffer }) => buffer === large.buffer));
  const text = Buffer.concat(pieces).toString('latin1');
  t.equal(text, `a\x82\x7f\0\0\0\0\0\x02\0\0${'b'.repeat(HAND_OVER_BYTES)}cde`);
  other.release();
  t.equal(pool.freeCount, 3, 'every slab is back');
  one.appendBytes(Buffer.from('f'));
  one.moveTo(other);
  other.discard();
  t.equal(pool.freeCount, 3, 'also of what moved and is dropped');
  t.end();
});

t.test('what was copied still counts', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  appendBinary(queue, new Uint8Array(125), {});
  queue.take();
  queue.copied();
  t.equal(pool.freeCount, 1);
  t.equal(queue.lentBytes, 127);
  queue.release();
  t.equal(pool.freeCount, 1, 'it is given back once');
  t.equal(queue.waitingBytes, 0);
  t.end();
});
