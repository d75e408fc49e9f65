import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  areAscii,
  copyBytes,
  copyPayload,
  forgetBuffer,
  viewOf,
  wordsOf,
} from '../../src/protocol/bytes.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

t.test(
  'wordsOf: a view of the whole words of a buffer, of any length and at any offset',
  async (t) => {
    for (let length = 0; length <= 17; length++) {
      const { buffer } = new Uint8Array(length);
      const start = Math.min(length, 3);
      const { words, base } = wordsOf(new Uint8Array(buffer, start));
      t.equal(words.buffer, buffer);
      t.equal(words.byteOffset, 0);
      t.equal(words.length, Math.floor(length / 4), `${length} bytes`);
      t.equal(base, start);
    }
  },
);

t.test('wordsOf: the view of the same bytes is made once, also after others', async (t) => {
  const one = new Uint8Array(8);
  const other = new Uint8Array(12);
  const view = wordsOf(one);
  t.equal(wordsOf(one), view);
  t.equal(wordsOf(other).words.buffer, other.buffer);
  t.equal(wordsOf(one).words.buffer, one.buffer);
  one.set(bytesOfHex('ff ff ff ff'), 4);
  t.equal(wordsOf(one).words[1], -1, 'it is a view, not a copy');
});

t.test('views: nothing is kept of a buffer that is forgotten, all else is', async (t) => {
  const [one, other] = [new Uint8Array(64), new Uint8Array(64)];
  const look = (): readonly unknown[] => [wordsOf(one), viewOf(one)];
  const views = look();
  copyBytes(one, 0, 8, new Uint8Array(8), new Int32Array(2), 0);
  forgetBuffer(other.buffer);
  t.equal(wordsOf(one), views[0]);
  t.equal(viewOf(one), views[1]);
  forgetBuffer(one.buffer);
  for (const [index, view] of look().entries()) t.not(view, views[index]);
});

t.test('areAscii: each byte counts, wherever it is, and none around them', async (t) => {
  const mismatches = new Mismatches();
  let count = 0;
  const look = (offset: number, length: number, at: number): void => {
    // The buffer ends with the bytes, so that the last word is not always whole.
    const bytes = new Uint8Array(new ArrayBuffer(offset + length + 2)).fill(0x7f);
    const [start, end] = [offset, offset + length];
    bytes[start + at] = 0x80;
    const isInside = at >= 0 && at < length;
    mismatches.compare(areAscii(bytes, start, end), !isInside, () => `${offset} ${length} ${at}`);
    count++;
  };
  for (let offset = 1; offset <= 8; offset++)
    for (let length = 0; length <= 17; length++)
      for (let at = -1; at <= length + 1; at++) look(offset, length, at);
  mismatches.assertNone(t, count, 'places');
});

/** Copies and says what became of the target, as hex; the target was `5a` everywhere. */
function copyIntoFreshTarget(
  source: Uint8Array,
  start: number,
  end: number,
  at: number,
  targetBytes: number,
): string {
  const target = new Uint8Array(targetBytes).fill(0x5a);
  copyBytes(source, start, end, target, new Int32Array(target.buffer), at);
  return hexOf(target);
}

/** The same as {@link copyIntoFreshTarget}, byte by byte. */
function naiveCopy(
  source: Uint8Array,
  start: number,
  end: number,
  at: number,
  targetBytes: number,
): string {
  const target = Array.from({ length: targetBytes }, () => 0x5a);
  for (let index = start; index < end; index++) target[at + index - start] = source[index]!;
  return hexOf(Uint8Array.from(target));
}

const SHORT = Array.from({ length: 41 }, (_, length) => length);
const AROUND_LOOP_LIMIT = [187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 255, 256, 257];

t.test('copyBytes: every alignment of source and target', async (t) => {
  const mismatches = new Mismatches();
  const lengths = [...SHORT, ...AROUND_LOOP_LIMIT];
  for (let byteOffset = 0; byteOffset < 8; byteOffset++) {
    // Each byte differs from its neighbours, and the buffer ends with the last byte that is copied
    // in some cases, in the middle of a word.
    const content = Uint8Array.from({ length: 264 }, (_, index) => (index * 7 + 1) & 0xff);
    for (const length of lengths) {
      const buffer = new ArrayBuffer(byteOffset + 4 + length);
      const source = new Uint8Array(buffer, byteOffset);
      source.set(content.subarray(0, source.length));
      for (let start = 0; start < 5; start++) {
        for (let at = 0; at < 8; at++) {
          mismatches.compare(
            copyIntoFreshTarget(source, start, start + length, at, 268),
            naiveCopy(source, start, start + length, at, 268),
            () => `byte offset ${byteOffset}, start ${start}, at ${at}, length ${length}`,
          );
        }
      }
    }
  }
  mismatches.assertNone(t, 8 * 55 * 5 * 8, 'copies');
});

t.test('copyBytes: the target is filled to its last byte, which ends a word or not', async (t) => {
  const mismatches = new Mismatches();
  const source = new SeededRandom(9).bytes(300);
  for (let targetBytes = 1; targetBytes <= 260; targetBytes++) {
    for (let at = 0; at < Math.min(8, targetBytes); at++) {
      const target = new Uint8Array(targetBytes).fill(0x5a);
      const words = new Int32Array(target.buffer, 0, targetBytes >> 2);
      copyBytes(source, at, targetBytes, target, words, at);
      const expected = '5a'.repeat(at) + hexOf(source.subarray(at, targetBytes));
      mismatches.compare(hexOf(target), expected, () => `${targetBytes} bytes from ${at}`);
    }
  }
  mismatches.assertNone(t, 2052, 'copies to the end');
});

t.test('copyBytes: large copies', async (t) => {
  const random = new SeededRandom(5);
  for (const length of [1000, 4099, 65_536, 262_139]) {
    const { bytes } = new GuardedBytes(random.bytes(length), 3);
    for (const at of [0, 1, 3, 5]) {
      const target = new Uint8Array(262_144);
      copyBytes(bytes, 0, length, target, new Int32Array(target.buffer), at);
      t.ok(
        target.subarray(at, at + length).every((byte, index) => byte === bytes[index]),
        `${length} bytes to ${at}`,
      );
      t.ok(target.subarray(at + length).every((byte) => byte === 0));
      t.ok(target.subarray(0, at).every((byte) => byte === 0));
    }
  }
});

t.test('copyBytes: the source is only read', async (t) => {
  for (const byteOffset of [0, 1, 2, 3]) {
    const content = new SeededRandom(3).bytes(100);
    const source = new GuardedBytes(content, byteOffset);
    copyIntoFreshTarget(source.bytes, 0, 100, byteOffset, 104);
    copyIntoFreshTarget(source.bytes, 0, 100, byteOffset + 1, 104);
    t.ok(source.isIntact);
    t.equal(hexOf(source.bytes), hexOf(content));
  }
});

t.test('copyBytes: alternating source buffers', async (t) => {
  const one = bytesOfHex('00 01 02 03 04 05 06 07 08 09 0a 0b');
  const other = bytesOfHex('f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb');
  for (let round = 0; round < 2; round++) {
    t.equal(copyIntoFreshTarget(one, 0, 12, 0, 12), hexOf(one));
    t.equal(copyIntoFreshTarget(other, 0, 12, 0, 12), hexOf(other));
  }
});

t.test('a copy has the same bytes and memory of its own', async (t) => {
  const random = new SeededRandom(4);
  for (const length of [0, 1, 3, 4, 255, 4096, 70_000]) {
    const content = random.bytes(length);
    const views: readonly Uint8Array[] = [
      content.slice(),
      new GuardedBytes(content, 5).bytes,
      // Small Buffers are views of a pool that others write to.
      Buffer.from(content),
      Buffer.from(content.slice()).subarray(0),
      new Uint8Array(new SharedArrayBuffer(length)).fill(0xab),
    ];
    for (const view of views) {
      const before = hexOf(view);
      const copy = copyPayload(view);
      t.ok(copy instanceof Uint8Array);
      t.not(copy.buffer, view.buffer);
      t.equal(copy.buffer.byteLength, length, 'and no more than it needs');
      view.fill(0x55);
      t.ok(hexOf(copy) === before, `${length} bytes stay as they were`);
    }
  }
});

t.test('whoever writes to a copy leaves the original alone', async (t) => {
  const guarded = new GuardedBytes(Uint8Array.of(1, 2, 3), 2);
  copyPayload(guarded.bytes).fill(0xff);
  t.equal(hexOf(guarded.bytes), '010203');
  t.ok(guarded.isIntact);
});

t.test('two copies are two', async (t) => {
  const original = Buffer.from('twice');
  const first = copyPayload(original);
  const second = copyPayload(first);
  first.fill(0);
  t.equal(Buffer.from(second).toString(), 'twice');
});
