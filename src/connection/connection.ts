/**
 * The one place where a socket meets the protocol.
 *
 * Laws:
 * 1. What one read produces leaves in one write.
 * 2. Nothing refers to the bytes of a read after the call that brought them.
 * 3. While the socket has not taken the last write, nothing more is written to it: the output waits
 *    here, in bounded memory, and the consumer is told to pause.
 * 4. Our FIN follows our last byte. The socket is destroyed only when the peer's FIN came too, or a
 *    deadline has passed: unread input would turn our FIN into a reset, and our Close be lost
 *    (RFC 6455 §7.1.1).
 */
import type { Socket } from 'node:net';
import { HandshakeError } from '../errors.js';
import { CloseCode } from '../protocol/close-payload.js';
import { OutputQueue } from '../protocol/output-queue.js';
import type { ConnectionHost } from './connection-host.js';
import { ConnectionSession } from './connection-session.js';
import type { Flushable } from './flush-queue.js';
import {
  type AcceptableUpgrade,
  Opening,
  acceptingResponse,
  refusalBytes,
  refusalOf,
} from './opening.js';
import { Outbox } from './outbox.js';
import type { SessionTransport } from './session-transport.js';
import type { DropRule } from './session.js';
import { forgetPeerAddress, startReceiving } from './socket-internals.js';
import { type SocketOwner, own } from './socket-owner.js';

/** How far a connection is. */
const Phase = {
  /** The request head is being read. */
  Head: 0,
  /** The consumer makes up its mind; reading has stopped. */
  Opening: 1,
  /** Messages flow, or the closing handshake runs. */
  Open: 2,
  /** Our last byte is on its way, FIN behind it; input is thrown away. */
  Ending: 3,
  Closed: 4,
} as const;

type Phase = (typeof Phase)[keyof typeof Phase];

/**
 * After our FIN: how long, and how much, we read on for the sake of an orderly end. A client whose large
 * message is refused at its header may have all of it on the way, and a reset would cost it our Close.
 */
const LINGER_MS = 2000;
const LINGER_BYTES = 32 * 1024 * 1024;

export class Connection implements SocketOwner, Flushable, SessionTransport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly outbox: Outbox;
  isInputPaused = false;
  /** When the clock should call `check` next, in its milliseconds. */
  nextCheckMs: number;

  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #onClosed: (connection: Connection) => void;
  #phase: Phase = Phase.Head;
  #opening: Opening | null;
  #session: ConnectionSession | null = null;
  #isFlushDue = false;
  #endedMs = 0;
  #lingeredBytes = 0;

  /** @param onClosed called once, when the socket is gone */
  constructor(socket: Socket, host: ConnectionHost, onClosed: (connection: Connection) => void) {
    this.#socket = socket;
    this.#host = host;
    this.#onClosed = onClosed;
    this.remoteAddress = socket.remoteAddress ?? 'unix';
    this.remotePort = socket.remotePort ?? 0;
    forgetPeerAddress(socket);
    this.outbox = new Outbox(socket, new OutputQueue(host.slabPool));
    this.#opening = new Opening(host.opening);
    this.nextCheckMs = host.clock.nowMs + host.limits.handshakeMs;
  }

  /** Begins to read; all listeners are there before anything can fail. */
  start(): void {
    own(this.#socket, this);
    startReceiving(this.#socket, this.#host.sharedReads);
  }

  // ---- From the socket

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    const { flushQueue } = this.#host;
    flushQueue.hold();
    this.#isFlushDue = true;
    try {
      if (this.#phase === Phase.Open) this.#session!.receive(bytes, start, end);
      else if (this.#phase === Phase.Head) this.#receiveHead(bytes, start, end);
      else if (this.#phase === Phase.Opening) this.#opening!.keepEarly(bytes, start, end);
      else this.#discard(end - start);
    } finally {
      this.flush();
      flushQueue.release();
    }
  }

  /** The peer's FIN. */
  receiveEof(): void {
    // Who hangs up during the opening handshake wants no answer.
    if (this.#phase < Phase.Open) this.#socket.destroy();
    else if (this.#phase === Phase.Open) this.#session!.receiveEof();
    this.flush();
  }

  /** The socket has taken everything that was written. */
  drained(): void {
    if (this.#phase !== Phase.Open) return;
    this.outbox.unblock();
    this.#session!.unblocked();
    this.flush();
    this.#session!.resumeOutput();
  }

  socketFailed(error: NodeJS.ErrnoException): void {
    this.#session?.lost(error.code ?? error.message);
  }

  socketClosed(): void {
    this.#phase = Phase.Closed;
    this.outbox.queue.discard();
    // A consumer that is still opening is told when it is done, which may be never.
    if (this.#session?.isOpen === true) this.#session.finish();
    else this.#session?.abandon();
    this.#onClosed(this);
  }

  // ---- The opening handshake

  #receiveHead(bytes: Uint8Array, start: number, end: number): void {
    const opening = this.#opening!;
    try {
      const next = opening.receive(bytes, start, end);
      if (next < 0) return;
      const refusal = this.#host.findRefusal(this);
      if (refusal !== null) throw refusal;
      if (this.#openSession(opening.upgrade!)) {
        this.#accept();
        if (next < end) this.#session!.receive(bytes, next, end);
      } else {
        opening.keepEarly(bytes, next, end);
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Asks the consumer; false when it takes its time. */
  #openSession(upgrade: AcceptableUpgrade): boolean {
    this.#session = new ConnectionSession(upgrade, this.#host, this);
    // Before the consumer opens anything: an extension may have made what cannot be sent.
    this.#opening!.answer = acceptingResponse(upgrade, this.#session.extensions);
    const opened = upgrade.consumer.open?.(this.#session, upgrade.request);
    if (!(opened instanceof Promise)) return true;
    this.#phase = Phase.Opening;
    this.#socket.pause();
    opened.then(this.#acceptLate.bind(this), this.#refuse.bind(this));
    return false;
  }

  #accept(): void {
    this.outbox.queue.appendBytes(this.#opening!.answer!);
    this.#opening = null;
    this.#phase = Phase.Open;
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    this.#session!.open();
  }

  #acceptLate(): void {
    if (this.#phase !== Phase.Opening) {
      // The peer, or the deadline, was faster than the consumer, which has something to free now.
      this.#session!.finish();
      return;
    }
    const { early } = this.#opening!;
    this.#accept();
    if (!this.isInputPaused) this.#socket.resume();
    this.receiveBytes(early, 0, early.length);
  }

  #refuse(cause: unknown): void {
    this.#session?.abandon();
    if (this.#phase >= Phase.Ending) return;
    const error = refusalOf(cause);
    this.outbox.queue.appendBytes(refusalBytes(error, this.#opening!.method));
    this.#host.handshakeRefused(this, error, cause);
    this.#end();
  }

  // ---- From the session

  scheduleFlush(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#host.flushQueue.add(this);
  }

  pauseInput(): void {
    if (this.#phase >= Phase.Ending) return;
    this.isInputPaused = true;
    this.#socket.pause();
  }

  resumeInput(): void {
    this.isInputPaused = false;
    // Until the consumer has made up its mind nothing is read, whatever it asks for.
    if (this.#phase !== Phase.Opening) this.#socket.resume();
  }

  checkWithin(ms: number): void {
    this.nextCheckMs = Math.min(this.nextCheckMs, this.#host.clock.nowMs + ms);
  }

  drop(rule: DropRule): void {
    this.#session?.dropped(rule);
    this.#socket.destroy();
  }

  // ---- From the server

  /** Refuses a handshake that is under way, or closes the session: the server stops. */
  shutDown(): void {
    if (this.#phase !== Phase.Open) this.#refuse(new HandshakeError('draining'));
    else this.#session!.close(CloseCode.GoingAway, 'the server is shutting down');
  }

  /** Looks at the deadlines; called by the clock when `nextCheckMs` has passed. */
  check(nowMs: number): void {
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    if (this.#phase === Phase.Open) this.#session!.check(nowMs);
    else if (this.#phase === Phase.Ending) this.#checkEnding(nowMs);
    else if (this.#opening!.hasReceivedBytes) this.#refuse(new HandshakeError('handshake-timeout'));
    // Nobody spoke: a probe of the port, or a client that thought better of it.
    else this.#socket.destroy();
    this.flush();
  }

  #checkEnding(nowMs: number): void {
    if (!this.#socket.writableFinished) {
      if (this.outbox.stalledMs(nowMs) >= this.#host.limits.closeMs) this.drop('send-timeout');
      this.#endedMs = nowMs;
    } else if (nowMs - this.#endedMs >= LINGER_MS) {
      this.#socket.destroy();
    }
    this.checkWithin(LINGER_MS / 4);
  }

  // ---- The way out

  /** Writes what waits, and ends the connection when the protocol is through. */
  flush(): void {
    this.#isFlushDue = false;
    if (this.#phase !== Phase.Open) return;
    const wasBlocked = this.outbox.isBlocked;
    this.outbox.flush(this.#host.clock.nowMs);
    if (this.outbox.isBlocked && !wasBlocked) this.#session!.blocked();
    if (this.#session!.isOver) this.#end();
  }

  #end(): void {
    this.#phase = Phase.Ending;
    this.#opening = null;
    this.#endedMs = this.#host.clock.nowMs;
    this.outbox.end(this.#endedMs);
    this.#socket.resume();
    this.checkWithin(LINGER_MS / 4);
  }

  /** Throws away what comes after the end, within bounds: the peer may not be listening. */
  #discard(bytes: number): void {
    this.#lingeredBytes += bytes;
    if (this.#lingeredBytes > LINGER_BYTES) this.#socket.destroy();
  }
}
