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
import { promiseOf } from '../foreign.js';
import type { Way } from '../handshake/policy.js';
import type { UpgradeRequest } from '../handshake/request.js';
import { CloseCode } from '../protocol/close.js';
import { OutputQueue } from '../protocol/output-queue.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { ConnectionHost } from './connection-host.js';
import { ConnectionSession } from '../session/server-session.js';
import type { EarlyBytes } from './early-bytes.js';
import type { Flushable } from './flush-queue.js';
import {
  Opening,
  acceptingResponse,
  optionsBytes,
  refusalBytes,
  refusalOf,
} from './handshake-phase.js';
import { Outbox } from './outbox.js';
import { type ListenerKind, localAddressOf } from './peer.js';
import { PlainExchange, type PlainTransport } from '../http/exchange.js';
import type { DropRule } from '../session/session.js';
import type { SessionUpgrade } from '../session/session-host.js';
import { forgetPeerAddress, startReceiving } from './node-internals.js';
import { type SocketOwner, own } from './socket.js';

/** How far a connection is. */
const Phase = {
  /** The request head is being read. */
  Head: 0,
  /** The consumer makes up its mind. */
  Opening: 1,
  /** A request that asks for no WebSocket connection is answered. */
  Http: 2,
  /** Messages flow, or the closing handshake runs. */
  Open: 3,
  /** Our last byte is on its way, FIN behind it; input is thrown away. */
  Ending: 4,
  Closed: 5,
} as const;

type Phase = (typeof Phase)[keyof typeof Phase];

/**
 * After our FIN: how long, and how much, we read on for the sake of an orderly end. A client whose large
 * message is refused at its header may have all of it on the way, and a reset would cost it our Close.
 */
const LINGER_MS = 2000;
const LINGER_BYTES = 32 * 1024 * 1024;

/**
 * Frames that may come before the consumer has made up its mind, or requests before one is answered; then
 * reading stops. One read more fits.
 */
const EARLY_BYTES = 64 * 1024;

/** How a connection came. */
export interface Arrival {
  readonly peer: PeerAddress;
  readonly kind: ListenerKind;
  /** Why its handshake is refused, whatever it asks for; null when nothing speaks against it so far. */
  readonly refusal: HandshakeError | null;
  /** By which way the peer, not its client, has come; `network` by default. */
  readonly way?: Way;
}

export class Connection implements SocketOwner, Flushable, PlainTransport {
  remoteAddress: string;
  remotePort: number;
  readonly outbox: Outbox;
  isInputPaused = false;
  /** Whether it takes one of the places that the server has. */
  isCounted: boolean;
  /** When the clock should call `check` next, in its milliseconds. */
  nextCheckMs: number;

  readonly #socket: Socket;
  readonly #kind: ListenerKind;
  readonly #host: ConnectionHost;
  readonly #onClosed: (connection: Connection) => void;
  #phase: Phase = Phase.Head;
  #opening: Opening | null;
  #session: ConnectionSession | null = null;
  #isFlushDue = false;
  #endedMs = 0;
  #lingeredBytes = 0;

  /**
   * @param arrival who has connected, on which kind of listener, and whether that was refused already
   * @param onClosed called once, when the socket is gone
   */
  constructor(
    socket: Socket,
    { peer, kind, refusal, way = 'network' }: Arrival,
    host: ConnectionHost,
    onClosed: (connection: Connection) => void,
  ) {
    this.#socket = socket;
    this.#kind = kind;
    this.#host = host;
    this.#onClosed = onClosed;
    this.isCounted = refusal === null;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
    forgetPeerAddress(socket);
    this.outbox = new Outbox(socket, new OutputQueue(host.slabPool));
    this.#opening = new Opening(host.opening, way);
    this.#opening.refusal = refusal;
    if (host.opening.expectsProxyHeader?.(this) === true)
      this.#opening.expectProxyHeader(this.#identify.bind(this));
    this.nextCheckMs = host.clock.nowMs + host.limits.handshakeTimeout;
  }

  /** Begins to read; all listeners are there before anything can fail. */
  start(): void {
    own(this.#socket, this);
    startReceiving(this.#socket, this.#host.sharedReads);
  }

  get localAddress(): string {
    return localAddressOf(this.#socket, this.#kind);
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  // ---- From the socket

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    const { flushQueue } = this.#host;
    flushQueue.hold();
    this.#isFlushDue = true;
    try {
      if (this.#phase === Phase.Open) this.#session!.receive(bytes, start, end);
      else if (this.#phase === Phase.Head) this.#receiveHead(bytes, start, end);
      else if (this.#phase < Phase.Open) this.#keepEarly(bytes, start, end);
      else this.#discard(end - start);
    } finally {
      try {
        this.flush();
      } finally {
        // Others wait for it, whatever happened to this one.
        flushQueue.release();
      }
    }
  }

  /** The peer's FIN. */
  receiveEof(): void {
    const plain = this.#opening?.plain ?? null;
    if (plain !== null) plain.isPeerDone = true;
    // Who hangs up during the opening handshake wants no answer.
    else if (this.#phase < Phase.Open) this.#socket.destroy();
    else if (this.#phase === Phase.Open) this.#session!.receiveEof();
    this.flush();
  }

  /** The socket has taken everything that was written. */
  drained(): void {
    if (this.#phase === Phase.Http) this.#opening!.plain!.drained();
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
    const wasOpening = this.#phase === Phase.Opening;
    this.#phase = Phase.Closed;
    try {
      this.outbox.queue.discard();
      if (this.#session?.isOpen === true) this.#session.finish();
      else if (wasOpening) this.#session?.abandonOpening();
      this.#opening?.plain?.abandon();
    } finally {
      // A server that waits for its last connection must not wait for ever.
      this.#onClosed(this);
    }
  }

  // ---- The opening handshake

  #receiveHead(bytes: Uint8Array, start: number, end: number): void {
    const opening = this.#opening!;
    try {
      const next = opening.receive(bytes, start, end);
      if (next < 0) return;
      this.#host.setExpendable(this, false);
      const proxy = this.#identify(this.#host.findClient(this, opening.head!.headers));
      // First: who is not let in learns nothing about paths and origins.
      if (opening.refusal !== null) throw opening.refusal;
      const plain = opening.readPlain(this.#host.http !== null);
      if (plain !== null && plain.text !== null) {
        this.#takePlain(new PlainExchange(plain.text, proxy, this, this.#host));
        this.#keepEarly(bytes, next, end);
        return;
      }
      const refusal = this.#host.findRefusal(this);
      if (refusal !== null) throw refusal;
      if (plain !== null) {
        this.#answer(optionsBytes());
        return;
      }
      const upgrade = opening.decide();
      if (this.#openSession(upgrade)) {
        this.#accept();
        if (next < end) this.#session!.receive(bytes, next, end);
      } else {
        this.#keepEarly(bytes, next, end);
      }
    } catch (error) {
      this.#refuse(opening.refusal ?? error);
    }
  }

  /** The client is whom the proxy in front of us names. @returns that proxy, or null without one */
  #identify(client: PeerAddress): PeerAddress | null {
    if (client === this) return null;
    const { remoteAddress, remotePort } = this;
    const proxy = { remoteAddress, remotePort };
    if (this.isCounted) this.#host.clientFound(proxy, client);
    this.remoteAddress = client.remoteAddress;
    this.remotePort = client.remotePort;
    return proxy;
  }

  /** Asks the consumer; false when it takes its time. */
  #openSession(upgrade: SessionUpgrade): boolean {
    this.#session = new ConnectionSession(upgrade, this.#host, this);
    // Before the consumer opens anything: an extension may have made what cannot be sent.
    this.#opening!.answer = acceptingResponse(upgrade, this.#session.extensions);
    const { request } = upgrade;
    const authorized = promiseOf(this.#host.opening.authorize?.(this.#opening!.head!));
    const opened =
      authorized === null ? this.#session.ask(request) : this.#askBehind(authorized, request);
    if (opened === null) return true;
    this.#phase = Phase.Opening;
    opened.then(this.#acceptLate.bind(this), this.#refuseLate.bind(this));
    return false;
  }

  async #askBehind(authorized: Promise<void>, request: UpgradeRequest): Promise<void> {
    await authorized;
    // Who is gone meanwhile opens nothing.
    if (this.#phase !== Phase.Opening) throw new HandshakeError('handshake-timeout');
    await this.#session!.ask(request);
  }

  /** Frames that came while the consumer makes up its mind. We read on, so as to hear when the peer goes. */
  #keepEarly(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#opening!.early.keep(bytes, start, end);
    if (this.#opening!.early.length >= EARLY_BYTES) this.#socket.pause();
  }

  #receiveEarly(early: EarlyBytes): void {
    const { bytes, start, end } = early;
    early.forget();
    this.receiveBytes(bytes, start, end);
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
    this.#receiveEarly(early);
  }

  /** The consumer has refused, or failed. */
  #refuseLate(cause: unknown): void {
    if (this.#phase !== Phase.Opening) return;
    this.#phase = Phase.Head;
    this.#refuse(cause);
  }

  #refuse(cause: unknown): void {
    if (this.#phase === Phase.Opening) this.#session?.abandonOpening();
    else this.#session?.abandon();
    if (this.#phase >= Phase.Ending) return;
    const error = refusalOf(cause);
    const answer = refusalBytes(error, this.#opening!.method);
    this.#host.handshakeRefused(this, error, cause);
    this.#answer(answer);
  }

  /** All that the peer gets. */
  #answer(bytes: Uint8Array): void {
    this.outbox.queue.appendBytes(bytes);
    this.#end();
    this.#host.setExpendable(this, true);
  }

  // ---- Requests that ask for no WebSocket connection

  #takePlain(plain: PlainExchange): void {
    this.#opening!.plain = plain;
    const admitted = promiseOf(plain.admit(this.#opening!.head!));
    if (admitted === null) {
      this.#servePlain();
      return;
    }
    this.#phase = Phase.Opening;
    admitted.then(this.#servePlain.bind(this), this.#refuseLate.bind(this));
  }

  #servePlain(): void {
    // The peer, or the deadline, was faster.
    if (this.#phase > Phase.Opening) return;
    this.#phase = Phase.Http;
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    this.#opening!.plain!.serve();
  }

  responded(isLast: boolean): void {
    // Dropped, and 'close' is yet to come.
    if (this.#socket.destroyed) return;
    if (isLast) {
      this.#end();
      return;
    }
    const { early, plain, way } = this.#opening!;
    if (plain!.proxy !== null) this.#identify(plain!.proxy);
    this.#opening = new Opening(this.#host.opening, way, early);
    this.#phase = Phase.Head;
    this.#host.setExpendable(this, true);
    this.nextCheckMs = this.#host.clock.nowMs + this.#host.limits.handshakeTimeout;
    this.#socket.resume();
    if (early.length > 0) this.#receiveEarly(early);
    if (plain!.isPeerDone) this.receiveEof();
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
    if (this.#phase === Phase.Open) {
      // What the kernel has taken leaves all the same.
      this.outbox.flush(this.#host.clock.nowMs);
      this.#phase = Phase.Ending;
    }
    this.#socket.destroy();
  }

  refuse(cause: unknown): void {
    this.#refuseLate(cause);
  }

  // ---- From the server

  /** Refuses a handshake that is under way, or closes the session: the server stops. */
  shutDown(): void {
    const opening = this.#opening;
    if (this.#phase === Phase.Http) opening!.plain!.isLast = true;
    // A client that has nothing to ask for is told nothing.
    else if (opening?.isFollowUp === true && !opening.hasReceivedBytes) this.#end();
    else if (this.#phase !== Phase.Open) this.#refuse(new HandshakeError('draining'));
    else this.#session!.close(CloseCode.GoingAway, 'the server is shutting down');
  }

  /** Looks at the deadlines; called by the clock when `nextCheckMs` has passed. */
  check(nowMs: number): void {
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    if (this.#phase === Phase.Open) this.#session!.check(nowMs);
    else if (this.#phase === Phase.Ending) this.#checkEnding(nowMs);
    else if (this.#phase === Phase.Http) this.#opening!.plain!.check(nowMs);
    else this.giveUp();
    this.flush();
  }

  /** The client had its time to ask for something. */
  giveUp(): void {
    if (this.#opening?.hasReceivedBytes === true)
      this.#refuse(new HandshakeError('handshake-timeout'));
    // Nobody spoke: a probe of the port, or a client that thought better of it. Or it has its answer.
    else this.#socket.destroy();
  }

  #checkEnding(nowMs: number): void {
    if (!this.#socket.writableFinished) {
      if (this.outbox.stalledMs(nowMs) >= this.#host.limits.closeTimeout) this.drop('send-timeout');
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
