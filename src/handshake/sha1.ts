/**
 * SHA-1 (RFC 3174) for the one thing that it is used for, the answer to a client's key: that is no secret, and proves
 * nothing but that a WebSocket server has answered. `node:crypto` would take each start some three milliseconds and up
 * to 2 MiB (docs/adr/0040-start.md).
 */
import { Buffer } from 'node:buffer';

const BLOCK_BYTES = 64;
/** The bit after the message, and its length in 64 bits. */
const END_BYTES = 9;
const DIGEST_BYTES = 20;

/** RFC 3174 §6.1: W(0) to W(79), and H0 to H4. They are used up within a call. */
const words = new Int32Array(80);
const hash = new Int32Array(5);

/** The words of a block that has nothing of its text but the length: texts as long as the last one end in the same block. */
const endWords = new Int32Array(80);
let endLength = -1;

/** @param text of bytes: each character is one */
export function sha1(text: string): Buffer {
  const { length } = text;
  const blocks = Math.ceil((length + END_BYTES) / BLOCK_BYTES);
  hash[0] = 0x67452301;
  hash[1] = 0xefcdab89;
  hash[2] = 0x98badcfe;
  hash[3] = 0x10325476;
  hash[4] = 0xc3d2e1f0;
  for (let start = 0; start <= length; start += BLOCK_BYTES) {
    for (let t = 0, at = start; t < 16; t++, at += 4) {
      words[t] =
        (byteAt(text, at) << 24) |
        (byteAt(text, at + 1) << 16) |
        (byteAt(text, at + 2) << 8) |
        byteAt(text, at + 3);
    }
    if (start + BLOCK_BYTES === blocks * BLOCK_BYTES) words[15] = length * 8;
    schedule(words);
    addBlock(words);
  }
  if (length % BLOCK_BYTES > BLOCK_BYTES - END_BYTES) addEnd(length);
  const digest = Buffer.allocUnsafe(DIGEST_BYTES);
  for (let at = 0; at < DIGEST_BYTES; at++) digest[at] = hash[at >> 2]! >> (24 - (at & 3) * 8);
  return digest;
}

function byteAt(text: string, at: number): number {
  if (at < text.length) return text.charCodeAt(at);
  return at === text.length ? 0x80 : 0;
}

function addEnd(length: number): void {
  if (length !== endLength) {
    endLength = length;
    endWords.fill(0, 0, 16);
    endWords[15] = length * 8;
    schedule(endWords);
  }
  addBlock(endWords);
}

/** RFC 3174 §6.1, (b). */
function schedule(of: Int32Array): void {
  for (let t = 16; t < 80; t++) {
    const word = of[t - 3]! ^ of[t - 8]! ^ of[t - 14]! ^ of[t - 16]!;
    of[t] = (word << 1) | (word >>> 31);
  }
}

/**
 * RFC 3174 §6.1, (c) to (e), with the functions and constants of §5. Shifts stand here as they are, and each function has
 * a loop of its own: nothing is called or chosen in the middle.
 */
function addBlock(of: Int32Array): void {
  let a = hash[0]!;
  let b = hash[1]!;
  let c = hash[2]!;
  let d = hash[3]!;
  let e = hash[4]!;
  for (let t = 0; t < 20; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + 0x5a827999 + e + of[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let t = 20; t < 40; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + 0x6ed9eba1 + e + of[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let t = 40; t < 60; t++) {
    const next =
      (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc + e + of[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (let t = 60; t < 80; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + 0xca62c1d6 + e + of[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  hash[0]! += a;
  hash[1]! += b;
  hash[2]! += c;
  hash[3]! += d;
  hash[4]! += e;
}
