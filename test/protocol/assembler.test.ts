import { randomBytes } from 'node:crypto';
import { type ZlibOptions, constants } from 'node:zlib';
import t from 'tap';
import { Assembler, wireLimitBytes } from '../../src/protocol/assembler.js';
import { flushedFragments } from '../fixtures/deflate.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

const LIMIT_BYTES = 16 * 1024 * 1024;

/** What the assembler holds. */
const contentOf = (assembler: Assembler): string =>
  hexOf(assembler.bytes.subarray(0, assembler.length));

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
