/** What the connections of one server share: limits, policy, clock, memory, and what they report to. */
import type { HandshakeError } from '../errors.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { HeaderField } from '../handshake/request-head.js';
import type { CoarseClock } from './clock.js';
import type { Connection } from './connection.js';
import type { FlushQueue } from './flush-queue.js';
import type { HttpService } from '../http/tunnel.js';
import type { OpeningPolicy } from './head-phase.js';
import type { ServedSession, SessionHost, SessionLimits } from '../session/session-host.js';
import type { TlsService } from './tls/tls-service.js';
import type { SharedReads } from './node-internals.js';

/** Limits and deadlines of connections. Durations are in milliseconds. */
export interface ConnectionLimits extends SessionLimits {
  /** From the accept to the answer of the opening handshake. */
  readonly handshakeTimeout: number;
}

export interface ConnectionHost extends SessionHost {
  readonly limits: ConnectionLimits;
  readonly opening: OpeningPolicy;
  readonly clock: CoarseClock;
  readonly flushQueue: FlushQueue;
  readonly sharedReads: SharedReads | null;
  /** Answers requests that ask for no WebSocket connection; null: they are refused. */
  readonly http: HttpService | null;
  /** Has the certificates for TLS ports; absent without them. */
  readonly tls?: TlsService | null;
  /** The client of a request: the connection's own peer, or the client that a trusted proxy names. */
  findClient(peer: PeerAddress, headers: readonly HeaderField[]): PeerAddress;
  /** The connection counts for this client, and no longer for the proxy that it came by. */
  clientFound(connection: Connection, proxy: PeerAddress, client: PeerAddress): void;
  /** Whether the connection may be dropped to make room: it waits for a request, or was refused one. */
  setExpendable(connection: Connection, isExpendable: boolean): void;
  /** Why this connection is not taken, or null; asked once its request head is complete. */
  findRefusal(connection: Connection): HandshakeError | null;
  /**
   * Why a session that its mode has agreed to does not open after all, or null: what was asked for it may hold no
   * longer, since a decision takes its time.
   */
  findLateRefusal(session: ServedSession): HandshakeError | null;
  /** The handshake was refused; `cause` is what a mode threw, or the refusal itself. */
  handshakeRefused(address: PeerAddress, error: HandshakeError, cause: unknown): void;
  /** The client has left before its handshake was answered: how is the system's name of an error, or `end`. */
  clientLeft(address: PeerAddress, how: string): void;
  /** The socket is gone. */
  connectionClosed(connection: Connection): void;
}
