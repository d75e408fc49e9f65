/** Frame headers for what we send, always in their shortest form (RFC 6455 §5.2). */

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
 * @returns the index behind the header
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
