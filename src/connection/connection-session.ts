/**
 * One session: the endpoint of a connection on one side, its consumer (a mode) on the other.
 * It counts, watches the deadlines of an open connection, and turns back-pressure into calls.
 */
import { InvalidStateError } from '../errors.js';
import { negotiate } from '../extensions/negotiation.js';
import { CloseCode, type CloseStatus, demandSendableCloseCode } from '../protocol/close-payload.js';
import { Endpoint } from '../protocol/endpoint.js';
import type { EndpointEvents } from '../protocol/endpoint-events.js';
import type { DataOpcode } from '../protocol/opcode.js';
import type { ConnectionHost } from './connection-host.js';
import { type GatedSession, ObserverGate } from './observer-gate.js';
import type { AcceptableUpgrade } from './opening.js';
import { SessionAccount } from './session-account.js';
import { SessionDeadlines, type TimedSession } from './session-deadlines.js';
import type { SessionExtensions } from './session-extensions.js';
import { SessionFlow } from './session-flow.js';
import { SessionIdentity } from './session-identity.js';
import { SessionObservation } from './session-observation.js';
import { SessionTraffic, type TrafficSession } from './session-traffic.js';
import type { SessionTransport } from './session-transport.js';
import type { Consumer, DropRule, SessionSummary, TargetEvent } from './session.js';

export class ConnectionSession
  extends SessionIdentity
  implements TrafficSession, EndpointEvents, TimedSession, GatedSession
{
  readonly extensions: string | null;

  readonly #host: ConnectionHost;
  readonly #mode: string;
  readonly #consumer: Consumer;
  readonly #deadlines: SessionDeadlines;
  readonly #account: SessionAccount;
  /** The extensions that were agreed on, at work; null for none. */
  readonly #extensions: SessionExtensions | null;
  readonly #flow: SessionFlow;
  readonly #traffic: SessionTraffic;
  /** Until the session opens. */
  #upgrade: AcceptableUpgrade | null;
  #endpoint: Endpoint | null = null;
  /** The consumer has closed or failed, though the Close may still wait: it sends no more. */
  #isClosing = false;
  /** The socket is gone, whatever the protocol still waits for. */
  #isGone = false;

  constructor(upgrade: AcceptableUpgrade, host: ConnectionHost, transport: SessionTransport) {
    super(upgrade, transport);
    this.#upgrade = upgrade;
    this.#mode = upgrade.route.name;
    this.#consumer = upgrade.route.consumer;
    this.#host = host;
    this.#account = new SessionAccount(host.clock.exactMs());
    this.#deadlines = new SessionDeadlines(this, transport, host);
    const { chain, response, declined } = negotiate(
      upgrade.route.extensions,
      upgrade.request.extensionOffers,
    );
    this.extensions = response;
    this.#traffic = new SessionTraffic(this, chain, transport, {
      consumer: this.#consumer,
      account: this.#account,
      deadlines: this.#deadlines,
      limits: host.limits,
    });
    this.#extensions = this.#traffic.extensions;
    this.#flow = new SessionFlow(this.#extensions, transport, this.#deadlines);
    for (const one of declined) host.extensionDeclined(this, one);
  }

  get waitingBytes(): number {
    return this.#traffic.waitingBytes;
  }

  /** True once the opening handshake was answered with 101. */
  get isOpen(): boolean {
    return this.#endpoint !== null;
  }

  /** True when the protocol is through, and nothing is held: what waits is written, then our FIN. */
  get isOver(): boolean {
    return this.#isThrough && (this.#isGone || this.transport.outbox.queue.heldBytes === 0);
  }

  /** True when nothing more can be said or heard. */
  get #isThrough(): boolean {
    return this.#isGone || this.endpoint.isClosed;
  }

  get endpoint(): Endpoint {
    if (this.#endpoint === null) throw new InvalidStateError('the session is not open yet');
    return this.#endpoint;
  }

  get isEnding(): boolean {
    return this.#flow.isEnding;
  }

  get isPaused(): boolean {
    return this.#flow.isPaused;
  }

  /** Extensions work on whole messages (RFC 7692 §5), so they are put together for them. */
  get isAssembling(): boolean {
    return this.#extensions !== null || this.#consumer.delivery === 'messages';
  }

  /** Begins: the handshake has been answered. */
  open(): void {
    const { endpointOptions, clock } = this.#host;
    this.#endpoint = new Endpoint(
      endpointOptions[this.isAssembling ? 'messages' : 'pieces'],
      this,
      this.transport.outbox.queue,
    );
    this.#endpoint.allowedRsv = this.#extensions?.reservedRsv ?? 0;
    this.#endpoint.hearsOut = this.hearsOut;
    this.#account.opened(clock.exactMs());
    this.#deadlines.opened();
    this.#host.sessionOpened(this);
    this.#observe();
    try {
      this.#consumer.opened?.(this);
    } catch (error) {
      this.fail(error);
    }
  }

  #observe(): void {
    const { route, request } = this.#upgrade!;
    this.#upgrade = null;
    const { recorder = null } = route;
    if (recorder === null) return;
    const { transport } = this;
    const gate = new ObserverGate(this, this.#flow, this.#traffic, this.#deadlines, transport);
    const observation = new SessionObservation(recorder.begin(this, request, route.name, gate));
    this.#traffic.observation = observation;
    this.endpoint.watcher = observation;
  }

  // ---- From the socket

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#deadlines.heard();
    this.endpoint.receive(bytes, start, end);
    if (this.#extensions !== null) this.#flow.update();
    this.#deadlines.readThrough();
  }

  receiveEof(): void {
    this.#flow.whenIdle(() => {
      this.endpoint.receiveEof();
    });
  }

  /** The system reports an error on the socket: its name for the log. */
  lost(error: string): void {
    this.#account.lost(error);
  }

  /** The connection is dropped for breaking this rule. */
  dropped(rule: DropRule): void {
    this.#account.dropped(rule);
  }

  /** The socket has stopped taking bytes: from now on only the newest Pong is owed. */
  blocked(): void {
    this.endpoint.isOutputBlocked = true;
    this.#deadlines.blocked();
  }

  /** The socket has taken everything. The flush that follows writes what waited meanwhile. */
  unblocked(): void {
    const endpoint = this.endpoint;
    endpoint.isOutputBlocked = false;
    endpoint.sendOwedPong();
    this.#deadlines.unblocked();
  }

  /** Lets the consumer send again, if it was told to wait and enough has been read. */
  resumeOutput(): void {
    if (!this.#traffic.mayResume()) return;
    try {
      this.#consumer.drained?.(this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Fails the connection, behind what the extensions are still to send. */
  fail(error: unknown): void {
    if (this.#isThrough) return;
    // Named at once: the connection may be gone before its Close can say it.
    this.#account.blame(error);
    this.#isClosing = true;
    // A message is lost: what waits for it waits in vain.
    this.#extensions?.dropEnds();
    this.#traffic.stopReceiving();
    this.#flow.whenIdle(() => {
      this.endpoint.fail(error);
    });
    this.transport.scheduleFlush();
    this.#flow.update();
  }

  /** The handshake was refused: nothing is kept. */
  abandon(): void {
    this.#closeExtensions();
  }

  /** The peer, or the deadline, was faster than the consumer. */
  abandonOpening(): void {
    this.abandon();
    this.#consumer.abandoned?.(this);
  }

  #closeExtensions(): void {
    const error = this.#extensions?.close() ?? null;
    if (error !== null) this.#account.failedLate(error);
  }

  /** The socket is gone: reports the session to its consumer, and to the log if it had opened. */
  finish(): void {
    this.#endpoint?.receiveEof();
    this.#isGone = true;
    this.#closeExtensions();
    try {
      this.#consumer.closed?.(this, this.#summarise());
    } catch (error) {
      this.#account.failedLate(error);
    }
    if (!this.isOpen) return;
    const summary = this.#summarise();
    this.#traffic.observation?.closed(summary);
    this.#host.sessionEnded(summary);
  }

  // ---- From the endpoint

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void {
    this.#traffic.message(opcode, bytes, start, end, rsv);
  }

  piece(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    this.#traffic.piece(opcode, bytes, start, end, isFirst, isLast);
  }

  ping(): void {
    // The endpoint has answered it.
  }

  pong(): void {
    // Whatever is heard is a sign of life.
  }

  peerClose(status: CloseStatus): void {
    this.#account.closedBy('client');
    this.#flow.whenIdle(() => {
      const held = this.#consumer.peerClosed?.(this, status);
      const answer = (): void => {
        if (this.#isThrough) return;
        this.endpoint.sendClose(status.code, status.reason);
        this.transport.scheduleFlush();
      };
      if (held === undefined) answer();
      else {
        this.#flow.holdAnswer(held, answer, (error) => {
          this.fail(error);
        });
      }
    });
  }

  holdFailure(error: unknown): boolean {
    if (this.#extensions?.isBusy !== true) return false;
    this.#account.blame(error);
    this.#flow.whenIdle(() => {
      this.endpoint.fail(error);
    });
    return true;
  }

  failed(error: unknown): void {
    this.#account.failed(error);
  }

  // ---- From the extensions

  extensionsIdle(): void {
    this.#flow.update();
    if (!this.#traffic.isWaiting) return;
    this.transport.flush();
    this.resumeOutput();
  }

  // ---- From the consumer

  send(opcode: DataOpcode, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    return this.#canSend && this.#traffic.send(opcode, bytes, start, end);
  }

  sendPiece(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    return this.#canSend && this.#traffic.sendPiece(opcode, bytes, start, end, isFirst, isLast);
  }

  reportTarget(event: TargetEvent): void {
    this.#traffic.observation?.observer.target(event);
  }

  close(code: number = CloseCode.Normal, reason = ''): void {
    if (!this.#canSend) return;
    demandSendableCloseCode(code);
    this.#isClosing = true;
    this.#account.closedBy('server');
    if (!this.hearsOut) this.#traffic.stopReceiving();
    this.#flow.whenIdle(() => {
      if (this.endpoint.sendClose(code, reason)) this.#deadlines.closeSent();
    });
    this.transport.scheduleFlush();
    // The peer's Close must be read, whatever the consumer had in mind.
    this.resumeInput();
  }

  pauseInput(): void {
    this.#flow.pause(true);
  }

  resumeInput(): void {
    this.#flow.pause(false);
  }

  get canReceive(): boolean {
    return this.endpoint.canSend || this.hearsOut;
  }

  get hearsOut(): boolean {
    return this.#consumer.hearsOut === true;
  }

  get #canSend(): boolean {
    return !this.#isGone && this.endpoint.canSend && !this.#isClosing;
  }

  /** Looks at the deadlines; called by the clock. */
  check(nowMs: number): void {
    this.#deadlines.check(nowMs);
  }

  #summarise(): SessionSummary {
    const stats = this.#extensions?.stats ?? {};
    const nowMs = this.#host.clock.exactMs();
    return this.#account.summarise(this, this.#mode, this.#endpoint, stats, nowMs);
  }
}
