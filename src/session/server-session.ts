/**
 * One session: what a mode calls, what the connection calls, and its life from the opening handshake to the end.
 *
 *     connection ──▶ Input ──▶ mode
 *     connection ◀── Output ◀── mode
 */
import {
  ExtensionError,
  InvalidArgumentError,
  InvalidStateError,
  OVERLOAD_RULES,
  OverloadError,
  POLICY_RULES,
  PeerError,
} from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import { negotiate } from '../extensions/negotiation.js';
import { errorOf, isInstance, onRejection, promiseOf } from '../foreign.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { UpgradeResponse } from '../handshake/upgrade-response.js';
import type { ClientCertificate } from '../net/tls-peer.js';
import { CloseCode, assertCloseReason, assertSendableCloseCode } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import { type DataOpcode, Opcode } from '../protocol/frame.js';
import {
  assertControlBytes,
  assertFlag,
  assertFlags,
  bytesOf,
  nextTextState,
} from '../protocol/outgoing.js';
import { UTF8_ACCEPT } from '../protocol/utf8.js';
import type { SessionCounts, Traffic } from './counters.js';
import { Deadlines } from './deadlines.js';
import { SessionGate } from './gate.js';
import { Input, MUCH_BYTES, PauseReason } from './input.js';
import type { Mode } from './mode.js';
import { Output } from './output.js';
import type {
  ServedSession,
  SessionHost,
  SessionTransport,
  SessionUpgrade,
} from './session-host.js';
import type { DropRule, SendResult, SessionSummary, TargetEvent } from './session.js';
import { RawOutput } from './raw-output.js';
import { SessionStats } from './stats.js';
import { TapFeed } from './tap.js';

/** What the two directions of a session share. */
export interface SessionParts {
  readonly mode: Mode;
  /** The extensions that were agreed on; null for none. */
  readonly chain: ExtensionChain | null;
  readonly host: SessionHost;
  readonly transport: SessionTransport;
  readonly stats: SessionStats;
  readonly deadlines: Deadlines;
  readonly traffic: Traffic;
  readonly counts: SessionCounts;
}

/** What a client is told that is dropped, where it is told anything. */
const LAST_WORDS: Readonly<
  Record<Exclude<DropRule, 'dropped-by-mode'>, readonly [code: number, reason: string]>
> = {
  'send-timeout': [CloseCode.PolicyViolation, POLICY_RULES['send-timeout']],
  'close-timeout': [CloseCode.InternalError, 'closing took too long'],
  memory: [CloseCode.TryAgainLater, OVERLOAD_RULES.memory],
  shutdown: [CloseCode.GoingAway, 'the server is shutting down'],
};

const NO_FAILURE = Symbol('no failure');

const NO_NOTES = {};

const NO_STATS: Readonly<Record<string, object>> = {};

/** Sessions for which nothing waits share it; nothing is ever added to it. */
const NO_ENDS: readonly (() => void)[] = [];

let lastId = 0;

/** The sessions of this process are numbered from here on: each of several processes has numbers of its own. */
export function numberSessionsFrom(id: number): void {
  lastId = id - 1;
}

export class ServerSession implements ServedSession {
  readonly id = ++lastId;
  readonly clientCertificate: ClientCertificate | null;
  readonly user: string | null;
  readonly path: string;
  readonly subprotocol: string | null;
  readonly extensions: string | null;
  data: unknown = null;
  notes: Readonly<Record<string, unknown>> = NO_NOTES;

  readonly input: Input;
  readonly output: Output;
  readonly endpoint: Endpoint;
  /** The opening handshake was answered with 101. */
  isOpen = false;

  readonly #parts: SessionParts;
  /** Until the session opens. */
  #upgrade: SessionUpgrade | null;
  /** What is done once all messages are through the extensions, in this order. */
  #ends = NO_ENDS;
  /** What the extensions had to say when they were closed. */
  #extensionStats = NO_STATS;
  /** It is read though memory is scarce. */
  #goesOn = false;
  /** The socket is gone, whatever the protocol still waits for. */
  #isGone = false;
  /** Its line is in the log, or it gets none. */
  #isReported = false;
  /** The mode was asked whether it agrees. */
  #wasAsked = false;
  /** What it failed with before it had answered. */
  #openingFailure: unknown = NO_FAILURE;
  /** What was validated of the text that a user's mode sends in chunks. */
  #textState = UTF8_ACCEPT;

  constructor(upgrade: SessionUpgrade, host: SessionHost, transport: SessionTransport) {
    const { request, route, subprotocol } = upgrade;
    const { chain, response, declined } = negotiate(route.extensions, request.extensionOffers);
    this.clientCertificate = request.tls?.certificate ?? null;
    this.user = request.user ?? null;
    this.path = request.path;
    this.subprotocol = subprotocol;
    this.extensions = response;
    this.#upgrade = upgrade;
    this.#parts = {
      mode: route.mode,
      chain,
      host,
      transport,
      stats: new SessionStats(host.clock.exactMs()),
      deadlines: new Deadlines(this, transport, host),
      traffic: host.traffic,
      counts: route.counts,
    };
    this.input = new Input(this, this.#parts);
    this.output = new Output(this, this.input, this.#parts);
    this.endpoint = this.input.endpoint;
    for (const one of declined) host.extensionDeclined(this, one);
  }

  get mode(): Mode {
    return this.#parts.mode;
  }

  get remoteAddress(): string {
    return this.#parts.transport.remoteAddress;
  }

  get remotePort(): number {
    return this.#parts.transport.remotePort;
  }

  get localAddress(): string {
    return this.#parts.transport.localAddress;
  }

  get localPort(): number {
    return this.#parts.transport.localPort;
  }

  get bufferedAmount(): number {
    return this.output.waitingBytes;
  }

  /** The memory that it holds beside the output queue of its connection, in bytes. */
  get heldBytes(): number {
    const ofMode = this.isOpen ? (this.#parts.mode.heldBytes?.(this) ?? 0) : 0;
    const ofExtensions = this.#parts.chain?.heldBytes ?? 0;
    return this.input.heldBytes + this.output.heldBytes + ofExtensions + ofMode;
  }

  /** True when the protocol is through, and nothing is held: what waits is written, then our FIN. */
  get isOver(): boolean {
    return this.isThrough && (this.#isGone || (this.output.held?.bytes ?? 0) === 0);
  }

  /** True when nothing more can be said or heard. */
  get isThrough(): boolean {
    return this.#isGone || this.endpoint.isClosed;
  }

  /** True while messages are on their way through the extensions, in either direction. */
  get isBusy(): boolean {
    return this.input.isBusy || this.output.isBusy;
  }

  /** True while a Close, a failure or the end of the input waits for the extensions or the mode. */
  get isEnding(): boolean {
    return this.#ends.length > 0 || this.input.isAnswerHeld;
  }

  /** True while messages wait for the mode or the tap. */
  get isHeldUp(): boolean {
    return this.input.isHeld || (this.output.held?.bytes ?? 0) > 0;
  }

  // ---- The opening handshake

  /**
   * Asks the mode whether it agrees.
   *
   * @returns a promise when it takes its time
   * @throws whatever it refuses with, or its promise rejects with that
   */
  ask(request: UpgradeRequest, response: UpgradeResponse): Promise<void> | null {
    const { mode } = this.#parts;
    this.#wasAsked = mode.upgrade !== undefined;
    const result: unknown = mode.upgrade?.(this, request, response);
    const answer = promiseOf(result) as Promise<void> | null;
    if (this.#openingFailure === NO_FAILURE) return answer;
    answer?.catch(ignore);
    throw this.#openingFailure;
  }

  /** Begins: the handshake has been answered. */
  open(): void {
    const { mode, host, stats, deadlines, counts } = this.#parts;
    this.isOpen = true;
    counts.started++;
    stats.opened(host.clock.exactMs());
    deadlines.opened();
    host.sessionOpened(this);
    this.#beginTap();
    try {
      this.follow(mode.open?.(this));
      mode.openRaw?.(this, new RawOutput(this, this.#parts));
    } catch (error) {
      this.fail(error);
    }
  }

  #beginTap(): void {
    const upgrade = this.#upgrade;
    this.#upgrade = null;
    const tap = upgrade?.route.tap ?? null;
    if (upgrade === null || tap === null) return;
    const gate = new SessionGate(this, this.#parts);
    const { name } = this.#parts.mode;
    const feed = new TapFeed(tap.begin(this, upgrade.request, name, gate));
    this.input.feed = this.output.feed = this.endpoint.watcher = feed;
  }

  /** The session will not open: frees what it holds, and logs nothing. */
  abandon(): void {
    this.#isReported = true;
    this.#close();
  }

  /** The handshake ends before the mode has decided (client gone, timeout, shutdown): tells the mode, if it was asked. */
  abandonOpening(): void {
    this.abandon();
    if (!this.#wasAsked) return;
    try {
      this.follow(this.#parts.mode.abandoned?.(this));
    } catch (error) {
      this.fail(error);
    }
  }

  // ---- From the connection

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.input.receive(bytes, start, end);
  }

  receiveEof(): void {
    this.input.receiveEof();
  }

  /** The system reports an error on the socket: its name for the log. */
  lost(error: string): void {
    this.#parts.stats.lost(error);
  }

  /** The connection is dropped for breaking this rule: says so, if nothing was said and the socket takes it. */
  dropped(rule: DropRule): void {
    const { stats, transport } = this.#parts;
    stats.dropped(rule);
    if (rule === 'dropped-by-mode' || !this.isOpen) return;
    if (!this.endpoint.canSend || transport.outbox.isBlocked) return;
    const [code, reason] = LAST_WORDS[rule];
    stats.closedBy('server');
    this.endpoint.sendClose(code, reason);
  }

  /** The socket has stopped taking bytes: from now on only the newest Pong is owed. */
  blocked(): void {
    this.endpoint.isOutputBlocked = true;
    this.#parts.traffic.blocked.add(this);
    this.#parts.deadlines.blocked();
  }

  /** The socket has taken everything. The flush that follows writes what waited meanwhile. */
  unblocked(): void {
    this.endpoint.isOutputBlocked = false;
    this.#parts.traffic.blocked.delete(this);
    this.endpoint.sendOwedPong();
    this.#parts.deadlines.unblocked();
  }

  /** Lets the mode send again, if it was told to wait and enough has been read. */
  resumeOutput(): void {
    this.output.resume();
  }

  // ---- When memory is scarce

  /** If it holds much it is not read from until {@link memoryIsBack}. */
  saveMemory(): void {
    const heldBytes = this.heldBytes + this.#parts.transport.outbox.queue.heldBytes;
    if (heldBytes > MUCH_BYTES && !this.#goesOn && this.endpoint.canSend)
      this.input.pause(PauseReason.Memory);
  }

  /** It is read all the same until {@link waitAgain} or {@link memoryIsBack}. */
  goOn(): void {
    this.#goesOn = true;
    this.input.resume(PauseReason.Memory);
  }

  /** Another one goes on now: like all others it is not read while it holds much. */
  waitAgain(): void {
    this.#goesOn = false;
  }

  memoryIsBack(): void {
    this.#goesOn = false;
    this.input.resume(PauseReason.Memory);
    this.output.resume();
  }

  /** Ends with 1013, and gives back what it holds: at once, or when its socket is closed. */
  shed(): void {
    const { transport } = this.#parts;
    transport.flush();
    const { outbox } = transport;
    // What the socket has not taken is given back with the socket only, and a Close could not overtake it.
    if ((outbox.isBlocked && !outbox.isTaken) || (this.output.held?.bytes ?? 0) > 0) {
      transport.drop('memory');
      return;
    }
    this.output.shut();
    this.#ends = NO_ENDS;
    this.input.stop();
    this.output.dropUnencoded();
    this.endpoint.fail(new OverloadError('memory'));
    transport.flush();
    // Nothing is asked of the extensions any more, and what they keep for the next message is memory too.
    this.#closeChain();
  }

  /** Looks at the deadlines; called by the clock. */
  check(nowMs: number): void {
    this.#parts.deadlines.check(nowMs);
  }

  /** The socket is gone: reports the session to its mode, and to the log if it had opened. */
  finish(): void {
    const { mode, host } = this.#parts;
    this.endpoint.receiveEof();
    this.#isReported = !this.isOpen;
    this.#close();
    try {
      const closing = promiseOf(mode.close?.(this, this.#summarize()));
      if (closing !== null) {
        closing.catch(this.fail.bind(this));
        host.modeLingers(closing);
      }
    } catch (error) {
      this.fail(error);
    }
    if (!this.isOpen) return;
    this.#parts.counts.ended++;
    const summary = this.#summarize();
    this.#isReported = true;
    try {
      this.input.feed?.closed(summary);
    } finally {
      host.sessionEnded(summary);
    }
  }

  /** Gives everything back. */
  #close(): void {
    this.#isGone = true;
    this.#parts.traffic.blocked.delete(this);
    this.input.close();
    this.output.close();
    this.#ends = NO_ENDS;
    this.#closeChain();
  }

  #closeChain(): void {
    const { chain } = this.#parts;
    if (chain === null) return;
    // Once closed the extensions are not asked again.
    if (this.#extensionStats === NO_STATS) this.#extensionStats = chain.stats;
    chain.close(this.#failLate.bind(this));
  }

  #summarize(): SessionSummary {
    const { mode, host, stats } = this.#parts;
    const nowMs = host.clock.exactMs();
    return stats.summarize(this, mode.name, this.endpoint, this.#extensionStats, nowMs);
  }

  // ---- From both directions

  /** Hears of what the result of a call of the mode rejects with. */
  follow(result: unknown): void {
    if (result !== undefined) onRejection(result, this.fail.bind(this));
  }

  /** Does what has to come after all messages, as soon as the extensions are through with them. */
  whenThrough(end: () => void): void {
    const { chain, transport, deadlines } = this.#parts;
    if (chain === null) {
      end();
      return;
    }
    const wasEnding = this.#ends.length > 0;
    const endAndFlush = (): void => {
      end();
      transport.scheduleFlush();
    };
    this.#ends = [...this.#ends, endAndFlush];
    this.runEnds();
    if (this.#ends.length > 0 && !wasEnding) deadlines.ending();
  }

  /** Does what waits for the extensions, if they are through. */
  runEnds(): void {
    while (!this.isBusy) {
      const [end, ...others] = this.#ends;
      if (end === undefined) return;
      this.#ends = others;
      end();
    }
  }

  /** One direction of the extensions, or both, has nothing waiting any more. */
  extensionsIdle(): void {
    this.runEnds();
    this.input.update();
    if (!this.output.isWaiting) return;
    this.#parts.transport.flush();
    this.output.resume();
  }

  // ---- From the mode

  send(data: Uint8Array | string, isBinary: boolean = typeof data !== 'string'): SendResult {
    assertFlag('isBinary', isBinary);
    const bytes = bytesOf(data);
    if (!this.output.canSend) return 'closed';
    if (!isBinary && typeof data !== 'string') this.#checkText(bytes, true, true);
    return this.output.send(isBinary ? Opcode.Binary : Opcode.Text, bytes, 0, bytes.length);
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
    if (!this.output.canSend) return 'closed';
    if (!isBinary) this.#checkText(bytes, isFirst, isLast);
    const opcode = isBinary ? Opcode.Binary : Opcode.Text;
    return this.output.sendChunk(opcode, bytes, 0, bytes.length, isFirst, isLast);
  }

  /**
   * A client fails a connection whose text is not UTF-8 (RFC 6455 §8.1).
   *
   * @throws InvalidArgumentError; the chunks before then still stand
   */
  #checkText(bytes: Uint8Array, isFirst: boolean, isLast: boolean): void {
    const before = isFirst ? UTF8_ACCEPT : this.#textState;
    this.#textState = nextTextState(before, bytes, 0, bytes.length, isLast);
  }

  sendRange(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start = 0,
    end: number = bytes.length,
  ): SendResult {
    return this.output.send(opcode, bytes, start, end);
  }

  sendChunkRange(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    return this.output.sendChunk(opcode, bytes, start, end, isFirst, isLast);
  }

  ping(data: Uint8Array | string = ''): boolean {
    const bytes = bytesOf(data);
    assertControlBytes('Ping', bytes);
    return this.output.ping(bytes);
  }

  reportTarget(event: TargetEvent): void {
    this.input.feed?.tap.target(event);
  }

  pause(): void {
    this.input.pause(PauseReason.Mode);
  }

  resume(): void {
    this.input.resume(PauseReason.Mode);
  }

  close(code: number = CloseCode.NoCode, reason = ''): void {
    if (!this.output.canSend) return;
    assertSendableCloseCode(code);
    assertCloseReason(reason);
    if (code === CloseCode.NoCode && reason !== '') {
      throw new InvalidArgumentError(
        'a close reason cannot be sent without a code: give a code such as 1000 (RFC 6455 5.5.1)',
      );
    }
    this.closeBy(() => this.endpoint.sendClose(code, reason));
  }

  /** Starts the closing handshake. @param sendClose sends our Close; false when it cannot be sent any more */
  closeBy(sendClose: () => boolean): void {
    const { stats, deadlines, transport } = this.#parts;
    this.output.shut();
    stats.closedBy('server');
    if (!this.endpoint.hearsOut) this.input.stop();
    this.whenThrough(() => {
      if (!sendClose()) return;
      deadlines.closeSent();
      // Only the Close of the client is waited for.
      this.input.resume(PauseReason.Memory);
    });
    transport.scheduleFlush();
    // The client's Close must be read, whatever the mode had in mind.
    this.resume();
    this.input.endRate();
  }

  drop(): void {
    if (this.isThrough) return;
    if (!this.isOpen) throw new InvalidStateError('the session is not open yet');
    this.output.shut();
    // Nothing more is read, not even what the same read has brought.
    this.input.stop();
    this.endpoint.receiveEof();
    this.#parts.transport.drop('dropped-by-mode');
  }

  /** Fails the connection, after what the extensions are still to send; refuses a handshake that is not answered. */
  fail(error: unknown): void {
    if (this.isThrough) {
      // A client's fault shows in how the session has ended, and what is stopped at work may well reject.
      if (isInstance(error, PeerError) || isInstance(error, ExtensionError)) return;
      this.#failLate(error);
      return;
    }
    const { stats, transport } = this.#parts;
    if (!this.isOpen) {
      this.#openingFailure = error;
      transport.refuse(error);
      return;
    }
    // Named at once: the connection may be gone before its Close can say it.
    stats.blame(error);
    this.output.shut();
    // A message is lost: what waits for it waits in vain.
    this.#ends = NO_ENDS;
    this.input.stop();
    this.whenThrough(() => {
      this.endpoint.fail(error);
    });
    transport.scheduleFlush();
    this.input.update();
  }

  /** It is over: the first failure that comes now is still told, in the session's line or in one of its own. */
  #failLate(error: unknown): void {
    const { mode, host, stats } = this.#parts;
    if (stats.hasFailed) return;
    stats.failedLate(error);
    if (this.#isReported) host.sessionFailedLate(this, mode.name, errorOf(error));
  }
}

function ignore(): void {
  // Reported elsewhere.
}
