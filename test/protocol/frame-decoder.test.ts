import t, { type Test } from 'tap';
import { ProtocolError } from '../../src/errors.js';
import { borrowDecoder, FrameDecoder, returnDecoder } from '../../src/protocol/frame-decoder.js';
import type { FrameContext } from '../../src/protocol/frame.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { headerBytes, maskingKeyOf, type HeaderFields } from '../fixtures/header-bytes.js';
import { ALL_CONTEXTS, ruleBrokenByLength, rulesBrokenByStart } from '../fixtures/header-rules.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { byteByByte, everyCut, everyTwoCuts, piecesOf } from '../fixtures/splits.js';

const SERVER: FrameContext = { isServer: true, allowedRsv: 0, isMessageOpen: false };
const CLIENT: FrameContext = { ...SERVER, isServer: false };

/** The longest header: with this many bytes in a read a header cannot be cut. */
const LONGEST_BYTES = 14;

/** A context in which a frame with these fields is right. */
function contextFor(fields: HeaderFields): FrameContext {
  return {
    isServer: fields.maskingKey !== null,
    allowedRsv: fields.rsv,
    isMessageOpen: fields.opcode === 0,
  };
}

/** The fields that a decoder holds, as text. */
function fieldsOf(decoder: FrameDecoder): string {
  const { isFinal, rsv, opcode, length } = decoder;
  const key = (decoder.maskingKey >>> 0).toString(16);
  return JSON.stringify({ isFinal, rsv, opcode, length, key });
}

function expectedFields(fields: HeaderFields): string {
  const { isFinal, rsv, opcode } = fields;
  const key = fields.maskingKey === null ? 0 : maskingKeyOf(fields.maskingKey);
  const length = Number(fields.length);
  return JSON.stringify({ isFinal, rsv, opcode, length, key: key.toString(16) });
}

/**
 * Feeds pieces to a decoder until a header is complete, and says how that went: the fields and the
 * number of bytes taken, the rule that was broken and the number of pieces that took, or that more
 * is needed. Each piece is surrounded by bytes that are none of the decoder's business.
 */
function feed(
  decoder: FrameDecoder,
  pieces: readonly Uint8Array[],
  context: FrameContext,
): { outcome: string; taken: number } {
  let taken = 0;
  for (const piece of pieces) {
    const chunk = new Uint8Array(piece.length + 24).fill(0xff);
    chunk.set(piece, 3);
    try {
      const position = decoder.readHeader(chunk, 3, 3 + piece.length, context);
      if (position >= 0) return { outcome: fieldsOf(decoder), taken: taken + position - 3 };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { outcome: error.rule, taken: taken + piece.length };
    }
    taken += piece.length;
  }
  return { outcome: 'more', taken };
}

/** Headers of every form; each field has each of its values somewhere. */
function goodHeaders(): HeaderFields[] {
  const lengths = [0n, 1n, 125n, 126n, 127n, 128n, 255n, 256n, 65_535n, 65_536n, 65_537n];
  lengths.push(2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 0x0102_0304_0506n);
  lengths.push(2n ** 53n - 1n, 2n ** 53n);
  const keys = [null, '37fa213d', '00000000', '000000ff', 'ff000000', 'ffffffff', '80818283'];
  const data = lengths.flatMap((length) =>
    keys.flatMap((maskingKey) => [
      { isFinal: true, rsv: 0, opcode: 2, length, maskingKey },
      { isFinal: false, rsv: 4, opcode: 1, length, maskingKey },
      { isFinal: false, rsv: 0, opcode: 0, length, maskingKey },
    ]),
  );
  const bits = [0, 1, 2, 3, 4, 5, 6, 7].map((rsv) => ({
    ...{ isFinal: true, rsv, opcode: 1, length: 3n, maskingKey: '01020304' },
  }));
  const control = [8, 9, 10].flatMap((opcode) =>
    [0n, 2n, 125n].map((length) => ({
      ...{ isFinal: true, rsv: 0, opcode, length, maskingKey: 'a0b0c0d0' },
    })),
  );
  return [...data, ...bits, ...control];
}

/** Asserts that a header comes out the same in all these splits, with and without bytes behind it. */
function assertSplits(
  t: Test,
  name: string,
  splitsOf: (length: number) => readonly (readonly number[])[],
): void {
  const mismatches = new Mismatches();
  let caseCount = 0;
  for (const fields of goodHeaders()) {
    const header = headerBytes(fields);
    const context = contextFor(fields);
    const expected = `${expectedFields(fields)} ${header.length}`;
    for (const trailing of [0, 1, LONGEST_BYTES - header.length, LONGEST_BYTES, 40]) {
      const bytes = new Uint8Array(header.length + trailing).fill(0xff);
      bytes.set(header);
      for (const cuts of splitsOf(header.length)) {
        caseCount++;
        const { outcome, taken } = feed(new FrameDecoder(), piecesOf(bytes, cuts), context);
        mismatches.compare(
          `${outcome} ${taken}`,
          expected,
          () => `${hexOf(header)} and ${trailing} bytes, cut at ${cuts.join(', ')}`,
        );
      }
    }
  }
  mismatches.assertNone(t, caseCount, name);
  t.ok(caseCount > 700, 'there were cases');
}

t.test('§5.2: before the first header all fields are zero', async (t) => {
  const nothing = { isFinal: false, rsv: 0, opcode: 0, length: 0, key: '0' };
  t.equal(fieldsOf(new FrameDecoder()), JSON.stringify(nothing));
});

t.test('§5.7: the headers of the examples', async (t) => {
  for (const [hex, context, isFinal, opcode, length, key] of [
    ['81 05', CLIENT, true, 1, 5, ''],
    ['81 85 37 fa 21 3d', SERVER, true, 1, 5, '37fa213d'],
    ['01 03', CLIENT, false, 1, 3, ''],
    ['80 02', { ...CLIENT, isMessageOpen: true }, true, 0, 2, ''],
    ['89 05', CLIENT, true, 9, 5, ''],
    ['8a 85 37 fa 21 3d', SERVER, true, 10, 5, '37fa213d'],
    ['82 7e 01 00', CLIENT, true, 2, 256, ''],
    ['82 7f 00 00 00 00 00 01 00 00', CLIENT, true, 2, 65_536, ''],
  ] as const) {
    const header = bytesOfHex(hex);
    for (const trailing of [0, 20]) {
      const decoder = new FrameDecoder();
      const bytes = new Uint8Array(header.length + trailing).fill(0x48);
      bytes.set(header);
      t.equal(decoder.readHeader(bytes, 0, bytes.length, context), header.length, hex);
      t.equal(decoder.isFinal, isFinal);
      t.equal(decoder.rsv, 0);
      t.equal(decoder.opcode, opcode);
      t.equal(decoder.length, length);
      t.equal(decoder.maskingKey >>> 0, maskingKeyOf(key));
    }
  }
});

t.test('§5.2: headers whole, at the end of a read and not', async (t) => {
  assertSplits(t, 'whole', () => [[]]);
});

t.test('§5.2: headers byte by byte', async (t) => {
  assertSplits(t, 'byte by byte', (length) => [byteByByte(length), byteByByte(length + 1)]);
});

t.test('§5.2: headers cut once, at every place', async (t) => {
  assertSplits(t, 'one cut', everyCut);
});

t.test('§5.2: headers cut twice, at all places, with empty pieces', async (t) => {
  assertSplits(t, 'two cuts', everyTwoCuts);
});

t.test('§5.2: a part of a header is not a header', async (t) => {
  const mismatches = new Mismatches();
  let caseCount = 0;
  for (const fields of goodHeaders()) {
    const header = headerBytes(fields);
    for (let length = 0; length < header.length; length++) {
      caseCount++;
      const part = header.subarray(0, length);
      const decoder = new FrameDecoder();
      const first = feed(decoder, [part], contextFor(fields)).outcome;
      const then = feed(decoder, [header.subarray(length)], contextFor(fields)).outcome;
      mismatches.compare(
        `${first}, ${then}`,
        `more, ${expectedFields(fields)}`,
        () => `${hexOf(part)} of ${hexOf(header)}`,
      );
    }
  }
  mismatches.assertNone(t, caseCount, 'parts');
});

t.test('§5.2: an empty read changes nothing', async (t) => {
  const decoder = new FrameDecoder();
  const empty = new Uint8Array(0);
  t.equal(decoder.readHeader(empty, 0, 0, SERVER), -1);
  t.equal(decoder.readHeader(bytesOfHex('81 fe'), 0, 2, SERVER), -1);
  t.equal(decoder.readHeader(empty, 0, 0, SERVER), -1);
  t.equal(decoder.readHeader(bytesOfHex('01 00 ff'), 1, 1, SERVER), -1);
  t.equal(decoder.readHeader(bytesOfHex('01 00 de ad be ef'), 0, 6, SERVER), 6);
  t.equal(decoder.length, 256);
  t.equal(decoder.maskingKey >>> 0, maskingKeyOf('deadbeef'));
});

t.test('§5.2: one header after the other, with nothing left of the one before', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(7);
  const headers = goodHeaders();
  for (let round = 0; round < 2000; round++) {
    const decoder = new FrameDecoder();
    for (const fields of [random.pick(headers), random.pick(headers), random.pick(headers)]) {
      const header = headerBytes(fields);
      const cuts = random.pick([[], byteByByte(header.length), [random.below(header.length)]]);
      const bytes = new Uint8Array(header.length + random.below(20));
      bytes.set(header);
      const { outcome, taken } = feed(decoder, piecesOf(bytes, cuts), contextFor(fields));
      mismatches.compare(
        `${outcome} ${taken}`,
        `${expectedFields(fields)} ${header.length}`,
        () => `round ${round}, ${hexOf(header)}`,
      );
    }
  }
  mismatches.assertNone(t, 6000, 'sequences');
});

t.test('§5.2: frames without payload follow each other in one read', async (t) => {
  const bytes = bytesOfHex('89 80 01 02 03 04 8a 80 05 06 07 08 82 80 09 0a 0b 0c');
  const decoder = new FrameDecoder();
  const seen: unknown[] = [];
  let position = 0;
  while (position < bytes.length) {
    position = decoder.readHeader(bytes, position, bytes.length, SERVER);
    seen.push([position, decoder.opcode, hexOf(Uint8Array.of(decoder.maskingKey))]);
  }
  t.strictSame(seen, [
    [6, 9, '01'],
    [12, 10, '05'],
    [18, 2, '09'],
  ]);
});

t.test('§5.2: lengths are exact up to 2^53 and never too small beyond', async (t) => {
  const mismatches = new Mismatches();
  const lengths = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 60n + 12_345n, 2n ** 63n - 1n];
  for (const length of lengths) {
    for (const maskingKey of [null, '01020304']) {
      for (const trailing of [0, 20]) {
        const fields = { isFinal: true, rsv: 0, opcode: 2, length, maskingKey };
        const header = headerBytes(fields);
        const bytes = new Uint8Array(header.length + trailing);
        bytes.set(header);
        const decoder = new FrameDecoder();
        decoder.readHeader(bytes, 0, bytes.length, contextFor(fields));
        const isRight =
          length <= 2n ** 53n
            ? BigInt(decoder.length) === length
            : BigInt(decoder.length) >= 2n ** 53n;
        mismatches.compare(isRight, true, () => `${length} as ${decoder.length}`);
      }
    }
  }
  mismatches.assertNone(t, 20, 'large lengths');
});

t.test('reading changes no byte', async (t) => {
  const guarded = new GuardedBytes(bytesOfHex('82 fe 01 00 01 02 03 04 aa bb cc dd ee ff'), 3);
  const before = hexOf(guarded.bytes);
  t.equal(new FrameDecoder().readHeader(guarded.bytes, 0, 14, SERVER), 8);
  t.equal(new FrameDecoder().readHeader(guarded.bytes, 0, 10, SERVER), 8);
  t.equal(hexOf(guarded.bytes), before);
  t.ok(guarded.isIntact);
});

t.test('§5: a header that breaks a rule fails with its second byte at the latest', async (t) => {
  const mismatches = new Mismatches();
  let brokenCount = 0;
  const contexts = ALL_CONTEXTS.filter(({ allowedRsv }) => allowedRsv === 0 || allowedRsv === 4);
  for (const context of contexts) {
    for (let first = 0; first < 256; first++) {
      for (const second of [0x00, 0x7d, 0x7e, 0x7f, 0x80, 0xfd, 0xfe, 0xff]) {
        const broken = rulesBrokenByStart(first, second, context);
        if (broken.size === 0) continue;
        brokenCount++;
        for (const pieces of [
          [Uint8Array.of(first, second)],
          [Uint8Array.of(first), Uint8Array.of(second)],
          [Uint8Array.of(first, second, ...new Uint8Array(30))],
        ]) {
          const { outcome } = feed(new FrameDecoder(), pieces, context);
          mismatches.compare(
            broken.has(outcome as never),
            true,
            () => `${first} ${second} in ${pieces.length} pieces: ${outcome}`,
          );
        }
      }
    }
  }
  t.ok(brokenCount > 10_000);
  mismatches.assertNone(t, brokenCount * 3, 'broken headers');
});

t.test('§5.2: a wrong length fails before the masking key arrives', async (t) => {
  for (const [form, length, rule] of [
    [16, 0n, 'length-not-minimal'],
    [16, 125n, 'length-not-minimal'],
    [64, 0n, 'length-not-minimal'],
    [64, 125n, 'length-not-minimal'],
    [64, 65_535n, 'length-not-minimal'],
    [64, 2n ** 63n, 'length-top-bit'],
    [64, 2n ** 63n + 65_536n, 'length-top-bit'],
    [64, 2n ** 64n - 1n, 'length-top-bit'],
  ] as const) {
    for (const context of [SERVER, CLIENT]) {
      const maskingKey = context.isServer ? '' : null;
      const start = headerBytes({ isFinal: true, rsv: 0, opcode: 2, length, maskingKey }, form);
      t.equal(ruleBrokenByLength(start[1]!, length), rule);
      const long = new Uint8Array(40);
      long.set(start);
      const outcomes = [
        feed(new FrameDecoder(), [start], context).outcome,
        feed(new FrameDecoder(), piecesOf(start, byteByByte(start.length)), context).outcome,
        feed(new FrameDecoder(), [long], context).outcome,
        ...everyCut(start.length).map(
          (cuts) => feed(new FrameDecoder(), piecesOf(start, cuts), context).outcome,
        ),
      ];
      t.strictSame(new Set(outcomes), new Set([rule]), `${length} in ${form} bits`);
    }
  }
});

t.test('§5: the same outcome for every split of bytes that may break any rule', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(11);
  const outcomes = new Set<string>();
  for (let round = 0; round < 6000; round++) {
    const context = random.pick(ALL_CONTEXTS);
    const bytes = random.bytes(LONGEST_BYTES);
    // Half of them begin well, so that lengths and keys are reached.
    if (random.below(2) === 0) {
      bytes[0] = (bytes[0]! & 0x80) | (context.isMessageOpen ? 0 : random.pick([1, 2]));
      bytes[1] = (context.isServer ? 0x80 : 0) | random.pick([5, 126, 127]);
      if (random.below(2) === 0) bytes.fill(0, 2, 2 + random.below(7));
    }
    const whole = feed(new FrameDecoder(), [bytes], context);
    const single = feed(new FrameDecoder(), piecesOf(bytes, byteByByte(bytes.length)), context);
    const cut = feed(new FrameDecoder(), piecesOf(bytes, [random.below(14)]), context);
    outcomes.add(whole.outcome.startsWith('{') ? 'header' : whole.outcome);
    const name = () => `${hexOf(bytes)} ${JSON.stringify(context)}`;
    mismatches.compare(single.outcome, whole.outcome, () => `byte by byte: ${name()}`);
    mismatches.compare(cut.outcome, whole.outcome, () => `in two pieces: ${name()}`);
  }
  mismatches.assertNone(t, 12_000, 'splits');
  t.equal(outcomes.size, 12, 'a header and each of the eleven rules of headers came up');
});

t.test('RFC 6455 §5.2: knows whether it is inside a header', (t) => {
  const decoder = new FrameDecoder();
  const context = { isServer: true, allowedRsv: 0, isMessageOpen: false };
  t.equal(decoder.isInHeader, false);
  const header = Uint8Array.of(0x82, 0x80, 1, 2, 3, 4);
  t.equal(decoder.readHeader(header, 0, 3, context), -1);
  t.equal(decoder.isInHeader, true);
  t.equal(decoder.readHeader(header, 3, 6, context), 6);
  t.equal(decoder.isInHeader, false);
  t.end();
});

t.test('decoders that nobody needs are lent again', async (t) => {
  const first = borrowDecoder();
  const second = borrowDecoder();
  t.not(first, second, 'each to one borrower at a time');
  returnDecoder(first);
  t.equal(borrowDecoder(), first);
  returnDecoder(second);
  returnDecoder(first);
  t.strictSame(new Set([borrowDecoder(), borrowDecoder()]), new Set([first, second]));
});

t.test('a decoder that stands inside a header is not lent again', async (t) => {
  // Nothing else is in the pool then.
  const lent = Array.from({ length: 100 }, () => borrowDecoder());
  t.notOk(lent.some((decoder) => decoder.isInHeader));
  const decoder = borrowDecoder();
  decoder.readHeader(Uint8Array.of(0x82), 0, 1, SERVER);
  t.ok(decoder.isInHeader);
  returnDecoder(decoder);
  t.not(borrowDecoder(), decoder);
});

t.test('a decoder that is lent again has nothing left of its last frame', async (t) => {
  const header = bytesOfHex('01 7e 01 00');
  const decoder = borrowDecoder();
  t.equal(decoder.readHeader(header, 0, 4, CLIENT), 4);
  t.equal(decoder.length, 256);
  returnDecoder(decoder);
  t.equal(borrowDecoder(), decoder);
  const context = { ...SERVER, isMessageOpen: true };
  t.equal(decoder.readHeader(bytesOfHex('80 81 01 02 03 04'), 0, 6, context), 6);
  t.match(decoder, { opcode: 0, isFinal: true, rsv: 0, length: 1, maskingKey: 0x04030201 });
});

t.test('the pool has a bound: after a rush the memory goes', async (t) => {
  const lent = Array.from({ length: 1000 }, () => borrowDecoder());
  t.equal(new Set(lent).size, 1000);
  for (const decoder of lent) returnDecoder(decoder);
  const again = Array.from({ length: 1000 }, () => borrowDecoder());
  const kept = again.filter((decoder) => lent.includes(decoder)).length;
  t.ok(kept > 0, 'some are used again');
  t.ok(kept <= 64, `${kept} were kept`);
  t.equal(new Set(again).size, 1000, 'none is lent twice');
});
