import t from 'tap';
import { InvalidStateError, type ProtocolRule } from '../../src/errors.js';
import {
  assertNoPieces,
  assertPieceFits,
  extendedLengthBytes,
  FIN,
  findBrokenRule,
  type FrameContext,
  frameHeaderBytes,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_FRAME_HEADER_BYTES,
  NO_PIECES,
  Opcode,
  writeFrameHeader,
} from '../../src/protocol/frame.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { headerBytes, maskingKeyOf } from '../fixtures/header-bytes.js';
import { ALL_CONTEXTS, ruleBrokenByLength, rulesBrokenByStart } from '../fixtures/header-rules.js';
import { hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';

t.test('§11.8: the opcodes of the registry, and no others', async (t) => {
  t.strictSame(Object.entries(Opcode), [
    ['Continuation', 0],
    ['Text', 1],
    ['Binary', 2],
    ['Close', 8],
    ['Ping', 9],
    ['Pong', 10],
  ]);
});

t.test('§5.5: the opcodes with the upper bit set are the control frames', async (t) => {
  const control = Object.entries(Opcode).filter(([, value]) => (value & 0x8) !== 0);
  t.strictSame(
    control.map(([name]) => name),
    ['Close', 'Ping', 'Pong'],
  );
});

const UNKNOWN = -1;

/** A server that has no message open and no extension. */
const SERVER: FrameContext = { isServer: true, allowedRsv: 0, isMessageOpen: false };
const SERVER_IN_MESSAGE: FrameContext = { ...SERVER, isMessageOpen: true };
const CLIENT: FrameContext = { ...SERVER, isServer: false };

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function describeCase(first: number, second: number, context: FrameContext): string {
  return `${hexByte(first)} ${hexByte(second)} ${JSON.stringify(context)}`;
}

/** What the first two bytes alone say. */
function ruleOfStart(first: number, second: number, context: FrameContext): ProtocolRule | null {
  return findBrokenRule(first, second, UNKNOWN, 0, context);
}

/** What a header says once its extended length is known. */
function ruleOfHeader(
  first: number,
  second: number,
  length: bigint,
  context: FrameContext,
): ProtocolRule | null {
  const high = Number(length / 2n ** 32n);
  return findBrokenRule(first, second, high, Number(length % 2n ** 32n), context);
}

t.test('§5.2, §5.5: the sizes that the RFC gives', async (t) => {
  t.equal(MAX_CONTROL_PAYLOAD_BYTES, 125);
  t.equal(MAX_FRAME_HEADER_BYTES, 14);
});

t.test('§5.2: how many length bytes follow every second byte', async (t) => {
  const mismatches = new Mismatches();
  for (let second = 0; second < 256; second++) {
    const expected = { 126: 2, 127: 8 }[second % 128] ?? 0;
    mismatches.compare(extendedLengthBytes(second), expected, () => hexByte(second));
  }
  mismatches.assertNone(t, 256, 'second bytes');
});

t.test('§5: every first byte, every second byte that matters, in every context', async (t) => {
  const mismatches = new Mismatches();
  const seen = new Set<ProtocolRule | null>();
  const lengths = [0, 1, 124, 125, 126, 127];
  const seconds = lengths.flatMap((length) => [length, 128 + length]);
  for (const context of ALL_CONTEXTS) {
    for (let first = 0; first < 256; first++) {
      for (const second of seconds) {
        const expected = rulesBrokenByStart(first, second, context);
        const actual = ruleOfStart(first, second, context);
        seen.add(actual);
        // Where several rules are broken, any of them is a right answer.
        const isRight = actual === null ? expected.size === 0 : expected.has(actual);
        mismatches.compare(
          isRight,
          true,
          () =>
            `${describeCase(first, second, context)}: ${String(actual)} of ${[...expected].join()}`,
        );
      }
    }
  }
  mismatches.assertNone(t, 32 * 256 * 12, 'first two bytes');
  t.equal(seen.size, 10, 'no rule and each of the nine that the first two bytes can break');
});

t.test('§5: every second byte of good and of bad frames', async (t) => {
  const mismatches = new Mismatches();
  for (const context of ALL_CONTEXTS) {
    for (const first of [0x00, 0x80, 0x81, 0x82, 0x01, 0x88, 0x89, 0x8a, 0x08, 0xc1, 0x83, 0x8b]) {
      for (let second = 0; second < 256; second++) {
        const expected = rulesBrokenByStart(first, second, context);
        const actual = ruleOfStart(first, second, context);
        const isRight = actual === null ? expected.size === 0 : expected.has(actual);
        mismatches.compare(isRight, true, () => describeCase(first, second, context));
      }
    }
  }
  mismatches.assertNone(t, 32 * 12 * 256, 'second bytes');
});

t.test('§5.1: the server takes masked frames only, the client unmasked ones only', async (t) => {
  t.equal(ruleOfStart(0x81, 0x05, SERVER), 'frame-unmasked');
  t.equal(ruleOfStart(0x81, 0x85, SERVER), null);
  t.equal(ruleOfStart(0x81, 0x85, CLIENT), 'frame-masked');
  t.equal(ruleOfStart(0x81, 0x05, CLIENT), null);
  t.equal(ruleOfStart(0x88, 0x00, SERVER), 'frame-unmasked', 'control frames too');
  t.equal(ruleOfStart(0x89, 0x80, CLIENT), 'frame-masked', 'control frames too');
});

t.test('§5.2: reserved bits belong to extensions, on the first frame of a message', async (t) => {
  for (const [first, name] of [
    [0xc1, 'RSV1'],
    [0xa1, 'RSV2'],
    [0x91, 'RSV3'],
    [0xc9, 'RSV1 on a Ping'],
    [0xf2, 'all three'],
  ] as const) {
    t.equal(ruleOfStart(first, 0x80, SERVER), 'reserved-bit', name);
  }
  const deflate = { ...SERVER, allowedRsv: 4 };
  t.equal(ruleOfStart(0xc1, 0x80, deflate), null);
  t.equal(ruleOfStart(0x41, 0x80, deflate), null, 'the first of several fragments');
  t.equal(ruleOfStart(0xe1, 0x80, deflate), 'reserved-bit', 'RSV2 is not allowed beside RSV1');
});

t.test('RFC 7692 §6.1: the bit of an extension is on the first frame of a message', async (t) => {
  const deflate = { ...SERVER, allowedRsv: 4 };
  const isMessageOpen = true;
  const rule = 'reserved-bit-misplaced';
  t.equal(ruleOfStart(0xc9, 0x80, deflate), rule, 'not on a control frame');
  t.equal(ruleOfStart(0xc0, 0x80, { ...deflate, isMessageOpen }), rule, 'not on a continuation');
  t.equal(ruleOfStart(0x40, 0x80, { ...deflate, isMessageOpen }), rule, 'nor in the middle');
  t.equal(ruleOfStart(0xc0, 0x80, deflate), rule, 'nor where no message is open');
  t.equal(ruleOfStart(0xe9, 0x80, deflate), 'reserved-bit', 'a bit of nobody comes first');
});

t.test('§5.2: reserved opcodes', async (t) => {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    t.equal(ruleOfStart(0x80 | opcode, 0x80, SERVER), 'reserved-opcode');
    t.equal(ruleOfStart(0x80 | opcode, 0x80, SERVER_IN_MESSAGE), 'reserved-opcode');
  }
});

t.test('§5.4: fragments', async (t) => {
  t.equal(ruleOfStart(0x80, 0x80, SERVER), 'continuation-unexpected');
  t.equal(ruleOfStart(0x00, 0x80, SERVER), 'continuation-unexpected');
  t.equal(ruleOfStart(0x80, 0x80, SERVER_IN_MESSAGE), null);
  t.equal(ruleOfStart(0x00, 0x80, SERVER_IN_MESSAGE), null);
  t.equal(ruleOfStart(0x81, 0x80, SERVER_IN_MESSAGE), 'message-interleaved');
  t.equal(ruleOfStart(0x02, 0x80, SERVER_IN_MESSAGE), 'message-interleaved');
  t.equal(ruleOfStart(0x89, 0x80, SERVER_IN_MESSAGE), null, 'control frames may come between');
});

t.test('§5.5: control frames are whole and have 125 bytes at most', async (t) => {
  for (const opcode of [0x8, 0x9, 0xa]) {
    t.equal(ruleOfStart(opcode, 0x80, SERVER), 'control-fragmented');
    t.equal(ruleOfStart(0x80 | opcode, 0x80 | 125, SERVER), null);
    t.equal(ruleOfStart(0x80 | opcode, 0x80 | 126, SERVER), 'control-too-long');
    t.equal(ruleOfStart(0x80 | opcode, 0x80 | 127, SERVER), 'control-too-long');
  }
});

t.test('§5.2: a 16-bit length is over 125', async (t) => {
  const mismatches = new Mismatches();
  for (let length = 0n; length <= 65_535n; length++) {
    mismatches.compare(
      ruleOfHeader(0x82, 0xfe, length, SERVER),
      length < 126n ? 'length-not-minimal' : null,
      () => `82 fe ${length}`,
    );
  }
  mismatches.assertNone(t, 65_536, '16-bit lengths');
});

t.test('§5.2: a 64-bit length is over 65535 and below 2^63', async (t) => {
  const mismatches = new Mismatches();
  const bounds = [126n, 65_536n, 2n ** 16n + 126n, 2n ** 31n, 2n ** 32n, 2n ** 33n];
  bounds.push(2n ** 32n + 126n, 2n ** 40n, 2n ** 53n, 2n ** 62n, 2n ** 63n);
  const lengths = [0n, 1n, ...bounds.flatMap((bound) => [bound - 1n, bound, bound + 1n])];
  lengths.push(2n ** 64n - 1n, 2n ** 63n + 2n ** 32n, 0xffff_ffff_0000_0000n);
  for (const length of lengths) {
    for (const context of [SERVER, CLIENT]) {
      const second = context.isServer ? 0xff : 0x7f;
      mismatches.compare(
        ruleOfHeader(0x82, second, length, context),
        ruleBrokenByLength(second, length),
        () => `82 ${hexByte(second)} ${length}`,
      );
    }
  }
  mismatches.assertNone(t, lengths.length * 2, '64-bit lengths');
  t.equal(ruleOfHeader(0x82, 0xff, 65_535n, SERVER), 'length-not-minimal');
  t.equal(ruleOfHeader(0x82, 0xff, 65_536n, SERVER), null);
  t.equal(ruleOfHeader(0x82, 0xff, 2n ** 63n - 1n, SERVER), null);
  t.equal(ruleOfHeader(0x82, 0xff, 2n ** 63n, SERVER), 'length-top-bit');
});

t.test('§5: what the first two bytes break is still broken when the length is known', async (t) => {
  const mismatches = new Mismatches();
  for (const context of ALL_CONTEXTS) {
    for (let first = 0; first < 256; first++) {
      for (const second of [0x7e, 0x7f, 0xfe, 0xff]) {
        const broken = rulesBrokenByStart(first, second, context);
        for (const length of [5n, 65_536n, 2n ** 63n]) {
          const ofLength = ruleBrokenByLength(second, length);
          const actual = ruleOfHeader(first, second, length, context);
          const isRight =
            actual === null
              ? broken.size === 0 && ofLength === null
              : broken.has(actual) || actual === ofLength;
          mismatches.compare(
            isRight,
            true,
            () => `${describeCase(first, second, context)} ${length}: ${String(actual)}`,
          );
        }
      }
    }
  }
  mismatches.assertNone(t, 32 * 256 * 4 * 3, 'headers with a length');
});

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

const INSIDE = new InvalidStateError('a message is being sent in pieces');

t.test('first, others, last (RFC 6455 §5.4)', async (t) => {
  for (const opcode of [1, 2]) {
    assertPieceFits(NO_PIECES, opcode, true);
    assertPieceFits(opcode, opcode, false);
    t.throws(() => {
      assertPieceFits(opcode, opcode, true);
    }, INSIDE);
    t.throws(() => {
      assertPieceFits(NO_PIECES, opcode, false);
    }, new InvalidStateError('no message is being sent'));
  }
});

t.test('a message has one opcode', async (t) => {
  for (const [openOpcode, opcode] of [
    [1, 2],
    [2, 1],
  ] as const) {
    t.throws(() => {
      assertPieceFits(openOpcode, opcode, false);
    }, new InvalidStateError('all pieces of a message have one opcode'));
  }
});

t.test('nothing in between', async (t) => {
  assertNoPieces(NO_PIECES);
  t.throws(() => {
    assertNoPieces(1);
  }, INSIDE);
});
