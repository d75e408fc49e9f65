/** Pieces of messages that a client has sent and that have not been examined yet. */
import type { MemoryAccount } from '../../budget/memory-account.js';
import { Fifo } from '../../protocol/fifo.js';
import type { DataOpcode } from '../../protocol/frame.js';

/** Beyond this the client should not be read; the rest of the current read may still arrive. */
const FULL_BYTES = 256 * 1024;

/** What a waiting piece costs besides its bytes: otherwise any number of empty pieces would be free. */
const PIECE_COST_BYTES = 256;

export interface Piece {
  readonly opcode: DataOpcode;
  readonly isLast: boolean;
  /** True until the first piece of a message has been examined. */
  isFirst: boolean;
  /** The bytes not examined yet; it gets shorter. */
  bytes: Uint8Array;
}

export class PieceQueue {
  readonly #pieces = new Fifo<Piece>();
  readonly #memory: MemoryAccount | null;
  #costBytes = 0;

  /** @param memory is charged for the pieces; null for nobody */
  constructor(memory: MemoryAccount | null = null) {
    this.#memory = memory;
  }

  /** What was charged, in bytes. */
  get heldBytes(): number {
    return this.#costBytes;
  }

  get isFull(): boolean {
    return this.#costBytes > FULL_BYTES;
  }

  /** The oldest piece. */
  get head(): Piece | null {
    return this.#pieces.head ?? null;
  }

  /** Takes a piece. It must be a copy, because it is kept. */
  push(piece: Piece): void {
    this.#pieces.push(piece);
    const bytes = piece.bytes.length + PIECE_COST_BYTES;
    this.#costBytes += bytes;
    this.#memory?.charge(bytes);
  }

  /** Takes bytes off the oldest piece. */
  consume(count: number): void {
    const head = this.#pieces.head!;
    head.isFirst = false;
    head.bytes = head.bytes.subarray(count);
    this.#release(count);
  }

  /** Drops the oldest piece. */
  shift(): void {
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.#release(piece.bytes.length + PIECE_COST_BYTES);
  }

  /** Drops all of them. */
  clear(): void {
    while (this.head !== null) this.shift();
  }

  #release(bytes: number): void {
    this.#costBytes -= bytes;
    this.#memory?.release(bytes);
  }
}
