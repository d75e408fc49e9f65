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

/** @param text of bytes: each character is one */
export function sha1(text: string): Buffer {
  const blocks = Math.ceil((text.length + END_BYTES) / BLOCK_BYTES);
  hash[0] = 0x67452301;
  hash[1] = 0xefcdab89;
  hash[2] = 0x98badcfe;
  hash[3] = 0x10325476;
  hash[4] = 0xc3d2e1f0;
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK_BYTES;
    for (let t = 0; t < 16; t++) {
      const at = start + t * 4;
      words[t] =
        (byteAt(text, at) << 24) |
        (byteAt(text, at + 1) << 16) |
        (byteAt(text, at + 2) << 8) |
        byteAt(text, at + 3);
    }
    if (block === blocks - 1) words[15] = text.length * 8;
    addBlock();
  }
  const digest = Buffer.allocUnsafe(DIGEST_BYTES);
  for (let at = 0; at < DIGEST_BYTES; at++) digest[at] = hash[at >> 2]! >> (24 - (at & 3) * 8);
  return digest;
}

function byteAt(text: string, at: number): number {
  if (at < text.length) return text.charCodeAt(at);
  return at === text.length ? 0x80 : 0;
}

/** RFC 3174 §6.1, (a) to (e), with the functions and constants of §5. Shifts stand here as they are: nothing is called. */
function addBlock(): void {
  for (let t = 16; t < 80; t++) {
    const word = words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!;
    words[t] = (word << 1) | (word >>> 31);
  }
  let a = hash[0]!;
  let b = hash[1]!;
  let c = hash[2]!;
  let d = hash[3]!;
  let e = hash[4]!;
  for (let t = 0; t < 80; t++) {
    let mixed;
    if (t < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (t < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (t < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + mixed + e + words[t]!) | 0;
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
