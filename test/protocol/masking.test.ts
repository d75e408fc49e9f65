import t from 'tap';
import { isAsciiOr, rotateMaskingKey, unmask } from '../../src/protocol/masking.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { maskingKeyOf } from '../fixtures/header-bytes.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';

const KEYS = ['00000000', '37fa213d', '000000ff', 'ff000000', '80807f7f', 'ffffffff', '01020304'];

/** RFC 6455 §5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
function maskByRfc(bytes: Uint8Array, keyHex: string): Uint8Array {
  const key = bytesOfHex(keyHex);
  return bytes.map((byte, index) => byte ^ key[index % 4]!);
}

/** The OR of all bytes. */
function orOf(bytes: Uint8Array): number {
  return bytes.reduce((seen, byte) => seen | byte, 0);
}

/** What `unmask` returns spreads the OR over 32 bits: folded it is the OR of the bytes. */
function fold(seen: number): number {
  return (seen | (seen >>> 8) | (seen >>> 16) | (seen >>> 24)) & 0xff;
}

t.test('§5.7: the masked "Hello" of the examples', async (t) => {
  const bytes = bytesOfHex('7f 9f 4d 51 58');
  const seen = unmask(bytes, 0, 5, maskingKeyOf('37fa213d'));
  t.equal(hexOf(bytes), '48656c6c6f');
  t.ok(isAsciiOr(seen));
});

t.test('§5.3: every offset, length and alignment', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(1);
  for (let byteOffset = 0; byteOffset < 8; byteOffset++) {
    for (let offset = 0; offset < 8; offset++) {
      for (let length = 0; length <= 40; length++) {
        const content = random.bytes(offset + length + 3);
        const key = random.pick(KEYS);
        const plain = maskByRfc(content.subarray(offset, offset + length), key);
        const guarded = new GuardedBytes(content, byteOffset);
        const seen = unmask(guarded.bytes, offset, offset + length, maskingKeyOf(key));
        const expected = [
          hexOf(content.subarray(0, offset)),
          hexOf(plain),
          hexOf(content.subarray(offset + length)),
        ].join(' ');
        const actual = [
          hexOf(guarded.bytes.subarray(0, offset)),
          hexOf(guarded.bytes.subarray(offset, offset + length)),
          hexOf(guarded.bytes.subarray(offset + length)),
        ].join(' ');
        const name = () => `key ${key}, byte offset ${byteOffset}, [${offset}, +${length})`;
        mismatches.compare(actual, expected, name);
        mismatches.compare(fold(seen), orOf(plain), () => `OR of ${name()}`);
        mismatches.compare(guarded.isIntact, true, () => `guards of ${name()}`);
      }
    }
  }
  mismatches.assertNone(t, 8 * 8 * 41 * 3, 'unmask');
});

t.test('§5.3: every key at every alignment', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(2);
  for (const key of KEYS) {
    for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
      for (const length of [1, 4, 11, 12, 13, 15, 16, 23, 64]) {
        const content = random.bytes(length);
        const { bytes } = new GuardedBytes(content, byteOffset);
        unmask(bytes, 0, length, maskingKeyOf(key));
        mismatches.compare(
          hexOf(bytes),
          hexOf(maskByRfc(content, key)),
          () => `key ${key}, byte offset ${byteOffset}, length ${length}`,
        );
        unmask(bytes, 0, length, maskingKeyOf(key) | 0);
        mismatches.compare(
          hexOf(bytes),
          hexOf(content),
          () => `back, with the key as a signed number: ${key}, ${byteOffset}, ${length}`,
        );
      }
    }
  }
  mismatches.assertNone(t, 7 * 4 * 9 * 2, 'keys');
});

t.test('§5.3: a buffer whose last bytes are no whole word', async (t) => {
  const mismatches = new Mismatches();
  for (let length = 1; length <= 40; length++) {
    for (let start = 0; start < Math.min(4, length); start++) {
      const content = new SeededRandom(length).bytes(length);
      const bytes = content.slice();
      t.equal(bytes.buffer.byteLength, length);
      unmask(bytes, start, length, maskingKeyOf('37fa213d'));
      mismatches.compare(
        hexOf(bytes.subarray(start)),
        hexOf(maskByRfc(content.subarray(start), '37fa213d')),
        () => `${length} bytes from ${start}`,
      );
    }
  }
  mismatches.assertNone(t, 154, 'ends of buffers');
});

t.test('§5.3: large payloads', async (t) => {
  const random = new SeededRandom(3);
  for (const length of [125, 126, 1000, 4097, 65_535, 65_536, 262_147, 1_048_577]) {
    for (const byteOffset of [0, 1, 6]) {
      const content = random.bytes(length);
      const plain = maskByRfc(content, 'f00d80c3');
      const guarded = new GuardedBytes(content, byteOffset);
      const seen = unmask(guarded.bytes, 0, length, maskingKeyOf('f00d80c3'));
      t.equal(fold(seen), orOf(plain));
      t.ok(guarded.isIntact);
      t.ok(
        guarded.bytes.every((byte, index) => byte === plain[index]),
        `${length} bytes at ${byteOffset}`,
      );
    }
  }
});

t.test('§5.3: an empty payload changes nothing and is ASCII', async (t) => {
  const guarded = new GuardedBytes(bytesOfHex('c3 a9 c3 a9'), 1);
  for (let position = 0; position <= 4; position++) {
    t.equal(unmask(guarded.bytes, position, position, maskingKeyOf('ffffffff')), 0);
  }
  t.equal(hexOf(guarded.bytes), 'c3a9c3a9');
  t.ok(isAsciiOr(0));
});

t.test('§5.3: two buffers in turn', async (t) => {
  const key = maskingKeyOf('0f0f0f0f');
  const one = new Uint8Array(16);
  const other = new Uint8Array(20);
  for (const round of ['0f', '00', '0f', '00']) {
    unmask(one, 0, 16, key);
    unmask(other, 0, 20, key);
    t.equal(hexOf(one), round.repeat(16));
    t.equal(hexOf(other), round.repeat(20));
  }
});

t.test('ASCII is told from all other bytes, wherever the one byte stands', async (t) => {
  const mismatches = new Mismatches();
  for (const key of ['00000000', '37fa213d', '80ff807f']) {
    for (const byteOffset of [0, 1, 2, 3]) {
      for (let length = 1; length <= 40; length++) {
        const text = new Uint8Array(length).fill(0x7f);
        const ascii = new GuardedBytes(maskByRfc(text, key), byteOffset);
        const isAscii = isAsciiOr(unmask(ascii.bytes, 0, length, maskingKeyOf(key)));
        mismatches.compare(isAscii, true, () => `${key}, ${byteOffset}, ${length}`);
        for (let position = 0; position < length; position++) {
          const other = text.slice();
          other[position] = 0x80;
          const { bytes } = new GuardedBytes(maskByRfc(other, key), byteOffset);
          const isOtherAscii = isAsciiOr(unmask(bytes, 0, length, maskingKeyOf(key)));
          mismatches.compare(
            isOtherAscii,
            false,
            () => `${key}, byte offset ${byteOffset}, 80 at ${position} of ${length}`,
          );
        }
      }
    }
  }
  mismatches.assertNone(t, 3 * 4 * (40 + (40 * 41) / 2), 'ASCII');
});

t.test('ASCII: each value of a byte, also one that is masked to look like ASCII', async (t) => {
  const mismatches = new Mismatches();
  for (const length of [1, 20]) {
    for (let value = 0; value < 256; value++) {
      const bytes = maskByRfc(new Uint8Array(length).fill(value), 'ff7f8001');
      const seen = unmask(bytes, 0, length, maskingKeyOf('ff7f8001'));
      mismatches.compare(isAsciiOr(seen), value < 128, () => `${length} x ${value}`);
    }
  }
  mismatches.assertNone(t, 512, 'values');
});

t.test('§5.3: rotateMaskingKey: octet i of the payload goes with octet i MOD 4', async (t) => {
  const key = maskingKeyOf('11 22 33 f4');
  const rotations = ['112233f4', '2233f411', '33f41122', 'f4112233'];
  const mismatches = new Mismatches();
  const counts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 125, 126, 65_535, 65_536, 2 ** 31 - 1];
  for (const count of counts) {
    const expected = maskingKeyOf(rotations[count % 4]!);
    mismatches.compare(rotateMaskingKey(key, count) >>> 0, expected, () => `${count}`);
    mismatches.compare(rotateMaskingKey(key | 0, count) >>> 0, expected, () => `${count} signed`);
  }
  mismatches.assertNone(t, counts.length * 2, 'rotations');
});

t.test('§5.3: a payload in two pieces is unmasked as one', async (t) => {
  const mismatches = new Mismatches();
  const content = new SeededRandom(4).bytes(50);
  const plain = maskByRfc(content, '80fe017f');
  for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
    for (let cut = 0; cut <= 50; cut++) {
      const { bytes } = new GuardedBytes(content, byteOffset);
      const key = maskingKeyOf('80fe017f');
      const seen = unmask(bytes, 0, cut, key) | unmask(bytes, cut, 50, rotateMaskingKey(key, cut));
      mismatches.compare(hexOf(bytes), hexOf(plain), () => `cut at ${cut}, ${byteOffset}`);
      mismatches.compare(fold(seen), orOf(plain), () => `OR, cut at ${cut}, ${byteOffset}`);
    }
  }
  mismatches.assertNone(t, 4 * 51 * 2, 'pieces');
});

t.test('§5.3: a payload byte by byte is unmasked as one', async (t) => {
  const content = new SeededRandom(6).bytes(33);
  const bytes = content.slice();
  let key = maskingKeyOf('deadbeef');
  for (let position = 0; position < 33; position++) {
    unmask(bytes, position, position + 1, key);
    key = rotateMaskingKey(key, 1);
  }
  t.equal(hexOf(bytes), hexOf(maskByRfc(content, 'deadbeef')));
});
