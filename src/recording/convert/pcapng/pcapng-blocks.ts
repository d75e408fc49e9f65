/** The blocks of a pcapng file (draft-ietf-opsawg-pcapng §3, §4), little-endian. */
import { Buffer } from 'node:buffer';
import type { ChunkedOutput } from '../chunked-output.js';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Captured packets begin with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;

const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_APPLICATION = 4;
const OPTION_INTERFACE_NAME = 2;
const OPTION_TIME_RESOLUTION = 9;
/** Times are in microseconds: 10 to the power of minus this. */
const TIME_RESOLUTION = 6;

/** A recording from elsewhere may hold anything; an option holds at most 65,535 bytes. */
const MAX_COMMENT_LENGTH = 1000;

const OPTION_HEADER_BYTES = 4;
const PACKET_HEADER_BYTES = 28;
const BLOCK_TRAILER_BYTES = 4;

/** The two blocks that a file begins with: one section, one interface. */
export function fileStart(application: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  section.writeUInt16LE(0, 6);
  // -1: the length of the section is unknown.
  section.fill(0xff, 8);
  const link = Buffer.alloc(8);
  link.writeUInt16LE(LINKTYPE_RAW, 0);
  return Buffer.concat([
    block(SECTION_HEADER, section, [[OPTION_APPLICATION, Buffer.from(application)]]),
    block(INTERFACE_DESCRIPTION, link, [
      [OPTION_INTERFACE_NAME, Buffer.from('recording')],
      [OPTION_TIME_RESOLUTION, Buffer.of(TIME_RESOLUTION)],
    ]),
  ]);
}

/**
 * Writes the block of a captured IP datagram, except for the datagram itself.
 *
 * @param seconds since 1970, when it was captured
 * @param length of the datagram, in bytes
 * @param comment empty for none; a long one is cut
 * @returns where in `output.chunk` the datagram goes, a multiple of 4
 */
export function writeDatagramBlock(
  output: ChunkedOutput,
  seconds: number,
  length: number,
  comment: string,
): number {
  const options = comment === '' ? null : commentOf(comment);
  const padded = paddedLength(length);
  const total = PACKET_HEADER_BYTES + padded + (options?.length ?? 0) + BLOCK_TRAILER_BYTES;
  output.reserve(total);
  const { chunk, at } = output;
  output.at += total;
  const micros = Math.round(seconds * 1e6);
  chunk.writeUInt32LE(ENHANCED_PACKET, at);
  chunk.writeUInt32LE(total, at + 4);
  chunk.writeUInt32LE(0, at + 8);
  chunk.writeUInt32LE(Math.floor(micros / 0x1_0000_0000), at + 12);
  chunk.writeUInt32LE(micros >>> 0, at + 16);
  chunk.writeUInt32LE(length, at + 20);
  chunk.writeUInt32LE(length, at + 24);
  const start = at + PACKET_HEADER_BYTES;
  chunk.fill(0, start + length, start + padded);
  if (options !== null) chunk.set(options, start + padded);
  chunk.writeUInt32LE(total, at + total - BLOCK_TRAILER_BYTES);
  return start;
}

function commentOf(comment: string): Buffer {
  return optionsOf([[OPTION_COMMENT, Buffer.from(comment.slice(0, MAX_COMMENT_LENGTH))]]);
}

type Option = readonly [code: number, value: Uint8Array];

function block(type: number, body: Buffer, options: readonly Option[]): Buffer {
  const content = Buffer.concat([body, optionsOf(options)]);
  const total = 8 + content.length + BLOCK_TRAILER_BYTES;
  const bytes = Buffer.alloc(total);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(total, 4);
  bytes.set(content, 8);
  bytes.writeUInt32LE(total, total - BLOCK_TRAILER_BYTES);
  return bytes;
}

function optionsOf(options: readonly Option[]): Buffer {
  const parts = options.map(([code, value]) => {
    const bytes = Buffer.alloc(OPTION_HEADER_BYTES + paddedLength(value.length));
    bytes.writeUInt16LE(code, 0);
    bytes.writeUInt16LE(value.length, 2);
    bytes.set(value, OPTION_HEADER_BYTES);
    return bytes;
  });
  const end = Buffer.alloc(OPTION_HEADER_BYTES);
  end.writeUInt16LE(OPTION_END, 0);
  return Buffer.concat([...parts, end]);
}

/** Blocks and options are made of 32-bit words. */
function paddedLength(length: number): number {
  return (length + 3) & ~3;
}
