/**
 * The one place where a socket meets the protocol.
 *
 * Laws:
 * 1. What one read produces leaves in one write.
 * 2. Nothing refers to the bytes of a read after the call that brought them.
 * 3. While the socket has not taken the last write, nothing more is written to it: the output waits
 *    here, in bounded memory, and the mode is told to pause.
 * 4. Our FIN follows our last byte. The socket is destroyed only when the peer's FIN came too, or a
 *    deadline has passed: unread input would turn our FIN into a reset, and our Close be lost
 *    (RFC 6455 §7.1.1).
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type HandshakeError, InvalidStateError } from '../errors.js';
import type { Way } from '../handshake/policy.js';
import type { ProxyHeaderParser } from '../handshake/proxy-protocol.js';
import type { RequestHead } from '../handshake/request-head.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { TlsPeer } from '../net/tls-peer.js';
import { OutputQueue } from '../protocol/output-queue.js';
import type { Slab } from '../protocol/slabs/slab.js';
import { ServerSession } from '../session/server-session.js';
import type { SessionUpgrade } from '../session/session-host.js';
import type { SessionTransport } from '../session/session-host.js';
import type { DropRule } from '../session/session.js';
import type { ConnectionHost } from './connection-host.js';
import { AdmittingPhase, DecidingPhase } from './deciding-phase.js';
import { EarlyBytes } from './input/early-bytes.js';
import { ENDING_CHECK_MS, EndingPhase } from './ending-phase.js';
import type { Flushable } from './flush-queue.js';
import { HeadPhase, refusalBytes, refusalOf } from './head-phase.js';
import { AnsweringPhase, type ServedRequest } from './http-phase.js';
import { breakWithTls, resetSocket, startReceiving } from './node-internals.js';
import { OpenPhase } from './open-phase.js';
import { Outbox } from './outbox.js';
import type { Arriving, FirstHead, Phase } from './phase.js';
import { type ListenerKind, type SocketOwner, localAddressOf, own, ownSecured } from './socket.js';
import { PrefacePhase } from './tls/preface-phase.js';
import { SecuringPhase } from './tls/securing-phase.js';

/** What an idle connection takes by itself, and how much more one with TLS; docs/operations.md has what was measured. */
const CONNECTION_BYTES = 8 * 1024;
const TLS_BYTES = 24 * 1024;

/** How a connection arrived. */
export interface Arrival {
  readonly peer: PeerAddress;
  readonly kind: ListenerKind;
  /** Why its handshake is refused, whatever it asks for; null when it is not. */
  readonly refusal: HandshakeError | null;
  /** Which way the peer, not its client, came; `network` by default. */
  readonly way?: Way;
  /** Whether it has come to a TLS port; not by default. */
  readonly isTls?: boolean;
}

export class Connection implements SocketOwner, Flushable, SessionTransport {
  remoteAddress: string;
  remotePort: number;
  /** What is read from and written to: on a TLS port from its first byte on the TLS socket. */
  socket: Socket;
  readonly host: ConnectionHost;
  outbox: Outbox;
  isInputPaused = false;
  /** Whether it takes one of the places that the server has. */
  isCounted: boolean;
  /** When the clock should call `check` next, in its milliseconds. */
  nextCheckMs: number;

  readonly #kind: ListenerKind;
  /** The socket, when it is one of TLS. */
  #tlsSocket: TLSSocket | null = null;
  #phase: Phase;
  /** What came after a head that is not answered yet; null once a session is open. */
  #early: EarlyBytes | null;
  #isFlushDue = false;
  /** Has the bytes that the socket reads into; null for the buffer that all share. */
  #readSlab: Slab | null = null;

  /** @param arrival the peer, the kind of listener, and whether the peer was refused already */
  constructor(
    socket: Socket,
    { peer, kind, refusal, way = 'network', isTls = false }: Arrival,
    host: ConnectionHost,
  ) {
    this.socket = socket;
    this.#kind = kind;
    this.host = host;
    this.isCounted = refusal === null;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
    this.outbox = new Outbox(socket, new OutputQueue(host.slabPool));
    const hasProxyHeader = host.opening.expectsProxyHeader?.(this) === true;
    this.#early = new EarlyBytes(host.memory);
    host.memory.charge(CONNECTION_BYTES);
    const arriving = { way, early: this.#early };
    const first = { refusal, hasProxyHeader };
    this.#phase = isTls
      ? new PrefacePhase(this, arriving, first)
      : new HeadPhase(this, arriving, first);
    this.nextCheckMs = host.clock.nowMs + host.limits.handshakeTimeout;
  }

  /** Begins to read; all listeners are there before anything can fail. */
  start(): void {
    own(this.socket, this);
    startReceiving(this.socket, this.host.sharedReads);
  }

  get localAddress(): string {
    return localAddressOf(this.socket, this.#kind);
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  // ---- From the socket

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    const { flushQueue } = this.host;
    flushQueue.hold();
    this.#isFlushDue = true;
    // What answers a read is about as large.
    this.outbox.queue.expectedBytes = end - start;
    try {
      this.#phase.receive(bytes, start, end);
    } finally {
      try {
        this.flush();
      } finally {
        // Other connections wait for it, whatever happened to this one.
        flushQueue.release();
      }
    }
  }

  readTarget(maxBytes: number): Uint8Array | null | undefined {
    const endpoint = this.#phase.reader();
    const place = endpoint === null ? null : endpoint.placeForRead(maxBytes);
    const before = this.#readSlab;
    if (place === null && before === null) return undefined;
    const slab = place === null ? null : endpoint!.assembledSlab;
    if (slab !== null) this.host.slabPool.hold(slab);
    this.#readSlab = slab;
    if (before !== null) this.host.slabPool.give(before);
    return place;
  }

  receiveEof(): void {
    this.#phase.receiveEof();
    this.flush();
  }

  drained(): void {
    this.#phase.drained();
  }

  secured(): void {
    this.#phase.secured();
  }

  socketFailed(error: NodeJS.ErrnoException): void {
    this.#phase.lost(error.code ?? error.message);
  }

  socketClosed(): void {
    const phase = this.#phase;
    // Whatever comes now comes too late.
    this.#phase = new EndingPhase(this, null);
    try {
      if (this.#readSlab !== null) this.host.slabPool.give(this.#readSlab);
      this.#readSlab = null;
      this.outbox.queue.discard();
      this.#early?.free();
      phase.socketClosed();
    } finally {
      this.host.memory.release(this.ownBytes);
      // A server that waits for its last connection must not wait forever.
      this.host.connectionClosed(this);
    }
  }

  // ---- From phase to phase. Each call says which phase it comes from, so that the compiler refuses what the
  // table in phase.ts does not have. A decision may come late, when the connection is past that phase: then
  // `open` and `refuseHandshake` do nothing.

  /** Whether this is still its phase. */
  isIn(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #enter<To extends Phase>(from: Phase, to: To): To {
    if (this.#phase !== from) throw new InvalidStateError('the connection is past that phase');
    this.#phase = to;
    from.left();
    return to;
  }

  /** The first byte of TLS has come: from now on what is read is deciphered. @param bytes all that has come, a copy */
  secure(from: PrefacePhase, arriving: Arriving, first: FirstHead, bytes: Uint8Array): void {
    const { host, socket: plain } = this;
    const service = host.tls!;
    // Node gives what a paused socket has not given away to the TLS socket around it.
    plain.pause();
    plain.unshift(bytes);
    const secured = service.wrap(plain);
    this.socket = secured;
    this.#tlsSocket = secured;
    host.memory.charge(TLS_BYTES);
    this.outbox = new Outbox(secured, this.outbox.queue, true);
    this.#enter(from, new SecuringPhase(this, arriving, first, secured, service));
    ownSecured(plain, secured);
    breakWithTls(secured);
    startReceiving(secured, host.sharedReads);
  }

  /** The TLS handshake is through: a request may follow. */
  readFirstHead(from: SecuringPhase, head: HeadPhase): void {
    this.#enter(from, head);
  }

  /** What is known of a client that has come by TLS; null for any other. */
  describeTls(): TlsPeer | null {
    return this.#tlsSocket === null ? null : this.host.tls!.describe(this.#tlsSocket);
  }

  /** A request: is its client let in? */
  admit(from: HeadPhase, arriving: Arriving, head: RequestHead, proxy: PeerAddress | null): void {
    this.#enter(from, new AdmittingPhase(this, arriving, head, proxy)).begin();
  }

  /** A good opening handshake: asks its mode. @param isLate whether what has come behind the head was kept */
  decide(from: AdmittingPhase, upgrade: SessionUpgrade, isLate: boolean): void {
    const session = new ServerSession(upgrade, this.host, this);
    this.#enter(from, new DecidingPhase(this, from.arriving, session)).begin(upgrade, isLate);
  }

  /** The mode agrees: answers with 101. @returns false when that comes too late */
  open(from: DecidingPhase, session: ServerSession, answer: Uint8Array): boolean {
    if (!this.isIn(from)) return false;
    this.#enter(from, new OpenPhase(this, session));
    this.outbox.queue.appendBytes(answer);
    // They are the new phase's, which frees them.
    this.#early = null;
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    session.open();
    return true;
  }

  /** A request for a file: gives it to the HTTP server. */
  answer(from: AdmittingPhase, request: ServedRequest): void {
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    this.#enter(from, new AnsweringPhase(from, request)).begin();
  }

  /** The response is complete, and another request may follow. */
  readNextHead(from: AnsweringPhase): void {
    this.#enter(from, new HeadPhase(this, from.arriving, null));
    this.host.setExpendable(this, true);
    this.nextCheckMs = this.host.clock.nowMs + this.host.limits.handshakeTimeout;
    this.socket.resume();
  }

  /**
   * Refuses the handshake.
   *
   * @param cause what was thrown, or the refusal itself
   * @param method of the request; null while that is not known
   * @param session for a handshake that was decided on
   * @returns false when that comes too late
   */
  refuseHandshake(
    from: PrefacePhase | HeadPhase | DecidingPhase | AdmittingPhase,
    cause: unknown,
    method: string | null,
    session: ServerSession | null = null,
  ): boolean {
    if (!this.isIn(from)) return false;
    const error = refusalOf(cause);
    const answer = refusalBytes(error, method);
    this.host.handshakeRefused(this, error, cause);
    this.endWith(from, answer, session);
    return true;
  }

  /** Ends with an answer that is all the peer gets. */
  endWith(
    from: PrefacePhase | HeadPhase | DecidingPhase | AdmittingPhase,
    answer: Uint8Array,
    session: ServerSession | null = null,
  ): void {
    this.outbox.queue.appendBytes(answer);
    this.end(from, session);
    this.host.setExpendable(this, true);
  }

  /** Writes what waits, and our FIN after it. */
  end(from: Phase, session: ServerSession | null): void {
    this.#enter(from, new EndingPhase(this, session));
    this.#early?.free();
    if (session?.isOpen === true) this.host.traffic.wireBytesOut += this.outbox.queue.queuedBytes;
    this.outbox.end(this.host.clock.nowMs);
    this.socket.resume();
    this.checkWithin(ENDING_CHECK_MS);
  }

  /** Writes what waits before the socket is destroyed: what the kernel takes leaves all the same. */
  cutOff(from: OpenPhase, session: ServerSession): void {
    const { queuedBytes } = this.outbox.queue;
    this.outbox.flush(this.host.clock.nowMs);
    this.host.traffic.wireBytesOut += queuedBytes - this.outbox.queue.queuedBytes;
    this.#enter(from, new EndingPhase(this, session));
  }

  // ---- From its phase

  /** Gives what follows a head to the phase that came of it. */
  passOn(bytes: Uint8Array, start: number, end: number): void {
    if (start < end) this.#phase.receive(bytes, start, end);
  }

  /** @returns where what follows the PROXY header begins, or -1: more is needed before it */
  receiveProxyHeader(
    parser: ProxyHeaderParser,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const next = parser.receive(bytes, start, end);
    if (next >= 0 && parser.client !== null) this.identify(parser.client);
    return next;
  }

  /** Takes the client that a proxy in front of us names for ours. @returns that proxy, or null without one */
  identify(client: PeerAddress): PeerAddress | null {
    if (client === this) return null;
    const { remoteAddress, remotePort } = this;
    const proxy = { remoteAddress, remotePort };
    if (this.isCounted) this.host.clientFound(this, proxy, client);
    this.remoteAddress = client.remoteAddress;
    this.remotePort = client.remotePort;
    return proxy;
  }

  // ---- From the session

  flush(): void {
    this.#isFlushDue = false;
    this.#phase.flush();
  }

  scheduleFlush(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.host.flushQueue.add(this);
  }

  pauseInput(): void {
    if (!this.#phase.canPause()) return;
    this.isInputPaused = true;
    this.socket.pause();
  }

  resumeInput(): void {
    this.isInputPaused = false;
    if (this.#phase.canResume()) this.socket.resume();
  }

  checkWithin(ms: number): void {
    this.nextCheckMs = Math.min(this.nextCheckMs, this.host.clock.nowMs + ms);
  }

  drop(rule: DropRule): void {
    this.#phase.dropped(rule);
    this.socket.destroy();
  }

  reset(): void {
    this.#phase.dropped('dropped-by-mode');
    resetSocket(this.socket);
  }

  refuse(cause: unknown): void {
    this.#phase.refuse(cause);
  }

  // ---- From the server

  /** The memory that is held for the client, in bytes. */
  get heldBytes(): number {
    return this.ownBytes + this.outbox.queue.heldBytes + this.#phase.heldBytes() + this.#readBytes;
  }

  /** What is only held because the socket may still read into it: its message is gone. */
  get #readBytes(): number {
    const slab = this.#readSlab;
    const isElsewhere = slab === null || slab === this.#phase.reader()?.assembledSlab;
    return isElsewhere ? 0 : slab.bytes.length;
  }

  /** What it takes by itself. */
  get ownBytes(): number {
    return this.#tlsSocket === null ? CONNECTION_BYTES : CONNECTION_BYTES + TLS_BYTES;
  }

  /** The session, once its handshake was answered with 101 and until it has ended. */
  get openSession(): ServerSession | null {
    return this.#phase.openSession();
  }

  get isOpen(): boolean {
    return this.openSession !== null;
  }

  /** Refuses a handshake that is under way, or closes the session: the server stops. */
  shutDown(): void {
    this.#phase.shutDown();
  }

  /** Looks at the deadlines; called by the clock when `nextCheckMs` has passed. */
  check(nowMs: number): void {
    this.nextCheckMs = Number.MAX_SAFE_INTEGER;
    this.#phase.check(nowMs);
    this.flush();
  }

  /** The client had its time to ask for something. */
  giveUp(): void {
    this.#phase.giveUp();
  }
}
