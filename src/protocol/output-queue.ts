/**
 * What one endpoint has to send, as bytes, until its connection writes them.
 *
 * Everything that one read produces is appended here and leaves in one write: a system call takes
 * microseconds, encoding a small frame takes nanoseconds.
 */
import { frameHeaderBytes, writeFrameHeader } from './frame-encoder.js';
import { MAX_FRAME_HEADER_BYTES } from './frame-header.js';
import { rotateMaskingKey, unmask } from './masking.js';
import { type Slab, type SlabPool, SLAB_BYTES } from './slab-pool.js';
import { copyBytes } from './words.js';

/** From this size a payload that is given away is sent from where it is instead of copied. */
export const HAND_OVER_BYTES = 128 * 1024;

/** From so many bytes on a slab is used well enough to wait for long. */
const WELL_USED_BYTES = 16 * 1024;

/** Idle queues share it; nothing is ever added to it. */
const NONE: never[] = [];

/** Finished pieces, and the slabs that hold them and nothing else. */
interface Part {
  pieces: Uint8Array[];
  slabs: Slab[];
  bytes: number;
}

const NO_BYTES = new Uint8Array(0);
const NOTHING: Part = { pieces: NONE, slabs: NONE, bytes: 0 };

export class OutputQueue {
  /** True when what is appended waits until it was sealed and let go. */
  isHolding = false;
  /** Bytes appended and not yet taken. */
  queuedBytes = 0;
  /** Bytes taken whose slabs are not released yet: the socket still holds them. */
  lentBytes = 0;

  readonly #pool: SlabPool;
  #slab: Slab | null = null;
  /** Where the bytes that wait in the slab begin and end. */
  #start = 0;
  #end = 0;
  /** Finished pieces that go before what waits in the slab, and the slabs that hold them. */
  #pieces: Uint8Array[] = NONE;
  #fullSlabs: Slab[] = NONE;
  /** The memory of the last of the pieces, if it has its own. */
  #compacted: Uint8Array | null = null;
  #lentSlabs: readonly Slab[] = NONE;
  /** While holding: what waits to be let go, and what was. */
  #sealed = NOTHING;
  #released = NOTHING;
  /** How many times it was sealed, and how many times when it was last let go. */
  #seals = 0;
  #sealsLetGo = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** All bytes that wait for the peer to read. */
  get waitingBytes(): number {
    return this.queuedBytes + this.lentBytes;
  }

  /** Of the bytes that wait those that may not be taken yet. */
  get heldBytes(): number {
    return this.isHolding ? this.queuedBytes - this.#released.bytes : 0;
  }

  /**
   * Appends one frame with the payload `payload[start, end)`.
   *
   * @param first FIN, RSV1 to RSV3 and the opcode
   * @param maskingKey as in {@link writeFrameHeader}
   * @param isGivenAway the payload is nobody else's from now on: a large one is not copied
   */
  appendFrame(
    first: number,
    maskingKey: number | null,
    payload: Uint8Array,
    start: number,
    end: number,
    isGivenAway: boolean,
  ): void {
    const payloadBytes = end - start;
    const slab = this.#slabWithRoom(MAX_FRAME_HEADER_BYTES);
    this.#end = writeFrameHeader(slab.bytes, this.#end, first, payloadBytes, maskingKey);
    this.queuedBytes += frameHeaderBytes(payloadBytes, maskingKey !== null) + payloadBytes;
    if (isGivenAway && maskingKey === null && payloadBytes >= HAND_OVER_BYTES) {
      this.#finishPiece();
      this.#addPiece(payload.subarray(start, end));
    } else {
      this.#copy(payload, start, end, maskingKey);
    }
  }

  /** Appends `bytes[start, end)` as they are: the answer to the opening handshake, what a target gets. */
  appendBytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.queuedBytes += end - start;
    this.#copy(bytes, start, end, null);
  }

  /**
   * Takes everything that waits and is not held, in order. The memory is lent: call {@link release} once
   * the pieces have left, and take nothing more before.
   */
  take(): readonly Uint8Array[] {
    const taken = this.isHolding ? this.#released : joined(this.#released, this.#unsealed());
    this.#released = NOTHING;
    this.#lentSlabs = taken.slabs;
    this.lentBytes = taken.bytes;
    this.queuedBytes -= taken.bytes;
    return taken.pieces;
  }

  /** What is appended from now on waits until it was sealed and let go; so does what waits already. */
  hold(): void {
    this.isHolding = true;
  }

  /** The place of what was just appended, for {@link isHeld}. */
  get mark(): number {
    return this.isHolding ? this.#seals + 1 : 0;
  }

  /** Whether what was appended last at that mark may not be taken yet. */
  isHeld(mark: number): boolean {
    return this.isHolding && mark > this.#sealsLetGo;
  }

  /**
   * What is held may wait for long, in thousands of sessions: a slab that is hardly used is given back,
   * and what was in it kept in memory of its own size. Call it when nothing more is appended for now.
   */
  compact(): void {
    const slab = this.#slab;
    const isWellUsed = this.#start > 0 || this.#end >= WELL_USED_BYTES;
    if (!this.isHolding || slab === null || isWellUsed) return;
    this.#keepCompacted(slab.bytes.subarray(0, this.#end));
    this.#pool.give(slab);
    this.#slab = null;
    this.#end = 0;
  }

  /** Keeps bytes behind the others in memory of their size; it doubles as more and more are added. */
  #keepCompacted(bytes: Uint8Array): void {
    const before = this.#compacted === null ? NO_BYTES : this.#pieces.at(-1)!;
    const length = before.length + bytes.length;
    if (this.#compacted === null || before.length >= WELL_USED_BYTES) {
      const first = bytes.slice();
      this.#addPiece(first);
      this.#compacted = first;
      return;
    }
    if (this.#compacted.length < length) {
      this.#compacted = new Uint8Array(Math.max(length, before.length * 2));
      this.#compacted.set(before);
    }
    this.#compacted.set(bytes, before.length);
    this.#pieces[this.#pieces.length - 1] = this.#compacted.subarray(0, length);
  }

  /** What waits now is what the next {@link letGo} lets go. */
  seal(): void {
    this.compact();
    this.#seals++;
    this.#sealed = joined(this.#sealed, this.#unsealed());
  }

  /** What was sealed may be taken. */
  letGo(): void {
    this.#sealsLetGo = this.#seals;
    this.#released = joined(this.#released, this.#sealed);
    this.#sealed = NOTHING;
  }

  /** Holds nothing any more: everything that waits may be taken. */
  stopHolding(): void {
    this.seal();
    this.letGo();
    this.isHolding = false;
  }

  /** Drops what is held, and holds nothing any more. */
  discardHeld(): void {
    this.seal();
    this.queuedBytes -= this.#sealed.bytes;
    for (const slab of this.#sealed.slabs) this.#pool.give(slab);
    this.#sealed = NOTHING;
    this.isHolding = false;
  }

  /** Says that the bytes taken last have left, so that their memory can be used again. */
  release(): void {
    for (const slab of this.#lentSlabs) this.#pool.give(slab);
    this.#lentSlabs = NONE;
    this.lentBytes = 0;
  }

  /**
   * Drops everything. What is lent is not used again: the socket may still hold it.
   */
  discard(): void {
    if (this.#slab !== null) this.#pool.give(this.#slab);
    for (const slab of this.#fullSlabs) this.#pool.give(slab);
    for (const slab of this.#sealed.slabs) this.#pool.give(slab);
    for (const slab of this.#released.slabs) this.#pool.give(slab);
    this.#slab = null;
    this.#start = this.#end = 0;
    this.#pieces = this.#fullSlabs = this.#lentSlabs = NONE;
    this.#compacted = null;
    this.#sealed = this.#released = NOTHING;
    this.queuedBytes = this.lentBytes = 0;
  }

  /** Detaches what is neither sealed nor released; what follows goes into another slab. */
  #unsealed(): Part {
    const slab = this.#slab;
    const part = {
      pieces:
        slab !== null && this.#end > this.#start
          ? added(this.#pieces, slab.bytes.subarray(this.#start, this.#end))
          : this.#pieces,
      slabs: slab === null ? this.#fullSlabs : added(this.#fullSlabs, slab),
      bytes: this.queuedBytes - this.#sealed.bytes - this.#released.bytes,
    };
    this.#slab = null;
    this.#start = this.#end = 0;
    this.#pieces = this.#fullSlabs = NONE;
    this.#compacted = null;
    return part;
  }

  #copy(payload: Uint8Array, start: number, end: number, maskingKey: number | null): void {
    let position = start;
    while (position < end) {
      const slab = this.#slabWithRoom(1);
      const count = Math.min(end - position, SLAB_BYTES - this.#end);
      copyBytes(payload, position, position + count, slab.bytes, slab.words, this.#end);
      if (maskingKey !== null) {
        // Masking is its own inverse (RFC 6455 §5.3).
        const key = rotateMaskingKey(maskingKey, position - start);
        unmask(slab.bytes, this.#end, this.#end + count, key);
      }
      this.#end += count;
      position += count;
    }
  }

  #slabWithRoom(bytes: number): Slab {
    if (this.#slab !== null) {
      if (SLAB_BYTES - this.#end >= bytes) return this.#slab;
      this.#finishPiece();
      this.#fullSlabs = added(this.#fullSlabs, this.#slab);
    }
    this.#start = this.#end = 0;
    return (this.#slab = this.#pool.take());
  }

  #finishPiece(): void {
    if (this.#slab === null || this.#end === this.#start) return;
    this.#addPiece(this.#slab.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #addPiece(piece: Uint8Array): void {
    this.#pieces = added(this.#pieces, piece);
    this.#compacted = null;
  }
}

/** The list with one more at its end: the same one, unless it is shared. */
function added<Item>(list: Item[], item: Item): Item[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** One part and another behind it. Neither is used any more. */
function joined(one: Part, other: Part): Part {
  if (one === NOTHING) return other;
  for (const piece of other.pieces) one.pieces = added(one.pieces, piece);
  for (const slab of other.slabs) one.slabs = added(one.slabs, slab);
  one.bytes += other.bytes;
  return one;
}
