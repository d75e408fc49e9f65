/** What the connections of one server share: limits, policy, clock, memory, and whom they report to. */
import type { HandshakeError } from '../errors.js';
import type { Declined } from '../extensions/negotiation.js';
import type { PeerAddress } from '../net/peer-address.js';
import type { HeaderField } from '../handshake/request-head.js';
import type { EndpointOptions } from '../protocol/endpoint-events.js';
import type { SlabPool } from '../protocol/slab-pool.js';
import type { CoarseClock } from './clock.js';
import type { Connection } from './connection.js';
import type { FlushQueue } from './flush-queue.js';
import type { HttpService } from '../http/tunnel.js';
import type { OpeningPolicy } from './handshake-phase.js';
import type { Consumer, Session, SessionSummary } from '../session/session.js';
import type { SharedReads } from './node-internals.js';

/** Limits and deadlines of connections. Durations are in milliseconds. */
export interface ConnectionLimits {
  /** Output waiting for the peer that pauses the source, in bytes. */
  readonly outputPause: number;
  /** Output waiting for the peer that ends the connection; one message more is let through. */
  readonly outputLimit: number;
  /** The largest message, in bytes, inclusive. */
  readonly maxMessage: number;
  /** From the accept to the answer of the opening handshake. */
  readonly handshakeTimeout: number;
  /** From the first to the last byte of one assembled message; 0 means for ever. */
  readonly messageTimeout: number;
  /** Without progress in sending. */
  readonly sendTimeout: number;
  /** Silence before a Ping (0: never), and the wait for a sign of life after it. */
  readonly pingInterval: number;
  readonly pongTimeout: number;
  /** Without a data message; 0 means for ever. */
  readonly idleTimeout: number;
  /** From our Close to the peer's. */
  readonly closeTimeout: number;
}

export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  readonly opening: OpeningPolicy;
  readonly endpointOptions: Readonly<Record<Consumer['delivery'], EndpointOptions>>;
  readonly clock: CoarseClock;
  readonly flushQueue: FlushQueue;
  readonly slabPool: SlabPool;
  readonly sharedReads: SharedReads | null;
  /** Who answers requests that ask for no WebSocket connection; null: they are refused. */
  readonly http: HttpService | null;
  /** Whose request it is: that of the connection's own peer, or of whom a trusted proxy names. */
  findClient(peer: PeerAddress, headers: readonly HeaderField[]): PeerAddress;
  /** The connection counts for this client, and no longer for the proxy that it came by. */
  clientFound(proxy: PeerAddress, client: PeerAddress): void;
  /** Whether the connection may be dropped to make room: it waits for a request, or was refused one. */
  setExpendable(connection: Connection, isExpendable: boolean): void;
  /** Why this connection is not taken, or null; asked once its request head is complete. */
  findRefusal(address: PeerAddress): HandshakeError | null;
  /** The handshake was refused; `cause` is what a consumer threw, or the refusal itself. */
  handshakeRefused(address: PeerAddress, error: HandshakeError, cause: unknown): void;
  /** A client offered an extension that is known, and it is not used. */
  extensionDeclined(session: Session, declined: Declined): void;
  sessionOpened(session: Session): void;
  sessionEnded(summary: SessionSummary): void;
  /** A mode or an extension failed when the session had been reported already, or was never opened. */
  sessionFailedLate(session: Session, mode: string, error: Error): void;
}
