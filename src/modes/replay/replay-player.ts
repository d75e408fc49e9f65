/**
 * Replays one session: goes through the recorded steps in their order, one after the other.
 *
 *     client ──▶ pieces as they arrive ──▶ queue ──▶ compared with what the recorded client sent
 *     client ◀── what the recorded server sent ◀──── read from the file as it is needed
 *
 * Laws:
 * 1. No message is assembled, and no more than one chunk and one line is read from the file.
 * 2. A step of the client is awaited for as long as it takes; a step of ours follows the step before it
 *    after the recorded time, divided by the speed.
 * 3. Once the client has sent Close, nothing waits any more.
 */
import type { MemoryAccount } from '../../budget/memory-account.js';
import type { ModeSession } from '../../session/session.js';
import { copyPayload } from '../../protocol/bytes.js';
import { CloseCode, type CloseStatus } from '../../protocol/close.js';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import type { RecordTime } from '../../recording/format/record.js';
import type { ReplaySession } from '../../recording/replay/replay-index.js';
import type {
  MessageStep,
  ReplayScript,
  ReplayStep,
} from '../../recording/replay/replay-script.js';
import { MessageMatch } from './message-match.js';
import { type Piece, PieceQueue } from './piece-queue.js';
import { ReplayClock } from './replay-clock.js';
import type { ClientLog } from '../../log.js';
import { ReplayReport } from './replay-report.js';
import { TextCutter } from '../tcp/text-cutter.js';

type Script = Pick<ReplayScript, 'startTime' | 'heldBytes' | 'read' | 'close'>;

export interface ReplayOptions {
  /** How much faster than recorded: 2 is twice as fast; 0 waits only for the client. */
  readonly speed: number;
  /** Whether a client that deviates from the recording is closed. */
  readonly isStrict: boolean;
  readonly log: ClientLog;
  /** Is charged for what clients have sent and was not compared; by default nobody is. */
  readonly memory?: MemoryAccount | null;
}

/**
 * Output recorded more than this many seconds after a message of the client is not taken for an answer
 * to it, and is no longer sent to a client that has sent Close.
 */
const ANSWER_SECONDS = 1;

/** The longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class ReplayPlayer {
  readonly #session: ModeSession;
  readonly #script: Script;
  readonly #isStrict: boolean;
  readonly #clock: ReplayClock;
  readonly #report: ReplayReport;
  readonly #queue: PieceQueue;
  #isInputPaused = false;
  /** Waits for the client's output to drain, after `send` has reported that it is full. */
  #canSend = true;
  #hasClientClosed = false;
  /** Nothing is left to do. */
  #isOver = false;
  /** Ends the current wait. */
  #wakeUp: (() => void) | null = null;
  #played: Promise<void> = Promise.resolve();

  /** When the last step of the client was recorded. */
  #lastClientTime: RecordTime;
  /** How many of the client's messages have been examined. */
  #clientMessages = 0;
  /** The message that is being compared. */
  #match = new MessageMatch();
  /** All of the client's message that is being compared has been examined. */
  #isMessageThrough = true;

  constructor(
    session: ModeSession,
    script: Script,
    recorded: ReplaySession,
    { speed, isStrict, log, memory = null }: ReplayOptions,
  ) {
    this.#session = session;
    this.#script = script;
    this.#isStrict = isStrict;
    this.#queue = new PieceQueue(memory);
    this.#clock = new ReplayClock(speed, script.startTime);
    this.#report = new ReplayReport(session, recorded, log);
    this.#lastClientTime = script.startTime;
  }

  /** The memory that it holds, in bytes. */
  get heldBytes(): number {
    return this.#script.heldBytes + this.#queue.heldBytes;
  }

  /** The session is open. */
  start(): void {
    this.#report.opened();
    this.#clientDid(this.#script.startTime);
    this.#played = this.#play();
  }

  // ---- From the session

  /** A piece of a message of the client arrived. */
  receive(opcode: DataOpcode, bytes: Uint8Array, isFirst: boolean, isLast: boolean): void {
    if (this.#isOver) return;
    this.#queue.push({ opcode, bytes: copyPayload(bytes), isFirst, isLast });
    if (this.#queue.isFull && !this.#isInputPaused) {
      this.#isInputPaused = true;
      this.#session.pause();
    }
    this.#wake();
  }

  /** The client's output has drained. */
  resume(): void {
    this.#canSend = true;
    this.#wake();
  }

  /**
   * The client's Close has arrived.
   *
   * @returns a promise that everything the client sent before it has been dealt with
   */
  clientClosed(): Promise<void> {
    this.#hasClientClosed = true;
    this.#wake();
    return this.#played;
  }

  /** The session is over, however it ended. */
  stop(): void {
    this.#report.note();
    this.#end();
    this.#queue.clear();
    void this.#script.close();
  }

  // ---- The steps

  async #play(): Promise<void> {
    try {
      await this.#playAll();
      if (this.#hasClientClosed) this.#report.clientClosed();
    } catch (error) {
      // Once the file is closed it cannot be read, and nobody waits for it.
      if (!this.#isOver) this.#session.fail(error);
    } finally {
      this.#end();
      await this.#script.close();
    }
  }

  async #playAll(): Promise<void> {
    for (;;) {
      const steps = await this.#script.read();
      if (steps === null) break;
      for (const step of steps) {
        await this.#playStep(step);
        if (this.#isOver) return;
      }
    }
    await this.#awaitClose();
  }

  async #playStep(step: ReplayStep): Promise<void> {
    if (step.kind === 'client-close') {
      await this.#awaitClose();
      this.#clientDid(step.t);
    } else if (step.kind === 'server-close') {
      await this.#waitUntil(step.t);
      // A client that closed first gets its own code back.
      if (this.#hasClientClosed) this.#end();
      else this.#close(step);
    } else if (step.dir === 'in') {
      await this.#expect(step);
    } else {
      await this.#waitUntil(step.t);
      await this.#send(step);
    }
  }

  async #send({ t, opcode, payload, lengthBytes, isFirst, isLast }: MessageStep): Promise<void> {
    const isHeldUp = !this.#canSend;
    while (!this.#canSend && !this.#isOver) await this.#nextEvent();
    if (isHeldUp) this.#clock.happened(t, performance.now());
    if (this.#hasClientClosed && t - this.#lastClientTime > ANSWER_SECONDS) this.#end();
    if (this.#isOver) return;
    // A character may have been cut in two.
    const isCutText = opcode === Opcode.Text && payload.length < lengthBytes;
    const bytes = isCutText ? new TextCutter().cut(payload).text : payload;
    const result =
      isFirst && isLast
        ? this.#session.sendRange(opcode, bytes)
        : this.#session.sendChunkRange(opcode, bytes, 0, bytes.length, isFirst, isLast);
    this.#canSend = result === 'sent';
    if (isLast) this.#report.played();
  }

  /** Compares what the client sends next with a recorded message, or a piece of one. */
  async #expect(step: MessageStep): Promise<void> {
    if (step.isFirst) {
      this.#match = new MessageMatch();
      this.#isMessageThrough = false;
      this.#clientMessages++;
    }
    const { opcode, lengthBytes, payload } = step;
    let done = 0;
    // A last piece is compared with everything that is left of the client's message, not only with as
    // many bytes.
    while (!this.#isMessageThrough && (done < lengthBytes || step.isLast)) {
      const piece = await this.#nextPiece();
      if (piece === null) {
        this.#end();
        return;
      }
      if (piece.isFirst) this.#match.compareOpcodes(piece.opcode, opcode);
      const bytes = piece.bytes.subarray(0, lengthBytes - done);
      this.#match.compare(bytes, payload.subarray(done, done + bytes.length));
      done += bytes.length;
      const isBeyond = done === lengthBytes && step.isLast;
      const beyondBytes = isBeyond ? piece.bytes.length - bytes.length : 0;
      this.#match.addActual(beyondBytes);
      this.#take(piece, bytes.length + beyondBytes);
    }
    this.#match.addExpected(lengthBytes - done);
    this.#clientDid(step.t);
    if (!step.isLast) return;
    this.#report.played();
    const { difference } = this.#match;
    if (difference !== null) this.#differs(`is not the recorded one: ${difference}`);
  }

  /** Waits for the client's Close: anything else that arrives is not in the recording. */
  async #awaitClose(): Promise<void> {
    for (;;) {
      const piece = await this.#nextPiece();
      if (piece === null) return;
      if (piece.isFirst) {
        this.#clientMessages++;
        this.#differs('is not in the recording');
      }
      this.#take(piece, piece.bytes.length);
    }
  }

  // ---- The client's messages

  /** The oldest piece that has not been examined; null if none will come. */
  async #nextPiece(): Promise<Piece | null> {
    while (!this.#isOver) {
      const { head } = this.#queue;
      if (head !== null || this.#hasClientClosed) return head;
      await this.#nextEvent();
    }
    return null;
  }

  /** The first bytes of the oldest piece have been examined. */
  #take(piece: Piece, count: number): void {
    this.#queue.consume(count);
    if (piece.bytes.length === 0) {
      this.#isMessageThrough = piece.isLast;
      this.#queue.shift();
    }
    if (!this.#isInputPaused || this.#queue.isFull || this.#isOver) return;
    this.#isInputPaused = false;
    this.#session.resume();
  }

  #differs(what: string): void {
    const sentence = `message ${this.#clientMessages} ${what}`;
    this.#report.differs(this.#clientMessages, sentence);
    if (this.#isStrict) this.#close({ code: CloseCode.PolicyViolation, reason: sentence });
  }

  /** The client has done its recorded step: the time until the next step begins now. */
  #clientDid(t: RecordTime): void {
    this.#lastClientTime = t;
    this.#clock.happened(t, performance.now());
  }

  // ---- Waiting

  /** Waits for the recorded time between the last step and this one. */
  async #waitUntil(t: RecordTime): Promise<void> {
    const dueMs = this.#clock.dueMs(t);
    while (!this.#isOver && !this.#hasClientClosed) {
      const restMs = dueMs - performance.now();
      if (restMs < 1) return;
      const wake = this.#wake.bind(this);
      const timer = setTimeout(wake, Math.min(restMs, MAX_TIMER_MS));
      await this.#nextEvent();
      clearTimeout(timer);
    }
  }

  /** Waits until anything has happened. */
  async #nextEvent(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve;
    });
  }

  #wake(): void {
    this.#wakeUp?.();
    this.#wakeUp = null;
  }

  // ---- The end

  #close({ code, reason }: CloseStatus): void {
    if (this.#isOver) return;
    this.#end();
    this.#session.close(code, reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}
