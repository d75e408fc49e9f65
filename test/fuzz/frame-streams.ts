/** Random streams of frames: good ones, and good ones that something is done to. */
import { Buffer } from 'node:buffer';
import {
  MORE,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { bytesOfHex } from '../fixtures/hex.js';
import type { SeededRandom } from '../fixtures/seeded-random.js';

const CHARACTERS = ['a', 'Z', '\0', '\x7f', 'é', '߿', 'ࠀ', '€', '\ud7ff', '\uffff', '\u{1f600}'];

/** Bytes that are not UTF-8, or only the start of it. */
const BAD_UTF8 = ['c0af', 'eda080', 'f490', 'e282', 'f09f98', 'ff', '80', 'f8', 'e08080'].map(
  bytesOfHex,
);

const CLOSE_CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999];
const BAD_CLOSE_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535];

/** Lengths where the form of a header, or the way in which bytes are moved, changes. */
const LENGTHS = [0, 1, 2, 3, 4, 7, 11, 12, 13, 47, 48, 49, 100, 124, 125, 126, 127, 128, 191, 193];

/** True in so many of a hundred cases. */
const isIn = (random: SeededRandom, percent: number): boolean => random.below(100) < percent;

function randomText(random: SeededRandom): Uint8Array {
  const count = random.pick(LENGTHS);
  const only = isIn(random, 40) ? CHARACTERS.slice(0, 4) : CHARACTERS;
  return Buffer.from(Array.from({ length: count }, () => random.pick(only)).join(''));
}

/** One message in one or more frames, with control frames between them; nearly always correct. */
function randomMessage(random: SeededRandom): readonly TestFrame[] {
  const opcode = 1 + random.below(2);
  let payload = opcode === 1 ? randomText(random) : random.bytes(random.pick(LENGTHS));
  if (opcode === 1 && isIn(random, 15)) {
    payload = Buffer.concat([payload, random.pick(BAD_UTF8), randomText(random).subarray(0, 9)]);
  }
  const fragments = isIn(random, 50) ? 1 : 1 + random.below(6);
  const cuts = Array.from({ length: fragments - 1 }, () => random.below(payload.length + 1)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts].flatMap((start, index) => {
    const isFinal = index === cuts.length;
    const part = payload.subarray(start, cuts[index] ?? payload.length);
    const frame = { ...continuationFrame(part, { isFinal }), ...(index === 0 ? { opcode } : {}) };
    return isFinal || isIn(random, 75) ? [frame] : [frame, randomPingOrPong(random)];
  });
}

function randomPingOrPong(random: SeededRandom): TestFrame {
  const payload = random.bytes(random.pick([0, 1, 4, 17, 124, 125]));
  return isIn(random, 60) ? pingFrame(payload) : pongFrame(payload);
}

function randomClose(random: SeededRandom): TestFrame {
  if (isIn(random, 20)) return closeFrame();
  if (isIn(random, 10)) return { opcode: 8, payload: random.bytes(1) };
  const code = random.pick(isIn(random, 70) ? CLOSE_CODES : BAD_CLOSE_CODES);
  const reason = isIn(random, 80) ? randomText(random).subarray(0, 60) : random.pick(BAD_UTF8);
  return closeFrame(code, reason);
}

/** A frame that is wrong here, or at least strange. */
function strangeFrame(random: SeededRandom): TestFrame {
  const payload = random.bytes(random.pick(LENGTHS));
  const strange: readonly TestFrame[] = [
    continuationFrame(payload, isIn(random, 50) ? MORE : {}),
    { opcode: 1 + random.below(2), payload, ...MORE },
    { opcode: random.below(16), payload, isFinal: isIn(random, 80) },
    { opcode: random.below(3), payload, rsv: random.below(8) },
    { opcode: 8 + random.below(3), payload, isFinal: isIn(random, 50) },
    { opcode: 2, payload, isMasked: isIn(random, 50) },
    { opcode: 2, payload, form: random.pick([16, 64]) },
    { opcode: 2, payload, length: BigInt(payload.length + 1) },
    { opcode: 2, payload, length: 1n << BigInt(random.below(64)) },
    { opcode: 1, payload: '', length: (1n << BigInt(1 + random.below(63))) - 1n },
  ];
  return random.pick(strange);
}

/** Some frames of a peer, most of them correct where they stand. */
export function randomFrames(random: SeededRandom, strangePercent: number): readonly TestFrame[] {
  const frames: TestFrame[] = [];
  for (let count = 1 + random.below(8); count > 0; count--) {
    if (isIn(random, strangePercent)) frames.push(strangeFrame(random));
    else if (isIn(random, 20)) frames.push(randomPingOrPong(random));
    else if (isIn(random, 6)) frames.push(randomClose(random));
    else frames.push(...randomMessage(random));
  }
  return frames;
}

/** The same as bytes. */
export function randomStream(random: SeededRandom, isMasked: boolean): Uint8Array {
  return encodeFrames(randomFrames(random, 5), isMasked);
}

/** Bytes that mean something at the start of a header. */
const DICTIONARY = [
  '8180',
  '0180',
  '8280',
  '0280',
  '8080',
  '0080',
  '8880',
  '8980',
  '8a80',
  '8100',
  '8900',
  '8800',
  '81fe007d',
  '82fe007e',
  '82ff0000000000010000',
  '82ff000000000000ffff',
  '82ff8000000000000000',
  '82ff7fffffffffffffff',
  '00000000',
  'ffffffff',
].map(bytesOfHex);

type Mutation = (random: SeededRandom, bytes: Uint8Array, at: number) => Uint8Array;

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const withByte = (bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? change(byte) : byte));

const MUTATIONS: readonly Mutation[] = [
  (random, bytes, at) => withByte(bytes, at, (byte) => byte ^ (1 << random.below(8))),
  (random, bytes, at) => withByte(bytes, at, () => random.below(256)),
  (random, bytes, at) => withByte(bytes, at, () => random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff])),
  (random, bytes, at) => withByte(bytes, at, (byte) => byte + random.pick([1, -1])),
  (_random, bytes, at) => bytes.slice(0, at),
  (random, bytes, at) => join(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))),
  (random, bytes, at) => {
    const end = at + 1 + random.below(40);
    return join(bytes.subarray(0, end), bytes.subarray(at));
  },
  (random, bytes, at) => join(bytes.subarray(0, at), random.pick(DICTIONARY), bytes.subarray(at)),
  (random, bytes, at) => {
    const word = random.pick(DICTIONARY);
    return join(bytes.subarray(0, at), word, bytes.subarray(at + word.length));
  },
  (random, bytes, at) =>
    join(bytes.subarray(0, at), random.bytes(1 + random.below(20)), bytes.subarray(at)),
];

/** A few changes, one after the other. */
export function mutate(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  let result = bytes;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(Math.max(1, result.length));
    result = random.pick(MUTATIONS)(random, result, at);
  }
  return result;
}

/** Places to cut so many bytes, in order; sometimes at every byte, sometimes nowhere. */
export function randomCuts(random: SeededRandom, length: number): readonly number[] {
  if (isIn(random, 20)) return Array.from({ length }, (_, index) => index);
  const count = random.below(6);
  return Array.from({ length: count }, () => random.below(length + 1)).sort((a, b) => a - b);
}
