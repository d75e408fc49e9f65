/**
 * A size with room for headers: frames with so many bytes of payload are a little more than that. Four messages of 64 KiB are
 * common, and would be a few bytes more than a buffer of 256 KiB.
 */
export function withHeaders(bytes: number): number {
  return bytes + bytes / 64;
}

/** The most that one read brings, and the size of the largest slab for output: the answers to one full read fit. */
export const SLAB_BYTES = withHeaders(256 * 1024);

/** Slabs of one size that nobody uses now. */
export class Shelf {
  /** Of each slab. */
  readonly bytes: number;
  /** What they are made for. */
  readonly use: 'output' | 'message' | 'kernel';
  readonly free: Slab[] = [];
  /** The fewest that were free since the last look: nobody has needed those. */
  leastFree = 0;

  constructor(bytes: number, use: Shelf['use']) {
    this.bytes = bytes;
    this.use = use;
  }
}

/** One buffer that is used again, as bytes, as 32-bit words, and as words that may begin anywhere. */
export class Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Where it belongs; null for one that nothing else has the size of. */
  readonly shelf: Shelf | null;
  /** How many hold it; only the pool writes it. */
  holders = 1;
  /** A frame's header is in the room before the message: there is no room for another one. */
  hasHeader = false;
  /** The kernel has made its buffer, and counts how many there are. */
  readonly hasKernelBuffer: boolean;

  /**
   * @param length in bytes
   * @param made has it, from `at` on, a whole number of words; null for a buffer of its own
   */
  constructor(length: number, shelf: Shelf | null, made: ArrayBuffer | null = null, at = 0) {
    const buffer = made ?? new ArrayBuffer(length);
    this.shelf = shelf;
    this.bytes = new Uint8Array(buffer, at, length);
    this.words = new Int32Array(buffer, at, length >> 2);
    this.view = new DataView(buffer, at, length);
    this.hasKernelBuffer = made !== null && !this.isKernels;
  }

  /** It is in the kernel's memory. */
  get isKernels(): boolean {
    return this.shelf !== null && this.shelf.use === 'kernel';
  }
}
