/**
 * The bytes that this process holds for its clients: one account, one limit.
 *
 * Each holder has a bound of its own, and a thousand bounds are no bound. So whoever takes memory for a client
 * charges it here, and releases it when it is given back: a slab, a growth, a copy, never each message.
 * How much each of them holds is not kept here; they are asked (`heldBytes`) when memory is scarce.
 */

/** Memory is scarce from this share of the limit on, and until there is less than the other. */
const NEAR_SHARE = 0.8;
const CALM_SHARE = 0.75;

/** Is told when memory becomes scarce; within `charge` or `release`, so it only takes note. */
export interface MemoryWatcher {
  /** Memory is scarce from now on. */
  nearBegan(): void;
  /** There is enough again. */
  nearEnded(): void;
  /** The limit is reached. Called for each charge while it is. */
  full(): void;
}

const NOBODY: MemoryWatcher = {
  nearBegan: () => undefined,
  nearEnded: () => undefined,
  full: () => undefined,
};

/** There is one for each process. */
export class MemoryAccount {
  /** The limit in bytes; Infinity for none. Nothing is refused at it: see {@link MemoryWatcher}. */
  readonly maxBytes: number;
  /** Bytes held. */
  bytes = 0;
  /** True from 80 % of the limit until less than 75 % are held. */
  isNear = false;
  /** Nobody, unless a server is there to make room. */
  watcher: MemoryWatcher = NOBODY;

  /** From how many bytes on a charge, and below how many a release, changes something. */
  #tellFrom: number;
  #calmBelow = -Infinity;

  /** @param maxBytes the limit; by default there is none */
  constructor(maxBytes = Infinity) {
    this.maxBytes = maxBytes;
    this.#tellFrom = maxBytes * NEAR_SHARE;
  }

  /** Memory was taken. */
  charge(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes >= this.#tellFrom) this.#rose();
  }

  /** It was given back, or is nobody's any more. */
  release(bytes: number): void {
    this.bytes -= bytes;
    if (this.bytes < this.#calmBelow) this.#fell();
  }

  #rose(): void {
    if (!this.isNear) {
      this.isNear = true;
      this.#tellFrom = this.maxBytes;
      this.#calmBelow = this.maxBytes * CALM_SHARE;
      this.watcher.nearBegan();
    }
    if (this.bytes >= this.maxBytes) this.watcher.full();
  }

  #fell(): void {
    this.isNear = false;
    this.#tellFrom = this.maxBytes * NEAR_SHARE;
    this.#calmBelow = -Infinity;
    this.watcher.nearEnded();
  }
}
