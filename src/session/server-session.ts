/**
 * One session: the endpoint of a connection on one side, its consumer (a mode) on the other.
 * It counts, watches the deadlines of an open connection, and turns back-pressure into calls.
 */
import {
  ExtensionError,
  InvalidArgumentError,
  InvalidStateError,
  POLICY_RULES,
  PeerError,
} from '../errors.js';
import { negotiate } from '../extensions/negotiation.js';
import { errorOf, isInstance, onRejection, promiseOf } from '../foreign.js';
import type { UpgradeRequest } from '../handshake/request.js';
import {
  CloseCode,
  type CloseStatus,
  assertCloseReason,
  assertSendableCloseCode,
} from '../protocol/close.js';
import { type DataOpcode, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/frame.js';
import { Endpoint } from '../protocol/endpoint.js';
import type { EndpointEvents } from '../protocol/endpoint-events.js';
import { assertBytes, assertFlag, assertFlags } from '../protocol/outgoing.js';
import type { SessionHost, SessionUpgrade } from './session-host.js';
import { type GatedSession, ObserverGate } from './gate.js';
import type { HeldOutput } from './held-output.js';
import { SessionAccount } from './stats.js';
import { SessionDeadlines, type TimedSession } from './deadlines.js';
import type { SessionExtensions } from './session-extensions.js';
import { SessionFlow } from './session-flow.js';
import { SessionIdentity } from './session-identity.js';
import { SessionObservation } from './session-observation.js';
import { SessionTraffic, type TrafficSession } from './session-traffic.js';
import { SentText } from './sent-text.js';
import type { SessionTransport } from './session-transport.js';
import type { Consumer, DropRule, SendResult, SessionSummary, TargetEvent } from './session.js';

/** What a client is told that is dropped, where it is told anything. */
const LAST_WORDS: Readonly<
  Record<Exclude<DropRule, 'dropped-by-mode'>, readonly [code: number, reason: string]>
> = {
  'send-timeout': [CloseCode.PolicyViolation, POLICY_RULES['send-timeout']],
  'close-timeout': [CloseCode.InternalError, 'closing took too long'],
  shutdown: [CloseCode.GoingAway, 'the server is shutting down'],
};

const NO_FAILURE = Symbol('no failure');

const ignore = (): void => undefined;

export class ConnectionSession
  extends SessionIdentity
  implements TrafficSession, EndpointEvents, TimedSession, GatedSession
{
  readonly extensions: string | null;

  readonly #host: SessionHost;
  readonly #mode: string;
  readonly #consumer: Consumer;
  readonly #deadlines: SessionDeadlines;
  readonly #account: SessionAccount;
  /** The extensions that were agreed on, at work; null for none. */
  readonly #extensions: SessionExtensions | null;
  readonly #flow: SessionFlow;
  readonly #traffic: SessionTraffic;
  /** Until the session opens. */
  #upgrade: SessionUpgrade | null;
  #endpoint: Endpoint | null = null;
  /** The consumer has closed or failed, though the Close may still wait: it sends no more. */
  #isClosing = false;
  /** The socket is gone, whatever the protocol still waits for. */
  #isGone = false;
  /** Its line is in the log, or it gets none. */
  #isReported = false;
  /** The consumer was asked whether it opens. */
  #wasAsked = false;
  /** What it failed with before it had answered. */
  #openingFailure: unknown = NO_FAILURE;
  /** Looks at the text that a mode of the user's sends; null until there is some. */
  #sentText: SentText | null = null;

  constructor(upgrade: SessionUpgrade, host: SessionHost, transport: SessionTransport) {
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

  get bufferedAmount(): number {
    return this.#traffic.waitingBytes;
  }

  /** True once the opening handshake was answered with 101. */
  get isOpen(): boolean {
    return this.#endpoint !== null;
  }

  /** True when the protocol is through, and nothing is held: what waits is written, then our FIN. */
  get isOver(): boolean {
    return this.#isThrough && (this.#isGone || (this.held?.bytes ?? 0) === 0);
  }

  /** True when nothing more can be said or heard. */
  get #isThrough(): boolean {
    return this.#isGone || this.endpoint.isClosed;
  }

  get endpoint(): Endpoint {
    if (this.#endpoint === null) throw new InvalidStateError('the session is not open yet');
    return this.#endpoint;
  }

  get held(): HeldOutput | null {
    return this.#traffic.held;
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

  /**
   * Asks the consumer whether it opens.
   *
   * @returns a promise when it takes its time
   * @throws whatever it refuses with, or its promise rejects with that
   */
  ask(request: UpgradeRequest): Promise<void> | null {
    this.#wasAsked = this.#consumer.upgrade !== undefined;
    const result: unknown = this.#consumer.upgrade?.(this, request);
    const answer = promiseOf(result) as Promise<void> | null;
    if (this.#openingFailure === NO_FAILURE) return answer;
    answer?.catch(ignore);
    throw this.#openingFailure;
  }

  /** Begins: the handshake has been answered. */
  open(): void {
    const { endpointOptions, clock } = this.#host;
    this.#endpoint = new Endpoint(
      endpointOptions[this.isAssembling ? 'messages' : 'chunks'],
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
      this.follow(this.#consumer.open?.(this));
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
    const { slabPool } = this.#host;
    const gate = new ObserverGate(
      this,
      this.#flow,
      this.#traffic,
      this.#deadlines,
      transport,
      slabPool,
    );
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

  /** The connection is dropped for breaking this rule: says so, if nothing was said and the socket takes it. */
  dropped(rule: DropRule): void {
    this.#account.dropped(rule);
    if (rule === 'dropped-by-mode') return;
    if (this.#endpoint?.canSend !== true || this.transport.outbox.isBlocked) return;
    const [code, reason] = LAST_WORDS[rule];
    this.#account.closedBy('server');
    this.#endpoint.sendClose(code, reason);
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
      this.follow(this.#consumer.drain?.(this));
    } catch (error) {
      this.fail(error);
    }
  }

  follow(result: unknown): void {
    if (result !== undefined) onRejection(result, this.fail.bind(this));
  }

  /** Fails the connection, behind what the extensions are still to send; refuses a handshake that is not answered. */
  fail(error: unknown): void {
    if (this.#isGone || this.#endpoint?.isClosed === true) {
      // A peer's fault shows in how the session has ended, and who is stopped at work may well reject.
      if (isInstance(error, PeerError) || isInstance(error, ExtensionError)) return;
      this.#failLate(error);
      return;
    }
    if (!this.isOpen) {
      this.#openingFailure = error;
      this.transport.refuse(error);
      return;
    }
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

  /** It is over: the first failure that comes now is still told, in the session's line or in one of its own. */
  #failLate(error: unknown): void {
    if (this.#account.hasFailed) return;
    this.#account.failedLate(error);
    if (this.#isReported) this.#host.sessionFailedLate(this, this.#mode, errorOf(error));
  }

  /** The handshake was refused: nothing is kept. */
  abandon(): void {
    this.#isGone = true;
    this.#isReported = true;
    this.#extensions?.close(this.#failLate.bind(this));
  }

  /** The peer, or the deadline, was faster than the consumer, if that was asked. */
  abandonOpening(): void {
    this.abandon();
    if (!this.#wasAsked) return;
    try {
      this.follow(this.#consumer.abandoned?.(this));
    } catch (error) {
      this.fail(error);
    }
  }

  /** The socket is gone: reports the session to its consumer, and to the log if it had opened. */
  finish(): void {
    this.#endpoint?.receiveEof();
    this.#isGone = true;
    this.held?.discard();
    this.#isReported = !this.isOpen;
    this.#extensions?.close(this.#failLate.bind(this));
    try {
      this.follow(this.#consumer.close?.(this, this.#summarise()));
    } catch (error) {
      this.fail(error);
    }
    if (!this.isOpen) return;
    const summary = this.#summarise();
    this.#isReported = true;
    try {
      this.#traffic.observation?.closed(summary);
    } finally {
      this.#host.sessionEnded(summary);
    }
  }

  // ---- From the endpoint

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void {
    this.#traffic.message(opcode, bytes, start, end, rsv);
  }

  chunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    this.#traffic.chunk(opcode, bytes, start, end, isFirst, isLast);
  }

  pingReceived(bytes: Uint8Array, start: number, end: number): void {
    if (!this.canReceive) return;
    const result: unknown = this.#consumer.ping?.(this, bytes, start, end);
    this.follow(result);
  }

  pongReceived(bytes: Uint8Array, start: number, end: number): void {
    if (!this.canReceive) return;
    const result: unknown = this.#consumer.pong?.(this, bytes, start, end);
    this.follow(result);
  }

  peerClose(status: CloseStatus): void {
    this.#account.closedBy('client');
    this.#flow.whenIdle(() => {
      const answer = (): void => {
        if (this.#isThrough) return;
        this.endpoint.sendClose(status.code, status.reason);
        this.transport.scheduleFlush();
      };
      try {
        const held = promiseOf(this.#consumer.closing?.(this, status));
        if (held === null) answer();
        else this.#flow.holdAnswer(held, answer, this.fail.bind(this));
      } catch (error) {
        this.fail(error);
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

  send(data: Uint8Array | string, isBinary: boolean = typeof data !== 'string'): SendResult {
    assertFlag('isBinary', isBinary);
    const bytes = bytesOf(data);
    if (!this.#canSend) return 'closed';
    if (!isBinary && typeof data !== 'string') this.#checkText(bytes, true, true);
    return this.#traffic.send(isBinary ? Opcode.Binary : Opcode.Text, bytes, 0, bytes.length);
  }

  sendChunk(
    data: Uint8Array | string,
    isBinary: boolean,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    assertFlag('isBinary', isBinary);
    assertFlags(isFirst, isLast);
    const bytes = bytesOf(data);
    if (!this.#canSend) return 'closed';
    if (!isBinary) this.#checkText(bytes, isFirst, isLast);
    const opcode = isBinary ? Opcode.Binary : Opcode.Text;
    return this.#traffic.sendChunk(opcode, bytes, 0, bytes.length, isFirst, isLast);
  }

  #checkText(bytes: Uint8Array, isFirst: boolean, isLast: boolean): void {
    this.#sentText ??= new SentText();
    this.#sentText.check(bytes, 0, bytes.length, isFirst, isLast);
  }

  sendRange(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start = 0,
    end: number = bytes.length,
  ): SendResult {
    return this.#canSend ? this.#traffic.send(opcode, bytes, start, end) : 'closed';
  }

  sendChunkRange(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    if (!this.#canSend) return 'closed';
    return this.#traffic.sendChunk(opcode, bytes, start, end, isFirst, isLast);
  }

  ping(data: Uint8Array | string = ''): boolean {
    const bytes = bytesOf(data);
    if (bytes.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new InvalidArgumentError(
        `a Ping cannot have ${bytes.length} bytes: give at most ${MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 5.5)`,
      );
    }
    if (!this.#canSend) return false;
    this.#traffic.ping(bytes);
    return true;
  }

  reportTarget(event: TargetEvent): void {
    this.#traffic.observation?.observer.target(event);
  }

  close(code: number = CloseCode.NoCode, reason = ''): void {
    if (!this.#canSend) return;
    assertSendableCloseCode(code);
    assertCloseReason(reason);
    if (code === CloseCode.NoCode && reason !== '') {
      throw new InvalidArgumentError(
        'a close reason cannot be sent without a code: give a code such as 1000 (RFC 6455 5.5.1)',
      );
    }
    this.#isClosing = true;
    this.#account.closedBy('server');
    if (!this.hearsOut) this.#traffic.stopReceiving();
    this.#flow.whenIdle(() => {
      if (this.endpoint.sendClose(code, reason)) this.#deadlines.closeSent();
    });
    this.transport.scheduleFlush();
    // The peer's Close must be read, whatever the consumer had in mind.
    this.resume();
  }

  drop(): void {
    const { endpoint } = this;
    if (this.#isGone || endpoint.isClosed) return;
    this.#isClosing = true;
    // Nothing more is read, not even what the same read has brought.
    this.#traffic.stopReceiving();
    endpoint.receiveEof();
    this.transport.drop('dropped-by-mode');
  }

  pause(): void {
    this.#flow.pause(true);
  }

  resume(): void {
    this.#flow.pause(false);
  }

  get canReceive(): boolean {
    return this.endpoint.canSend || this.hearsOut;
  }

  get hearsOut(): boolean {
    return this.#consumer.receiveAfterClose === true;
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

/** What is sent, as bytes. @throws InvalidArgumentError for what is neither a string nor bytes */
function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  assertBytes(data);
  return data;
}
