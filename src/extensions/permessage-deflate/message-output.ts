/**
 * Where (de)compressed bytes go. A message of one slice fills a scratch buffer that all messages
 * share. A larger one leaves it with what it has, and when its turn comes it fills the one large
 * buffer of those that stand in line (see `SlicedWork`).
 */
import { Buffer } from 'node:buffer';
import { NO_BYTES, copyPayload } from '../../protocol/bytes.js';
import { SLICE_BYTES } from './sliced-work.js';

/** Up to this size the large buffer is kept for the next message. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Up to this size a buffer is made at once for the largest message there may be; beyond it doubles. No
 * Node can make one of any size, and a limit of gigabytes does not mean that messages have them.
 */
const FULL_BYTES = 64 * 1024 * 1024;

/** A buffer for the messages of one slice, to be had once for each direction. */
export function makeScratch(): Uint8Array {
  return Buffer.allocUnsafeSlow(SLICE_BYTES);
}

/** With so many in line, a message leaves with little: what each holds while it waits adds up. */
const CROWD = 16;
const CROWDED_BYTES = 16 * 1024;

/** What a message may use of the scratch buffer before it has to stand in line. */
export function scratchFor(scratch: Uint8Array, waitingCount: number): Uint8Array {
  return waitingCount < CROWD ? scratch : scratch.subarray(0, CROWDED_BYTES);
}

/** The output of whichever large message has its turn. */
export class LargeBuffer {
  bytes: Uint8Array = NO_BYTES;

  /**
   * Makes room for more after the first `length` bytes.
   *
   * @param maxBytes how large the message may become: memory that is not written to is not used, so
   *   a large buffer is made once, in full, as long as that is not absurd
   */
  grow(length: number, maxBytes: number): void {
    const { bytes } = this;
    let capacity = Math.max(KEPT_BYTES, length + SLICE_BYTES);
    if (capacity > KEPT_BYTES) {
      const full = Math.min(maxBytes + SLICE_BYTES, Math.max(FULL_BYTES, length * 2));
      // Noise becomes a little larger than was estimated: then it doubles as well.
      capacity = Math.max(capacity, length < maxBytes ? full : length * 2);
    }
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.bytes.set(bytes.subarray(0, length));
  }

  /** Nobody needs it now: what is large goes. */
  trim(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = NO_BYTES;
  }
}

/** The output of one message. */
export class MessageOutput {
  bytes: Uint8Array;
  length = 0;
  /** How large it may become: an estimate, what comes out in the end may be more. */
  readonly maxBytes: number;
  readonly #large: LargeBuffer;
  #hasTurn = false;

  constructor(scratch: Uint8Array, large: LargeBuffer, maxBytes: number) {
    this.bytes = scratch;
    this.#large = large;
    this.maxBytes = maxBytes;
  }

  /** Where the next step may write to: a slice at most. */
  get end(): number {
    return Math.min(this.bytes.length, this.length + SLICE_BYTES);
  }

  get isFull(): boolean {
    return this.length === this.bytes.length;
  }

  /** What came out. */
  get result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The slice is over: leaves the scratch buffer to others. */
  endSlice(): void {
    if (!this.#hasTurn) this.bytes = copyPayload(this.result);
  }

  /** The next slice begins: nobody else uses the large buffer until this message is through. */
  beginSlice(): void {
    if (!this.#hasTurn) {
      this.#hasTurn = true;
      if (this.#large.bytes.length < this.length + SLICE_BYTES) this.#large.grow(0, this.maxBytes);
      this.#large.bytes.set(this.bytes);
      this.bytes = this.#large.bytes;
    } else if (this.isFull) {
      this.#large.grow(this.length, this.maxBytes);
      this.bytes = this.#large.bytes;
    }
  }
}
