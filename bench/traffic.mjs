/**
 * The bytes of a load, built once: what the generator sends and what must come back. Messages follow
 * each other in a ring of different payloads and masking keys, so that a reply that is lost, repeated,
 * out of order or damaged never looks like the right one.
 */
import { Buffer } from 'node:buffer';

/** @typedef {'binary' | 'ascii' | 'text'} PayloadKind `text` is not ASCII: two, three and four byte characters */

/**
 * @typedef {object} Traffic
 * @property {number} depth messages in flight on one connection
 * @property {number} ring how many different messages there are; one more than are ever in flight
 * @property {Buffer} frames `ring + depth` masked client messages: any window of `depth` is contiguous
 * @property {number} frameBytes of one client message, with all its frames
 * @property {Buffer} replies the same messages as the peer must send them back
 * @property {number} replyBytes of one reply
 */

/**
 * @param {object} options
 * @param {PayloadKind} options.kind
 * @param {number} options.sizeBytes
 * @param {number} options.depth
 * @param {boolean} options.isRaw the peer returns the very bytes it got, and not a WebSocket message
 * @param {number} [options.fragmentBytes] messages come in fragments of this size; they go back in one frame
 * @returns {Traffic}
 */
export function buildTraffic({ kind, sizeBytes, depth, isRaw, fragmentBytes = Infinity }) {
  const random = xorshift(0x9e3779b9);
  const ring = depth + 1;
  /** @type {Buffer[]} */
  const frames = [];
  /** @type {Buffer[]} */
  const replies = [];
  for (let index = 0; index < ring; index++) {
    const payload = buildPayload(kind, sizeBytes, random);
    const opcode = kind === 'binary' ? 2 : 1;
    const frame = encodeMessage(opcode, payload, fragmentBytes, random);
    frames.push(frame);
    replies.push(isRaw ? frame : encodeFrame(opcode, payload, null));
  }
  return {
    depth,
    ring,
    frames: Buffer.concat([...frames, ...frames.slice(0, depth)]),
    frameBytes: frames[0]?.length ?? 0,
    replies: Buffer.concat([...replies, ...replies.slice(0, depth)]),
    replyBytes: replies[0]?.length ?? 0,
  };
}

/**
 * @param {number} opcode
 * @param {Buffer} payload
 * @param {number} fragmentBytes
 * @param {() => number} random makes the masking keys
 */
function encodeMessage(opcode, payload, fragmentBytes, random) {
  if (payload.length <= fragmentBytes) return encodeFrame(opcode, payload, random());
  /** @type {Buffer[]} */
  const frames = [];
  for (let start = 0; start < payload.length; start += fragmentBytes) {
    const part = payload.subarray(start, start + fragmentBytes);
    const frame = encodeFrame(start === 0 ? opcode : 0, part, random());
    // FIN is set on the last one only.
    if (start + fragmentBytes < payload.length) frame[0] = (frame[0] ?? 0) & 0x7f;
    frames.push(frame);
  }
  return Buffer.concat(frames);
}

/**
 * @param {number} opcode with the RSV bits, if any
 * @param {Buffer} payload
 * @param {number | null} maskingKey null as a server sends it
 */
export function encodeFrame(opcode, payload, maskingKey) {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const headerBytes = 2 + lengthBytes + (maskingKey === null ? 0 : 4);
  const frame = Buffer.alloc(headerBytes + length);
  frame[0] = 0x80 | opcode;
  const lengthMark = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  frame[1] = lengthMark;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(frame, headerBytes);
  if (maskingKey !== null) {
    frame[1] = lengthMark | 0x80;
    frame.writeUInt32BE(maskingKey, headerBytes - 4);
    for (let index = 0; index < length; index++) {
      const masking = frame[headerBytes - 4 + (index & 3)] ?? 0;
      frame[headerBytes + index] = (payload[index] ?? 0) ^ masking;
    }
  }
  return frame;
}

/**
 * @param {PayloadKind} kind
 * @param {number} sizeBytes
 * @param {() => number} random
 */
function buildPayload(kind, sizeBytes, random) {
  if (kind === 'text') return Buffer.from(nonAsciiText(sizeBytes, random));
  const payload = Buffer.alloc(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) {
    payload[index] = kind === 'binary' ? random() & 0xff : 0x20 + (random() % 95);
  }
  return payload;
}

/**
 * Words of Cyrillic and Chinese with an emoji here and there.
 * @param {number} sizeBytes of its UTF-8 form, exactly
 * @param {() => number} random
 */
function nonAsciiText(sizeBytes, random) {
  let text = '';
  for (let left = sizeBytes; left > 0;) {
    const choice = random() % 16;
    if (left === 1) text += '.';
    else if (left === 2 || left === 4 || choice < 8)
      text += String.fromCodePoint(0x430 + (random() % 32));
    else if (left === 3 || left === 5 || choice < 15)
      text += String.fromCodePoint(0x4e00 + (random() % 4096));
    else text += String.fromCodePoint(0x1f600 + (random() % 64));
    left = sizeBytes - Buffer.byteLength(text);
  }
  return text;
}

/**
 * A small random generator with a fixed seed: every run sends the same bytes.
 * @param {number} seed not zero
 * @returns {() => number} a whole number of 32 bits, never zero
 */
export function xorshift(seed) {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
