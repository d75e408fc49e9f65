/**
 * What one endpoint has to send, as bytes, until its connection writes them.
 *
 * Everything that one read produces is appended here and leaves in one write: a system call takes
 * microseconds, encoding a small frame takes nanoseconds.
 */
import { frameHeaderBytes, MAX_FRAME_HEADER_BYTES, writeFrameHeader } from './frame.js';
import { copyBytes } from './bytes.js';
import { type EchoRun, type Echoer, echoer } from './kernel/echo-run.js';
import { rotateMaskingKey, unmask } from './masking.js';
import type { Kernel } from './kernel/kernel.js';
import { SLAB_BYTES, type Slab } from './slabs/slab.js';
import { HEADROOM_BYTES, type SlabPool, SLAB_GROWTH } from './slabs/slab-pool.js';

/** From this size a payload that is in a slab is sent from there instead of copied. */
export const HAND_OVER_BYTES = 32 * 1024;

/** Below this length the call of the kernel costs more than it saves. */
const KERNEL_BYTES = 128;

/** Idle queues share it; nothing is ever added to it. */
const NONE: never[] = [];

export class OutputQueue {
  /** Bytes appended and not yet taken. */
  queuedBytes = 0;
  /** Bytes taken whose slabs are not released yet: the socket still holds them. */
  lentBytes = 0;
  /** About how much will be appended before all is taken: the first slab is chosen for it. */
  expectedBytes = 0;

  readonly #pool: SlabPool;
  #slab: Slab | null = null;
  /** Where the bytes that wait in the slab begin and end, and where the slab ends. */
  #start = 0;
  #end = 0;
  #capacity = 0;
  /** Finished pieces that go before what waits in the slab, and the slabs that they are in. */
  #pieces: Uint8Array[] = NONE;
  #fullSlabs: Slab[] = NONE;
  #lentSlabs: Slab[] = NONE;
  /** Bytes of the pieces that are in no slab: of those that wait, and of those that are lent. */
  #handedBytes = 0;
  #lentHandedBytes = 0;
  /** What the socket has copied of what is lent. */
  #copiedBytes = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** All bytes that wait for the peer to read. */
  get waitingBytes(): number {
    return this.queuedBytes + this.lentBytes;
  }

  /** The memory that all of it takes, in bytes. */
  get heldBytes(): number {
    let bytes = this.#capacity + this.#handedBytes + this.#lentHandedBytes + this.#copiedBytes;
    for (const slab of this.#fullSlabs) bytes += slab.bytes.length;
    for (const slab of this.#lentSlabs) bytes += slab.bytes.length;
    return bytes;
  }

  /**
   * Appends one frame with the payload `payload[start, end)`.
   *
   * @param first FIN, RSV1 to RSV3 and the opcode
   * @param maskingKey as in {@link writeFrameHeader}
   * @param shared has the payload, and nobody changes it while it is held: a large payload is sent from there
   */
  appendFrame(
    first: number,
    maskingKey: number | null,
    payload: Uint8Array,
    start: number,
    end: number,
    shared: Slab | null,
  ): void {
    const payloadBytes = end - start;
    if (shared !== null && maskingKey === null && payloadBytes >= HAND_OVER_BYTES) {
      this.#share(first, shared, start, end);
      return;
    }
    const current = this.#slab;
    // Most frames are small, and there is room for them.
    if (
      current !== null &&
      maskingKey === null &&
      payloadBytes + MAX_FRAME_HEADER_BYTES <= this.#capacity - this.#end
    ) {
      const at = writeFrameHeader(current.bytes, this.#end, first, payloadBytes, null);
      copyBytes(payload, start, end, current.bytes, current.words, at);
      this.queuedBytes += at + payloadBytes - this.#end;
      this.#end = at + payloadBytes;
      return;
    }
    const slab = this.#slabWithRoom(MAX_FRAME_HEADER_BYTES, payloadBytes);
    this.#end = writeFrameHeader(slab.bytes, this.#end, first, payloadBytes, maskingKey);
    this.queuedBytes += frameHeaderBytes(payloadBytes, maskingKey !== null) + payloadBytes;
    this.#copy(payload, start, end, maskingKey);
  }

  /**
   * Appends frames that send back the messages at the beginning of `bytes[start, end)`, as an {@link Echoer} does.
   *
   * @returns where the rest begins
   */
  appendEchoes(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessage: number,
    run: EchoRun,
  ): number {
    const kernel = this.#kernelFor(bytes, start, end);
    let position = start;
    let from;
    do {
      from = position;
      // A frame of ours is shorter than the client's, which has a masking key.
      const slab = this.#slabForEcho(Math.min(end - from, SLAB_BYTES), kernel !== null);
      run.at = this.#end;
      const by: Echoer = kernel !== null && slab.isKernels ? kernel : echoer;
      position = by.echo(bytes, from, end, slab, maxMessage, run);
      this.queuedBytes += run.at - this.#end;
      this.#end = run.at;
    } while (position > from && position < end);
    if (this.queuedBytes === 0) this.#giveEmptySlab();
    return position;
  }

  /** Null where JavaScript is faster, or nothing else is possible. */
  #kernelFor(bytes: Uint8Array, start: number, end: number): Kernel | null {
    const { kernel } = this.#pool;
    if (kernel === null || end - start < KERNEL_BYTES || !kernel.has(bytes)) return null;
    // Its slabs are few: a client that does not read what it has asked for has one at most.
    return this.#lentSlabs.length === 0 ? kernel : null;
  }

  #slabForEcho(bytes: number, isForKernel: boolean): Slab {
    if (this.#slab !== null) return this.#slabWithRoom(bytes, 0);
    if (!isForKernel) return this.#takeSlab(Math.max(bytes, this.expectedBytes));
    return this.#use(this.#pool.takeForEcho(Math.max(bytes, this.expectedBytes)));
  }

  #giveEmptySlab(): void {
    this.#pool.give(this.#slab!);
    this.#slab = null;
    this.#start = this.#end = this.#capacity = 0;
  }

  /** Appends a frame whose payload stays where it is. The header goes before it, if there is room. */
  #share(first: number, shared: Slab, start: number, end: number): void {
    const headerBytes = frameHeaderBytes(end - start, false);
    this.queuedBytes += headerBytes + end - start;
    this.#pool.hold(shared);
    let from = start;
    if (start === HEADROOM_BYTES && !shared.hasHeader) {
      shared.hasHeader = true;
      from -= headerBytes;
      writeFrameHeader(shared.bytes, from, first, end - start, null);
    } else {
      const { bytes } = this.#slabWithRoom(MAX_FRAME_HEADER_BYTES, 0);
      this.#end = writeFrameHeader(bytes, this.#end, first, end - start, null);
    }
    this.#finishPiece();
    this.#addPiece(shared.bytes.subarray(from, end));
    this.#fullSlabs = added(this.#fullSlabs, shared);
  }

  /** Appends `bytes[start, end)` as they are: the answer to the opening handshake, what a target gets. */
  appendBytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.queuedBytes += end - start;
    this.#copy(bytes, start, end, null);
  }

  /** Appends bytes that nobody changes from now on: they are sent from where they are. */
  appendPiece(piece: Uint8Array): void {
    this.queuedBytes += piece.length;
    this.#handOver(piece);
  }

  /**
   * Takes everything that waits, in order. The memory is lent: call {@link release} once the pieces have
   * left, and take nothing more before, unless it is the last that is taken.
   */
  take(): readonly Uint8Array[] {
    this.#finishPiece();
    const pieces = this.#pieces;
    this.#lentSlabs =
      this.#lentSlabs.length === 0 ? this.#slabs() : [...this.#lentSlabs, ...this.#slabs()];
    this.#lentHandedBytes += this.#handedBytes;
    this.lentBytes += this.queuedBytes;
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
    other.#handedBytes += this.#handedBytes;
    this.#forget();
  }

  /** Says that the bytes taken last have left, so that their memory can be used again. */
  release(): void {
    this.#giveLent();
    this.lentBytes = 0;
  }

  /** Says that the bytes taken last were copied: their memory can be used again, though they have not left. */
  copied(): void {
    this.#giveLent();
    this.#copiedBytes = this.lentBytes;
    this.#pool.memory.charge(this.#copiedBytes);
  }

  #giveLent(): void {
    for (const slab of this.#lentSlabs) this.#pool.give(slab);
    this.#forgetLent();
  }

  #forgetLent(): void {
    this.#lentSlabs = NONE;
    const outside = this.#lentHandedBytes + this.#copiedBytes;
    if (outside > 0) this.#pool.memory.release(outside);
    this.#lentHandedBytes = this.#copiedBytes = 0;
  }

  /** Drops what waits. What is lent stays so. */
  dropQueued(): void {
    for (const slab of this.#slabs()) this.#pool.give(slab);
    this.#pool.memory.release(this.#handedBytes);
    this.#forget();
  }

  /** Drops everything, what is lent too: the socket is gone, and looks at nothing any more. */
  discard(): void {
    this.dropQueued();
    this.release();
  }

  /** All slabs that hold something of what waits. */
  #slabs(): Slab[] {
    return this.#slab === null ? this.#fullSlabs : added(this.#fullSlabs, this.#slab);
  }

  /** What waited is elsewhere now; what follows goes into another slab. */
  #forget(): void {
    this.#slab = null;
    this.#start = this.#end = this.#capacity = 0;
    this.#pieces = this.#fullSlabs = NONE;
    this.queuedBytes = this.#handedBytes = 0;
  }

  #copy(payload: Uint8Array, start: number, end: number, maskingKey: number | null): void {
    let position = start;
    while (position < end) {
      const slab = this.#slabWithRoom(1, end - position);
      const count = Math.min(end - position, this.#capacity - this.#end);
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

  /** @param wanted how much more is to come at once, beside the bytes that must fit */
  #slabWithRoom(bytes: number, wanted: number): Slab {
    const slab = this.#slab;
    if (slab === null) return this.#takeSlab(Math.max(bytes + wanted, this.expectedBytes));
    if (this.#capacity - this.#end >= bytes) return slab;
    if (this.#start === 0 && this.#capacity < SLAB_BYTES)
      return this.#growSlab(slab, bytes + wanted);
    this.#finishPiece();
    this.#fullSlabs = added(this.#fullSlabs, slab);
    return this.#takeSlab(bytes + wanted);
  }

  #takeSlab(bytes: number): Slab {
    return this.#use(this.#pool.take(bytes));
  }

  #use(slab: Slab): Slab {
    this.#start = this.#end = 0;
    this.#capacity = slab.bytes.length;
    return (this.#slab = slab);
  }

  /** What is in the slab goes into a larger one, so that it leaves in one piece. */
  #growSlab(slab: Slab, wanted: number): Slab {
    const end = this.#end;
    const larger = this.#takeSlab(Math.max(slab.bytes.length * SLAB_GROWTH, end + wanted));
    larger.bytes.set(slab.bytes.subarray(0, end));
    this.#end = end;
    this.#pool.give(slab);
    return larger;
  }

  #finishPiece(): void {
    if (this.#slab === null || this.#end === this.#start) return;
    this.#addPiece(this.#slab.bytes.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** A piece outside of the slabs. */
  #handOver(piece: Uint8Array): void {
    this.#finishPiece();
    this.#addPiece(piece);
    this.#handedBytes += piece.length;
    this.#pool.memory.charge(piece.length);
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
