/**
 * What one endpoint has to send, as bytes, until its connection writes them.
 *
 * Everything that one read produces is appended here and leaves in one write: a system call takes
 * microseconds, encoding a small frame takes nanoseconds.
 */
import { frameHeaderBytes, MAX_FRAME_HEADER_BYTES, writeFrameHeader } from './frame.js';
import { copyBytes } from './bytes.js';
import { rotateMaskingKey, unmask } from './masking.js';
import { type Slab, type SlabPool, SLAB_BYTES } from './slab-pool.js';

/** From this size a payload that is given away is sent from where it is instead of copied. */
export const HAND_OVER_BYTES = 128 * 1024;

/** Idle queues share it; nothing is ever added to it. */
const NONE: never[] = [];

export class OutputQueue {
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
  #lentSlabs: readonly Slab[] = NONE;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** All bytes that wait for the peer to read. */
  get waitingBytes(): number {
    return this.queuedBytes + this.lentBytes;
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

  /** Appends bytes that nobody changes from now on: they are sent from where they are. */
  appendPiece(piece: Uint8Array): void {
    this.queuedBytes += piece.length;
    this.#finishPiece();
    this.#addPiece(piece);
  }

  /**
   * Takes everything that waits, in order. The memory is lent: call {@link release} once the pieces have
   * left, and take nothing more before.
   */
  take(): readonly Uint8Array[] {
    this.#finishPiece();
    const pieces = this.#pieces;
    this.#lentSlabs = this.#slabs();
    this.lentBytes = this.queuedBytes;
    this.#forget();
    return pieces;
  }

  /** Moves everything that waits to the end of another queue of the same pool. */
  moveTo(other: OutputQueue): void {
    this.#finishPiece();
    other.#finishPiece();
    for (const piece of this.#pieces) other.#addPiece(piece);
    for (const slab of this.#slabs()) other.#fullSlabs = added(other.#fullSlabs, slab);
    other.queuedBytes += this.queuedBytes;
    this.#forget();
  }

  /** Says that the bytes taken last have left, so that their memory can be used again. */
  release(): void {
    this.copied();
    this.lentBytes = 0;
  }

  /** Says that the bytes taken last were copied: their memory can be used again, though they have not left. */
  copied(): void {
    for (const slab of this.#lentSlabs) this.#pool.give(slab);
    this.#lentSlabs = NONE;
  }

  /** Drops everything. What is lent is not used again: the socket may still hold it. */
  discard(): void {
    for (const slab of this.#slabs()) this.#pool.give(slab);
    this.#forget();
    this.#lentSlabs = NONE;
    this.lentBytes = 0;
  }

  /** All slabs that hold something of what waits. */
  #slabs(): Slab[] {
    return this.#slab === null ? this.#fullSlabs : added(this.#fullSlabs, this.#slab);
  }

  /** What waited is elsewhere now; what follows goes into another slab. */
  #forget(): void {
    this.#slab = null;
    this.#start = this.#end = 0;
    this.#pieces = this.#fullSlabs = NONE;
    this.queuedBytes = 0;
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
  }
}

/** The list with one more at its end: the same one, unless it is shared. */
function added<Item>(list: Item[], item: Item): Item[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}
