/**
 * What a client that sends much may have of the event loop. A read is looked at as it comes, as far as there is time in
 * this turn; the rest of it waits, and the client is not read until its turn has come.
 */
import type { HeavyReader, HeavyWork, Turns } from '../../budget/turns.js';
import type { Connection } from '../connection.js';
import { CROWDED_READ_BYTES } from '../node-internals.js';
import { EarlyBytes } from './early-bytes.js';

/** A smaller read is served in any case: its client does not have much to do. */
const LIGHT_BYTES = 1024;

/** From this size a read is one of somebody who has much to do. */
export const HEAVY_BYTES = 4096;

/** From this size the time that it takes is measured, whatever else there is in this turn. */
const MEASURED_BYTES = 32 * 1024;

/** What a read costs that brings next to nothing. */
export const READ_COST_BYTES = 256;

/** A read is cut into pieces of about this time, in milliseconds: between two of them others may be let in. */
const PIECE_MS = 1;
const MIN_PIECE_BYTES = 16 * 1024;
/** The piece of a client of whom nothing is known yet: the most that comes with the first read. */
const FIRST_PIECE_BYTES = CROWDED_READ_BYTES;

/** Whose bytes they are. */
interface Taker {
  readonly connection: Connection;
  /** Looks at what was read. */
  take(bytes: Uint8Array, start: number, end: number): void;
  /** All that was read was looked at. */
  caughtUp(): void;
}

export class Intake implements HeavyWork, HeavyReader {
  servedUs: number;
  seenInTurn = -1;

  readonly #taker: Taker;
  readonly #connection: Connection;
  readonly #turns: Turns;
  /** What was read and not looked at. */
  readonly #waiting: EarlyBytes;
  /** How much is looked at before the clock is. */
  #pieceBytes = FIRST_PIECE_BYTES;
  /** The client is not read until its turn has come. */
  #isParked = false;
  #isQueued = false;
  #isGone = false;

  constructor(taker: Taker) {
    this.#taker = taker;
    this.#connection = taker.connection;
    this.#turns = taker.connection.host.turns;
    this.#waiting = new EarlyBytes(taker.connection.host.memory);
    this.servedUs = this.#turns.servedUs;
  }

  get isParked(): boolean {
    return this.#isParked;
  }

  /** Bytes that it holds. */
  get heldBytes(): number {
    return this.#waiting.heldBytes;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    const turns = this.#turns;
    if (this.#isParked) {
      // TLS may give more of what it has deciphered.
      this.#wait(bytes, start, end);
      return;
    }
    if (end - start < HEAVY_BYTES) {
      if (turns.isOver && end - start >= LIGHT_BYTES) this.#wait(bytes, start, end);
      else this.#taker.take(bytes, start, end);
      turns.spend(end - start + READ_COST_BYTES);
      return;
    }
    turns.noteReader(this);
    const next = turns.isOver ? start : this.#takeInTime(bytes, start, end);
    // What is left of a read behind the end of the session is nobody's.
    if (this.#isGone) return;
    if (next < end) this.#wait(bytes, next, end);
    else if (turns.isOver) this.#park();
  }

  /** @returns where the rest begins, for which there is no time */
  #takeInTime(bytes: Uint8Array, start: number, end: number): number {
    const turns = this.#turns;
    if (!turns.isWatched && end - start < MEASURED_BYTES) {
      this.#taker.take(bytes, start, end);
      turns.spend(end - start);
      return end;
    }
    let sinceMs = performance.now();
    let next = start;
    do {
      const stop = Math.min(end, next + this.#pieceBytes);
      this.#taker.take(bytes, next, stop);
      const nowMs = performance.now();
      const ms = nowMs - sinceMs;
      turns.charge(this, ms);
      this.#pieceBytes = Math.max(MIN_PIECE_BYTES, Math.floor(((stop - next) * PIECE_MS) / ms));
      turns.spend(stop - next);
      next = stop;
      sinceMs = nowMs;
    } while (next < end && !turns.isOver && !this.#connection.isInputPaused && !this.#isGone);
    return next;
  }

  #wait(bytes: Uint8Array, start: number, end: number): void {
    this.#waiting.keep(bytes, start, end);
    if (!this.#isParked) this.#park();
  }

  #park(): void {
    this.#isParked = true;
    this.#connection.socket.pause();
    this.#queue();
  }

  #queue(): void {
    if (this.#isQueued || this.#connection.isInputPaused) return;
    this.#isQueued = true;
    this.#turns.add(this);
  }

  /** The session takes more again. @returns whether the socket is to be read: not before its turn, if it is parked */
  resume(): boolean {
    if (this.#isParked) this.#queue();
    return !this.#isParked;
  }

  /** Its turn has come: looks at what waits, and has the client read again when all of that is gone. */
  work(): void {
    const connection = this.#connection;
    this.#isQueued = false;
    // If the session has paused meanwhile, `resume` brings it back.
    if (this.#isGone || connection.isInputPaused) return;
    this.#isParked = false;
    const { bytes, start, end } = this.#waiting;
    this.#waiting.forget();
    if (start < end) connection.receiveBytes(bytes, start, end);
    this.#caughtUp();
  }

  #caughtUp(): void {
    if (this.#isGone || this.#isParked) return;
    this.#waiting.free();
    this.#taker.caughtUp();
  }

  /** The connection is past the phase that this is for: what waits is dropped. */
  drop(): void {
    this.#isGone = true;
    this.#waiting.free();
  }
}
