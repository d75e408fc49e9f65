import { randomBytes } from 'node:crypto';
import { type ZlibOptions, constants } from 'node:zlib';
import t from 'tap';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { Assembler, wireLimitBytes } from '../../src/protocol/assembler.js';
import { Kernel } from '../../src/protocol/kernel/kernel.js';
import { HEADROOM_BYTES, SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { flushedFragments } from '../fixtures/deflate.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

const LIMIT_BYTES = 16 * 1024 * 1024;

/** What the assembler holds. */
const contentOf = ({ bytes, start, length }: Assembler): string =>
  hexOf(bytes.subarray(start, start + length));

const append = (assembler: Assembler, piece: Uint8Array): void => {
  assembler.append(piece, 0, piece.length, 0);
};

t.test('holds nothing at first', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  t.equal(assembler.bytes.length, 0);
  t.equal(assembler.length, 0);
  t.end();
});

t.test('joins pieces in order', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  append(assembler, Uint8Array.of(1, 2));
  append(assembler, Uint8Array.of(3));
  assembler.append(Uint8Array.of(9, 9, 4, 5, 9), 2, 4, 0);
  t.equal(contentOf(assembler), '0102030405');
  t.equal(assembler.length, 5);
  t.end();
});

t.test('an empty piece takes no memory', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  for (let count = 0; count < 1000; count++) assembler.append(Uint8Array.of(1), 1, 1, 0);
  t.equal(assembler.bytes.length, 0);
  append(assembler, Uint8Array.of(7));
  assembler.append(Uint8Array.of(1), 0, 0, 0);
  t.equal(contentOf(assembler), '07');
  t.end();
});

t.test('copies: a piece may change afterwards', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  const piece = Uint8Array.of(1, 2, 3);
  append(assembler, piece);
  piece.fill(0xff);
  t.equal(contentOf(assembler), '010203');
  t.end();
});

t.test('keeps the content while it grows', (t) => {
  const random = new SeededRandom(1);
  const message = random.bytes(200_000);
  const assembler = new Assembler(LIMIT_BYTES);
  for (let at = 0; at < message.length;) {
    const stop = Math.min(message.length, at + random.below(3000));
    assembler.append(message, at, stop, 0);
    at = stop;
  }
  t.equal(assembler.length, message.length);
  t.ok(contentOf(assembler) === hexOf(message), 'same bytes');
  t.end();
});

t.test('a million one-byte fragments cost no more than twice the payload', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  const piece = Uint8Array.of(0x2a);
  let worstRatio = 0;
  let buffers = 0;
  let last: Uint8Array | null = null;
  for (let count = 1; count <= 1_000_000; count++) {
    assembler.append(piece, 0, 1, 0);
    if (assembler.bytes === last) continue;
    last = assembler.bytes;
    buffers++;
    if (count > 1024) worstRatio = Math.max(worstRatio, assembler.bytes.length / count);
  }
  t.equal(assembler.length, 1_000_000);
  t.ok(assembler.bytes.length <= 2_000_000, 'the buffer at the end');
  t.ok(worstRatio <= 2, 'the buffer at any time');
  t.ok(buffers <= 12, 'few buffers are made, so copying stays in proportion');
  t.ok(assembler.bytes.subarray(0, assembler.length).every((byte) => byte === 0x2a));
  t.end();
});

t.test('the first buffer is small', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  append(assembler, Uint8Array.of(1));
  t.ok(assembler.bytes.length <= 4096);
  t.end();
});

t.test('a small first buffer does not go over a small limit', (t) => {
  const assembler = new Assembler(10);
  append(assembler, Uint8Array.of(1, 2, 3));
  t.equal(assembler.bytes.length, 10);
  append(assembler, new Uint8Array(7).fill(4));
  t.equal(contentOf(assembler), '01020304040404040404');
  t.end();
});

t.test('the limit caps the last step', (t) => {
  const limitBytes = 3_000_000;
  const assembler = new Assembler(limitBytes);
  append(assembler, new Uint8Array(2_000_000).fill(1));
  append(assembler, new Uint8Array(500_000).fill(2));
  t.equal(assembler.bytes.length, limitBytes);
  append(assembler, new Uint8Array(500_000).fill(3));
  t.equal(assembler.length, limitBytes);
  t.equal(assembler.bytes[0], 1);
  t.equal(assembler.bytes[limitBytes - 1], 3);
  t.end();
});

t.test('one large piece gets what it needs', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  append(assembler, Uint8Array.of(1));
  append(assembler, new Uint8Array(1_000_000).fill(2));
  t.equal(assembler.length, 1_000_001);
  t.ok(assembler.bytes.length <= 2 * 1_000_001);
  t.end();
});

t.test('a frame gets its whole room once a quarter of it has arrived, and not before', (t) => {
  const arrived = new Uint8Array(100_000).fill(1);
  const quarter = new Assembler(LIMIT_BYTES);
  quarter.append(arrived, 0, arrived.length, 300_000);
  t.equal(quarter.bytes.length, 400_000);
  const bytes = quarter.bytes;
  for (let count = 0; count < 3; count++) {
    quarter.append(arrived, 0, arrived.length, 300_000 - 100_000 * (count + 1));
  }
  t.equal(quarter.bytes, bytes, 'it is not moved');
  const less = new Assembler(LIMIT_BYTES);
  less.append(arrived, 0, arrived.length, 2 ** 40);
  t.equal(less.bytes.length, 400_000, 'memory follows what has arrived');
  t.end();
});

t.test('a buffer is not part of a shared one', (t) => {
  const assembler = new Assembler(LIMIT_BYTES);
  append(assembler, Uint8Array.of(1));
  t.equal(assembler.bytes.buffer.byteLength, assembler.bytes.length);
  t.end();
});

/** Bytes that were copied from one buffer into the next, and how many buffers there were. */
function growthOf(assembler: Assembler, fragments: number): { copied: number; buffers: number } {
  const piece = Uint8Array.of(0x2a);
  let { bytes } = assembler;
  let copied = 0;
  let buffers = 0;
  for (let count = 0; count < fragments; count++) {
    const before = assembler.length;
    assembler.append(piece, 0, 1, 0);
    if (assembler.bytes === bytes) continue;
    bytes = assembler.bytes;
    copied += before;
    buffers++;
  }
  return { copied, buffers };
}

t.test('beyond the limit, at it and below it nothing is copied for each fragment', async (t) => {
  const limitBytes = 1024 ** 2;
  for (const first of [limitBytes - 1000, limitBytes - 1, limitBytes, limitBytes + 1]) {
    const assembler = new Assembler(limitBytes);
    append(assembler, new Uint8Array(first));
    const { copied, buffers } = growthOf(assembler, 2000);
    t.equal(assembler.length, first + 2000);
    t.ok(buffers <= 2, `${first} bytes first: ${buffers} more buffers`);
    t.ok(copied <= 2 * assembler.length, `${first} bytes first: ${copied} bytes are copied`);
  }
});

const MIB = 1024 ** 2;

t.test('what an extension made may be larger on the wire than its message', async (t) => {
  for (const [maxBytes, rsv, fragments, limitBytes] of [
    [16 * MIB, 0, 1, 16 * MIB],
    [16 * MIB, 0, 1000, 16 * MIB],
    [16 * MIB, 4, 1, 20 * MIB + 80],
    [16 * MIB, 1, 1, 20 * MIB + 80],
    [16 * MIB, 4, 1000, 20 * MIB + 16_064],
    [125, 0, 1, 125],
    [125, 4, 1, 236],
    [125, 4, 125, 2220],
    [125, 4, 126, 2220],
    [125, 4, 100_000, 2220],
    [0, 4, 3, 64],
    [8 * 1024 * MIB, 4, 1, 10 * 1024 * MIB + 80],
  ] as const) {
    t.equal(
      wireLimitBytes(maxBytes, rsv, fragments),
      limitBytes,
      `${maxBytes} bytes, reserved bits ${rsv}, ${fragments} fragments`,
    );
  }
});

t.test('the limit holds what zlib makes of noise, however it is told to work', async (t) => {
  const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
  const noise = randomBytes(64 * 1024);
  // Those take nine bits each where Huffman codes are fixed.
  const long = Buffer.from(noise.map((byte) => 0x90 | (byte & 0x6f)));
  const strategies = [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE];
  const settings = [1, 2, 5, 8, 9].flatMap((memLevel) =>
    [0, 1, 3, 6, 9].flatMap((level) =>
      strategies.map((strategy) => ({ level, memLevel, strategy, windowBits: 9 })),
    ),
  );
  /** The largest share of the limit that a message ever takes. */
  const shareOf = (fragmentBytes: number, options: ZlibOptions): number => {
    const bytes = options.strategy === Z_FIXED ? long : noise;
    const message = bytes.subarray(0, fragmentBytes * 1000);
    let length = 0;
    const shares = flushedFragments(message, fragmentBytes, options).map((wire, index) => {
      length += wire.length;
      return length / wireLimitBytes(message.length, 4, index + 1);
    });
    return Math.max(...shares);
  };
  let worst = 0;
  for (const fragmentBytes of [1, 2, 3, 5, 11, 80, 126, 127, 128, 500, 16_384, 65_536]) {
    for (const options of settings) {
      const share = shareOf(fragmentBytes, options);
      worst = Math.max(worst, share);
      if (share > 1) t.fail(`${fragmentBytes} bytes a fragment, ${JSON.stringify(options)}`);
    }
  }
  t.ok(worst > 0.8 && worst <= 1, `at most ${Math.round(worst * 100)} % of the limit`);
});

t.test('what is held is charged until it is free; without an account it is only said', (t) => {
  const memory = new MemoryAccount();
  for (const account of [memory, null]) {
    const assembler = new Assembler(LIMIT_BYTES, null, account);
    t.equal(assembler.heldBytes, 0);
    append(assembler, new Uint8Array(5000));
    t.equal(assembler.heldBytes, assembler.bytes.length);
    if (account !== null) t.equal(account.bytes, assembler.heldBytes);
    assembler.free();
    t.equal(assembler.heldBytes, 0);
  }
  t.equal(memory.bytes, 0);
  t.end();
});

const KIB = 1024;

/** The least that is worth a place of its own, in these tests. */
const LEAST_BYTES = 32 * KIB;

/** Slabs of messages in which other bytes were. */
function usedPool(): SlabPool {
  const pool = new SlabPool();
  const slabs = [1, 4, 16, 64, 128, 256, 512, 1024, 2048].map((size) =>
    pool.takeForMessage(size * KIB, size * KIB),
  );
  for (const slab of slabs) {
    slab.bytes.fill(0xa5);
    pool.give(slab);
  }
  return pool;
}

t.test('in slabs: keeps the content while it grows, behind room for a header', (t) => {
  const random = new SeededRandom(2);
  const pool = usedPool();
  const { bytes: before } = pool.memory;
  const message = random.bytes(900_000);
  for (let round = 0; round < 3; round++) {
    const assembler = new Assembler(LIMIT_BYTES, pool);
    t.equal(assembler.heldBytes, 0);
    for (let at = 0; at < message.length;) {
      const stop = Math.min(message.length, at + random.below(60_000));
      assembler.append(message, at, stop, round === 0 ? 0 : message.length - stop);
      at = stop;
    }
    t.equal(assembler.start, HEADROOM_BYTES);
    t.equal(assembler.bytes, assembler.slab!.bytes);
    t.equal(assembler.heldBytes, assembler.bytes.length);
    t.ok(contentOf(assembler) === hexOf(message), 'same bytes');
    assembler.free();
    t.equal(assembler.heldBytes, 0);
    assembler.free();
    t.equal(pool.freeCount, 9, 'each slab that was outgrown, and the last one, is back once');
    t.equal(pool.memory.bytes, before, 'none was made');
  }
  t.end();
});

t.test('a limit between two sizes: copying stays in proportion', (t) => {
  for (const kibibytes of [70, 90, 150, 700, 10 * KIB, 17 * KIB]) {
    const limitBytes = kibibytes * KIB;
    const assembler = new Assembler(limitBytes, new SlabPool());
    let copied = 0;
    let { bytes } = assembler;
    for (let count = 0; assembler.length < limitBytes; count++) {
      const before = assembler.length;
      const stop = Math.min(limitBytes - before, 1000);
      assembler.append(new Uint8Array(1000), 0, stop, 0);
      if (assembler.bytes !== bytes) copied += before;
      ({ bytes } = assembler);
    }
    t.ok(copied <= 2 * limitBytes, `${kibibytes} KiB: ${copied} bytes are copied`);
    t.ok(bytes.length <= 2 * limitBytes, `${kibibytes} KiB take ${bytes.length}`);
  }
  t.end();
});

/** What a frame is read to, and what was copied for it. */
interface Placing {
  placed: number;
  grown: number;
  worstRatio: number;
}

/** A frame of which each read brings some bytes, into its place where there is one. */
function readFrame(assembler: Assembler, frame: Uint8Array, readBytes: number): Placing {
  const placing = { placed: 0, grown: 0, worstRatio: 0 };
  for (let at = 0; at < frame.length;) {
    const left = frame.length - at;
    const place =
      left < LEAST_BYTES ? null : assembler.placeFor(Math.min(left, 256 * KIB), LEAST_BYTES, left);
    const count = Math.min(left, readBytes, place?.length ?? 256 * KIB);
    const read = place ?? new Uint8Array(256 * KIB);
    read.set(frame.subarray(at, at + count));
    const before = assembler.bytes;
    assembler.append(read, 0, count, left - count);
    at += count;
    if (place !== null) placing.placed += count;
    if (place !== null && before !== assembler.bytes) placing.grown++;
    const ratio = assembler.bytes.length / assembler.length;
    if (assembler.bytes.length > 2 * KIB) placing.worstRatio = Math.max(placing.worstRatio, ratio);
  }
  return placing;
}

t.test('what is to come of a frame is read into its place', (t) => {
  const random = new SeededRandom(4);
  for (const bytes of [40_000, 65_536, 300_000, 1_048_576, 3_000_001]) {
    const frame = random.bytes(bytes);
    for (const readBytes of [1000, 16_384, 65_536, Infinity]) {
      const assembler = new Assembler(LIMIT_BYTES, new SlabPool());
      const first = Math.min(readBytes, 65_522, bytes);
      assembler.append(frame, 0, first, bytes - first);
      const { placed, grown, worstRatio } = readFrame(assembler, frame.subarray(first), readBytes);
      const name = `${bytes} bytes in reads of ${readBytes}`;
      t.ok(contentOf(assembler) === hexOf(frame), name);
      t.equal(grown, 0, `${name}: in its place nothing is moved`);
      t.ok(worstRatio <= 4 * 2, `${name}: ${worstRatio} times what has arrived`);
      if (bytes > 200_000)
        t.ok(placed > bytes - 2 * 65_536, `${name}: ${placed} bytes came into their place`);
    }
  }
  t.end();
});

t.test('what is free is taken for the whole frame at once: it takes no more memory', (t) => {
  const random = new SeededRandom(5);
  for (const bytes of [3000, 100_000, 1_048_576, 2_000_000]) {
    const pool = usedPool();
    const held = pool.memory.bytes;
    const frame = random.bytes(bytes);
    const assembler = new Assembler(LIMIT_BYTES, pool);
    assembler.append(frame, 0, 1000, bytes - 1000);
    const { slab } = assembler;
    t.ok(assembler.bytes.length >= bytes, `${bytes} bytes`);
    assembler.append(frame, 1000, bytes, 0);
    t.equal(assembler.slab, slab, 'nothing is moved');
    t.equal(pool.memory.bytes, held, 'no memory is made');
    t.ok(contentOf(assembler) === hexOf(frame));
    // Over the limit it is refused before; a slab that is taken must not tempt anybody.
    const small = new Assembler(bytes - 1, usedPool());
    small.append(frame, 0, 1000, bytes - 1000);
    t.ok(small.bytes.length < bytes || bytes === 3000);
  }
  t.end();
});

t.test('a place follows what has arrived, not what is declared', (t) => {
  for (const arrived of [1, 100, 1000, 4096, 5000, 10_000, 20_000, 70_000, 300_000]) {
    const assembler = new Assembler(LIMIT_BYTES, new SlabPool());
    const declared = LIMIT_BYTES - arrived;
    assembler.append(new Uint8Array(arrived), 0, arrived, declared);
    const before = assembler.bytes;
    for (let round = 0; round < 3; round++) {
      const place = assembler.placeFor(256 * KIB, LEAST_BYTES, declared);
      const most = Math.max(1.5 * 4 * arrived, 2 * KIB);
      t.ok(assembler.bytes.length <= most, `${arrived}: ${assembler.bytes.length} bytes`);
      t.equal(place === null, arrived < 11_000, `${arrived}: it is worth it or not`);
      if (place === null) t.equal(assembler.bytes, before, 'and then nothing is copied');
      else t.ok(place.length >= LEAST_BYTES);
    }
  }
  t.end();
});

t.test('whoever asks after each byte has nothing copied for it', (t) => {
  for (const kibibytes of [1, 4, 16, 64, 70, 87, 150, 5000, 10 * KIB]) {
    const limitBytes = kibibytes * KIB + 33 * KIB;
    const assembler = new Assembler(limitBytes, new SlabPool());
    const arrived = kibibytes * KIB - 2000;
    if (arrived > 0) assembler.append(new Uint8Array(arrived), 0, arrived, limitBytes - arrived);
    let moves = 0;
    let { bytes } = assembler;
    for (let count = 0; count < 3000; count++) {
      const left = limitBytes - assembler.length;
      const place = assembler.placeFor(Math.min(left, 256 * KIB), LEAST_BYTES, left);
      assembler.append(place ?? new Uint8Array(1), 0, 1, left - 1);
      if (assembler.bytes !== bytes) moves++;
      ({ bytes } = assembler);
    }
    t.ok(moves <= 3, `${kibibytes} KiB: moved ${moves} times`);
  }
  t.end();
});

t.test('there is no place before the first byte, nor without a pool', (t) => {
  t.equal(new Assembler(LIMIT_BYTES, new SlabPool()).placeFor(65_536, LEAST_BYTES, 65_536), null);
  const own = new Assembler(LIMIT_BYTES);
  append(own, new Uint8Array(65_536));
  t.equal(own.placeFor(65_536, LEAST_BYTES, 65_536), null);
  t.end();
});

t.test('what came elsewhere in the same memory is copied', (t) => {
  const assembler = new Assembler(LIMIT_BYTES, new SlabPool());
  append(assembler, new Uint8Array(65_536).fill(1));
  const place = assembler.placeFor(65_536, LEAST_BYTES, 200_000)!;
  place.set([9, 9, 9, 2, 3, 4]);
  assembler.append(place, 3, 6, 200_000);
  append(assembler, Uint8Array.of(5));
  t.equal(
    hexOf(assembler.bytes.subarray(HEADROOM_BYTES + 65_535, HEADROOM_BYTES + 65_540)),
    '0102030405',
  );
  t.equal(assembler.length, 65_540);
  const elsewhere = new Uint8Array(assembler.bytes.length);
  elsewhere.fill(6);
  assembler.append(elsewhere, HEADROOM_BYTES + 65_540, HEADROOM_BYTES + 65_541, 0);
  t.equal(
    assembler.bytes[HEADROOM_BYTES + 65_540],
    6,
    'nor does the same place in other memory count',
  );
  t.end();
});

t.test('in buffers of the kernel: it grows where it is, and nothing smaller is left', (t) => {
  const message = new SeededRandom(8).bytes(3 * MIB);
  for (const isPlaced of [true, false]) {
    const pool = new SlabPool(undefined, new Kernel());
    const assembler = new Assembler(LIMIT_BYTES, pool);
    assembler.append(message, 0, 200_000, message.length - 200_000);
    const { slab, bytes } = assembler;
    for (let at = 200_000; at < message.length;) {
      const left = message.length - at;
      const place = isPlaced ? assembler.placeFor(Math.min(left, 256 * KIB), 1, left) : null;
      const count = Math.min(left, place?.length ?? 100_000);
      place?.set(message.subarray(at, at + count));
      if (place === null) assembler.append(message, at, at + count, left - count);
      else assembler.append(place, 0, count, left - count);
      at += count;
    }
    t.equal(assembler.slab, slab);
    t.not(assembler.bytes, bytes);
    t.equal(assembler.heldBytes, pool.memory.bytes);
    t.ok(contentOf(assembler) === hexOf(message));
    assembler.free();
    t.equal(pool.freeCount, 1);
  }
  t.end();
});

t.test('in buffers of the kernel: it moves when what it grows by is in there itself', (t) => {
  const pool = new SlabPool(undefined, new Kernel());
  const assembler = new Assembler(LIMIT_BYTES, pool);
  const first = new SeededRandom(8).bytes(200_000);
  append(assembler, first);
  const { slab, bytes } = assembler;
  assembler.append(bytes, HEADROOM_BYTES, HEADROOM_BYTES + 200_000, 0);
  t.not(assembler.slab, slab);
  t.ok(contentOf(assembler) === hexOf(first).repeat(2));
  assembler.free();
  t.end();
});

t.test('before other fragments: a free slab of four times as much, else twice', (t) => {
  for (const [isFree, limitBytes, capacity] of [
    [true, LIMIT_BYTES, 256 * KIB],
    [true, 100 * KIB, 128 * KIB],
    [false, LIMIT_BYTES, 64 * KIB],
  ] as const) {
    const pool = isFree ? usedPool() : new SlabPool();
    const assembler = new Assembler(limitBytes, pool);
    assembler.append(new Uint8Array(64 * KIB), 0, 64 * KIB, Infinity);
    t.equal(assembler.bytes.length - HEADROOM_BYTES, capacity);
    assembler.free();
  }
  t.end();
});
