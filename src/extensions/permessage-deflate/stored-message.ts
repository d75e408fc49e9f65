/**
 * A message as deflate blocks that hold it as it is (RFC 1951 §3.2.4, RFC 7692 §7.2.3.3): no compressor is
 * needed for it, and 6 bytes more.
 */

/** The most bytes in one block. */
const MAX_BLOCK_BYTES = 0xffff;

/** The type of the block, its length, and the same with all bits turned round. */
const BLOCK_HEADER_BYTES = 5;

/** What most messages fit into that are not compressed. */
const scratch = new Uint8Array(1024);

/** The result is valid until the next call. */
export function storedMessage(payload: Uint8Array): Uint8Array {
  const blocks = Math.ceil(payload.length / MAX_BLOCK_BYTES);
  const length = payload.length + blocks * BLOCK_HEADER_BYTES + 1;
  const output = length > scratch.length ? new Uint8Array(length) : scratch.subarray(0, length);
  let at = 0;
  for (let from = 0; from < payload.length; from += MAX_BLOCK_BYTES) {
    const part = payload.subarray(from, from + MAX_BLOCK_BYTES);
    output[at] = 0;
    output[at + 1] = part.length & 0xff;
    output[at + 2] = part.length >> 8;
    output[at + 3] = ~part.length & 0xff;
    output[at + 4] = (~part.length >> 8) & 0xff;
    output.set(part, at + BLOCK_HEADER_BYTES);
    at += BLOCK_HEADER_BYTES + part.length;
  }
  // The beginning of an empty block, whose end each message leaves out (RFC 7692 §7.2.1).
  output[at] = 0;
  return output;
}
