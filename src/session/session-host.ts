/** What a session needs around it: of the server, of its connection, and of the request that it began with. */
import type { MemoryAccount } from '../budget/memory-account.js';
import type { Turns } from '../budget/turns.js';
import type { Extension } from '../extensions/extension.js';
import type { Declined } from '../extensions/negotiation.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { EndpointOptions } from '../protocol/endpoint-events.js';
import type { SlabPool } from '../protocol/slabs/slab-pool.js';
import type { OutputQueue } from '../protocol/output-queue.js';
import type { Mode } from './mode.js';
import type { InputRates } from './input-rate.js';
import type { SessionCounts, Traffic } from './counters.js';
import type { DropRule, ModeSession, Session, SessionSummary } from './session.js';
import type { Tap } from './tap/tap.js';

/** Limits and deadlines of sessions. Durations are in milliseconds. */
export interface SessionLimits extends InputRates {
  /** Output waiting for the client that pauses the source, in bytes. */
  readonly outputPause: number;
  /** Output waiting for the client that ends the connection; one message more is let through. */
  readonly outputLimit: number;
  /** The largest message, in bytes, inclusive. */
  readonly maxMessage: number;
  /** From the first to the last byte of one assembled message, as far as it does not keep up `minDataRate`; 0 means for ever. */
  readonly messageTimeout: number;
  /** Bytes a second of an assembled message for which no time counts; 0, the default, for none. */
  readonly minDataRate?: number;
  /** Without progress in sending. */
  readonly sendTimeout: number;
  /** Silence before a Ping (0: never), and the wait for a sign of life after it. */
  readonly pingInterval: number;
  readonly pongTimeout: number;
  /** Without a data message; 0 means for ever. */
  readonly idleTimeout: number;
  /** How long a session lasts, a tenth more or less; 0, the default, means for ever. */
  readonly maxLifetime?: number;
  /** From our Close to the client's. */
  readonly closeTimeout: number;
}

/** Tells the time on a monotonic clock, in milliseconds. */
interface SessionClock {
  /** As of the last tick; reading it costs nothing. */
  readonly nowMs: number;
  /** Now, with fractions: for what is measured, and not for every message. */
  exactMs(): number;
}

/** A session, with what serves it. */
export interface ServedSession extends ModeSession {
  readonly mode: Mode;
}

/** What the sessions of one server share. */
export interface SessionHost {
  readonly limits: SessionLimits;
  readonly endpointOptions: Readonly<Record<Mode['delivery'], EndpointOptions>>;
  readonly clock: SessionClock;
  /** Is charged for what is held for clients. */
  readonly memory: MemoryAccount;
  readonly slabPool: SlabPool;
  /** Shares the event loop among those that have much to do. */
  readonly turns: Turns;
  /** Where what passes is counted. */
  readonly traffic: Traffic;
  /** A client offered an extension that is known, and it is not used. */
  extensionDeclined(session: Session, declined: Declined): void;
  sessionOpened(session: ServedSession): void;
  sessionEnded(summary: SessionSummary): void;
  /** The mode is still busy with a session that has ended, until the promise is settled. */
  modeLingers(closing: Promise<unknown>): void;
  /** A mode or an extension failed when the session had been reported already, or was never opened. */
  sessionFailedLate(session: Session, mode: string, error: Error): void;
}

/** The way out to the socket. */
interface SessionOutbox {
  readonly queue: OutputQueue;
  /** True while the socket has not taken the last write. */
  readonly isBlocked: boolean;
  /** True while it is blocked though it has. */
  readonly isTaken: boolean;
  /** Whether nothing of what was written has left for so long, in milliseconds. */
  isStalled(nowMs: number, limitMs: number): boolean;
  /** In how many milliseconds to ask that again. */
  stallCheckMs(limitMs: number): number;
}

/** The socket's side of the connection. */
export interface SessionTransport extends PeerAddress {
  /** Our own address and port that the client connected to; `unix` and 0 when there is none. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly outbox: SessionOutbox;
  /** Writes what was appended to the outbox, unless it is blocked. */
  flush(): void;
  /** Sees to it that a flush follows soon. */
  scheduleFlush(): void;
  pauseInput(): void;
  resumeInput(): void;
  /** Has `check` called within that many milliseconds. */
  checkWithin(ms: number): void;
  /** Ends the connection at once. */
  drop(rule: DropRule): void;
  /** Ends the connection at once, by a reset. */
  reset(): void;
  /** The mode has failed before it had agreed: the handshake is refused. */
  refuse(cause: unknown): void;
}

/** The mode that serves sessions, and what is around it. */
export interface SessionRoute {
  readonly mode: Mode;
  /** What clients may negotiate, in order of preference (RFC 6455 §9). */
  readonly extensions: readonly Extension[];
  /** Watches the sessions; by default, and with null, nothing does. */
  readonly tap?: Tap | null;
  /** Where its sessions are counted. */
  readonly counts: SessionCounts;
}

/** A handshake that may be answered with 101 once its mode agrees. */
export interface SessionUpgrade {
  readonly request: UpgradeRequest;
  readonly route: SessionRoute;
  readonly subprotocol: string | null;
}
