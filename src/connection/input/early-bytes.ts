/**
 * Bytes that come before anything can look at them: frames while a mode decides, or requests after one that
 * is being answered. Each byte is copied a few times at most, however small the pieces that come and go.
 */
import type { MemoryAccount } from '../../budget/memory-account.js';

const MIN_CAPACITY_BYTES = 1024;

const NO_BYTES = new Uint8Array(0);

export class EarlyBytes {
  /** They are `bytes[start, end)`. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;

  readonly #memory: MemoryAccount | null;

  /** @param memory is charged for them until {@link free}; null, the default, for nobody */
  constructor(memory: MemoryAccount | null = null) {
    this.#memory = memory;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** The memory that they take. */
  get heldBytes(): number {
    return this.bytes.length;
  }

  /** Keeps bytes. Those of a read are copied; what is left of the kept ones stays where it is. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (bytes === this.bytes) {
      this.start = start;
      this.end = end;
      return;
    }
    this.#makeRoom(end - start);
    this.bytes.set(bytes.subarray(start, end), this.end);
    this.end += end - start;
  }

  /** They are looked at now. What is left of them must be kept again, before anything else is. */
  forget(): void {
    this.start = this.end = 0;
  }

  /** Nobody needs them any more. */
  free(): void {
    this.#memory?.release(this.bytes.length);
    this.bytes = NO_BYTES;
    this.forget();
  }

  #makeRoom(count: number): void {
    if (this.bytes.length - this.end >= count) return;
    const { length } = this;
    const needed = length + count;
    if (needed * 2 <= this.bytes.length) {
      // More have left since the last time than are moved now.
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const larger = new Uint8Array(Math.max(MIN_CAPACITY_BYTES, needed * 2));
      larger.set(this.bytes.subarray(this.start, this.end));
      this.#memory?.charge(larger.length - this.bytes.length);
      this.bytes = larger;
    }
    this.start = 0;
    this.end = length;
  }
}
