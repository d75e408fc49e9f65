import t from 'tap';
import { FIN, frameHeaderBytes, writeFrameHeader } from '../../src/protocol/frame-encoder.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { headerBytes, maskingKeyOf } from '../fixtures/header-bytes.js';
import { hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';

const LENGTHS = [
  ...Array.from({ length: 300 }, (_, length) => length),
  ...[65_534, 65_535, 65_536, 65_537, 0x1234_5678, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 0x89ab_cdef, Number.MAX_SAFE_INTEGER],
];

const KEYS = [null, '00000000', '37fa213d', '010203ff', 'ffffffff'];

/** Writes a header into zeroes and returns what the function said was the header, as hex. */
function written(first: number, payloadBytes: number, maskingKey: number | null): string {
  const target = new Uint8Array(14);
  return hexOf(target.subarray(0, writeFrameHeader(target, 0, first, payloadBytes, maskingKey)));
}

t.test('§5.2: FIN is the upper bit of the first byte', async (t) => {
  t.equal(FIN, 0b1000_0000);
});

t.test('§5.7: the headers of the examples', async (t) => {
  const key = maskingKeyOf('37fa213d');
  t.equal(written(FIN | 0x1, 5, null), '8105');
  t.equal(written(FIN | 0x1, 5, key), '818537fa213d');
  t.equal(written(0x1, 3, null), '0103');
  t.equal(written(FIN | 0x0, 2, null), '8002');
  t.equal(written(FIN | 0x9, 5, null), '8905');
  t.equal(written(FIN | 0xa, 5, key), '8a8537fa213d');
  t.equal(written(FIN | 0x2, 256, null), '827e0100');
  t.equal(written(FIN | 0x2, 65_536, null), '827f0000000000010000');
});

t.test('§5.2: the shortest form of every length, masked and not', async (t) => {
  const mismatches = new Mismatches();
  for (const length of LENGTHS) {
    for (const key of KEYS) {
      const expected = headerBytes({
        isFinal: true,
        rsv: 0,
        opcode: 2,
        length: BigInt(length),
        maskingKey: key,
      });
      const name = () => `${length} bytes, key ${String(key)}`;
      const keyNumber = key === null ? null : maskingKeyOf(key);
      mismatches.compare(written(0x82, length, keyNumber), hexOf(expected), name);
      mismatches.compare(frameHeaderBytes(length, key !== null), expected.length, name);
    }
  }
  mismatches.assertNone(t, LENGTHS.length * KEYS.length * 2, 'headers');
});

t.test('§5.2: sizes of headers at the bounds of the three forms', async (t) => {
  const sizes = [0, 125, 126, 65_535, 65_536].map((length) => [
    frameHeaderBytes(length, false),
    frameHeaderBytes(length, true),
  ]);
  t.strictSame(sizes, [
    [2, 6],
    [2, 6],
    [4, 8],
    [4, 8],
    [10, 14],
  ]);
});

t.test('§5.2: every first byte is written as it is', async (t) => {
  const mismatches = new Mismatches();
  for (let first = 0; first < 256; first++) {
    const expected = headerBytes({
      isFinal: first >= 128,
      rsv: Math.floor(first / 16) % 8,
      opcode: first % 16,
      length: 7n,
      maskingKey: null,
    });
    mismatches.compare(written(first, 7, null), hexOf(expected), () => `first byte ${first}`);
  }
  mismatches.assertNone(t, 256, 'first bytes');
});

t.test('§5.3: a masking key may be a signed number', async (t) => {
  t.equal(written(0x82, 1, maskingKeyOf('010203ff') | 0), '8281010203ff');
  t.equal(written(0x82, 1, -1), '8281ffffffff');
  t.equal(written(0x82, 1, 0), '828100000000', 'key 0 masks all the same');
});

t.test('a header goes where it is told, and nothing beside it is touched', async (t) => {
  for (const [length, key, hex] of [
    [5, null, '8205'],
    [5, '37fa213d', '828537fa213d'],
    [300, null, '827e012c'],
    [300, '37fa213d', '82fe012c37fa213d'],
    [0x1_0203_0405, null, '827f0000000102030405'],
    [0x1_0203_0405, '37fa213d', '82ff000000010203040537fa213d'],
  ] as const) {
    for (let at = 0; at < 5; at++) {
      const size = hex.length / 2;
      const { bytes } = new GuardedBytes(new Uint8Array(at + size + 3).fill(0x5a), 1);
      const keyNumber = key === null ? null : maskingKeyOf(key);
      const end = writeFrameHeader(bytes, at, 0x82, length, keyNumber);
      t.equal(end, at + size);
      t.equal(hexOf(bytes), `${'5a'.repeat(at)}${hex}5a5a5a`, `${length} bytes at ${at}`);
    }
  }
});
