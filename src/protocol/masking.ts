/** Masking and unmasking of payloads (RFC 6455 §5.3), four bytes at a time. */
import { wordsOf } from './bytes.js';

/** Below this length setting up whole words costs more than it saves. */
const MIN_WORD_BYTES = 12;

/** Below this length the call of what is faster costs more than it saves. */
const MIN_FAST_BYTES = 128;

const ASCII_MASK = 0x80808080;

// The key in the machine's own byte order: four bytes are written, one word is read.
const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);

/**
 * XORs `bytes[start, end)` in place with the masking key (RFC 6455 §5.3).
 *
 * @param maskingKey the four key bytes, the first in the lowest 8 bits
 * @returns the OR of all resulting bytes, spread over 32 bits: see {@link isAsciiOr}
 */
export function unmask(bytes: Uint8Array, start: number, end: number, maskingKey: number): number {
  let key = maskingKey;
  let position = start;
  let seen = 0;
  if (end - start >= MIN_WORD_BYTES) {
    const { words, base, unmask: unmaskFast } = wordsOf(bytes);
    if (unmaskFast !== null && end - start >= MIN_FAST_BYTES)
      return unmaskFast(base + start, base + end, maskingKey);
    for (; ((base + position) & 3) !== 0; position++) {
      seen |= bytes[position] = (bytes[position]! ^ key) & 0xff;
      key = (key >>> 8) | (key << 24);
    }
    keyBytes[0] = key;
    keyBytes[1] = key >>> 8;
    keyBytes[2] = key >>> 16;
    keyBytes[3] = key >>> 24;
    const word = keyWord[0]!;
    const firstWord = (base + position) >> 2;
    const lastWord = (base + end) >> 2;
    let index = firstWord;
    // Four words a round share the cost of the loop.
    for (; index + 4 <= lastWord; index += 4) {
      const a = (words[index] = words[index]! ^ word);
      const b = (words[index + 1] = words[index + 1]! ^ word);
      const c = (words[index + 2] = words[index + 2]! ^ word);
      const d = (words[index + 3] = words[index + 3]! ^ word);
      seen |= a | b | c | d;
    }
    for (; index < lastWord; index++) seen |= words[index]! ^= word;
    position += (lastWord - firstWord) << 2;
  }
  for (; position < end; position++) {
    seen |= bytes[position] = (bytes[position]! ^ key) & 0xff;
    key = (key >>> 8) | (key << 24);
  }
  return seen;
}

/** True when the OR that {@link unmask} returned says that every byte was ASCII. */
export function isAsciiOr(seen: number): boolean {
  return (seen & ASCII_MASK) === 0;
}

/** The masking key for the bytes that follow `count` bytes already masked with `maskingKey`. */
export function rotateMaskingKey(maskingKey: number, count: number): number {
  const bits = (count & 3) << 3;
  return (maskingKey >>> bits) | (maskingKey << (32 - bits));
}
