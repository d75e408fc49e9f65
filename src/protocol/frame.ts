/**
 * Frames (RFC 6455 §5): opcodes, the rules of a header, how a header is written, and the order of the
 * frames of one message.
 */
import { InvalidStateError, type ProtocolRule } from '../errors.js';

/** Frame opcodes (RFC 6455 §5.2, §11.8). The others are reserved. */
export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** The opcodes that a message can have. */
export type DataOpcode = typeof Opcode.Text | typeof Opcode.Binary;

// ---- The rules of a header

/**
 * The rules of a frame header, all in one place and in the order of RFC 6455 §5.2 to §5.5, so that
 * a reviewer can hold them against the text line by line.
 */

/** The largest payload of a control frame, in bytes (RFC 6455 §5.5). */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;

/** The longest frame header: 2 bytes, an 8-byte length and a 4-byte masking key (RFC 6455 §5.2). */
export const MAX_FRAME_HEADER_BYTES = 14;

/** Which side of a connection we are (RFC 6455 §5.1: only the client masks). */
export type Role = 'server' | 'client';

/** What the rules of a header depend on beside the header itself. */
export interface FrameContext {
  /** True when we are the server, so that what arrives is masked. */
  readonly isServer: boolean;
  /** RSV bits that extensions own on the first frame of a data message: RSV1 is 4, RSV3 is 1. */
  readonly allowedRsv: number;
  /** True between the first and the last frame of a fragmented message. */
  readonly isMessageOpen: boolean;
}

/** Length bytes that follow the first two, by the 7-bit length: 0, 2 or 8 (RFC 6455 §5.2). */
export function extendedLengthBytes(second: number): number {
  const length = second & 0x7f;
  return length < 126 ? 0 : length === 126 ? 2 : 8;
}

/**
 * Names the rule that a frame header breaks, or returns null.
 *
 * Call it with `lengthHigh` -1 as soon as the first two bytes are there, so that a peer hears of its
 * mistake before the rest arrives, and again with the extended length when there is one.
 *
 * @param first FIN, RSV1 to RSV3 and the opcode
 * @param second MASK and the 7-bit length
 * @param lengthHigh upper 32 bits of the extended length, or -1 while it is not known
 * @param lengthLow lower 32 bits of the extended length
 */
// One branch per rule of the RFC is what makes this readable.
// eslint-disable-next-line complexity
export function findBrokenRule(
  first: number,
  second: number,
  lengthHigh: number,
  lengthLow: number,
  context: FrameContext,
): ProtocolRule | null {
  const opcode = first & 0x0f;
  const rsv = (first >> 4) & 0x07;
  const isControl = (opcode & 0x08) !== 0;
  const isFirstOfMessage = opcode === Opcode.Text || opcode === Opcode.Binary;

  // §5.2 RSV: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values".
  if ((rsv & ~context.allowedRsv) !== 0) return 'reserved-bit';

  // RFC 7692 §6.1, of its own bit: not on "control frames and non-first fragments of a data message".
  if (rsv !== 0 && !isFirstOfMessage) return 'reserved-bit-misplaced';

  // §5.2 Opcode: "If an unknown opcode is received, the receiving endpoint MUST _Fail_".
  if ((opcode & 0x07) > 2) return 'reserved-opcode';

  if (isControl) {
    // §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
    if ((first & 0x80) === 0) return 'control-fragmented';
    if ((second & 0x7f) > MAX_CONTROL_PAYLOAD_BYTES) return 'control-too-long';
  } else if (isFirstOfMessage) {
    // §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another".
    if (context.isMessageOpen) return 'message-interleaved';
  } else if (!context.isMessageOpen) {
    // §5.4: a continuation needs a first frame that has an opcode.
    return 'continuation-unexpected';
  }

  // §5.1: "a client MUST mask all frames", "A server MUST NOT mask any frames".
  if (((second & 0x80) !== 0) !== context.isServer) {
    return context.isServer ? 'frame-unmasked' : 'frame-masked';
  }

  if (lengthHigh < 0) return null;
  // §5.2 Payload length: "the most significant bit MUST be 0".
  if (lengthHigh > 0x7fffffff) return 'length-top-bit';
  // §5.2 Payload length: "the minimal number of bytes MUST be used to encode the length".
  const lengthBytes = extendedLengthBytes(second);
  if (lengthBytes === 2 && lengthLow < 126) return 'length-not-minimal';
  if (lengthBytes === 8 && lengthHigh === 0 && lengthLow < 0x10000) return 'length-not-minimal';
  return null;
}

// ---- Writing a header, always in its shortest form

/** FIN in the first byte of a header (RFC 6455 §5.2). */
export const FIN = 0x80;

/** Bytes that the header of a frame takes: 2, 4 or 10, and 4 more for a masking key. */
export function frameHeaderBytes(payloadBytes: number, isMasked: boolean): number {
  const lengthBytes = payloadBytes < 126 ? 0 : payloadBytes < 0x10000 ? 2 : 8;
  return 2 + lengthBytes + (isMasked ? 4 : 0);
}

/**
 * Writes a frame header at `target[at]`; the caller made room for {@link frameHeaderBytes}.
 *
 * @param first FIN, RSV1 to RSV3 and the opcode
 * @param maskingKey the first key byte in the lowest 8 bits; null for an unmasked frame
 * @returns the index after the header
 */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  first: number,
  payloadBytes: number,
  maskingKey: number | null,
): number {
  const maskBit = maskingKey === null ? 0 : 0x80;
  let position = at;
  target[position++] = first;
  if (payloadBytes < 126) {
    target[position++] = maskBit | payloadBytes;
  } else if (payloadBytes < 0x10000) {
    target[position++] = maskBit | 126;
    target[position++] = payloadBytes >> 8;
    target[position++] = payloadBytes;
  } else {
    target[position++] = maskBit | 127;
    const high = Math.floor(payloadBytes / 0x1_0000_0000);
    for (let shift = 24; shift >= 0; shift -= 8) target[position++] = high >>> shift;
    for (let shift = 24; shift >= 0; shift -= 8) target[position++] = payloadBytes >>> shift;
  }
  if (maskingKey !== null) {
    for (let shift = 0; shift < 32; shift += 8) target[position++] = maskingKey >>> shift;
  }
  return position;
}

// ---- Sending a message in pieces (RFC 6455 §5.4): first, others, last, and no other message in between

/** No message is being sent in pieces; else the opcode of the one that is. */
export const NO_PIECES = 0;

/**
 * @param openOpcode of the message whose last piece is owed, or {@link NO_PIECES}
 * @throws InvalidStateError when a piece does not fit that
 */
export function assertPieceFits(openOpcode: number, opcode: number, isFirst: boolean): void {
  const isInside = openOpcode !== NO_PIECES;
  if (isFirst === isInside)
    throw new InvalidStateError(
      isFirst ? 'a message is being sent in pieces' : 'no message is being sent',
    );
  if (isInside && opcode !== openOpcode)
    throw new InvalidStateError('all pieces of a message have one opcode');
}

/** @throws InvalidStateError when a whole message would stand between the pieces of another one */
export function assertNoPieces(openOpcode: number): void {
  if (openOpcode !== NO_PIECES) throw new InvalidStateError('a message is being sent in pieces');
}
