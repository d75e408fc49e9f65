/**
 * The pump between one session and its target.
 *
 *     client ──▶ pieces as they arrive ──▶ outbox, one write for each read ──▶ target
 *     client ◀── one message for each read ◀── the read buffer ◀────────────── target
 *
 * Laws:
 * 1. No message is assembled: one may be larger than memory.
 * 2. Back-pressure goes both ways: while the target does not drain, the session is not read, and the
 *    reverse. So a session holds at most one read for its target, and the output pause and one read for
 *    its client.
 * 3. What was received before an end goes out before that end.
 */
import type { Socket } from 'node:net';
import type { HeavyWork, Turns } from '../../budget/turns.js';
import type { FlushQueue, Flushable } from '../../connection/flush-queue.js';
import { Outbox } from '../../connection/outbox.js';
import type { ModeSession, TargetEvent } from '../../session/session.js';
import { type SocketOwner, own } from '../../connection/socket.js';
import { NO_BYTES } from '../../protocol/bytes.js';
import { CloseCode } from '../../protocol/close.js';
import { Opcode } from '../../protocol/frame.js';
import { OutputQueue } from '../../protocol/output-queue.js';
import type { SlabPool } from '../../protocol/slabs/slab-pool.js';
import { TextCutter } from './text-cutter.js';
import type { TokenBearer } from './tokens/token-place.js';

/** The error of a write to a peer that has closed both directions: its FIN came before its refusal. */
const HAS_ENDED = 'EPIPE';

/** What the links of one mode share. */
export interface LinkHost {
  readonly flushQueue: FlushQueue;
  readonly slabPool: SlabPool;
  /** Shares the event loop among those that have much to do. */
  readonly turns: Turns;
  /** Whether the client gets text messages instead of binary ones. */
  readonly isText: boolean;
  /** How long a target may accept none of its waiting bytes, in milliseconds. */
  readonly sendTimeout: number;
  /** How long a target may stay after its session is over, in milliseconds. */
  readonly closeTimeout: number;
  nowMs(): number;
  /** The target of this link does not take its bytes: call `checkStall` from time to time. */
  blocked(link: TargetLink): void;
  unblocked(link: TargetLink): void;
}

export class TargetLink implements SocketOwner, Flushable, HeavyWork {
  servedUs: number;

  readonly #session: ModeSession;
  /** As the operator named it. */
  readonly target: string;
  /** What of the request may have led there; null where nothing of it did. */
  bearer: TokenBearer | null = null;
  readonly #host: LinkHost;
  readonly #cutter: TextCutter | null;
  /** The way to the target; null before there is a socket, and after it has closed. */
  #outbox: Outbox | null = null;
  #isFlushDue = false;
  /** The session is open; before that, nothing can be sent to it. */
  #isStarted = false;
  /** The target's FIN has come. */
  #hasTargetEnded = false;
  /** Our FIN follows the last byte for the target. */
  #hasEnded = false;
  /** The system's name of what broke the connection to the target. */
  #error: string | undefined;
  /** The session is over: there is nobody left to send to. */
  #isSessionOver = false;
  /** The client has too much waiting: the target is not read until `resume`. */
  #isHeldBack = false;
  /** It has had its time: the target is not read until its next turn. */
  #isParked = false;

  /** @param target as the operator named it, for the recording */
  constructor(session: ModeSession, target: string, host: LinkHost) {
    this.#session = session;
    this.target = target;
    this.#host = host;
    this.#cutter = host.isText ? new TextCutter() : null;
    this.servedUs = host.turns.servedUs;
  }

  /** Takes over a socket that is connected and paused. */
  attach(socket: Socket): void {
    this.#outbox = new Outbox(socket, new OutputQueue(this.#host.slabPool));
    own(socket, this);
  }

  /** The session is open: what the target says can be sent. */
  start(): void {
    this.#isStarted = true;
    this.#report('connected');
    if (this.#outbox === null) this.#targetGone();
    else this.#outbox.socket.resume();
  }

  /** The memory that waits for the target, in bytes. */
  get heldBytes(): number {
    return this.#outbox?.queue.heldBytes ?? 0;
  }

  // ---- From the target

  /**
   * A read from the target: the first `count` bytes, valid during the call.
   *
   * @returns false to receive nothing more until the socket is resumed
   */
  receive(bytes: Uint8Array, count: number): boolean {
    if (this.#isSessionOver) return true;
    this.#isHeldBack = !this.#pass(bytes, count);
    const { turns } = this.#host;
    if (turns.spend(count) && !this.#isParked) {
      this.#isParked = true;
      turns.add(this);
    }
    return !this.#isHeldBack && !this.#isParked;
  }

  /** @returns false when the client has too much waiting */
  #pass(bytes: Uint8Array, count: number): boolean {
    if (this.#cutter === null)
      return this.#session.sendRange(Opcode.Binary, bytes, 0, count) === 'sent';
    const { text, isValid } = this.#cutter.cut(bytes.subarray(0, count));
    const canGoOn = text.length === 0 || this.#session.sendRange(Opcode.Text, text) === 'sent';
    if (!isValid) this.#failText();
    return canGoOn;
  }

  /** Its turn has come: the target is read again. */
  work(): void {
    this.#isParked = false;
    if (!this.#isHeldBack) this.#outbox?.socket.resume();
  }

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    if (!this.receive(bytes.subarray(start, end), end - start)) this.#outbox?.socket.pause();
  }

  /**
   * The target's FIN, or a reset: libuv reports a reset as an end if bytes came right before
   * (uv__stream_io, POLLHUP). Writing nothing tells one from the other, because it raises the error.
   */
  receiveEof(): void {
    if (this.#hasEnded || this.#isSessionOver) {
      this.#targetEnded();
      return;
    }
    if (this.#outbox?.isBlocked === false) this.#outbox.socket.write(NO_BYTES);
    setImmediate(() => {
      const error = this.#outbox?.socket.errored as NodeJS.ErrnoException | null | undefined;
      if (error === null || error?.code === HAS_ENDED) this.#targetEnded();
    });
  }

  #targetEnded(): void {
    this.#hasTargetEnded = true;
    this.#report('ended');
    if (this.#cutter?.isBetweenCharacters === false) this.#failText();
    else this.#session.close(CloseCode.Normal, 'the target closed the connection');
  }

  drained(): void {
    this.#host.unblocked(this);
    this.#outbox?.unblock();
    this.flush();
    if (this.#outbox?.isBlocked === false) this.#session.resume();
  }

  socketFailed({ code, message }: NodeJS.ErrnoException): void {
    // A target that has ended may well refuse what is sent to it afterwards.
    if (this.#hasTargetEnded || code === HAS_ENDED) return;
    this.#error = code ?? message;
    this.#session.notes = { ...this.#session.notes, targetError: this.#error };
  }

  socketClosed(): void {
    this.#host.unblocked(this);
    this.#outbox?.queue.discard();
    this.#outbox = null;
    if (this.#isStarted) this.#targetGone();
  }

  #targetGone(): void {
    if (!this.#hasTargetEnded) {
      this.#report('lost');
      this.#session.close(CloseCode.InternalError, lossReason(this.#error));
    }
    this.#session.resume();
  }

  #report(state: TargetEvent['state']): void {
    // No record may follow that of the end.
    if (this.#isSessionOver) return;
    this.#session.reportTarget({ state, target: this.target, error: this.#error });
  }

  #failText(): void {
    this.#session.close(CloseCode.InternalError, 'the target sent text that is not UTF-8');
    this.#outbox?.socket.destroy();
  }

  // ---- From the session

  /** A piece of a message, for the target. It leaves with all others of the same read. */
  send(bytes: Uint8Array, start: number, end: number): void {
    const outbox = this.#outbox;
    if (outbox === null || this.#hasEnded) return;
    outbox.queue.appendBytes(bytes, start, end);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#host.flushQueue.add(this);
  }

  flush(): void {
    this.#isFlushDue = false;
    const outbox = this.#outbox;
    if (outbox === null || this.#hasEnded) return;
    const wasBlocked = outbox.isBlocked;
    outbox.flush(this.#host.nowMs());
    if (!outbox.isBlocked || wasBlocked) return;
    this.#host.blocked(this);
    this.#session.pause();
  }

  /** The client has read on. */
  resume(): void {
    this.#isHeldBack = false;
    if (!this.#isParked) this.#outbox?.socket.resume();
  }

  /**
   * The client has sent its last message: what waits goes to the target, followed by our FIN.
   *
   * @returns a promise that resolves when the target, or rather the kernel on the way to it, has it all
   */
  end(): Promise<void> | undefined {
    const outbox = this.#outbox;
    if (outbox === null) return undefined;
    this.#end(outbox);
    const { socket } = outbox;
    if (socket.writableFinished) return undefined;
    return new Promise((resolve) => {
      socket.once('finish', resolve);
      socket.once('close', () => {
        resolve();
      });
    });
  }

  /**
   * The session is over: the target gets what waits for it and a FIN, and has `closeTimeout` to leave.
   *
   * @returns as `end`
   */
  sessionOver(): Promise<void> | undefined {
    this.#isSessionOver = true;
    const outbox = this.#outbox;
    if (outbox === null) return undefined;
    const flushed = this.end();
    const { socket } = outbox;
    // Nobody needs what it still sends, but unread bytes would turn our FIN into a reset.
    socket.resume();
    const timer = setTimeout(() => {
      socket.destroy();
    }, this.#host.closeTimeout);
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
    return flushed;
  }

  #end(outbox: Outbox): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    outbox.end(this.#host.nowMs());
  }

  /** Called while the target does not take its bytes. */
  checkStall(nowMs: number): void {
    const outbox = this.#outbox;
    if (outbox?.isStalled(nowMs, this.#host.sendTimeout) !== true) return;
    this.#session.close(CloseCode.InternalError, 'the target does not read');
    outbox.socket.destroy();
  }
}

/** Why a target is lost, for the client. Other errors are those of the network on the way, or of TLS. */
function lossReason(error: string | undefined): string {
  if (error === 'ETIMEDOUT') return 'the target does not answer any more';
  if (error === undefined || error === 'ECONNRESET') return 'the target reset the connection';
  return 'the connection to the target was lost';
}
