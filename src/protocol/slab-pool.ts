/**
 * Large buffers that are reused: connections write into them between two writes to their sockets.
 *
 * A slab is with one owner at a time, and an idle connection owns none. While every write is taken
 * by the kernel at once, one slab serves the whole process and stays in the processor's cache.
 */

/** Size of one slab: the answers to one full read fit. */
export const SLAB_BYTES = 256 * 1024;

/** Free slabs that are kept; the memory of a burst goes back to the system. */
const MAX_FREE_SLABS = 16;

/** One buffer, as bytes and as 32-bit words. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

export class SlabPool {
  readonly #free: Slab[] = [];

  /** Number of free slabs. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** Hands out a slab. Its bytes are stale: write before you send. */
  take(): Slab {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const buffer = new ArrayBuffer(SLAB_BYTES);
    return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
  }

  /** Takes a slab back; no view of it may be in use. */
  give(slab: Slab): void {
    if (this.#free.length < MAX_FREE_SLABS) this.#free.push(slab);
  }
}
