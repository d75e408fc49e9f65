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

/** A buffer that can become larger where it is: nothing is copied, but views of it before are of no use any more. */
export interface GrowingBuffer {
  readonly buffer: ArrayBuffer;
  /** @returns whether it has so many bytes now */
  grow(bytes: number): boolean;
}

/** One buffer that is used again, as bytes, as 32-bit words, and as words that may begin anywhere. */
export class Slab {
  bytes: Uint8Array;
  words: Int32Array;
  view: DataView;
  /** Where it belongs; null for one that nothing else has the size of. */
  shelf: Shelf | null;
  /** How many hold it; only the pool writes it. */
  holders = 1;
  /** A frame's header is in the room before the message: there is no room for another one. */
  hasHeader = false;
  /** The kernel has made its buffer, and counts how many there are; null for any other. */
  readonly growing: GrowingBuffer | null;

  /**
   * @param length in bytes
   * @param growing has it; null for a buffer of its own
   * @param made has it, from `at` on, a whole number of words
   */
  constructor(
    length: number,
    shelf: Shelf | null,
    growing: GrowingBuffer | null = null,
    made = growing?.buffer ?? new ArrayBuffer(length),
    at = 0,
  ) {
    this.shelf = shelf;
    this.growing = growing;
    this.bytes = new Uint8Array(made, at, length);
    this.words = new Int32Array(made, at, length >> 2);
    this.view = new DataView(made, at, length);
  }

  /** Makes it as large as those of another shelf, whose it is then. @returns false when that cannot be */
  growTo(shelf: Shelf): boolean {
    const { growing } = this;
    if (growing?.grow(shelf.bytes) !== true) return false;
    const { buffer } = growing;
    this.shelf = shelf;
    this.bytes = new Uint8Array(buffer, 0, shelf.bytes);
    this.words = new Int32Array(buffer, 0, shelf.bytes >> 2);
    this.view = new DataView(buffer, 0, shelf.bytes);
    return true;
  }

  /** It is in the kernel's memory. */
  get isKernels(): boolean {
    return this.shelf !== null && this.shelf.use === 'kernel';
  }
}
