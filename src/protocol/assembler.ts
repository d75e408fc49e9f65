/**
 * Fragments into messages (RFC 6455 §5.4), and frames that span reads into whole payloads.
 *
 * All pieces of a message go into one buffer that grows with what has arrived, never with what a
 * peer declares: a million one-byte fragments cost a megabyte, and a declared 2^62 costs nothing.
 */
import { Buffer } from 'node:buffer';
import { NO_BYTES } from './bytes.js';

/** The first buffer of a message; small, since an attacker can open many messages. */
const MIN_CAPACITY_BYTES = 1024;

/** The most that is allocated for each byte that has arrived. */
const MAX_CAPACITY_RATIO = 4;

/**
 * What a fragment may add to a message that an extension has changed. Deflate ends each one with a flush
 * of up to 6 bytes, rounds it up to a byte, and gives what cannot be compressed a header of 5.
 */
const FRAGMENT_COST_BYTES = 16;

/** The same for a message as a whole, however small it is. */
const MESSAGE_COST_BYTES = 64;

/**
 * The most payload bytes of one message on the wire.
 *
 * What an extension made of a message may be larger than the message: with a reserved bit set it may have
 * a quarter more and 16 bytes for each fragment. That is above zlib's own bound for any memory level, window
 * and strategy, which is 1/8 + 1/256 + 1/512 and 7 bytes for each piece that is flushed (`deflateBound`), and
 * above Snappy's, which is 1/6. A fragment without a byte of the message in it adds nothing: so no more
 * of them count than the message may have bytes. What comes out in the end is for the extension to bound.
 *
 * @param rsv reserved bits of the message's first frame
 * @param fragments that the message has so far
 */
export function wireLimitBytes(maxMessage: number, rsv: number, fragments: number): number {
  if (rsv === 0) return maxMessage;
  const countedFragments = Math.min(fragments, maxMessage);
  const quarter = Math.floor(maxMessage / 4);
  return maxMessage + quarter + countedFragments * FRAGMENT_COST_BYTES + MESSAGE_COST_BYTES;
}

/** One message. Its buffer is not reused, so the receiver of the message may keep it. */
export class Assembler {
  /** What has arrived: `bytes[0, length)`. */
  bytes: Uint8Array = NO_BYTES;
  length = 0;

  /**
   * The largest buffer, if all fits. The limit belongs to the message and not to a fragment: a bound that rises
   * from piece to piece would be reached, and everything copied, once for each of them.
   */
  readonly #limitBytes: number;

  /** @param limitBytes the largest that the message can become */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Appends a piece, which is copied.
   *
   * @param expectedBytes what is still to come of the same frame, as its header says
   */
  append(piece: Uint8Array, start: number, end: number, expectedBytes: number): void {
    if (start === end) return;
    const needed = this.length + end - start;
    if (this.bytes.length < needed) this.#grow(needed, expectedBytes);
    this.bytes.set(piece.subarray(start, end), this.length);
    this.length = needed;
  }

  /**
   * Doubles at least, so that copying stays in proportion; only the last step, to the limit, may be
   * smaller. A frame whose greater part is still to come gets its whole room once a quarter has arrived.
   */
  #grow(needed: number, expectedBytes: number): void {
    const whole = Math.min(needed + expectedBytes, needed * MAX_CAPACITY_RATIO);
    const doubled = Math.max(MIN_CAPACITY_BYTES, this.bytes.length * 2, whole);
    const capacity = needed > this.#limitBytes ? doubled : Math.min(doubled, this.#limitBytes);
    // Not zeroed: only what has arrived is ever looked at.
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
