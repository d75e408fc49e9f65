/**
 * One session: what a mode calls, and what the connection calls.
 *
 *     connection ──▶ Input ──▶ mode
 *     connection ◀── Output ◀── mode
 *
 *     Opening ──▶ open ──▶ Ending
 */
import { InvalidArgumentError } from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import { negotiate } from '../extensions/negotiation.js';
import { onRejection } from '../foreign.js';
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
import { Ending } from './ending.js';
import { Input, MUCH_BYTES, PauseReason } from './input.js';
import type { Mode } from './mode.js';
import { Opening } from './opening.js';
import { Output } from './output.js';
import type {
  ServedSession,
  SessionHost,
  SessionTransport,
  SessionUpgrade,
} from './session-host.js';
import type { DropRule, SendResult, TargetEvent } from './session.js';
import { NO_NOTES, SessionStats } from './stats.js';

/** What the parts of a session share. */
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
  notes = NO_NOTES;

  readonly input: Input;
  readonly output: Output;
  readonly endpoint: Endpoint;
  /** The opening handshake was answered with 101. */
  isOpen = false;

  readonly #parts: SessionParts;
  /** Null once the session is open. */
  #opening: Opening | null;
  #ending: Ending | null = null;
  /** It is read though memory is scarce. */
  #goesOn = false;
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
    this.#opening = new Opening(this, this.#parts, upgrade);
    for (const one of declined) host.extensionDeclined(this, one);
  }

  /** Made when it begins. */
  get ending(): Ending {
    return (this.#ending ??= new Ending(this, this.#parts));
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
    return this.isThrough && (this.output.held?.bytes ?? 0) === 0;
  }

  /** True when nothing more can be said or heard. */
  get isThrough(): boolean {
    return this.endpoint.isClosed;
  }

  /** True while messages are on their way through the extensions, in either direction. */
  get isBusy(): boolean {
    return this.input.isBusy || this.output.isBusy;
  }

  /** True while a Close, a failure or the end of the input waits for the extensions or the mode. */
  get isEnding(): boolean {
    return this.#ending?.isPending === true;
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
    return this.#opening?.ask(request, response) ?? null;
  }

  /** Begins: the handshake has been answered. */
  open(): void {
    const opening = this.#opening;
    this.#opening = null;
    this.isOpen = true;
    opening?.opened();
  }

  /** The session will not open: frees what it holds, and logs nothing. */
  abandon(): void {
    this.ending.abandon();
  }

  /** The handshake ends before the mode has decided (client gone, timeout, shutdown): tells the mode, if it was asked. */
  abandonOpening(): void {
    this.abandon();
    this.#opening?.abandoned();
  }

  // ---- From the connection

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.input.receive(bytes, start, end);
  }

  receiveEof(): void {
    this.ending.inputEnded();
  }

  /** The system reports an error on the socket: its name for the log. */
  lost(error: string): void {
    this.#parts.stats.lost(error);
  }

  /** The connection is dropped for breaking this rule: says so, if nothing was said and the socket takes it. */
  dropped(rule: DropRule): void {
    this.ending.dropped(rule);
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

  /** Looks at the deadlines; called by the clock. */
  check(nowMs: number): void {
    this.#parts.deadlines.check(nowMs);
  }

  /** The socket is gone: reports the session to its mode, and to the tap and the log if it had opened. */
  finish(): void {
    this.ending.finish();
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
    this.ending.shed();
  }

  // ---- From both directions

  /** Hears of what the result of a call of the mode rejects with. */
  follow(result: unknown): void {
    if (result !== undefined) onRejection(result, this.fail.bind(this));
  }

  /** One direction of the extensions, or both, has nothing waiting any more. */
  extensionsIdle(): void {
    this.#ending?.runPending();
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
    this.ending.closeBy(() => this.endpoint.sendClose(code, reason));
  }

  drop(): void {
    this.ending.drop();
  }

  /** Fails the connection, after what the extensions are still to send; refuses a handshake that is not answered. */
  fail(error: unknown): void {
    if (this.#opening === null || this.isThrough) this.ending.fail(error);
    else this.#opening.fail(error);
  }
}
