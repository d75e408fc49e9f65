/**
 * Compressed messages, built once. Each is compressed without history, so that it can follow any other: a sender may
 * forget its history between two messages without telling the receiver (RFC 7692 §7.1.1.1).
 */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import { makeDocument } from './documents.mjs';
import { TAIL } from './sync-zlib.mjs';
import { encodeFrame, xorshift } from './traffic.mjs';

/**
 * @typedef {'json' | 'random' | 'mix'} DocumentKind `random` is binary that cannot be compressed; `mix` is JSON of a
 *   quarter of the size and `random` in turn
 */

/**
 * @typedef {object} PlainMessage
 * @property {1 | 2} opcode
 * @property {Buffer} payload
 */

/**
 * @typedef {object} CompressedTraffic
 * @property {readonly PlainMessage[]} messages the ring
 * @property {readonly Buffer[]} compressed payloads of the same messages, without the tail
 * @property {Buffer} frames client frames of the ring, and the first `depth` of them again
 * @property {readonly number[]} offsets where each of them begins, and where the last one ends
 */

const RSV1 = 0x40;
/** What browsers compress with. */
const CLIENT_LEVEL = 6;

/**
 * @param {{ kind: DocumentKind, sizeBytes: number, depth: number, ring: number }} options `ring`: how many
 *   different messages
 * @returns {CompressedTraffic}
 */
export function buildCompressedTraffic({ kind, sizeBytes, depth, ring }) {
  const random = xorshift(0x9e3779b9);
  const messages = Array.from({ length: ring }, (_, index) =>
    makeMessage(kind, sizeBytes, index, random),
  );
  const compressed = messages.map(({ payload }) => compress(payload));
  const frames = compressed.map((payload, index) =>
    encodeCompressedFrame(messages[index]?.opcode ?? 1, payload, random()),
  );
  const all = [...frames, ...frames.slice(0, depth)];
  let end = 0;
  const offsets = [0, ...all.map((frame) => (end += frame.length))];
  return { messages, compressed, frames: Buffer.concat(all), offsets };
}

/**
 * @param {DocumentKind} kind
 * @param {number} sizeBytes
 * @param {number} index
 * @param {() => number} random
 * @returns {PlainMessage}
 */
function makeMessage(kind, sizeBytes, index, random) {
  if (kind === 'mix') {
    return index % 2 === 0
      ? makeMessage('json', sizeBytes / 4, index, random)
      : makeMessage('random', sizeBytes, index, random);
  }
  if (kind === 'json') return { opcode: 1, payload: makeDocument(sizeBytes, random) };
  const words = Uint32Array.from({ length: Math.ceil(sizeBytes / 4) }, random);
  return { opcode: 2, payload: Buffer.from(words.buffer, 0, sizeBytes) };
}

/**
 * @param {Buffer} payload
 * @returns {Buffer} without the tail
 */
export function compress(payload) {
  const flushed = deflateRawSync(payload, {
    level: CLIENT_LEVEL,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return flushed.subarray(0, flushed.length - TAIL.length);
}

/**
 * @param {number} opcode
 * @param {Buffer} payload compressed
 * @param {number} maskingKey
 */
export function encodeCompressedFrame(opcode, payload, maskingKey) {
  return encodeFrame(RSV1 | opcode, payload, maskingKey);
}
