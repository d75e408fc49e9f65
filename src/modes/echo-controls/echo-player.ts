/**
 * One session with controls: what came is kept until it is due, and leaves in the order in which it came.
 *
 *     client ──▶ copies, with the time when they are due ──▶ pieces, as far as they are paid for ──▶ client
 *
 * Laws:
 * 1. What waits is bounded in bytes and in number, and charged: a client with more than that waiting is not read.
 * 2. There is one timer at most, and none once the session is over.
 * 3. One turn of the event loop has a bounded number of pieces, however small they are, and all sessions share its time: what
 *    is left when that is over waits for its turn, as all work does that clients cause (`budget/turns.ts`).
 */
import type { MemoryAccount } from '../../budget/memory-account.js';
import type { HeavyWork, Turns } from '../../budget/turns.js';
import { copyPayload } from '../../protocol/bytes.js';
import { brokenBytes } from '../../protocol/break/broken-bytes.js';
import { brokenRule } from '../../protocol/break/broken-rules.js';
import { Fifo } from '../../protocol/fifo.js';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import type { RawOutput } from '../../session/raw-output.js';
import type { ModeSession, SendResult } from '../../session/session.js';
import type { EchoControls, Ending } from './parse-controls.js';
import { SessionClock, type Ticker } from './session-clock.js';

/** Beyond this a client is not read until half of it has left; what one read brings may come on top. */
export const MOST_WAITING_BYTES = 4 * 1024 * 1024;
export const MOST_WAITING = 8192;

/** What a message takes beside its payload. */
const ITEM_BYTES = 256;

/** So many pieces are sent in one turn of the event loop. */
const PIECES_A_TURN = 1024;

/** A piece takes as long as so many bytes, beside its own. */
const PIECE_COST = 256;

/** How long a piece of a throttled message takes, and how much a late timer may catch up. */
const PIECE_MS = 100;
const CATCH_UP_MS = 100;

/** A message on its way back, or what is to happen behind it. */
type Item =
  | {
      readonly dueMs: number;
      readonly opcode: DataOpcode;
      readonly bytes: Uint8Array;
      /** How many times it is still to be sent, and how much of the first of these has left. */
      left: number;
      sentBytes: number;
    }
  | { readonly dueMs: number; readonly ending: Ending };

export interface PlayerParts {
  readonly controls: EchoControls;
  /** What is sent first; null for nothing. */
  readonly info: string | null;
  readonly memory: MemoryAccount | null;
  readonly ticker: Ticker;
  readonly turns: Pick<Turns, 'servedUs' | 'spend' | 'add'>;
  /** From 0 to 1. */
  readonly chance: () => number;
}

const encoder = new TextEncoder();

export class EchoPlayer implements HeavyWork {
  servedUs: number;
  readonly #session: ModeSession;
  readonly #parts: PlayerParts;
  readonly #clock: SessionClock;
  readonly #queue = new Fifo<Item>();
  #raw: RawOutput | null = null;
  #heldBytes = 0;
  #received = 0;
  /** The client is not read. */
  #isPaused = false;
  /** The session takes more. */
  #canSend = true;
  #isOver = false;
  /** Waits for its turn. */
  #isParked = false;
  /** When the newest message is due: none overtakes another. */
  #lastDueMs = 0;
  /** When the next piece may leave, by the throttle. */
  #paidMs = 0;
  #pingDueMs = Number.MAX_SAFE_INTEGER;

  constructor(session: ModeSession, parts: PlayerParts) {
    this.#session = session;
    this.#parts = parts;
    this.servedUs = parts.turns.servedUs;
    this.#clock = new SessionClock(parts.ticker, this.#pump.bind(this));
  }

  /** The memory of what waits, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The session is open. */
  start(raw: RawOutput): void {
    const { controls, info } = this.#parts;
    this.#raw = raw;
    if (controls.withholdsPongs) raw.withholdPongs();
    if (controls.pingMs > 0) this.#pingDueMs = this.#clock.nowMs + controls.pingMs;
    for (const text of [info, controls.greeting])
      if (text !== null) this.#keep(Opcode.Text, encoder.encode(text), 1);
    if (controls.after === 0) this.#keepEnding();
    this.#pump();
  }

  // ---- From the session

  receive(opcode: DataOpcode, bytes: Uint8Array): void {
    if (this.#isOver) return;
    const { isMute, burst, after } = this.#parts.controls;
    this.#received++;
    if (!isMute) this.#keep(opcode, copyPayload(bytes), burst);
    if (this.#received === after) this.#keepEnding();
    this.#pump();
  }

  /** The session takes more again. */
  drained(): void {
    this.#canSend = true;
    this.#pump();
  }

  /** The client's Close has come: what waits for its time is not sent any more. */
  clientClosed(): void {
    const { ending } = this.#parts.controls;
    const isSilent = ending?.kind === 'break' && brokenRule(ending.rule).when === 'close';
    if (isSilent) this.#raw?.end();
    this.stop();
  }

  /** The session is over, or is to do nothing more. */
  stop(): void {
    this.#isOver = true;
    this.#clock.stop();
    this.#queue.clear();
    this.#charge(-this.#heldBytes);
  }

  // ---- What waits

  #keep(opcode: DataOpcode, bytes: Uint8Array, left: number): void {
    this.#queue.push({ dueMs: this.#nextDueMs(), opcode, bytes, left, sentBytes: 0 });
    this.#charge(bytes.length + ITEM_BYTES);
  }

  /** Whatever is to happen once enough has come. Rules of the handshake, and of the answer to a Close, have their own times. */
  #keepEnding(): void {
    const { ending } = this.#parts.controls;
    if (ending === null) return;
    if (ending.kind === 'break' && brokenRule(ending.rule).when !== 'messages') return;
    this.#queue.push({ dueMs: this.#nextDueMs(), ending });
    this.#charge(ITEM_BYTES);
  }

  #nextDueMs(): number {
    const { delayMs, jitterMs } = this.#parts.controls;
    const { nowMs } = this.#clock;
    const dueMs = nowMs + delayMs + (jitterMs === 0 ? 0 : this.#parts.chance() * jitterMs);
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    return this.#lastDueMs;
  }

  #charge(bytes: number): void {
    const { memory } = this.#parts;
    this.#heldBytes += bytes;
    if (bytes > 0) memory?.charge(bytes);
    else memory?.release(-bytes);
  }

  // ---- What leaves

  /** Its turn has come. */
  work(): void {
    this.#isParked = false;
    if (!this.#isOver) this.#pump();
  }

  /** Does what is due, and sees to it that it is called again for the rest. */
  #pump(): void {
    for (let pieces = 0; pieces < PIECES_A_TURN && !this.#isParked; pieces++) {
      const item = this.#queue.head;
      if (item === undefined || !this.#canSend || this.#isOver) break;
      if (this.#readyMs(item) > this.#clock.nowMs) break;
      const bytes = this.#step(item);
      if (this.#parts.turns.spend(PIECE_COST + bytes)) this.#park();
    }
    if (this.#isOver) return;
    this.#ping();
    this.#updatePause();
    this.#schedule();
  }

  #park(): void {
    if (this.#isOver || this.#queue.head === undefined) return;
    this.#isParked = true;
    this.#parts.turns.add(this);
  }

  #readyMs(item: Item): number {
    return Math.max(item.dueMs, this.#paidMs);
  }

  /** @returns how many bytes of payload have left */
  #step(item: Item): number {
    if ('ending' in item) {
      this.#take(ITEM_BYTES);
      this.#end(item.ending);
      return 0;
    }
    const { fragment, throttle } = this.#parts.controls;
    const { opcode, bytes, sentBytes } = item;
    const most = Math.min(
      fragment === 0 ? Infinity : fragment,
      throttle === 0 ? Infinity : Math.max(1, Math.floor((throttle * PIECE_MS) / 1000)),
    );
    const end = Math.min(bytes.length, sentBytes + most);
    const isFirst = sentBytes === 0;
    const isLast = end === bytes.length;
    const result =
      isFirst && isLast
        ? this.#session.sendRange(opcode, bytes)
        : this.#session.sendChunkRange(opcode, bytes, sentBytes, end, isFirst, isLast);
    this.#pay(end - sentBytes);
    item.sentBytes = isLast ? 0 : end;
    if (isLast && --item.left === 0) this.#take(bytes.length + ITEM_BYTES);
    this.#sent(result);
    return end - sentBytes;
  }

  #sent(result: SendResult): void {
    if (result === 'wait') this.#canSend = false;
    else if (result === 'closed') this.stop();
  }

  /** The first that waits is through. */
  #take(bytes: number): void {
    this.#queue.shift();
    this.#charge(-bytes);
  }

  #pay(bytes: number): void {
    const { throttle } = this.#parts.controls;
    if (throttle === 0) return;
    const fromMs = Math.max(this.#paidMs, this.#clock.nowMs - CATCH_UP_MS);
    this.#paidMs = fromMs + (1000 * bytes) / throttle;
  }

  #end(ending: Ending): void {
    const raw = this.#raw!;
    switch (ending.kind) {
      case 'close':
        this.stop();
        this.#session.close(ending.code, ending.reason);
        break;
      case 'reset':
        this.stop();
        raw.reset();
        break;
      case 'end':
        this.stop();
        raw.end();
        break;
      case 'break': {
        const { bytes, close, isLast } = brokenBytes(ending.rule);
        raw.send(bytes, close);
        if (isLast) raw.end();
        if (isLast || close !== null) this.stop();
      }
    }
  }

  #ping(): void {
    const { pingMs } = this.#parts.controls;
    const { nowMs } = this.#clock;
    if (this.#pingDueMs > nowMs) return;
    // A client that does not read gets none, and no backlog of them later.
    this.#pingDueMs = nowMs + pingMs;
    if (this.#canSend) this.#session.ping();
  }

  // ---- What comes

  #updatePause(): void {
    const share = this.#isPaused ? 0.5 : 1;
    const isFull =
      this.#heldBytes > share * MOST_WAITING_BYTES || this.#queue.length > share * MOST_WAITING;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#session.pause();
    else this.#session.resume();
  }

  #schedule(): void {
    const item = this.#queue.head;
    const waits = item === undefined || !this.#canSend || this.#isParked;
    const itemMs = waits ? Infinity : this.#readyMs(item);
    const wakeMs = Math.min(itemMs, this.#pingDueMs);
    if (wakeMs < Number.MAX_SAFE_INTEGER) this.#clock.wakeAt(wakeMs);
  }
}
