/**
 * Fragments into messages (RFC 6455 §5.4), and frames that span reads into whole payloads.
 *
 * All pieces of a message go into one buffer that grows with what has arrived, never with what a
 * peer declares: a million one-byte fragments cost a megabyte, and a declared 2^62 costs nothing.
 * What is still to come of a large frame is read into its place there.
 */
import { Buffer } from 'node:buffer';
import type { MemoryAccount } from '../budget/memory-account.js';
import { NO_BYTES } from './bytes.js';
import type { Slab } from './slabs/slab.js';
import { HEADROOM_BYTES, type SlabPool } from './slabs/slab-pool.js';

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

/** One message. */
export class Assembler {
  /** What has arrived: `bytes[start, start + length)`. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  length = 0;
  /** What `bytes` are of; null for memory of their own, which whoever gets the message may keep. */
  slab: Slab | null = null;

  /**
   * The largest buffer, if all fits. The limit belongs to the message and not to a fragment: a bound that rises
   * from piece to piece would be reached, and everything copied, once for each of them.
   */
  readonly #limitBytes: number;
  readonly #pool: SlabPool | null;
  readonly #memory: MemoryAccount | null;
  #heldBytes = 0;

  /**
   * @param limitBytes the largest that the message can become
   * @param pool has the memory; null for memory of its own
   * @param memory is charged for that until {@link free}; null for nobody. A pool has its own account
   */
  constructor(
    limitBytes: number,
    pool: SlabPool | null = null,
    memory: MemoryAccount | null = null,
  ) {
    this.#limitBytes = limitBytes;
    this.#pool = pool;
    this.#memory = memory;
  }

  /** The memory that the message takes, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The message is somebody else's from now on, or nobody's. */
  free(): void {
    this.#memory?.release(this.#heldBytes);
    this.#heldBytes = 0;
    if (this.slab !== null) this.#pool!.give(this.slab);
    this.slab = null;
  }

  /**
   * Appends a piece. It is copied, unless it was read into its place, see {@link placeFor}.
   *
   * @param expectedBytes what is still to come of the message, as the header of its last frame says; Infinity for another one
   */
  append(piece: Uint8Array, start: number, end: number, expectedBytes: number): void {
    if (start === end) return;
    const needed = this.length + end - start;
    const isInSlab = this.slab !== null && piece.buffer === this.bytes.buffer;
    if (!isInSlab || piece.byteOffset + start !== this.start + this.length) {
      if (this.#room < end - start) {
        // A slab that grows where it is leaves nothing in the piece.
        this.#grow(needed, this.#capacityFor(needed, expectedBytes), isInSlab);
      }
      this.bytes.set(piece.subarray(start, end), this.start + this.length);
    }
    this.length = needed;
  }

  /**
   * Where the next bytes can be read to, so that {@link append} need not copy them.
   *
   * @param maxBytes that are read at once; no more than are still to come of the frame
   * @param leastBytes fewer are not worth it; no more than `maxBytes`
   * @param expectedBytes as in {@link append}
   * @returns null when there is no room for that many, since memory follows what has arrived
   */
  placeFor(maxBytes: number, leastBytes: number, expectedBytes: number): Uint8Array | null {
    const { length } = this;
    if (this.#pool === null || length === 0) return null;
    if (this.#room < leastBytes) {
      const capacity = this.#capacityFor(length, expectedBytes);
      // Else everything would be copied after each read, and there still be no room.
      if (capacity < length + leastBytes) return null;
      this.#grow(length + leastBytes, capacity, false);
    }
    const at = this.start + length;
    return this.bytes.subarray(at, at + Math.min(this.#room, maxBytes));
  }

  /** How many more bytes there is room for. */
  get #room(): number {
    return this.bytes.length - this.start - this.length;
  }

  /**
   * Doubles at least, so that copying stays in proportion; only the last step, to the limit, may be
   * smaller. A frame whose greater part is still to come gets its whole room once a quarter has arrived.
   */
  #capacityFor(needed: number, expectedBytes: number): number {
    const isOpen = expectedBytes === Infinity;
    const most = needed * MAX_CAPACITY_RATIO;
    const wanted = isOpen ? Math.min(most, this.#limitBytes) : needed + expectedBytes;
    const isAllowed = wanted >= needed && wanted <= this.#limitBytes;
    // What is free takes no more memory, and nothing has to be copied again.
    if (isAllowed && this.#pool?.hasFreeFor(wanted) === true) return wanted;
    const whole = isOpen ? needed : Math.min(wanted, most);
    const doubled = Math.max(MIN_CAPACITY_BYTES, (this.bytes.length - this.start) * 2, whole);
    return needed > this.#limitBytes ? doubled : Math.min(doubled, this.#limitBytes);
  }

  /** @param needed that must fit @param capacity that had better @param isMoved whether it has to be into another buffer */
  #grow(needed: number, capacity: number, isMoved: boolean): void {
    const before = this.bytes.subarray(this.start, this.start + this.length);
    if (this.#pool === null) {
      // Not zeroed: only what has arrived is ever looked at.
      this.bytes = Buffer.allocUnsafeSlow(capacity);
      this.bytes.set(before);
    } else {
      const { slab } = this;
      if (slab !== null && !isMoved && this.#pool.growForMessage(slab, needed, capacity)) {
        this.bytes = slab.bytes;
      } else {
        this.slab = this.#pool.takeForMessage(needed, capacity);
        this.bytes = this.slab.bytes;
        this.start = HEADROOM_BYTES;
        this.bytes.set(before, this.start);
        if (slab !== null) this.#pool.give(slab);
      }
    }
    this.#memory?.charge(this.bytes.length - this.#heldBytes);
    this.#heldBytes = this.bytes.length;
  }
}
