/**
 * Fragments into messages (RFC 6455 §5.4), and frames that span reads into whole payloads.
 *
 * All pieces of a message go into one buffer that grows with what has arrived, never with what a
 * peer declares: a million one-byte fragments cost a megabyte, and a declared 2^62 costs nothing.
 */
import { Buffer } from 'node:buffer';

/** The first buffer of a message; small, since an attacker can open many messages. */
const MIN_CAPACITY_BYTES = 1024;

/** The most that is allocated for each byte that has arrived. */
const MAX_CAPACITY_RATIO = 4;

const NO_BYTES = new Uint8Array(0);

/**
 * The most payload bytes of one message on the wire. What an extension made of a message may be a little
 * larger than the message, so one with a reserved bit set may have 1/32 and 64 bytes more (deflate adds
 * 1/3000 to noise); the extension sees to it that no more than `maxMessageBytes` come out.
 *
 * @param rsv reserved bits of the message's first frame
 */
export function wireLimitBytes(maxMessageBytes: number, rsv: number): number {
  return rsv === 0 ? maxMessageBytes : maxMessageBytes + (maxMessageBytes >>> 5) + 64;
}

/** One message. Its buffer is not used again, so whoever is given the message may keep it. */
export class Assembler {
  /** What has arrived: `bytes[0, length)`. */
  bytes: Uint8Array = NO_BYTES;
  length = 0;

  /**
   * Appends a piece, which is copied.
   *
   * @param expectedBytes what is still to come of the same frame, as its header says
   * @param limitBytes the largest message; the caller has checked that the piece fits
   */
  append(
    piece: Uint8Array,
    start: number,
    end: number,
    expectedBytes: number,
    limitBytes: number,
  ): void {
    if (start === end) return;
    const needed = this.length + end - start;
    if (this.bytes.length < needed) this.#grow(needed, expectedBytes, limitBytes);
    this.bytes.set(piece.subarray(start, end), this.length);
    this.length = needed;
  }

  /**
   * Doubles at least, so that copying stays in proportion. A frame whose greater part is still to
   * come gets its whole room once a quarter has arrived.
   */
  #grow(needed: number, expectedBytes: number, limitBytes: number): void {
    const whole = Math.min(needed + expectedBytes, needed * MAX_CAPACITY_RATIO);
    const doubled = Math.max(MIN_CAPACITY_BYTES, this.bytes.length * 2, whole);
    // Not zeroed: only what has arrived is ever looked at.
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(doubled, limitBytes)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
