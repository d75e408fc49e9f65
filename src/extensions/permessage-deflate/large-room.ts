/**
 * The room for the large message: one at a time has it, whatever it becomes on its way. An inflated message that is sent
 * back keeps it until it is compressed, so that there is one inflated large message in the process, and no copy of it.
 *
 * Those that wait are small yet (`SMALL_BYTES` in message-output.ts), and are served in the order in which they came: a session
 * has one message at a time on its way, so sessions take turns.
 */
import { Buffer } from 'node:buffer';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { NO_BYTES } from '../../protocol/bytes.js';
import { Fifo } from '../../protocol/fifo.js';

/** Up to this size a buffer is kept for the next message. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Up to this size a buffer is made at once for the largest message there may be: memory that is not written to is not
 * used. Beyond it doubles. No Node can make one of any size, and a limit of gigabytes does not mean that messages have them.
 */
const FULL_BYTES = 64 * 1024 * 1024;

/** Who has the room, or waits for it: it works on one message at a time. */
export type RoomHolder = object;

/** The bytes of the message that has the room, one way. */
export class LargeBuffer {
  bytes: Uint8Array = NO_BYTES;
  readonly #memory: MemoryAccount;
  /** What was ever written to, in whole steps. */
  #usedBytes = 0;

  constructor(memory: MemoryAccount) {
    this.#memory = memory;
  }

  /**
   * Makes room for a step after the first `length` bytes, which stay.
   *
   * @param maxBytes how large the message may become; what is sent may become a little larger than was estimated
   */
  makeRoom(length: number, stepBytes: number, maxBytes: number): void {
    this.#use(length + stepBytes);
    const { bytes } = this;
    const needed = length + stepBytes;
    if (needed <= bytes.length) return;
    const full = maxBytes + Math.ceil(maxBytes / 1024) + stepBytes;
    const doubled = Math.max(FULL_BYTES, bytes.length * 2);
    const capacity = needed <= KEPT_BYTES ? KEPT_BYTES : Math.max(needed, Math.min(full, doubled));
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(bytes.subarray(0, length));
    this.bytes = grown;
  }

  #use(bytes: number): void {
    if (bytes <= this.#usedBytes) return;
    const usedBytes = Math.ceil(bytes / KEPT_BYTES) * KEPT_BYTES;
    this.#memory.charge(usedBytes - this.#usedBytes);
    this.#usedBytes = usedBytes;
  }

  /** Nobody needs it now: what is large goes. */
  trim(): void {
    if (this.bytes.length <= KEPT_BYTES) return;
    this.#memory.release(this.#usedBytes);
    this.#usedBytes = 0;
    this.bytes = NO_BYTES;
  }
}

/** Both ways of a message. */
export type Way = 'inflated' | 'deflated';

export class LargeRoom {
  readonly inflated: LargeBuffer;
  readonly deflated: LargeBuffer;
  #holder: RoomHolder | null = null;
  /** The holder's message is done, and its result is looked at. */
  #isDone = false;
  readonly #waiting = new Fifo<{ readonly holder: RoomHolder; readonly enter: () => void }>();

  constructor(memory: MemoryAccount) {
    this.inflated = new LargeBuffer(memory);
    this.deflated = new LargeBuffer(memory);
  }

  /** How many wait for it. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Takes the room if it is free. @returns whether this holder has it */
  take(holder: RoomHolder): boolean {
    this.#holder ??= holder;
    if (this.#holder !== holder) return false;
    this.#isDone = false;
    return true;
  }

  /** Gives the room to this holder when it is its turn, and tells it by `enter`. */
  wait(holder: RoomHolder, enter: () => void): void {
    if (this.take(holder)) enter();
    else this.#waiting.push({ holder, enter });
  }

  /**
   * Keeps the room for who works on with the result that is in it. Only one can; whoever else it was given to needs a copy.
   *
   * @returns whether these bytes are in the room, and stay there
   */
  keep(holder: RoomHolder, bytes: Uint8Array): boolean {
    if (this.#holder === null || bytes.buffer !== this.inflated.bytes.buffer) return false;
    if (this.#holder !== holder && !this.#isDone) return false;
    this.#holder = holder;
    this.#isDone = false;
    return true;
  }

  /** The message is done: its result is looked at in this turn of the event loop, unless somebody keeps it. */
  leaveSoon(holder: RoomHolder): void {
    if (this.#holder !== holder) return;
    this.#isDone = true;
    setImmediate(() => {
      // Its next message may be there already.
      if (this.#isDone) this.leave(holder);
    });
  }

  /** Leaves it to the next one; does nothing for who does not have it. */
  leave(holder: RoomHolder): void {
    if (this.#holder !== holder) return;
    this.#isDone = false;
    const next = this.#waiting.shift();
    this.#holder = next?.holder ?? null;
    if (next !== undefined) {
      next.enter();
      return;
    }
    this.inflated.trim();
    this.deflated.trim();
  }
}
