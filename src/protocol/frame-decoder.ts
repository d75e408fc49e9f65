/**
 * Frame headers out of a byte stream that may be cut anywhere (RFC 6455 §5.2).
 *
 * No byte is kept: what has been seen of a header lives in a few integers, so an idle connection
 * holds no buffer, and a header of 14 bytes in 14 reads costs no more than one in one read.
 */
import { ProtocolError } from '../errors.js';
import {
  extendedLengthBytes,
  findBrokenRule,
  type FrameContext,
  MAX_FRAME_HEADER_BYTES,
} from './frame.js';

/** `lengthHigh` while no extended length is known. */
const UNKNOWN = -1;

export class FrameDecoder {
  /** True inside a header that is not complete. */
  get isInHeader(): boolean {
    return this.#seen !== 0;
  }

  /** Opcode of the frame whose header was read last. */
  opcode = 0;
  /** FIN of that frame. */
  isFinal = false;
  /** Its reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  rsv = 0;
  /** Its payload length in bytes; exact up to 2^53, beyond that at least 2^53. */
  length = 0;
  /** Its masking key, the first byte in the lowest 8 bits; 0 when the frame is not masked. */
  maskingKey = 0;

  /** Header bytes seen of a header that is not complete. */
  #seen = 0;
  #first = 0;
  #second = 0;
  #lengthHigh = 0;
  #lengthLow = 0;

  /**
   * Reads a header, or what is there of it, from `bytes[start, end)`.
   *
   * @returns the index of the first payload byte, or -1 when the header is not complete
   * @throws ProtocolError for a wrong header: with its second byte, or with the last of its length
   */
  readHeader(bytes: Uint8Array, start: number, end: number, context: FrameContext): number {
    if (this.#seen !== 0 || end - start < MAX_FRAME_HEADER_BYTES) {
      return this.#readBytewise(bytes, start, end, context);
    }
    const first = bytes[start]!;
    const second = bytes[start + 1]!;
    let position = start + 2;
    let length = second & 0x7f;
    let lengthHigh = UNKNOWN;
    let lengthLow = 0;
    if (length === 126) {
      lengthHigh = 0;
      length = lengthLow = (bytes[position]! << 8) | bytes[position + 1]!;
      position += 2;
    } else if (length === 127) {
      lengthHigh = readUint32(bytes, position);
      lengthLow = readUint32(bytes, position + 4);
      length = lengthHigh * 0x1_0000_0000 + lengthLow;
      position += 8;
    }
    const rule = findBrokenRule(first, second, lengthHigh, lengthLow, context);
    if (rule !== null) throw new ProtocolError(rule);
    this.opcode = first & 0x0f;
    this.isFinal = (first & 0x80) !== 0;
    this.rsv = (first >> 4) & 0x07;
    this.length = length;
    if ((second & 0x80) === 0) {
      this.maskingKey = 0;
      return position;
    }
    this.maskingKey =
      bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24);
    return position + 4;
  }

  /** The same for a header that is cut, or that stands at the end of a read. */
  #readBytewise(bytes: Uint8Array, start: number, end: number, context: FrameContext): number {
    for (let position = start; position < end; position++) {
      if (this.#takeByte(bytes[position]!, context)) {
        this.#seen = 0;
        return position + 1;
      }
    }
    return -1;
  }

  /** Takes one header byte; true when it was the last. */
  #takeByte(byte: number, context: FrameContext): boolean {
    const index = this.#seen++;
    if (index === 0) {
      this.#first = byte;
      this.opcode = byte & 0x0f;
      this.isFinal = (byte & 0x80) !== 0;
      this.rsv = (byte >> 4) & 0x07;
      return false;
    }
    if (index === 1) {
      this.#second = byte;
      this.#lengthHigh = this.#lengthLow = this.maskingKey = 0;
      this.length = byte & 0x7f;
      this.#check(UNKNOWN, context);
      return (byte & 0x80) === 0 && extendedLengthBytes(byte) === 0;
    }
    const maskStart = 2 + extendedLengthBytes(this.#second);
    if (index < maskStart) {
      if (index < maskStart - 4) this.#lengthHigh = ((this.#lengthHigh << 8) | byte) >>> 0;
      else this.#lengthLow = ((this.#lengthLow << 8) | byte) >>> 0;
      if (index < maskStart - 1) return false;
      this.#check(this.#lengthHigh, context);
      this.length = this.#lengthHigh * 0x1_0000_0000 + this.#lengthLow;
      return (this.#second & 0x80) === 0;
    }
    this.maskingKey |= byte << ((index - maskStart) << 3);
    return index === maskStart + 3;
  }

  #check(lengthHigh: number, context: FrameContext): void {
    const rule = findBrokenRule(this.#first, this.#second, lengthHigh, this.#lengthLow, context);
    if (rule !== null) throw new ProtocolError(rule);
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

/** Decoders not in use: idle connections share them. */
const spareDecoders: FrameDecoder[] = [];
const MAX_SPARE_DECODERS = 64;

/** A decoder that stands between two frames. */
export function borrowDecoder(): FrameDecoder {
  return spareDecoders.pop() ?? new FrameDecoder();
}

/** Takes a decoder back; one inside a header is dropped. */
export function returnDecoder(decoder: FrameDecoder): void {
  if (!decoder.isInHeader && spareDecoders.length < MAX_SPARE_DECODERS) spareDecoders.push(decoder);
}
