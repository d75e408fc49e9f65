/** What the sessions of one server share: limits, clock, memory, and whom they report to. */
import type { Extension } from '../extensions/extension.js';
import type { Declined } from '../extensions/negotiation.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { EndpointOptions } from '../protocol/endpoint-events.js';
import type { SlabPool } from '../protocol/slab-pool.js';
import type { Consumer, Session, SessionSummary } from './session.js';
import type { SessionRecorder } from './tap.js';

/** Limits and deadlines of sessions. Durations are in milliseconds. */
export interface SessionLimits {
  /** Output waiting for the client that pauses the source, in bytes. */
  readonly outputPause: number;
  /** Output waiting for the client that ends the connection; one message more is let through. */
  readonly outputLimit: number;
  /** The largest message, in bytes, inclusive. */
  readonly maxMessage: number;
  /** From the first to the last byte of one assembled message; 0 means for ever. */
  readonly messageTimeout: number;
  /** Without progress in sending. */
  readonly sendTimeout: number;
  /** Silence before a Ping (0: never), and the wait for a sign of life after it. */
  readonly pingInterval: number;
  readonly pongTimeout: number;
  /** Without a data message; 0 means for ever. */
  readonly idleTimeout: number;
  /** From our Close to the client's. */
  readonly closeTimeout: number;
}

/** Tells the time on a monotonic clock, in milliseconds. */
export interface SessionClock {
  /** As of the last tick; reading it costs nothing. */
  readonly nowMs: number;
  /** Now, with fractions: for what is measured, and not for every message. */
  exactMs(): number;
}

export interface SessionHost {
  readonly limits: SessionLimits;
  readonly endpointOptions: Readonly<Record<Consumer['delivery'], EndpointOptions>>;
  readonly clock: SessionClock;
  readonly slabPool: SlabPool;
  /** A client offered an extension that is known, and it is not used. */
  extensionDeclined(session: Session, declined: Declined): void;
  sessionOpened(session: Session): void;
  sessionEnded(summary: SessionSummary): void;
  /** A mode or an extension failed when the session had been reported already, or was never opened. */
  sessionFailedLate(session: Session, mode: string, error: Error): void;
}

/** The mode that serves sessions, and what is around it. */
export interface SessionRoute {
  /** Name of the mode, for the log. */
  readonly name: string;
  readonly consumer: Consumer;
  /** What clients may negotiate, in order of preference (RFC 6455 §9). */
  readonly extensions: readonly Extension[];
  /** Records the sessions; by default, and with null, nothing does. */
  readonly recorder?: SessionRecorder | null;
}

/** A handshake that may be answered with 101 once its mode agrees. */
export interface SessionUpgrade {
  readonly request: UpgradeRequest;
  readonly route: SessionRoute;
  readonly subprotocol: string | null;
}
