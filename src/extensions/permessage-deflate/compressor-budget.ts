/**
 * How much memory live compressors may take. A sender may forget its history between two messages
 * without telling anybody (RFC 7692 §7.1.1.1 binds the receiver to remember, not the sender to refer),
 * so an idle compressor can go: the least recently used first when the budget is spent, and whoever
 * was not used for a while in any case.
 */

import { MemoryAccount } from '../../budget/memory-account.js';

/** Someone who holds a compressor and can do without. */
export interface CompressorHolder {
  /** Memory of its compressor, in bytes. */
  readonly compressorBytes: number;
  /** Gives the compressor back; false when it is in the middle of a message. */
  dropCompressor(): boolean;
}

/** Unused for one whole period means idle, so a compressor goes after one to two periods. */
const PERIOD_MS = 15_000;

export class CompressorBudget {
  /** Memory of all live compressors, in bytes. */
  liveBytes = 0;
  /** Compressors that had to go: for others, and for not being used. */
  evictedForMemory = 0;
  evictedIdle = 0;
  readonly #maxBytes: number;
  readonly #memory: MemoryAccount;
  /** Holders, the least recently used first, with the period in which each was used last. */
  readonly #holders = new Map<CompressorHolder, number>();
  /** Those that were found at work when they should have gone: nobody looks at them again until they rest. */
  readonly #working = new Set<CompressorHolder>();
  #period = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param maxBytes 0 means that no compressor outlives its message
   * @param memory is charged for all of them; by default it has no limit
   */
  constructor(maxBytes: number, memory = new MemoryAccount()) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  get liveCount(): number {
    return this.#holders.size + this.#working.size;
  }

  /** A holder uses its compressor, which it may have made just now; others make room. */
  use(holder: CompressorHolder): void {
    if (this.#holders.delete(holder) || this.#working.delete(holder)) {
      this.#holders.set(holder, this.#period);
      return;
    }
    this.#holders.set(holder, this.#period);
    this.liveBytes += holder.compressorBytes;
    this.#memory.charge(holder.compressorBytes);
    this.#timer ??= setInterval(() => {
      this.endPeriod();
    }, PERIOD_MS).unref();
    for (const [other] of this.#holders) {
      if (this.liveBytes <= this.#maxBytes) break;
      if (other !== holder && this.#drop(other)) this.evictedForMemory++;
    }
  }

  /** Called when a message is through: with no budget left even its own compressor goes. */
  rest(holder: CompressorHolder): void {
    if (this.#working.delete(holder)) this.#holders.set(holder, this.#period);
    // One that was given back within the message is not there to go.
    if (this.liveBytes <= this.#maxBytes || !this.#holders.has(holder)) return;
    if (this.#drop(holder)) this.evictedForMemory++;
  }

  /** The holder has given its compressor back. */
  release(holder: CompressorHolder): void {
    if (!this.#holders.delete(holder) && !this.#working.delete(holder)) return;
    this.liveBytes -= holder.compressorBytes;
    this.#memory.release(holder.compressorBytes);
    if (this.liveCount > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Drops what was not used since the period before; the timer calls it. */
  endPeriod(): void {
    for (const [holder, period] of this.#holders) {
      if (period >= this.#period) break;
      if (this.#drop(holder)) this.evictedIdle++;
    }
    this.#period++;
  }

  /** @returns false when it is in the middle of a message */
  #drop(holder: CompressorHolder): boolean {
    const isDropped = holder.dropCompressor();
    if (isDropped) {
      this.release(holder);
    } else {
      this.#holders.delete(holder);
      this.#working.add(holder);
    }
    return isDropped;
  }
}
