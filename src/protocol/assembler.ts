/**
 * Fragments into messages (RFC 6455 §5.4), and frames that span reads into whole payloads.
 *
 * All pieces of a message go into one buffer that grows with what has arrived, never with what a
 * peer declares: a million one-byte fragments cost a megabyte, and a declared 2^62 costs nothing.
 */
import { Buffer } from 'node:buffer';

/** The first buffer of a message; small, since an attacker can open many messages. */
const MIN_CAPACITY_BYTES = 1024;

export class Assembler {
  /** What has arrived of the open message: `bytes[0, length)`. */
  bytes: Uint8Array | null = null;
  length = 0;

  /**
   * Appends a piece, which is copied.
   *
   * @param limitBytes the largest message; the caller has checked that the piece fits
   */
  append(piece: Uint8Array, start: number, end: number, limitBytes: number): void {
    if (start === end) return;
    const needed = this.length + end - start;
    if (this.bytes === null || this.bytes.length < needed) this.#grow(needed, limitBytes);
    this.bytes!.set(piece.subarray(start, end), this.length);
    this.length = needed;
  }

  /** Forgets the message. Its buffer is not used again, so whoever was given it may keep it. */
  reset(): void {
    this.bytes = null;
    this.length = 0;
  }

  /** Doubles, so that copying stays in proportion; the limit caps the last step. */
  #grow(needed: number, limitBytes: number): void {
    const doubled = this.bytes === null ? MIN_CAPACITY_BYTES : this.bytes.length * 2;
    const capacity = Math.max(needed, Math.min(doubled, limitBytes));
    // Not zeroed: only what has arrived, `bytes[0, length)`, is ever looked at.
    const grown = Buffer.allocUnsafeSlow(capacity);
    if (this.bytes !== null) grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
