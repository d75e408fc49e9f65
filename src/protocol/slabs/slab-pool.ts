/**
 * Large buffers that are used again. Fresh memory of this size costs page faults and garbage collections that dwarf
 * the copying.
 *
 * - Output: connections write into slabs between two writes to their sockets. While every write is taken by the
 *   kernel at once, one slab serves the whole process and stays in the processor's cache. A client that does not read
 *   keeps the slab of the last write, though most of it has left: so there are small ones too, and nobody takes a
 *   larger one than is filled.
 * - Messages: one that spans reads is put together in a slab, and is sent back from there.
 *
 * Nobody else has a slab that somebody holds, and an idle connection holds none.
 */
import { MemoryAccount } from '../../budget/memory-account.js';
import { forgetBuffer } from '../bytes.js';
import { MAX_FRAME_HEADER_BYTES } from '../frame.js';
import type { Kernel } from '../kernel/kernel.js';
import { SLAB_BYTES, Shelf, Slab, withHeaders } from './slab.js';

/** A slab that is full is replaced by one so many times as large, until it is the largest. */
export const SLAB_GROWTH = 4;

/** Where a message begins in its slab: before it is room for the header of a frame. A whole number of words. */
export const HEADROOM_BYTES = (MAX_FRAME_HEADER_BYTES + 3) & ~3;

/** Free slabs for output that are kept of each size; the memory of a burst goes back to the system. */
const MAX_FREE_SLABS = 16;

const OUTPUT_SIZES = [...[4, 16, 64].map((kibibytes) => withHeaders(kibibytes * 1024)), SLAB_BYTES];

/** The sizes of messages that slabs are made for: larger ones than the last have slabs of their own, not used again. */
const MESSAGE_SIZES = [1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384].map(
  (kibibytes) => kibibytes * 1024,
);

/** The largest that a slab for messages can grow to. */
const MOST_BYTES = MESSAGE_SIZES.at(-1)! + HEADROOM_BYTES;

/** From this size a slab for messages has a buffer in which payloads are unmasked fast. */
const KERNEL_BYTES = 128 * 1024;

/** What of the memory that a process may hold free slabs for messages may take, and how much without a limit. */
const FREE_MESSAGE_SHARE = 1 / 8;
const FREE_MESSAGE_BYTES = 64 * 1024 * 1024;

export class SlabPool {
  /** Is charged for all slabs, free ones too. */
  readonly memory: MemoryAccount;
  /** By their size, the smallest first. */
  readonly #output = OUTPUT_SIZES.map((bytes) => new Shelf(bytes, 'output'));
  readonly #messages = MESSAGE_SIZES.map((bytes) => new Shelf(bytes + HEADROOM_BYTES, 'message'));
  readonly #maxFreeMessageBytes: number;
  #freeMessageBytes = 0;
  /** Has slabs that it works on; null where there is none. */
  readonly kernel: Kernel | null;

  /** @param memory by default it has no limit */
  constructor(memory = new MemoryAccount(), kernel: Kernel | null = null) {
    this.memory = memory;
    this.kernel = kernel;
    this.#maxFreeMessageBytes = Math.min(FREE_MESSAGE_BYTES, memory.maxBytes * FREE_MESSAGE_SHARE);
  }

  /** Number of free slabs. */
  get freeCount(): number {
    return [...this.#output, ...this.#messages].reduce((count, { free }) => count + free.length, 0);
  }

  /** What free slabs for messages take, in bytes. */
  get freeMessageBytes(): number {
    return this.#freeMessageBytes;
  }

  /**
   * Hands out the smallest slab for output that so much fits into, or the largest. Its bytes are stale: write before
   * you send.
   */
  take(bytes: number = SLAB_BYTES): Slab {
    return this.#takeFrom(shelfFor(this.#output, bytes) ?? this.#output.at(-1)!);
  }

  /** The same, in the kernel's memory if possible: that is more than most need, so it is not done while memory is scarce. */
  takeForEcho(bytes: number): Slab {
    const slab = this.memory.isNear ? undefined : this.kernel?.shelf.free.pop();
    if (slab === undefined) return this.take(bytes);
    // All pools of a process share them, so free ones are nobody's.
    this.memory.charge(slab.bytes.length);
    return prepared(slab);
  }

  /**
   * Hands out a slab for a message, which begins at {@link HEADROOM_BYTES}.
   *
   * @param bytes that must fit
   * @param wanted how many had better fit, and no more than that if possible
   */
  takeForMessage(bytes: number, wanted: number): Slab {
    const shelf = this.#shelfForMessage(bytes, wanted);
    return shelf === null ? this.#make(wanted + HEADROOM_BYTES, null) : this.#takeFrom(shelf);
  }

  #shelfForMessage(bytes: number, wanted: number): Shelf | null {
    const shelves = this.#messages;
    const shelf = shelfFor(shelves, wanted + HEADROOM_BYTES);
    if (shelf === null || shelf.free.length > 0) return shelf;
    const smaller = shelves[shelves.indexOf(shelf) - 1];
    // Less than was wanted, rather than twice as much.
    const isEnough = smaller !== undefined && smaller.bytes >= bytes + HEADROOM_BYTES;
    const isTooMuch = shelf.bytes > wanted + wanted / 2 && shelf !== shelves[0];
    return isEnough && isTooMuch ? smaller : shelf;
  }

  /**
   * Makes a slab for a message larger, with what is in it, if that takes no copy and no slab of the size is free.
   * Parameters as of {@link takeForMessage}.
   *
   * @returns false when it is as it was
   */
  growForMessage(slab: Slab, bytes: number, wanted: number): boolean {
    const shelf = this.#shelfForMessage(bytes, wanted);
    if (shelf === null || shelf.free.length > 0) return false;
    const before = slab.bytes.length;
    if (!slab.growTo(shelf)) return false;
    this.memory.charge(shelf.bytes - before);
    return true;
  }

  /** Whether there is a free slab for a message of so many bytes: it takes no more memory than is taken already. */
  hasFreeFor(bytes: number): boolean {
    const shelf = shelfFor(this.#messages, bytes + HEADROOM_BYTES);
    return shelf !== null && shelf.free.length > 0;
  }

  #takeFrom(shelf: Shelf): Slab {
    const slab = shelf.free.pop();
    if (slab === undefined) return this.#make(shelf.bytes, shelf);
    if (shelf.free.length < shelf.leastFree) shelf.leastFree = shelf.free.length;
    if (shelf.use === 'message') this.#freeMessageBytes -= shelf.bytes;
    return prepared(slab);
  }

  #make(bytes: number, shelf: Shelf | null): Slab {
    const { kernel } = this;
    // Only what will be kept: to make it takes much longer than to make another one.
    const isForKernel =
      kernel !== null && bytes >= KERNEL_BYTES && shelf?.use === 'message' && this.#hasRoom(shelf);
    this.memory.charge(bytes);
    return new Slab(bytes, shelf, isForKernel ? kernel.makeBuffer(bytes, MOST_BYTES) : null);
  }

  /** One more holds it, and will give it. */
  hold(slab: Slab): void {
    slab.holders++;
  }

  /** A holder is through with it. No view of it may be in use when the last one is. */
  give(slab: Slab): void {
    if (--slab.holders > 0) return;
    const { shelf } = slab;
    if (shelf === null || !this.#hasRoom(shelf)) {
      this.#drop(slab);
      return;
    }
    shelf.free.push(slab);
    if (shelf.use === 'message') this.#freeMessageBytes += shelf.bytes;
    else if (shelf.use === 'kernel') this.memory.release(shelf.bytes);
  }

  #hasRoom({ free, bytes, use }: Shelf): boolean {
    if (use === 'kernel') return true;
    if (use === 'output') return free.length < MAX_FREE_SLABS;
    return !this.memory.isNear && this.#freeMessageBytes + bytes <= this.#maxFreeMessageBytes;
  }

  /** A slab is not used again. */
  #drop(slab: Slab): void {
    this.memory.release(slab.bytes.length);
    forgetBuffer(slab.bytes.buffer);
    if (slab.growing !== null) this.kernel!.bufferDropped();
  }

  /** Gives the memory of free slabs for messages that nobody has needed since the last time back to the system. */
  trim(): void {
    for (const shelf of this.#messages) {
      this.#clear(shelf, shelf.leastFree);
      shelf.leastFree = shelf.free.length;
    }
  }

  /** Gives the memory of all of them back. */
  giveBack(): void {
    for (const shelf of this.#messages) {
      this.#clear(shelf, shelf.free.length);
      shelf.leastFree = 0;
    }
  }

  #clear({ free, bytes }: Shelf, count: number): void {
    this.#freeMessageBytes -= count * bytes;
    for (const slab of free.splice(0, count)) this.#drop(slab);
  }
}

/** The smallest that so much fits into. */
function shelfFor(shelves: readonly Shelf[], bytes: number): Shelf | null {
  for (const shelf of shelves) if (bytes <= shelf.bytes) return shelf;
  return null;
}

/** A slab for whoever has it next. */
function prepared(slab: Slab): Slab {
  slab.holders = 1;
  slab.hasHeader = false;
  return slab;
}
