/**
 * The phases of a connection. What its socket, its session and the server tell it means something different
 * in each, so each is an object of its own, with what it needs and nothing of another's.
 *
 *     preface ──▶ securing ──▶ head ──▶ admitting ──▶ deciding ───▶ open ──▶ ending
 *                                             └─────▶ answering ──▶ the next head, or ending
 *
 * Only a connection on a TLS port has the first two (tls/). A refusal leads from any of preface, securing, head, admitting and deciding to ending. A connection has one phase at a time,
 * and only its own methods lead from one to the next.
 */
import type { HandshakeError } from '../errors.js';
import type { Way } from '../handshake/policy.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { ServerSession } from '../session/server-session.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import type { EarlyBytes } from './input/early-bytes.js';

/** The calls that every phase takes. Each does the least that is right unless a phase overrides it. */
export abstract class Phase {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  // ---- From the socket

  /** A read: `bytes[start, end)`, valid during the call. */
  abstract receive(bytes: Uint8Array, start: number, end: number): void;

  /** The peer's FIN. */
  receiveEof(): void {
    // Nothing more was expected of it.
  }

  /** The kernel has taken everything that was written. */
  drained(): void {
    // Nothing waits for that.
  }

  /** The TLS handshake is through. */
  secured(): void {
    // Only one phase waits for that.
  }

  /** The system reports an error: its name. The socket closes after it. */
  lost(error: string): void;
  lost(): void {
    // There is no session to tell.
  }

  /** Another phase has begun. */
  left(): void {
    // There is nothing to free.
  }

  /** The socket is gone. It is the last call. */
  socketClosed(): void {
    // There is nothing to free.
  }

  /** The endpoint that may say where to read to; null for none. */
  reader(): Endpoint | null {
    return null;
  }

  // ---- From the session

  /** Whether a session may stop the reading. */
  canPause(): boolean {
    return true;
  }

  /** Whether reading goes on as soon as a session allows it. */
  canResume(): boolean {
    return true;
  }

  /** The mode fails while it decides. Once a session is open it fails by itself. */
  refuse(cause: unknown): void;
  refuse(): void {
    // The mode has no say.
  }

  /** Writes what waits, and ends the connection when the protocol is through. */
  flush(): void {
    // A response is written when it is there.
  }

  // ---- From the server

  /** The memory that is held for the client beside the output queue, in bytes. */
  heldBytes(): number {
    return 0;
  }

  /** The session, while one is open. */
  openSession(): ServerSession | null {
    return null;
  }

  /** A deadline that this phase has set has passed. */
  abstract check(nowMs: number): void;

  /** The client had its time to ask for something. */
  giveUp(): void {
    this.connection.socket.destroy();
  }

  /** The connection is about to be destroyed for breaking this rule. */
  dropped(rule: DropRule): void;
  dropped(): void {
    // There is no session to tell.
  }

  /** The server stops. */
  shutDown(): void {
    // It is ending already.
  }
}

/** What a connection has before it is open, however many requests come. */
export interface Arriving {
  /** Which way the peer, not its client, came. */
  readonly way: Way;
  /** What came after a head that is not answered yet. */
  readonly early: EarlyBytes;
}

/** How the first head of a connection differs from those that follow. */
export interface FirstHead {
  /** Why it is refused, whatever it asks for; null when it is not. */
  readonly refusal: HandshakeError | null;
  /** Whether a PROXY protocol header comes before it. */
  readonly hasProxyHeader: boolean;
}

/**
 * How many bytes may come after a head before it is answered; then reading stops. One more read fits. Until
 * then we read on, to hear when the peer leaves.
 */
const EARLY_BYTES = 64 * 1024;

/** A request is there and its answer is not: what follows it is kept, within bounds. */
export abstract class WaitingPhase extends Phase {
  readonly arriving: Arriving;

  constructor(connection: Connection, arriving: Arriving) {
    super(connection);
    this.arriving = arriving;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.arriving.early.keep(bytes, start, end);
    if (!this.canResume()) this.connection.socket.pause();
  }

  override canResume(): boolean {
    return this.arriving.early.length < EARLY_BYTES;
  }

  override heldBytes(): number {
    return this.arriving.early.heldBytes;
  }
}
