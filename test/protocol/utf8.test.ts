import t from 'tap';
import {
  findImpossibleByte,
  UTF8_ACCEPT,
  UTF8_REJECT,
  validateUtf8,
} from '../../src/protocol/utf8.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { piecesOf } from '../fixtures/splits.js';
import {
  encodeInBytes,
  firstImpossibleByte,
  utf8Length,
  Utf8Oracle,
  utf8Verdict,
  type Utf8Verdict,
} from '../fixtures/utf8-oracle.js';

/** From this length a piece goes the fast way; tests stand on both sides of it. */
const BULK_BYTES = 48;

const fatalDecoder = new TextDecoder('utf-8', { fatal: true });

function isTextForDecoder(bytes: Uint8Array): boolean {
  try {
    fatalDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What a state means. */
function meaningOf(state: number): Utf8Verdict {
  if (state === UTF8_ACCEPT) return 'complete';
  return state === UTF8_REJECT ? 'impossible' : 'incomplete';
}

/** The state behind pieces that follow each other. */
function stateBehind(pieces: readonly Uint8Array[]): number {
  return pieces.reduce<number>(
    (state, piece) => validateUtf8(state, piece, 0, piece.length),
    UTF8_ACCEPT,
  );
}

function verdictOn(bytes: Uint8Array): Utf8Verdict {
  return meaningOf(stateBehind([bytes]));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** `length` bytes of text whose characters have `width` bytes, ASCII in front of them. */
function textOf(width: number, length: number): Uint8Array {
  const character = encodeInBytes([0x61, 0xe9, 0x20ac, 0x1f600][width - 1]!, width);
  const bytes = new Uint8Array(length).fill(0x61);
  for (let at = length % width; at < length; at += width) bytes.set(character, at);
  return bytes;
}

/** Characters of each length, and those at the bounds of RFC 3629 §4. */
const CHARACTERS = ['41', '00', '7f', 'c2 80', 'c3 a9', 'df bf', 'e0 a0 80', 'e2 82 ac']
  .concat(['ed 9f bf', 'ee 80 80', 'ef bb bf', 'ef bf bf'])
  .concat(['f0 90 80 80', 'f0 9f 98 80', 'f3 bf bf bf', 'f4 8f bf bf'])
  .map(bytesOfHex);

/** Sequences that no text has, each impossible at its last byte only. */
const IMPOSSIBLE = ['80', 'bf', 'c0', 'c1', 'f5', 'f6', 'f8', 'fc', 'fe', 'ff']
  .concat(['c2 7f', 'c2 c0', 'c3 00', 'df 41', 'e0 80', 'e0 9f', 'e0 c0', 'e0 a0 7f', 'e0 a0 c0'])
  .concat(['e1 7f', 'e1 80 41', 'ec bf e2', 'ed a0', 'ed bf', 'ed 80 7f', 'ee 80 c0', 'ef bf ff'])
  .concat(['f0 80', 'f0 8f', 'f0 c0', 'f0 90 7f', 'f0 90 80 7f', 'f0 9f 98 c0', 'f1 c0'])
  .concat(['f1 80 80 41', 'f3 bf bf f0', 'f4 90', 'f4 bf', 'f4 8f 7f', 'f4 8f bf c0'])
  .map(bytesOfHex);

t.test('§8.1: an empty text is UTF-8, and an empty piece changes nothing', async (t) => {
  t.equal(validateUtf8(UTF8_ACCEPT, new Uint8Array(0), 0, 0), UTF8_ACCEPT);
  for (const start of ['e2', 'e2 82', 'f0 9f 98', 'ff']) {
    const state = stateBehind([bytesOfHex(start)]);
    t.equal(validateUtf8(state, bytesOfHex('ff ff'), 1, 1), state, start);
  }
});

t.test('RFC 3629 §3: every code point in every length', async (t) => {
  const mismatches = new Mismatches();
  for (let codePoint = 0; codePoint <= 0x10_ffff; codePoint++) {
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    const actual = verdictOn(encodeInBytes(codePoint, utf8Length(codePoint)));
    const expected = isSurrogate ? 'impossible' : 'complete';
    mismatches.compare(actual, expected, () => `U+${codePoint.toString(16)}`);
  }
  mismatches.assertNone(t, 0x11_0000, 'code points');
});

t.test('RFC 3629 §3: code points at boundaries, in short and long pieces', async (t) => {
  const mismatches = new Mismatches();
  const bounds = [0x80, 0x800, 0xd800, 0xe000, 0xfeff, 0xfffd, 0x1_0000, 0x2_0000, 0x10_ffff];
  const codePoints = [0, ...bounds.flatMap((bound) => [bound - 1, bound, bound + 1])];
  for (const codePoint of codePoints) {
    const character = encodeInBytes(codePoint, utf8Length(codePoint));
    const isScalar = codePoint <= 0x10_ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
    for (const before of [0, 1, 44, 47, 48, 100]) {
      for (const behind of [0, 1, 44, 100]) {
        const text = joined(textOf(1, before), character, textOf(2, behind));
        mismatches.compare(
          verdictOn(text),
          isScalar ? 'complete' : 'impossible',
          () => `U+${codePoint.toString(16)} behind ${before} bytes, before ${behind}`,
        );
      }
    }
  }
  mismatches.assertNone(t, 28 * 24, 'boundaries');
});

t.test('RFC 3629 §3: no code point may be written longer than it needs', async (t) => {
  const mismatches = new Mismatches();
  const bounds = [0x00, 0x2f, 0x7f, 0x80, 0x7ff, 0x800, 0xd800, 0xffff, 0x1_0000, 0x10_ffff];
  for (const codePoint of bounds) {
    for (let count = utf8Length(codePoint) + 1; count <= 6; count++) {
      const overlong = encodeInBytes(codePoint, count);
      for (const before of [0, 60]) {
        mismatches.compare(
          verdictOn(joined(textOf(1, before), overlong)),
          'impossible',
          () => `${hexOf(overlong)} behind ${before} bytes`,
        );
      }
    }
  }
  mismatches.assertNone(t, 2 * (3 * 5 + 2 * 4 + 3 * 3 + 2 * 2), 'overlong forms');
});

t.test('RFC 3629 §3: numbers beyond U+10FFFF, and forms of five and six bytes', async (t) => {
  for (const [number, count] of [
    [0x11_0000, 4],
    [0x13_ffff, 4],
    [0x14_0000, 4],
    [0x1f_ffff, 4],
    [0x20_0000, 5],
    [0x3ff_ffff, 5],
    [0x400_0000, 6],
    [0x7fff_ffff, 6],
  ] as const) {
    const bytes = encodeInBytes(number, count);
    t.equal(verdictOn(bytes), 'impossible', hexOf(bytes));
  }
});

t.test('RFC 3629 §3: surrogates, alone and in pairs', async (t) => {
  for (const hex of [
    ...['ed a0 80', 'ed ad bf', 'ed ae 80', 'ed af bf', 'ed b0 80', 'ed be 80', 'ed bf bf'],
    ...['ed a0 80 ed b0 80', 'ed ad bf ed b0 80', 'ed af bf ed bf bf'],
  ]) {
    t.equal(verdictOn(bytesOfHex(hex)), 'impossible', hex);
    t.equal(verdictOn(bytesOfHex(hex).subarray(0, 2)), 'impossible', 'at the second byte');
  }
});

t.test('§8.1: non-characters and U+FEFF are UTF-8', async (t) => {
  for (const hex of ['ef bf be', 'ef bf bf', 'ef b7 90', 'f0 9f bf be', 'f4 8f bf bf', 'ef bb bf'])
    t.equal(verdictOn(bytesOfHex(hex)), 'complete', hex);
});

t.test('RFC 3629 §4: bytes that stand in no text', async (t) => {
  const alone = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => verdictOn(Uint8Array.of(byte)) === 'impossible',
  );
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  t.strictSame(alone, [...range(0x80, 0xc1), ...range(0xf5, 0xff)]);
});

t.test('RFC 3629 §4: every sequence of one byte and of two bytes', async (t) => {
  const mismatches = new Mismatches();
  for (let first = 0; first < 256; first++) {
    const one = Uint8Array.of(first);
    mismatches.compare(verdictOn(one), utf8Verdict(one), () => hexOf(one));
    mismatches.compare(verdictOn(one) === 'complete', isTextForDecoder(one), () => hexOf(one));
    for (let second = 0; second < 256; second++) {
      const two = Uint8Array.of(first, second);
      mismatches.compare(verdictOn(two), utf8Verdict(two), () => hexOf(two));
      mismatches.compare(verdictOn(two) === 'complete', isTextForDecoder(two), () => hexOf(two));
    }
  }
  mismatches.assertNone(t, 2 * (256 + 65_536), 'sequences');
});

/**
 * Which of 256 sequences of three bytes, the last of them 00 to ff, the text decoder of the platform
 * takes. A decoder that throws for each of 14 million bad sequences would take minutes, so all 256
 * are decoded at once: a bad one shows as U+FFFD. What stands between them is U+1F600, which
 * completes nothing, since it begins with a lead byte, and which three bytes cannot make.
 */
class DecodedBatch {
  readonly isText = new Uint8Array(256);
  readonly #bytes = new Uint8Array(256 * 7);
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor() {
    for (let third = 0; third < 256; third++) {
      this.#bytes[third * 7 + 2] = third;
      this.#bytes.set(bytesOfHex('f0 9f 98 80'), third * 7 + 3);
    }
  }

  /** Fills `isText`. */
  decode(first: number, second: number): void {
    for (let at = 0; at < this.#bytes.length; at += 7) {
      this.#bytes[at] = first;
      this.#bytes[at + 1] = second;
    }
    const text = this.#decoder.decode(this.#bytes);
    this.isText.fill(1);
    let third = 0;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit === 0xfffd) this.isText[third] = 0;
      if (unit === 0xde00) third++;
    }
    // The one sequence that is U+FFFD rightly.
    if (first === 0xef && second === 0xbf) this.isText[0xbd] = 1;
  }
}

t.test('RFC 3629 §4: every sequence of three bytes', async (t) => {
  const batch = new DecodedBatch();
  const bytes = new Uint8Array(3);
  let acceptedCount = 0;
  const mismatches = new Mismatches();
  for (let start = 0; start < 65_536; start++) {
    bytes[0] = start >> 8;
    bytes[1] = start;
    batch.decode(bytes[0], bytes[1]);
    let wrong = '';
    for (let third = 0; third < 256; third++) {
      bytes[2] = third;
      const accepted = validateUtf8(UTF8_ACCEPT, bytes, 0, 3) === UTF8_ACCEPT ? 1 : 0;
      acceptedCount += accepted;
      if (accepted !== batch.isText[third]) wrong += `${hexOf(bytes)} `;
    }
    mismatches.compare(wrong, '', () => 'not as TextDecoder');
  }
  mismatches.assertNone(t, 65_536, 'sequences of three bytes, 256 a case');
  const twoByteCharacters = 0x800 - 0x80;
  const threeByteCharacters = 0x1_0000 - 0x800 - 0x800;
  t.equal(acceptedCount, 128 ** 3 + 2 * 128 * twoByteCharacters + threeByteCharacters);
});

t.test('RFC 3629 §4: every start of three bytes: impossible or not', async (t) => {
  const mismatches = new Mismatches();
  const bytes = new Uint8Array(3);
  for (let first = 0xc0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      bytes[0] = first;
      bytes[1] = second;
      const wrong: string[] = [];
      for (let third = 0; third < 256; third++) {
        bytes[2] = third;
        const actual = meaningOf(validateUtf8(UTF8_ACCEPT, bytes, 0, 3));
        if (actual !== utf8Verdict(bytes)) wrong.push(hexOf(bytes));
      }
      mismatches.compare(wrong.join(), '', () => 'not as the grammar');
    }
  }
  mismatches.assertNone(t, 64 * 256, 'starts of three bytes, 256 a case');
});

t.test('RFC 3629 §4: sequences of four bytes around every bound', async (t) => {
  const mismatches = new Mismatches();
  const ends = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xf0, 0xff];
  for (let first = 0xef; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const third of ends) {
        for (const fourth of ends) {
          const bytes = Uint8Array.of(first, second, third, fourth);
          mismatches.compare(verdictOn(bytes), utf8Verdict(bytes), () => hexOf(bytes));
        }
      }
    }
  }
  mismatches.assertNone(t, 17 * 256 * 14 * 14, 'sequences of four bytes');
});

t.test('§8.1: the oracle of these tests agrees with TextDecoder', async (t) => {
  const mismatches = new Mismatches();
  const completions = ['', '80', '80 80', '80 80 80', 'a0 80', '90 80 80'].map(bytesOfHex);
  const random = new SeededRandom(17);
  for (const bytes of [...CHARACTERS, ...IMPOSSIBLE, ...randomTexts(random, 2000, 8)]) {
    const canBeCompleted = completions.some((more) => isTextForDecoder(joined(bytes, more)));
    const verdict = utf8Verdict(bytes);
    mismatches.compare(verdict === 'complete', isTextForDecoder(bytes), () => hexOf(bytes));
    mismatches.compare(verdict !== 'impossible', canBeCompleted, () => hexOf(bytes));
  }
  mismatches.assertNone(t, 2 * (CHARACTERS.length + IMPOSSIBLE.length + 2000), 'oracle');
});

t.test('§8.1: fails at the first byte that makes the text impossible', async (t) => {
  for (const sequence of IMPOSSIBLE) {
    const name = hexOf(sequence);
    t.equal(firstImpossibleByte(sequence), sequence.length - 1, 'the case is what it says');
    t.equal(verdictOn(sequence), 'impossible', name);
    t.not(verdictOn(sequence.subarray(0, -1)), 'impossible', `${name} without its last byte`);
    const single = Array.from(sequence, (byte) => Uint8Array.of(byte));
    t.equal(meaningOf(stateBehind(single)), 'impossible', `${name} byte by byte`);
    t.not(meaningOf(stateBehind(single.slice(0, -1))), 'impossible');
  }
});

t.test('§8.1: fails at the first impossible byte of long pieces too', async (t) => {
  const mismatches = new Mismatches();
  const lengths = [44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 64, 200];
  for (const sequence of IMPOSSIBLE) {
    for (const width of [1, 2, 3, 4]) {
      for (const before of lengths) {
        const bytes = joined(textOf(width, before), sequence);
        const name = () => `${hexOf(sequence)} behind ${before} bytes in characters of ${width}`;
        mismatches.compare(verdictOn(bytes), 'impossible', name);
        const shorter = bytes.subarray(0, -1);
        mismatches.compare(verdictOn(shorter), utf8Verdict(shorter), () => `start of ${name()}`);
        const longer = joined(bytes, textOf(width, before));
        mismatches.compare(verdictOn(longer), 'impossible', () => `${name()}, and more`);
      }
    }
  }
  mismatches.assertNone(t, IMPOSSIBLE.length * 4 * lengths.length * 3, 'long pieces');
});

t.test('§8.1: what is impossible stays so', async (t) => {
  for (const more of [textOf(1, 1), textOf(1, 47), textOf(3, 48), textOf(4, 500)]) {
    t.equal(validateUtf8(UTF8_REJECT, more, 0, more.length), UTF8_REJECT, `${more.length} bytes`);
  }
});

t.test('§8.1: a text that ends inside a character is not complete', async (t) => {
  const mismatches = new Mismatches();
  let caseCount = 0;
  for (const character of CHARACTERS) {
    for (let length = 1; length < character.length; length++) {
      for (let before = 0; before <= 100; before++) {
        caseCount += 2;
        const bytes = joined(textOf(1, before), character.subarray(0, length));
        const name = () => `${hexOf(character)} after ${length} bytes, behind ${before}`;
        mismatches.compare(verdictOn(bytes), 'incomplete', name);
        const state = stateBehind([bytes, character.subarray(length)]);
        mismatches.compare(meaningOf(state), 'complete', () => `the rest of ${name()}`);
      }
    }
  }
  mismatches.assertNone(t, caseCount, 'cut characters');
  t.equal(caseCount, 2 * 101 * (3 + 2 * 6 + 3 * 4), 'each place in each character');
});

t.test('§8.1: characters cut at both ends of a long piece', async (t) => {
  const mismatches = new Mismatches();
  const cutCharacters = CHARACTERS.flatMap((character) =>
    Array.from({ length: character.length - 1 }, (_, index) => ({ character, cut: index + 1 })),
  );
  const lengths = [0, 1, 42, 43, 44, 45, 46, 47, 48, 49, 90];
  for (const one of cutCharacters) {
    for (const other of cutCharacters) {
      for (const length of lengths) {
        const bytes = joined(one.character, textOf(2, length), other.character);
        const lastCut = bytes.length - other.character.length + other.cut;
        const pieces = piecesOf(bytes, [one.cut, lastCut]);
        const states = [1, 2, 3].map((count) => meaningOf(stateBehind(pieces.slice(0, count))));
        mismatches.compare(
          states.join(),
          'incomplete,incomplete,complete',
          () => `${hexOf(bytes)} cut at ${one.cut} and ${lastCut}`,
        );
      }
    }
  }
  mismatches.assertNone(t, 27 * 27 * lengths.length, 'characters cut at both ends');
});

t.test('§8.1: a long piece that does not go on with the character before it', async (t) => {
  const mismatches = new Mismatches();
  let caseCount = 0;
  for (const sequence of IMPOSSIBLE.filter(({ length }) => length > 1)) {
    for (let cut = 1; cut < sequence.length; cut++) {
      for (const length of [46, 47, 48, 100]) {
        caseCount++;
        const rest = joined(sequence.subarray(cut), textOf(1, length));
        const state = stateBehind([sequence.subarray(0, cut), rest]);
        mismatches.compare(state, UTF8_REJECT, () => `${hexOf(sequence)} cut at ${cut}`);
      }
    }
  }
  mismatches.assertNone(t, caseCount, 'wrong continuations');
  t.ok(caseCount > 100);
});

t.test('§8.1: a long piece of nothing but continuation bytes', async (t) => {
  for (const length of [1, 2, 3, 4, 47, 48, 49, 100]) {
    const bytes = new Uint8Array(length).fill(0x80);
    t.equal(verdictOn(bytes), 'impossible', `${length} bytes`);
    for (const [start, missing] of [
      ['c3', 1],
      ['e2', 2],
      ['f1', 3],
    ] as const) {
      const expected =
        length < missing ? 'incomplete' : length === missing ? 'complete' : 'impossible';
      t.equal(meaningOf(stateBehind([bytesOfHex(start), bytes])), expected, `${start}, ${length}`);
    }
  }
});

/** Text with single bytes changed, cut out or put in, so that much of it is nearly right. */
function randomTexts(random: SeededRandom, count: number, maxCharacters: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const length = random.below(maxCharacters + 1);
    const bytes = Array.from({ length }, () => [...random.pick(CHARACTERS)]).flat();
    const place = random.below(bytes.length + 1);
    const byte = random.pick([0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc3, 0xe0, 0xf4, 0xff]);
    const change = random.below(4);
    if (change === 1) bytes.splice(place, 1);
    if (change === 2) bytes.splice(place, 1, byte);
    if (change === 3) bytes.splice(place, 0, byte);
    return Uint8Array.from(bytes);
  });
}

t.test('§8.1: the same state for every way to cut a text', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(19);
  let caseCount = 0;
  for (const bytes of randomTexts(random, 400, 60)) {
    const whole = stateBehind([bytes]);
    mismatches.compare(meaningOf(whole), utf8Verdict(bytes), () => hexOf(bytes));
    caseCount += bytes.length + 2;
    for (let cut = 0; cut <= bytes.length; cut++) {
      const pieces = piecesOf(bytes, [cut]);
      mismatches.compare(stateBehind(pieces), whole, () => `${hexOf(bytes)} cut at ${cut}`);
    }
  }
  mismatches.assertNone(t, caseCount, 'texts cut once');
});

t.test('§8.1: byte by byte, and in random pieces', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(23);
  const verdicts = new Set<Utf8Verdict>();
  for (const bytes of randomTexts(random, 400, 120)) {
    const oracle = new Utf8Oracle();
    const wrong: number[] = [];
    let state = UTF8_ACCEPT as number;
    for (const [index, byte] of bytes.entries()) {
      state = validateUtf8(state, bytes, index, index + 1);
      if (meaningOf(state) !== oracle.take(byte)) wrong.push(index);
    }
    mismatches.compare(wrong.join(), '', () => `byte by byte ${hexOf(bytes)}`);
    const cuts = Array.from({ length: 4 }, () => random.below(bytes.length + 1));
    cuts.sort((one, other) => one - other);
    const inPieces = stateBehind(piecesOf(bytes, cuts));
    mismatches.compare(inPieces, state, () => `${hexOf(bytes)} cut at ${cuts.join()}`);
    verdicts.add(meaningOf(state));
  }
  mismatches.assertNone(t, 800, 'texts in pieces');
  t.equal(verdicts.size, 3, 'texts of all kinds');
});

t.test('§8.1: only what is in range is looked at', async (t) => {
  const mismatches = new Mismatches();
  for (const length of [1, 20, BULK_BYTES - 1, BULK_BYTES, BULK_BYTES + 1, 100]) {
    for (const width of [1, 2, 3, 4]) {
      for (const surroundings of ['80', 'bf', 'c3', 'e2', 'f0', 'ff', '41']) {
        for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
          const around = joined(...Array.from({ length: 4 }, () => bytesOfHex(surroundings)));
          const text = textOf(width, length);
          const guarded = new GuardedBytes(joined(around, text, around), byteOffset);
          const state = validateUtf8(UTF8_ACCEPT, guarded.bytes, 4, 4 + length);
          const name = () => `${length} bytes in characters of ${width} between ${surroundings}`;
          mismatches.compare(state, UTF8_ACCEPT, name);
          const isUnchanged = hexOf(guarded.bytes) === hexOf(joined(around, text, around));
          mismatches.compare(guarded.isIntact && isUnchanged, true, name);
          const shorter = validateUtf8(UTF8_ACCEPT, guarded.bytes, 4, 3 + length);
          const expected = utf8Verdict(text.subarray(0, -1));
          mismatches.compare(meaningOf(shorter), expected, () => `less one byte: ${name()}`);
        }
      }
    }
  }
  mismatches.assertNone(t, 6 * 4 * 7 * 4 * 3, 'ranges');
});

t.test('§8.1: large texts, with one wrong byte and without', async (t) => {
  for (const length of [4096, 65_536, 1_048_576]) {
    for (const width of [1, 2, 3, 4]) {
      const bytes = textOf(width, length);
      t.equal(verdictOn(bytes), 'complete');
      for (const place of [0, 1, length >> 1, length - 4, length - 1]) {
        const kept = bytes[place]!;
        bytes[place] = 0xff;
        t.equal(verdictOn(bytes), 'impossible', `${length} bytes, ff at ${place}`);
        bytes[place] = kept;
      }
    }
  }
});

t.test('§8.1: where the first impossible byte is, after any start', (t) => {
  const bytes = bytesOfHex('6f f0 9f 98 80 6f f4 90 6f');
  t.equal(findImpossibleByte(UTF8_ACCEPT, bytes, 0, bytes.length), 7);
  t.equal(findImpossibleByte(UTF8_ACCEPT, bytes, 0, 7), 7, 'none so far');
  const inside = validateUtf8(UTF8_ACCEPT, bytes, 0, 3);
  t.equal(findImpossibleByte(inside, bytes, 3, bytes.length), 7);
  t.equal(findImpossibleByte(inside, bytes, 5, bytes.length), 5);
  t.end();
});
