import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { Assembler, wireLimitBytes } from '../../src/protocol/assembler.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

const LIMIT_BYTES = 16 * 1024 * 1024;

/** What the assembler holds. */
const contentOf = (assembler: Assembler): string =>
  hexOf(assembler.bytes.subarray(0, assembler.length));

const append = (assembler: Assembler, piece: Uint8Array, limitBytes = LIMIT_BYTES): void => {
  assembler.append(piece, 0, piece.length, 0, limitBytes);
};

t.test('holds nothing at first', (t) => {
  const assembler = new Assembler();
  t.equal(assembler.bytes.length, 0);
  t.equal(assembler.length, 0);
  t.end();
});

t.test('joins pieces in order', (t) => {
  const assembler = new Assembler();
  append(assembler, Uint8Array.of(1, 2));
  append(assembler, Uint8Array.of(3));
  assembler.append(Uint8Array.of(9, 9, 4, 5, 9), 2, 4, 0, LIMIT_BYTES);
  t.equal(contentOf(assembler), '0102030405');
  t.equal(assembler.length, 5);
  t.end();
});

t.test('an empty piece takes no memory', (t) => {
  const assembler = new Assembler();
  for (let count = 0; count < 1000; count++)
    assembler.append(Uint8Array.of(1), 1, 1, 0, LIMIT_BYTES);
  t.equal(assembler.bytes.length, 0);
  append(assembler, Uint8Array.of(7));
  assembler.append(Uint8Array.of(1), 0, 0, 0, LIMIT_BYTES);
  t.equal(contentOf(assembler), '07');
  t.end();
});

t.test('copies: a piece may change afterwards', (t) => {
  const assembler = new Assembler();
  const piece = Uint8Array.of(1, 2, 3);
  append(assembler, piece);
  piece.fill(0xff);
  t.equal(contentOf(assembler), '010203');
  t.end();
});

t.test('keeps the content while it grows', (t) => {
  const random = new SeededRandom(1);
  const message = random.bytes(200_000);
  const assembler = new Assembler();
  for (let at = 0; at < message.length;) {
    const stop = Math.min(message.length, at + random.below(3000));
    assembler.append(message, at, stop, 0, LIMIT_BYTES);
    at = stop;
  }
  t.equal(assembler.length, message.length);
  t.ok(contentOf(assembler) === hexOf(message), 'same bytes');
  t.end();
});

t.test('a million one-byte fragments cost no more than twice the payload', (t) => {
  const assembler = new Assembler();
  const piece = Uint8Array.of(0x2a);
  let worstRatio = 0;
  let buffers = 0;
  let last: Uint8Array | null = null;
  for (let count = 1; count <= 1_000_000; count++) {
    assembler.append(piece, 0, 1, 0, LIMIT_BYTES);
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
  const assembler = new Assembler();
  append(assembler, Uint8Array.of(1));
  t.ok(assembler.bytes.length <= 4096);
  t.end();
});

t.test('a small first buffer does not go over a small limit', (t) => {
  const assembler = new Assembler();
  append(assembler, Uint8Array.of(1, 2, 3), 10);
  t.equal(assembler.bytes.length, 10);
  append(assembler, new Uint8Array(7).fill(4), 10);
  t.equal(contentOf(assembler), '01020304040404040404');
  t.end();
});

t.test('the limit caps the last step', (t) => {
  const limitBytes = 3_000_000;
  const assembler = new Assembler();
  append(assembler, new Uint8Array(2_000_000).fill(1), limitBytes);
  append(assembler, new Uint8Array(500_000).fill(2), limitBytes);
  t.equal(assembler.bytes.length, limitBytes);
  append(assembler, new Uint8Array(500_000).fill(3), limitBytes);
  t.equal(assembler.length, limitBytes);
  t.equal(assembler.bytes[0], 1);
  t.equal(assembler.bytes[limitBytes - 1], 3);
  t.end();
});

t.test('one large piece gets what it needs', (t) => {
  const assembler = new Assembler();
  append(assembler, Uint8Array.of(1));
  append(assembler, new Uint8Array(1_000_000).fill(2));
  t.equal(assembler.length, 1_000_001);
  t.ok(assembler.bytes.length <= 2 * 1_000_001);
  t.end();
});

t.test('a frame gets its whole room once a quarter of it has arrived, and not before', (t) => {
  const arrived = new Uint8Array(100_000).fill(1);
  const quarter = new Assembler();
  quarter.append(arrived, 0, arrived.length, 300_000, LIMIT_BYTES);
  t.equal(quarter.bytes.length, 400_000);
  const bytes = quarter.bytes;
  for (let count = 0; count < 3; count++) {
    quarter.append(arrived, 0, arrived.length, 300_000 - 100_000 * (count + 1), LIMIT_BYTES);
  }
  t.equal(quarter.bytes, bytes, 'it is not moved');
  const less = new Assembler();
  less.append(arrived, 0, arrived.length, 2 ** 40, LIMIT_BYTES);
  t.equal(less.bytes.length, 400_000, 'memory follows what has arrived');
  t.end();
});

t.test('a buffer is not part of a shared one', (t) => {
  const assembler = new Assembler();
  append(assembler, Uint8Array.of(1));
  t.equal(assembler.bytes.buffer.byteLength, assembler.bytes.length);
  t.end();
});

t.test('what an extension made may be a little larger on the wire than its message', async (t) => {
  const MIB = 1024 ** 2;
  for (const [maxBytes, rsv, limitBytes] of [
    [16 * MIB, 0, 16 * MIB],
    [16 * MIB, 4, 16.5 * MIB + 64],
    [16 * MIB, 1, 16.5 * MIB + 64],
    [125, 0, 125],
    [125, 4, 192],
    [1024 * MIB, 4, 1056 * MIB + 64],
  ] as const) {
    t.equal(wireLimitBytes(maxBytes, rsv), limitBytes, `${maxBytes} bytes, reserved bits ${rsv}`);
  }
  // The format's own bound: noise goes into stored blocks, five bytes for each.
  const noise = randomBytes(MIB);
  t.ok(deflateRawSync(noise, { level: 9 }).length < wireLimitBytes(MIB, 4));
});
