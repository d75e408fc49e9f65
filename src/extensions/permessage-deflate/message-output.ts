/**
 * Where (de)compressed bytes go. A message that is done in one slice fills a scratch buffer that all messages share. One
 * that takes longer gets a small buffer of its own, and the room for the large message when that is full, or as
 * soon as the room is free.
 */
import { Buffer } from 'node:buffer';
import type { MemoryAccount } from '../../budget/memory-account.js';
import type { LargeRoom, RoomHolder, Way } from './large-room.js';

/** The most that one step brings. */
const STEP_BYTES = 64 * 1024;

/** What a message may have at once, before there is more than one slice of it. */
const SCRATCH_BYTES = 128 * 1024;

/** What a message may become without the room for the large one: such messages need not wait for each other. */
export const SMALL_BYTES = 256 * 1024;

const MIN_BYTES = 16 * 1024;

/** A buffer for the messages of one slice, to be had once for each direction. */
export function makeScratch(): Uint8Array {
  return Buffer.allocUnsafeSlow(SCRATCH_BYTES);
}

/** What the outputs of one direction share. */
export interface OutputParts {
  readonly scratch: Uint8Array;
  readonly room: LargeRoom;
  readonly way: Way;
  readonly memory: MemoryAccount;
}

/** The output of one message. */
export class MessageOutput {
  bytes: Uint8Array;
  length = 0;
  /** How large it may become: an estimate, what comes out in the end may be more. */
  readonly maxBytes: number;
  readonly #parts: OutputParts;
  readonly #holder: RoomHolder;
  #hasRoom = false;
  /** Bytes of a buffer of its own. */
  ownBytes = 0;

  constructor(parts: OutputParts, holder: RoomHolder, maxBytes: number) {
    this.#parts = parts;
    this.#holder = holder;
    this.bytes = parts.scratch;
    this.maxBytes = maxBytes;
  }

  /** Where the next step may write to. */
  get end(): number {
    return Math.min(this.bytes.length, this.length + STEP_BYTES);
  }

  /** What came out. */
  get result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The slice is over: leaves the scratch buffer to others. */
  leaveScratch(): void {
    if (this.bytes === this.#parts.scratch) this.#moveTo(Math.max(MIN_BYTES, this.length));
  }

  /** Sees to it that the next step has where to write to. @returns false when that has to wait for the room */
  prepare(): boolean {
    if (this.#hasRoom) {
      this.#useRoom(this.length);
      return true;
    }
    if (this.length < this.bytes.length) return true;
    if (this.#parts.room.take(this.#holder)) {
      this.#enterRoom();
      return true;
    }
    if (this.length >= SMALL_BYTES) return false;
    this.#moveTo(Math.min(SMALL_BYTES, this.length * 2));
    return true;
  }

  #enterRoom(): void {
    const { result } = this;
    this.#hasRoom = true;
    this.#useRoom(0);
    this.bytes.set(result);
    this.free();
  }

  #useRoom(keptBytes: number): void {
    const { room, way } = this.#parts;
    const large = room[way];
    large.makeRoom(keptBytes, this.length - keptBytes + STEP_BYTES, this.maxBytes);
    this.bytes = large.bytes;
  }

  #moveTo(capacity: number): void {
    const own = Buffer.allocUnsafeSlow(capacity);
    own.set(this.result);
    this.#parts.memory.charge(capacity - this.ownBytes);
    this.ownBytes = capacity;
    this.bytes = own;
  }

  /** Gives its own buffer back. */
  free(): void {
    this.#parts.memory.release(this.ownBytes);
    this.ownBytes = 0;
  }
}
