import { Buffer } from 'node:buffer';
import t from 'tap';
import { emptyRun } from '../../src/protocol/kernel/echo-run.js';
import { Kernel } from '../../src/protocol/kernel/kernel.js';
import { HAND_OVER_BYTES, OutputQueue } from '../../src/protocol/output-queue.js';
import { SLAB_BYTES, withHeaders } from '../../src/protocol/slabs/slab.js';
import { HEADROOM_BYTES, SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import {
  MASKING_KEY,
  binaryFrame,
  encodeFrames,
  pingFrame,
  readFrames,
  textFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { appendFromSlab, appendSlab, slabWith } from '../fixtures/slabs.js';

/** FIN and the opcode of a binary message. */
const BINARY = 0x82;

const appendBinary = (
  queue: OutputQueue,
  payload: Uint8Array,
  { maskingKey = null }: { maskingKey?: number | null } = {},
): void => {
  queue.appendFrame(BINARY, maskingKey, payload, 0, payload.length, null);
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
  queue.appendFrame(0x81, null, hello, 1, 6, null);
  t.equal(hexOf(drain(queue)), '810548656c6c6f');
  queue.appendFrame(0x81, MASKING_KEY, hello, 1, 6, null);
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
  t.ok(drain(queue).subarray(4).equals(Buffer.alloc(HAND_OVER_BYTES, 1)));
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

t.test('the count is right for a payload that is sent from its slab', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  appendFromSlab(queue, pool, new Uint8Array(HAND_OVER_BYTES));
  t.equal(queue.queuedBytes, HAND_OVER_BYTES + 4);
  t.equal(Buffer.concat(queue.take()).length, HAND_OVER_BYTES + 4);
  t.equal(queue.lentBytes, HAND_OVER_BYTES + 4);
  t.end();
});

t.test('a large payload in a slab is not copied, and its header goes before it', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const payload = new Uint8Array(HAND_OVER_BYTES).fill(3);
  const slab = slabWith(pool, payload);
  appendBinary(queue, Uint8Array.of(1));
  appendSlab(queue, slab, payload.length);
  appendBinary(queue, Uint8Array.of(2));
  const pieces = queue.take();
  t.equal(pieces.length, 3);
  t.equal(hexOf(pieces[0]!), '820101', 'what was before');
  t.equal(pieces[1]!.buffer, slab.bytes.buffer, 'the same memory');
  t.equal(pieces[1]!.byteOffset, HEADROOM_BYTES - 4);
  t.ok(wireOf([payload], false).every((byte, index) => pieces[1]![index] === byte));
  t.equal(hexOf(pieces[2]!), '820102', 'what came after');
  t.end();
});

t.test('there is room for one header: sent again a payload gets another one elsewhere', (t) => {
  const pool = new SlabPool();
  const [one, other] = [new OutputQueue(pool), new OutputQueue(pool)];
  const payload = new Uint8Array(70_000).fill(3);
  const slab = slabWith(pool, payload);
  appendSlab(one, slab, payload.length);
  appendSlab(one, slab, payload.length);
  const end = HEADROOM_BYTES + payload.length;
  other.appendFrame(0x81, null, slab.bytes, HEADROOM_BYTES, end, slab);
  const expected = wireOf([payload, payload], false);
  const pieces = one.take();
  t.equal(pieces.length, 3, 'with its header, a header, without its header');
  t.ok(Buffer.concat(pieces).equals(expected));
  const asText = Buffer.concat(other.take());
  t.equal(asText[0], 0x81, 'of another message');
  t.ok(asText.subarray(1).equals(expected.subarray(1, asText.length)));
  t.ok([...pieces, ...other.take()].every(({ length }) => length > 0));
  t.equal(slab.holders, 4, 'held for each time');
  one.release();
  other.release();
  t.equal(slab.holders, 1);
  pool.give(slab);
  const again = pool.takeForMessage(payload.length, payload.length);
  t.equal(again, slab, 'it is used again');
  appendSlab(one, slab, payload.length);
  t.equal(one.take().length, 1, 'and has room for a header again');
  t.end();
});

t.test('parts of a payload in a slab', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const payload = Buffer.from(new SeededRandom(3).bytes(5 * HAND_OVER_BYTES));
  const slab = slabWith(pool, payload);
  const parts = [
    [0, HAND_OVER_BYTES],
    [HAND_OVER_BYTES, 3 * HAND_OVER_BYTES - 1],
    [1, HAND_OVER_BYTES + 1],
    [0, HAND_OVER_BYTES - 1],
    [3 * HAND_OVER_BYTES - 1, payload.length],
  ] as const;
  for (const [from, to] of parts)
    queue.appendFrame(BINARY, null, slab.bytes, HEADROOM_BYTES + from, HEADROOM_BYTES + to, slab);
  const expected = wireOf(
    parts.map(([from, to]) => payload.subarray(from, to)),
    false,
  );
  t.equal(slab.holders, 1 + 4, 'the small one is copied');
  t.equal(queue.queuedBytes, expected.length);
  t.ok(drain(queue).equals(expected));
  t.equal(slab.holders, 1);
  t.end();
});

t.test('a payload sent from its slab when little is left of the one before it', (t) => {
  for (const room of [0, 1, 9, 10, 11, 14, 15, 23, 24]) {
    const pool = new SlabPool();
    const queue = new OutputQueue(pool);
    queue.appendBytes(new Uint8Array(SLAB_BYTES - room));
    const payload = new Uint8Array(HAND_OVER_BYTES).fill(4);
    const slab = slabWith(pool, payload);
    // The first header goes before it, the second into what is left.
    appendSlab(queue, slab, payload.length);
    appendSlab(queue, slab, payload.length);
    appendBinary(queue, Uint8Array.of(5));
    const pieces = queue.take();
    t.notOk(pieces.some((piece) => piece.length === 0));
    const sent = Buffer.concat(pieces).subarray(SLAB_BYTES - room);
    const expected = wireOf([payload, payload, Uint8Array.of(5)], false);
    t.ok(sent.equals(expected), `${room} bytes were left`);
  }
  t.end();
});

t.test('payloads sent from their slabs one after the other, with nothing behind them', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const payloads = [1, 2, 3].map((fill) => new Uint8Array(HAND_OVER_BYTES).fill(fill));
  const buffers = payloads.map((payload) => appendFromSlab(queue, pool, payload));
  const pieces = queue.take();
  t.strictSame(
    pieces.map((piece) => piece.buffer),
    buffers,
  );
  t.equal(new Set(buffers).size, 3);
  t.ok(Buffer.concat(pieces).equals(wireOf(payloads, false)));
  t.end();
});

t.test('what is copied although it is in a slab: small payloads and masked ones', (t) => {
  const pool = new SlabPool();
  const small = slabWith(pool, new Uint8Array(HAND_OVER_BYTES - 1).fill(1));
  const large = slabWith(pool, new Uint8Array(HAND_OVER_BYTES).fill(2));
  const queue = new OutputQueue(pool);
  appendSlab(queue, small, HAND_OVER_BYTES - 1);
  appendSlab(queue, large, HAND_OVER_BYTES, MASKING_KEY);
  t.strictSame([small.holders, large.holders], [1, 1]);
  const pieces = queue.take();
  t.notOk(pieces.some(({ buffer }) => [small.bytes.buffer, large.bytes.buffer].includes(buffer)));
  t.ok(
    large.bytes
      .subarray(HEADROOM_BYTES, HEADROOM_BYTES + HAND_OVER_BYTES)
      .every((byte) => byte === 2),
    'the payload is not masked in place',
  );
  const frames = readFrames(Buffer.concat(pieces));
  t.strictSame(
    frames.map(({ isMasked, payload }) => [isMasked, payload.length, payload[77]]),
    [
      [false, HAND_OVER_BYTES - 1, 1],
      [true, HAND_OVER_BYTES, 2],
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
  const large = Math.ceil(expected.length / SLAB_BYTES);
  const small = pool.freeCount;
  t.ok(small <= 3, 'the socket may still hold them; one of each smaller size was outgrown');
  t.equal(queue.heldBytes, large * SLAB_BYTES);
  queue.release();
  t.equal(pool.freeCount, small + large);
  t.equal(queue.heldBytes, 0);
  queue.release();
  t.equal(pool.freeCount, small + large, 'each comes back once');
  appendBinary(queue, Uint8Array.of(1), {});
  drain(queue);
  t.equal(pool.freeCount, small + large, 'and is not kept in mind');
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
  appendFromSlab(queue, pool, new Uint8Array(HAND_OVER_BYTES));
  queue.discard();
  t.equal(queue.waitingBytes, 0);
  t.equal(pool.freeCount, 5);
  t.strictSame(queue.take(), []);
  queue.release();
  t.equal(pool.freeCount, 5);
  appendBinary(queue, Uint8Array.of(5), {});
  t.equal(hexOf(drain(queue)), '820105', 'the queue can be used again');
  t.end();
});

t.test('discard gives what is lent back too: the socket is gone', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  appendBinary(queue, Uint8Array.of(1), {});
  queue.appendPiece(Uint8Array.of(1));
  queue.take();
  t.equal(queue.lentBytes, 4);
  appendBinary(queue, Uint8Array.of(2), {});
  queue.discard();
  t.strictSame([queue.lentBytes, queue.heldBytes], [0, 0]);
  t.equal(pool.freeCount, 2);
  queue.release();
  t.equal(pool.freeCount, 2, 'once');
  t.equal(pool.memory.bytes, 2 * withHeaders(4096));
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

t.test('a piece that nobody changes is sent from where it is', (t) => {
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
  const buffer = appendFromSlab(one, pool, large);
  one.appendBytes(Buffer.from('c'));
  one.moveTo(other);
  t.equal(one.waitingBytes, 0);
  t.strictSame(one.take(), []);
  one.appendBytes(Buffer.from('e'));
  other.appendBytes(Buffer.from('d'));
  one.moveTo(other);
  t.equal(other.waitingBytes, 1 + 4 + HAND_OVER_BYTES + 1 + 1 + 1);
  const pieces = other.take();
  t.ok(pieces.some((piece) => piece.buffer === buffer));
  const text = Buffer.concat(pieces).toString('latin1');
  t.equal(text, `a\x82\x7e\x80\0${'b'.repeat(HAND_OVER_BYTES)}cde`);
  other.release();
  t.equal(pool.freeCount, 4, 'every slab is back');
  one.appendBytes(Buffer.from('f'));
  one.moveTo(other);
  other.discard();
  t.equal(pool.freeCount, 4, 'also of what moved and is dropped');
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

t.test('the memory of all slabs counts as held, until what was taken is released', (t) => {
  const queue = new OutputQueue(new SlabPool());
  t.equal(queue.heldBytes, 0);
  queue.appendBytes(new Uint8Array(SLAB_BYTES + 1));
  t.ok(queue.heldBytes > SLAB_BYTES, 'a full slab and the one after it');
  queue.take();
  t.ok(queue.heldBytes > SLAB_BYTES, 'what is lent too');
  queue.release();
  t.equal(queue.heldBytes, 0);
  t.end();
});

t.test('the last may be taken before what was taken earlier is released', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  queue.appendBytes(Uint8Array.of(1));
  const first = queue.take();
  queue.appendBytes(Uint8Array.of(2));
  const last = queue.take();
  t.equal(queue.lentBytes, 2);
  t.equal(hexOf(Buffer.concat([...first, ...last])), '0102');
  queue.release();
  t.equal(queue.lentBytes, 0);
  t.equal(queue.heldBytes, 0);
  t.equal(pool.freeCount, 2, 'both slabs are given back');
  t.end();
});

t.test('a slab that two queues send from comes back once, when both are through', (t) => {
  const bytes = HAND_OVER_BYTES;
  const ways: Readonly<Record<string, (queue: OutputQueue) => void>> = {
    'what was taken is released': (queue) => {
      queue.take();
      queue.release();
    },
    'what waits is dropped': (queue) => {
      queue.dropQueued();
    },
    'all is discarded': (queue) => {
      queue.discard();
    },
    'what was taken was copied': (queue) => {
      queue.take();
      queue.copied();
      queue.release();
    },
    'it has moved elsewhere': (queue) => {
      const other = new OutputQueue(pool);
      queue.moveTo(other);
      other.take();
      other.release();
    },
  };
  const pool = new SlabPool();
  for (const [first, end] of Object.entries(ways)) {
    for (const [second, endOther] of Object.entries(ways)) {
      const name = `${first}, then ${second}`;
      const before = pool.memory.bytes;
      const slab = slabWith(pool, new Uint8Array(bytes));
      const queues = [new OutputQueue(pool), new OutputQueue(pool)] as const;
      for (const queue of queues) appendSlab(queue, slab, bytes);
      pool.give(slab);
      t.equal(slab.holders, 2, name);
      end(queues[0]);
      t.equal(slab.holders, 1, name);
      t.not(pool.takeForMessage(bytes, bytes), slab, name);
      endOther(queues[1]);
      t.equal(slab.holders, 0, name);
      t.equal(pool.takeForMessage(bytes, bytes), slab, name);
      t.ok(pool.memory.bytes >= before, name);
    }
  }
  t.end();
});

t.test('a slab from which another one still sends is not given back with a socket', (t) => {
  const pool = new SlabPool();
  const [one, other] = [new OutputQueue(pool), new OutputQueue(pool)];
  const slab = slabWith(pool, new Uint8Array(HAND_OVER_BYTES));
  appendSlab(one, slab, HAND_OVER_BYTES);
  appendSlab(other, slab, HAND_OVER_BYTES);
  one.take();
  other.take();
  one.discard();
  t.equal(pool.freeMessageBytes, 0);
  other.discard();
  t.equal(pool.freeMessageBytes, 0);
  pool.give(slab);
  t.equal(pool.freeMessageBytes, slab.bytes.length);
  t.equal(pool.freeCount, 2, 'it, and the header that was in a slab of its own');
  t.end();
});

t.test('the memory of a slab counts for each that sends from it', (t) => {
  const pool = new SlabPool();
  const queue = new OutputQueue(pool);
  const slab = slabWith(pool, new Uint8Array(HAND_OVER_BYTES));
  appendSlab(queue, slab, HAND_OVER_BYTES);
  pool.give(slab);
  t.equal(queue.heldBytes, slab.bytes.length);
  queue.take();
  t.equal(queue.heldBytes, slab.bytes.length);
  queue.release();
  t.equal(queue.heldBytes, 0);
  t.equal(pool.freeMessageBytes, slab.bytes.length);
  t.end();
});

/** What `appendEchoes` makes of a read in the kernel's buffer, or in one of its own. */
class EchoBench {
  readonly kernel: Kernel | null;
  readonly pool: SlabPool;
  readonly queue: OutputQueue;
  readonly run = emptyRun();

  constructor(kernel: Kernel | null) {
    this.kernel = kernel;
    this.pool = new SlabPool(undefined, kernel);
    this.queue = new OutputQueue(this.pool);
  }

  /** @returns where the rest of the read begins */
  echo(wire: Uint8Array, at = 5, maxMessage = Infinity): number {
    const read = this.kernel?.receiveBuffer ?? new Uint8Array(at + wire.length);
    read.set(wire, at);
    return this.queue.appendEchoes(read, at, at + wire.length, maxMessage, this.run) - at;
  }

  /** How many slabs of the kernel nobody has. */
  get freeOfKernel(): number {
    return this.kernel?.shelf.free.length ?? 4;
  }
}

const HELLOS = Array.from({ length: 40 }, (_, index) =>
  index % 3 === 0 ? binaryFrame(Uint8Array.of(index)) : textFrame(`Hello ${index}`),
);

for (const [name, makeKernel] of [
  ['in JavaScript', (): null => null],
  ['in the kernel', (): Kernel => new Kernel()],
] as const) {
  t.test(`echoes ${name}: a read becomes one piece`, (t) => {
    const bench = new EchoBench(makeKernel());
    const wire = encodeFrames(HELLOS, true);
    t.equal(bench.echo(wire), wire.length);
    t.equal(bench.queue.queuedBytes, encodeFrames(HELLOS, false).length);
    t.equal(bench.run.binaryMessages, 14);
    t.equal(bench.run.textMessages, 26);
    const pieces = bench.queue.take();
    t.equal(pieces.length, 1);
    t.equal(hexOf(pieces[0]!), hexOf(encodeFrames(HELLOS, false)));
    t.equal(bench.freeOfKernel, makeKernel() === null ? 4 : 3);
    bench.queue.release();
    t.equal(bench.freeOfKernel, 4);
    t.equal(bench.queue.heldBytes, 0);
    t.end();
  });

  t.test(`echoes ${name}: where nothing is sent back no slab is kept`, (t) => {
    const bench = new EchoBench(makeKernel());
    for (const wire of [
      encodeFrames([pingFrame('a'), ...HELLOS], true),
      encodeFrames(HELLOS, false),
      encodeFrames([binaryFrame('a'.repeat(300))], true).subarray(0, 200),
      new Uint8Array(0),
    ]) {
      t.equal(bench.echo(wire), 0);
      t.equal(bench.queue.heldBytes, 0);
      t.equal(bench.freeOfKernel, 4);
      t.strictSame(bench.queue.take(), []);
    }
    t.strictSame(bench.run, emptyRun());
    t.end();
  });

  t.test(`echoes ${name}: the rest of a read is left`, (t) => {
    const bench = new EchoBench(makeKernel());
    const before = encodeFrames(HELLOS, true);
    const wire = Buffer.concat([before, encodeFrames([pingFrame('a'), ...HELLOS], true)]);
    t.equal(bench.echo(wire), before.length);
    t.equal(hexOf(drain(bench.queue)), hexOf(encodeFrames(HELLOS, false)));
    const limited = encodeFrames([...HELLOS, binaryFrame('a'.repeat(11))], true);
    t.equal(bench.echo(limited, 3, 10), before.length, 'at the limit of a message');
    t.end();
  });

  t.test(`echoes ${name}: other output stays before them, and follows them`, (t) => {
    const bench = new EchoBench(makeKernel());
    const expected: Uint8Array[] = [];
    const append = (frame: TestFrame): void => {
      const bytes = encodeFrames([frame], false);
      bench.queue.appendBytes(bytes);
      expected.push(bytes);
    };
    for (const size of [1, 1000, 5000, 30_000, 100_000, 200_000]) {
      append(binaryFrame(new Uint8Array(size)));
      // Each is more than is free in the slab that the output before is in.
      for (const frames of [[binaryFrame('b'.repeat(size * 3).slice(0, 200_000))], HELLOS]) {
        const wire = encodeFrames(frames, true);
        t.equal(bench.echo(wire), wire.length);
        expected.push(encodeFrames(frames, false));
      }
      bench.queue.appendPiece(Uint8Array.of(1, 2, 3));
      expected.push(Uint8Array.of(1, 2, 3));
    }
    const { queuedBytes } = bench.queue;
    const bytes = drain(bench.queue);
    t.equal(queuedBytes, bytes.length);
    t.ok(bytes.equals(Buffer.concat(expected)));
    t.equal(bench.freeOfKernel, 4);
    t.end();
  });

  t.test(`echoes ${name}: a read as large as a slab, again and again`, (t) => {
    const bench = new EchoBench(makeKernel());
    const frames = Array.from({ length: 1000 }, () => textFrame('é'.repeat(120)));
    const wire = encodeFrames(frames, true);
    const back = encodeFrames(frames, false);
    t.ok(wire.length > SLAB_BYTES * 0.9 && wire.length < SLAB_BYTES);
    for (let round = 0; round < 7; round++) t.equal(bench.echo(wire, 0), wire.length);
    t.equal(bench.queue.queuedBytes, 7 * back.length);
    t.equal(bench.freeOfKernel, makeKernel() === null ? 4 : 3, 'the others are ordinary ones');
    const pieces = bench.queue.take();
    t.equal(pieces.length, 7);
    for (const piece of pieces) t.ok(Buffer.from(piece).equals(back));
    bench.queue.discard();
    t.equal(bench.freeOfKernel, 4);
    t.equal(bench.queue.heldBytes, 0);
    t.end();
  });

  t.test(
    `echoes ${name}: messages of a whole size fit into one read, and back into one piece`,
    (t) => {
      for (const [count, size] of [
        [4, 64 * 1024],
        [16, 16 * 1024],
        [64, 4 * 1024],
        [256, 1024],
      ] as const) {
        const bench = new EchoBench(makeKernel());
        const frames = Array.from({ length: count }, (_, index) =>
          binaryFrame(new Uint8Array(size).fill(index)),
        );
        const wire = encodeFrames(frames, true);
        t.ok(wire.length > 256 * 1024 && wire.length <= SLAB_BYTES);
        t.equal(bench.echo(wire, 0), wire.length);
        const pieces = bench.queue.take();
        t.equal(pieces.length, 1, `${count} of ${size}`);
        t.ok(Buffer.from(pieces[0]!).equals(encodeFrames(frames, false)));
      }
      t.end();
    },
  );

  t.test(`echoes ${name}: a frame that has no room in a slab waits for the next one`, (t) => {
    const bench = new EchoBench(makeKernel());
    bench.queue.expectedBytes = SLAB_BYTES;
    bench.echo(encodeFrames([binaryFrame('a'.repeat(200_000))], true));
    const wire = encodeFrames([...HELLOS, binaryFrame('b'.repeat(100_000)), ...HELLOS], true);
    t.equal(bench.echo(wire), wire.length);
    const frames = readFrames(drain(bench.queue));
    t.equal(frames.length, 1 + 40 + 1 + 40);
    t.end();
  });

  t.test(`echoes ${name}: what moves to another queue and is dropped comes back`, (t) => {
    const bench = new EchoBench(makeKernel());
    const other = new OutputQueue(bench.pool);
    const wire = encodeFrames(HELLOS, true);
    bench.echo(wire);
    bench.queue.moveTo(other);
    bench.echo(wire);
    bench.queue.moveTo(other);
    t.equal(other.queuedBytes, 2 * encodeFrames(HELLOS, false).length);
    other.dropQueued();
    t.equal(bench.freeOfKernel, 4);
    bench.echo(wire);
    bench.queue.take();
    bench.queue.copied();
    t.equal(bench.freeOfKernel, 4, 'and what TLS has copied');
    t.end();
  });
}

t.test('the kernel: not for little, nor for what is not in its memory', (t) => {
  const kernel = new Kernel();
  const bench = new EchoBench(kernel);
  let calls = 0;
  const echo = kernel.echo.bind(kernel);
  kernel.echo = (...args) => {
    calls++;
    return echo(...args);
  };
  const little = encodeFrames([textFrame('Hello')], true);
  t.equal(bench.echo(little), little.length);
  t.equal(bench.freeOfKernel, 4);
  drain(bench.queue);
  const wire = encodeFrames(HELLOS, true);
  t.equal(bench.queue.appendEchoes(wire, 0, wire.length, 1e9, emptyRun()), wire.length);
  t.equal(bench.freeOfKernel, 4);
  t.equal(calls, 0);
  drain(bench.queue);
  bench.queue.appendBytes(Uint8Array.of(1));
  t.equal(bench.echo(wire), wire.length, 'nor into what is not in its memory');
  t.equal(calls, 0);
  drain(bench.queue);
  t.equal(bench.echo(wire), wire.length);
  t.equal(calls, 1);
  t.end();
});

t.test('the kernel: slow clients have one of its slabs each, and the others JavaScript', (t) => {
  const kernel = new Kernel();
  const benches = Array.from({ length: 6 }, () => new EchoBench(kernel));
  const wire = encodeFrames(HELLOS, true);
  const back = encodeFrames(HELLOS, false);
  const free = (): number => kernel.shelf.free.length;
  benches.forEach((bench, index) => {
    bench.echo(wire);
    bench.queue.take();
    t.equal(free(), Math.max(0, 3 - index));
    bench.echo(wire);
    t.equal(free(), Math.max(0, 3 - index), 'one is enough');
    t.equal(hexOf(Buffer.concat(bench.queue.take())), hexOf(back));
  });
  benches[0]!.queue.release();
  t.equal(free(), 1, 'one of them has read');
  benches[1]!.queue.discard();
  t.equal(free(), 2, 'one has reset');
  for (const { queue } of benches) queue.discard();
  t.equal(free(), 4);
  t.end();
});
