/**
 * Output that waits for something else than the socket: for the records of it to be on disk. Only a session
 * whose output is held has one of these; the frames of all others go straight to the output queue.
 *
 *     endpoint ──▶ small frames, then a queue ──seal──▶ sealed ──letGo──▶ the connection's output queue
 *
 * Thousands of sessions may have to wait for long, so the first bytes are kept in memory of about their own
 * size, and a slab is only taken for more.
 */
import type { MemoryAccount } from '../../budget/memory-account.js';
import type { Endpoint } from '../../protocol/endpoint.js';
import type { FrameSink } from '../../protocol/endpoint-events.js';
import { frameHeaderBytes, Opcode, writeFrameHeader } from '../../protocol/frame.js';
import { OutputQueue } from '../../protocol/output-queue.js';
import type { Slab } from '../../protocol/slabs/slab.js';
import type { SlabPool } from '../../protocol/slabs/slab-pool.js';

/** So many bytes are worth a slab. */
const SMALL_BYTES = 16 * 1024;

const NO_BYTES = new Uint8Array(0);

export class HeldOutput implements FrameSink {
  readonly #endpoint: Endpoint;
  readonly #memory: MemoryAccount;
  /** The first frames since the last seal, in memory that doubles as more are added, and how much of it is used. */
  #small = NO_BYTES;
  #smallLength = 0;
  /** The frames after those. */
  readonly #large: OutputQueue;
  readonly #sealed: OutputQueue;
  /** How many times it was sealed, and how many times when output was last let go. */
  #seals = 0;
  #sealsLetGo = 0;
  /** The seals that let the newest Close and the newest Ping go. */
  #closeSeal = 0;
  #pingSeal = 0;

  /** Holds what the endpoint sends from now on. */
  constructor(endpoint: Endpoint, pool: SlabPool) {
    this.#endpoint = endpoint;
    this.#memory = pool.memory;
    this.#large = new OutputQueue(pool);
    this.#sealed = new OutputQueue(pool);
    endpoint.sink = this;
  }

  /** Bytes that may not leave yet. */
  get bytes(): number {
    return this.#smallLength + this.#large.queuedBytes + this.#sealed.queuedBytes;
  }

  /** The memory that they take, in bytes. */
  get heldBytes(): number {
    return this.#small.length + this.#large.heldBytes + this.#sealed.heldBytes;
  }

  /** Whether our Close is among them. */
  get isCloseHeld(): boolean {
    return this.#closeSeal > this.#sealsLetGo;
  }

  /** Whether the newest Ping is. */
  get isPingHeld(): boolean {
    return this.#pingSeal > this.#sealsLetGo;
  }

  appendFrame(
    first: number,
    maskingKey: number | null,
    payload: Uint8Array,
    start: number,
    end: number,
    slab: Slab | null,
  ): void {
    const opcode = first & 0x0f;
    if (opcode === Opcode.Close) this.#closeSeal = this.#seals + 1;
    else if (opcode === Opcode.Ping) this.#pingSeal = this.#seals + 1;
    const length = this.#smallLength + frameHeaderBytes(end - start, false) + end - start;
    if (length > SMALL_BYTES || this.#large.queuedBytes > 0 || maskingKey !== null) {
      this.#large.appendFrame(first, maskingKey, payload, start, end, slab);
      return;
    }
    if (this.#small.length < length) this.#grow(length);
    const at = writeFrameHeader(this.#small, this.#smallLength, first, end - start, null);
    this.#small.set(payload.subarray(start, end), at);
    this.#smallLength = length;
  }

  /** What is no frame of the endpoint's is nothing that is waited for. */
  appendBytes(bytes: Uint8Array): void {
    this.#large.appendBytes(bytes);
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(length, 2 * this.#small.length));
    larger.set(this.#small);
    this.#memory.charge(larger.length - this.#small.length);
    this.#small = larger;
  }

  #forgetSmall(): void {
    this.#memory.release(this.#small.length);
    this.#small = NO_BYTES;
    this.#smallLength = 0;
  }

  /** What is held now is what the next {@link letGo} lets go. */
  seal(): void {
    this.#seals++;
    if (this.#smallLength > 0) {
      this.#sealed.appendPiece(this.#small.subarray(0, this.#smallLength));
      this.#forgetSmall();
    }
    this.#large.moveTo(this.#sealed);
  }

  /** What was sealed may leave. */
  letGo(): void {
    this.#sealsLetGo = this.#seals;
    this.#sealed.moveTo(this.#endpoint.output);
  }

  /** Everything may leave, and nothing is held any more. */
  stop(): void {
    this.seal();
    this.letGo();
    this.#endpoint.sink = this.#endpoint.output;
  }

  /** Drops what is held, and holds nothing any more. */
  discard(): void {
    this.#forgetSmall();
    this.#large.discard();
    this.#sealed.discard();
    this.#endpoint.sink = this.#endpoint.output;
  }
}
