/** Random messages, parameters and fragments for the path of compressed messages. */
import { Buffer } from 'node:buffer';
import type { PermessageDeflateOptions } from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { makeMessage } from '../fixtures/deflate.js';
import { closeFrame, encodeFrames, pingFrame, type TestFrame } from '../fixtures/frames.js';
import type { SeededRandom } from '../fixtures/seeded-random.js';
import { byteByByte, piecesOf } from '../fixtures/splits.js';
import type { WsDeflateOptions } from './ws-deflate.js';

const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15] as const;

export function randomServerOptions(random: SeededRandom): PermessageDeflateOptions {
  return {
    serverMaxWindowBits: random.pick(WINDOWS),
    clientMaxWindowBits: random.pick(WINDOWS),
    serverNoContextTakeover: random.below(4) === 0,
    clientNoContextTakeover: random.below(4) === 0,
    level: 1 + random.below(9),
    thresholdBytes: random.pick([0, 1, 32, 1000, 100_000]),
    memoryBytes: random.pick([0, 300_000, 2 ** 28]),
    maxRatio: 0,
  };
}

export function randomClientOptions(random: SeededRandom): WsDeflateOptions {
  return {
    ...(random.below(3) === 0 ? { serverNoContextTakeover: true } : {}),
    ...(random.below(3) === 0 ? { clientNoContextTakeover: true } : {}),
    ...(random.below(2) === 0 ? { serverMaxWindowBits: random.pick(WINDOWS) } : {}),
    ...(random.below(2) === 0 ? { clientMaxWindowBits: random.pick(WINDOWS) } : {}),
  };
}

/** Offers that have to be declined, so that the next one counts. */
const DECLINED = [
  'permessage-deflate; server_max_window_bits=16, ',
  'permessage-deflate; unknown, ',
  'x-unknown; a="b", ',
  'permessage-deflate; server_no_context_takeover; server_no_context_takeover, ',
];

/** A good offer, now and then behind some that are not. */
export function withDeclined(random: SeededRandom, offer: string): string {
  return random.below(3) === 0 ? random.pick(DECLINED) + offer : offer;
}

export interface FuzzMessage {
  readonly opcode: 1 | 2;
  readonly payload: Uint8Array;
}

/** Where headers change their form, a window is full, or a slice is. */
const SIZES = [1, 8, 31, 33, 126, 300, 5000, 33_000, 66_000] as const;
const LARGE_SIZES = [130_000, 131_073, 190_000] as const;

const LETTERS = ['a', 'e', ' ', '\0', 'é', '߿', '€', '\ud7ff', '\uffff', '\u{1f600}'];

/** Text, bytes that compress, bytes that do not, and what repeats far behind. */
export function randomFuzzMessage(random: SeededRandom, past: readonly FuzzMessage[]): FuzzMessage {
  const size = random.below(random.pick(random.below(12) === 0 ? LARGE_SIZES : SIZES));
  const kind = random.below(6);
  if (kind === 0) {
    const word = Array.from({ length: 1 + random.below(60) }, () => random.pick(LETTERS)).join('');
    const count = Math.floor(size / Buffer.byteLength(word));
    return { opcode: 1, payload: Buffer.from(word.repeat(count)) };
  }
  if (kind === 1) return { opcode: 1, payload: makeMessage('json', size, random.below(3)) };
  // What was said before, or a part of it: that is what history is for.
  if (kind === 2 && past.length > 0) {
    const { payload } = random.pick(past);
    const start = random.below(payload.length + 1);
    return { opcode: 2, payload: payload.slice(start, start + size) };
  }
  const content = (['zeros', 'random', 'json'] as const)[kind % 3]!;
  return { opcode: 2, payload: makeMessage(content, size, random.below(5)) };
}

/** A payload in frames, with Pings between them. */
export function randomFragments(
  random: SeededRandom,
  opcode: number,
  rsv: number,
  payload: Uint8Array,
): readonly TestFrame[] {
  const fragments = random.below(2) === 0 ? 1 : 1 + random.below(6);
  const cuts = Array.from({ length: fragments - 1 }, () => random.below(payload.length + 1)).sort(
    (a, b) => a - b,
  );
  const parts = piecesOf(payload, cuts);
  return parts.flatMap((part, index): TestFrame[] => {
    const isFinal = index === cuts.length;
    const frame = { opcode: index === 0 ? opcode : 0, rsv: index === 0 ? rsv : 0 };
    const ping = random.below(8) === 0 ? [pingFrame(random.bytes(random.below(5)))] : [];
    return [{ ...frame, isFinal, payload: part }, ...ping];
  });
}

/** The frames of a client, its Close behind them. */
export function clientBytes(frames: readonly TestFrame[]): Uint8Array {
  return encodeFrames([...frames, closeFrame(1000)], true);
}

/** Up to this length bytes also come one by one. */
const MAX_BYTEWISE_BYTES = 3000;

/** Ways in which the same bytes may come: whole, byte by byte if there are not many, and cut at random. */
export function randomSplits(random: SeededRandom, bytes: Uint8Array): readonly Uint8Array[][] {
  const randomSplit = (): Uint8Array[] => {
    const cuts = Array.from({ length: 1 + random.below(20) }, () =>
      random.below(bytes.length + 1),
    ).sort((a, b) => a - b);
    return piecesOf(bytes, cuts);
  };
  const bytewise =
    bytes.length > MAX_BYTEWISE_BYTES ? [] : [piecesOf(bytes, byteByByte(bytes.length))];
  return [[bytes], ...bytewise, randomSplit(), randomSplit()];
}
