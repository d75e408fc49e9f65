/**
 * One session: the endpoint of a connection on one side, its consumer (a mode) on the other.
 * It counts, watches the deadlines of an open connection, and turns back-pressure into calls.
 */
import { InvalidStateError, PeerError, PolicyError } from '../errors.js';
import { CloseCode, type CloseStatus } from '../protocol/close-payload.js';
import { Endpoint, type EndpointEvents } from '../protocol/endpoint.js';
import type { DataOpcode } from '../protocol/opcode.js';
import type { ConnectionHost, PeerAddress } from './connection-host.js';
import { Keepalive } from './keepalive.js';
import type { AcceptableUpgrade } from './opening.js';
import type { Outbox } from './outbox.js';
import type { Consumer, DropRule, Session, SessionSummary } from './session.js';

/** What a session needs of the socket's side of its connection. */
export interface SessionTransport extends PeerAddress {
  readonly outbox: Outbox;
  readonly isInputPaused: boolean;
  /** Writes what was appended to the outbox, unless it is blocked. */
  flush(): void;
  /** Sees to it that a flush follows soon. */
  scheduleFlush(): void;
  pauseInput(): void;
  resumeInput(): void;
  /** Has `check` called within that many milliseconds. */
  checkWithin(ms: number): void;
  /** Ends the connection at once, without a word. */
  drop(rule: DropRule): void;
}

const NO_BYTES = new Uint8Array(0);

let lastId = 0;

export class ConnectionSession implements Session, EndpointEvents {
  readonly id = ++lastId;
  readonly path: string;
  readonly subprotocol: string | null;

  readonly #host: ConnectionHost;
  readonly #transport: SessionTransport;
  readonly #consumer: Consumer;
  readonly #keepalive: Keepalive;
  #endpoint: Endpoint | null = null;
  #openedMs: number;
  /** When our Close left, as far as we know: it may wait behind output that the peer does not read. */
  #closeSentMs = 0;
  #isCloseWaiting = false;
  /** The open message that `#messageSinceMs` belongs to, by its number. */
  #timedMessage = -1;
  #messageSinceMs = 0;
  #isOverPause = false;
  #messagesIn = 0;
  #bytesIn = 0;
  #messagesOut = 0;
  #bytesOut = 0;
  #closedBy: SessionSummary['closedBy'] = 'lost';
  #rule: string | null = null;
  #error: unknown = null;

  constructor(upgrade: AcceptableUpgrade, host: ConnectionHost, transport: SessionTransport) {
    this.path = upgrade.request.path;
    this.subprotocol = upgrade.subprotocol;
    this.#consumer = upgrade.consumer;
    this.#host = host;
    this.#transport = transport;
    this.#openedMs = host.clock.nowMs;
    this.#keepalive = new Keepalive(host.clock.nowMs);
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get remotePort(): number {
    return this.#transport.remotePort;
  }

  get waitingBytes(): number {
    return this.#transport.outbox.queue.waitingBytes;
  }

  /** True once the opening handshake was answered with 101. */
  get isOpen(): boolean {
    return this.#endpoint !== null;
  }

  /** True when the protocol is through: what waits is still to be written, then our FIN. */
  get isOver(): boolean {
    return this.#live.isClosed;
  }

  get #live(): Endpoint {
    if (this.#endpoint === null) throw new InvalidStateError('the session is not open yet');
    return this.#endpoint;
  }

  /** Begins: the handshake has been answered. */
  open(): void {
    const { endpointOptions, clock, limits } = this.#host;
    this.#endpoint = new Endpoint(
      endpointOptions[this.#consumer.delivery],
      this,
      this.#transport.outbox.queue,
    );
    this.#openedMs = clock.nowMs;
    this.#keepalive.heard(clock.nowMs);
    this.#keepalive.message(clock.nowMs);
    this.#transport.checkWithin(this.#keepalive.nextCheckMs(limits) - clock.nowMs);
    this.#host.sessionOpened(this);
  }

  // ---- From the socket

  receive(bytes: Uint8Array, start: number, end: number): void {
    const endpoint = this.#live;
    const { clock, limits } = this.#host;
    this.#keepalive.heard(clock.nowMs);
    endpoint.receive(bytes, start, end);
    if (endpoint.isMessageOpen && this.#timedMessage !== this.#messagesIn) {
      this.#timedMessage = this.#messagesIn;
      this.#messageSinceMs = clock.nowMs;
      if (limits.messageMs > 0) this.#transport.checkWithin(limits.messageMs);
    }
  }

  receiveEof(): void {
    this.#live.receiveEof();
  }

  /** The system reports an error on the socket: its name for the log. */
  lost(error: string): void {
    this.#error ??= error;
  }

  /** The connection is dropped for breaking this rule. */
  dropped(rule: DropRule): void {
    this.#rule ??= rule;
  }

  /** The socket has stopped taking bytes: from now on only the newest Pong is owed. */
  blocked(): void {
    this.#live.isOutputBlocked = true;
    this.#transport.checkWithin(this.#blockedCheckMs);
  }

  /** The socket has taken everything. The flush that follows writes what waited meanwhile. */
  unblocked(): void {
    const endpoint = this.#live;
    endpoint.isOutputBlocked = false;
    endpoint.sendOwedPong();
    if (!this.#isCloseWaiting) return;
    this.#isCloseWaiting = false;
    this.#closeSentMs = this.#host.clock.nowMs;
  }

  /** Lets the consumer send again, if it was told to wait and enough has been read. */
  resumeOutput(): void {
    if (!this.#isOverPause || this.waitingBytes > this.#host.limits.outputPauseBytes) return;
    this.#isOverPause = false;
    try {
      this.#consumer.drained?.(this);
    } catch (error) {
      this.#live.fail(error);
      this.#transport.scheduleFlush();
    }
  }

  /** The socket is gone: reports the session to its consumer, and to the log if it had opened. */
  finish(): void {
    this.#endpoint?.receiveEof();
    try {
      this.#consumer.closed?.(this, this.#summarise());
    } catch (error) {
      this.#error = error;
    }
    if (this.isOpen) this.#host.sessionEnded(this.#summarise());
  }

  // ---- From the endpoint

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.#messagesIn++;
    this.#bytesIn += end - start;
    this.#keepalive.message(this.#host.clock.nowMs);
    this.#consumer.message?.(this, opcode, bytes, start, end);
  }

  piece(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    if (isLast) this.#messagesIn++;
    this.#bytesIn += end - start;
    this.#keepalive.message(this.#host.clock.nowMs);
    this.#consumer.piece?.(this, opcode, bytes, start, end, isFirst, isLast);
  }

  ping(): void {
    // The endpoint has answered it.
  }

  pong(): void {
    // Whatever is heard is a sign of life.
  }

  peerClose(status: CloseStatus): void {
    if (this.#closedBy === 'lost') this.#closedBy = 'client';
    this.#live.sendClose(status.code, status.reason);
  }

  failed(error: unknown): void {
    if (this.#closedBy === 'lost') this.#closedBy = 'server';
    if (error instanceof PeerError) this.#rule = error.rule;
    else this.#error = error instanceof Error ? error : new Error(`thrown: ${String(error)}`);
  }

  // ---- From the consumer

  send(opcode: DataOpcode, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (!this.#live.sendMessage(opcode, bytes, start, end)) return false;
    this.#messagesOut++;
    return this.#sent(end - start);
  }

  sendPiece(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    if (!this.#live.sendPiece(opcode, bytes, start, end, isFirst, isLast)) return false;
    if (isLast) this.#messagesOut++;
    return this.#sent(end - start);
  }

  close(code: number = CloseCode.Normal, reason = ''): void {
    if (!this.#live.sendClose(code, reason)) return;
    if (this.#closedBy === 'lost') this.#closedBy = 'server';
    this.#closeSentMs = this.#host.clock.nowMs;
    this.#isCloseWaiting = true;
    this.#transport.checkWithin(this.#host.limits.closeMs);
    this.#transport.scheduleFlush();
    // The peer's Close must be read, whatever the consumer had in mind.
    this.#transport.resumeInput();
  }

  pauseInput(): void {
    this.#transport.pauseInput();
  }

  resumeInput(): void {
    this.#transport.resumeInput();
  }

  /** Counts, sees to it that a flush follows, and says whether more may be sent. */
  #sent(bytes: number): boolean {
    this.#bytesOut += bytes;
    this.#keepalive.message(this.#host.clock.nowMs);
    this.#transport.scheduleFlush();
    const { outputPauseBytes, outputLimitBytes, maxMessageBytes } = this.#host.limits;
    if (this.waitingBytes <= outputPauseBytes) return true;
    // Only what the peer does not take counts against it.
    this.#transport.flush();
    if (this.waitingBytes <= outputPauseBytes) return true;
    this.#isOverPause = true;
    if (this.waitingBytes > outputLimitBytes + maxMessageBytes) {
      this.#live.fail(new PolicyError('output-limit'));
    }
    return false;
  }

  // ---- From the clock

  /** Looks at the deadlines of an open connection. */
  check(nowMs: number): void {
    const { limits } = this.#host;
    const { outbox } = this.#transport;
    if (outbox.isBlocked) {
      if (outbox.stalledMs(nowMs) >= limits.sendMs) {
        this.#transport.drop('send-timeout');
        return;
      }
      this.#transport.checkWithin(this.#blockedCheckMs);
    }
    if (this.#live.sentClose !== null) {
      if (this.#isCloseWaiting && outbox.isBlocked) return;
      const leftMs = this.#closeSentMs + limits.closeMs - nowMs;
      if (leftMs > 0) this.#transport.checkWithin(leftMs);
      else this.#transport.drop('close-timeout');
      return;
    }
    this.#checkMessageTime(nowMs);
    this.#checkKeepalive(nowMs);
  }

  get #blockedCheckMs(): number {
    return Math.ceil(this.#host.limits.sendMs / 4);
  }

  #checkMessageTime(nowMs: number): void {
    const { messageMs } = this.#host.limits;
    const isTimed = this.#live.isMessageOpen && this.#timedMessage === this.#messagesIn;
    if (messageMs === 0 || !isTimed || this.#consumer.delivery === 'pieces') return;
    // What we do not read cannot arrive.
    if (this.#transport.isInputPaused) this.#messageSinceMs = nowMs;
    const leftMs = this.#messageSinceMs + messageMs - nowMs;
    if (leftMs > 0) this.#transport.checkWithin(leftMs);
    else this.#live.fail(new PolicyError('message-timeout'));
  }

  #checkKeepalive(nowMs: number): void {
    const { limits } = this.#host;
    // What we do not read we cannot hear; and who reads slowly lives.
    if (this.#transport.isInputPaused || this.#transport.outbox.isBlocked)
      this.#keepalive.heard(nowMs);
    switch (this.#keepalive.check(nowMs, limits)) {
      case 'ping':
        this.#live.sendPing(NO_BYTES);
        this.#keepalive.pinged(nowMs);
        break;
      case 'pong-timeout':
        this.#transport.drop('pong-timeout');
        break;
      case 'idle':
        this.close(CloseCode.GoingAway, 'idle: no message for too long');
        break;
      case 'none':
    }
    this.#transport.checkWithin(this.#keepalive.nextCheckMs(limits) - nowMs);
  }

  #summarise(): SessionSummary {
    const { sentClose = null, receivedClose = null } = this.#endpoint ?? {};
    const close = this.#closedBy === 'client' ? receivedClose : sentClose;
    return {
      id: this.id,
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
      path: this.path,
      subprotocol: this.subprotocol,
      messagesIn: this.#messagesIn,
      bytesIn: this.#bytesIn,
      messagesOut: this.#messagesOut,
      bytesOut: this.#bytesOut,
      durationMs: this.#host.clock.nowMs - this.#openedMs,
      closeCode: close?.code ?? CloseCode.Abnormal,
      closeReason: close?.reason ?? '',
      closedBy: this.#closedBy,
      rule: this.#rule,
      error: this.#error,
    };
  }
}
