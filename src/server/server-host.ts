/** What the connections of a server share, and what becomes of what they report: counters, the log, the open sessions. */
import type { MemoryAccount } from '../budget/memory-account.js';
import { loopTurns } from '../budget/turns.js';
import type { CoarseClock } from '../connection/clock.js';
import type { ConnectionHost, ConnectionLimits } from '../connection/connection-host.js';
import type { Connection } from '../connection/connection.js';
import { FlushQueue } from '../connection/flush-queue.js';
import type { OpeningPolicy } from '../connection/head-phase.js';
import type { SharedReads } from '../connection/node-internals.js';
import type { TlsService } from '../connection/tls/tls-service.js';
import { HandshakeError } from '../errors.js';
import type { Declined } from '../extensions/negotiation.js';
import type { HeaderField, RequestHead } from '../handshake/request-head.js';
import { routePath } from '../handshake/request-target.js';
import { isOpeningHandshake } from '../handshake/request.js';
import type { HttpService } from '../http/tunnel.js';
import { type PeerAddress, formatPeer } from '../net/socket-address.js';
import type { EndpointOptions } from '../protocol/endpoint-events.js';
import type { SlabPool } from '../protocol/slabs/slab-pool.js';
import type { Traffic } from '../session/counters.js';
import type { ServedSession } from '../session/session-host.js';
import type { Session, SessionSummary } from '../session/session.js';
import type { ConnectionRegistry } from './admission/connection-registry.js';
import type { ClientLines } from './log/client-lines.js';
import { logDeclined, logLateFailure, logRefusal, logSession } from './log/session-log.js';
import type { OpenSessions } from './open-sessions.js';
import { findUnwelcome } from './recheck.js';
import type { ServerCounters } from './server-counters.js';
import type { ServerRules } from './server-rules.js';

/** What is there before a server starts. */
export interface HostParts {
  readonly rules: ServerRules;
  readonly connections: ConnectionRegistry;
  readonly sessions: OpenSessions;
  readonly counters: ServerCounters;
  readonly traffic: Traffic;
  readonly clientLog: ClientLines;
  readonly clock: CoarseClock;
  readonly memory: MemoryAccount;
  readonly slabPool: SlabPool;
}

/** What is only there when it starts. */
export interface StartedParts {
  readonly sharedReads: SharedReads | null;
  readonly http: HttpService | null;
}

/** The server, to what connections report. */
export interface HostOwner {
  /** Why no client should be sent here; empty when all is well. @param askers how many of the places are taken to ask this */
  findProblems(askers: 0 | 1): readonly string[];
  /** A session has opened or ended. */
  sessionsHaveChanged(): void;
  /** A connection is gone. */
  connectionGone(): void;
}

export class ServerHost implements ConnectionHost {
  readonly limits: ConnectionLimits;
  readonly endpointOptions: Readonly<Record<'messages' | 'chunks', EndpointOptions>>;
  readonly clock: CoarseClock;
  readonly flushQueue = new FlushQueue();
  readonly memory: MemoryAccount;
  readonly slabPool: SlabPool;
  readonly turns = loopTurns;
  readonly traffic: Traffic;
  readonly sharedReads: SharedReads | null;
  readonly http: HttpService | null;
  readonly tls: TlsService | null;
  opening: OpeningPolicy;

  readonly #parts: HostParts;
  readonly #owner: HostOwner;

  constructor(parts: HostParts, { sharedReads, http }: StartedParts, owner: HostOwner) {
    const { rules, traffic, clock, memory, slabPool } = parts;
    const { limits, maxFragments, tls } = rules.options;
    this.#parts = parts;
    this.#owner = owner;
    this.limits = limits;
    this.clock = clock;
    this.memory = memory;
    this.slabPool = slabPool;
    this.traffic = traffic;
    this.sharedReads = sharedReads;
    this.http = http;
    this.tls = tls?.context ?? null;
    const endpoint = {
      role: 'server',
      maxMessage: limits.maxMessage,
      maxFragments,
      controlIn: traffic.controlIn,
      controlOut: traffic.controlOut,
      pool: slabPool,
    } as const;
    this.endpointOptions = {
      messages: { ...endpoint, delivery: 'messages' },
      chunks: { ...endpoint, delivery: 'chunks' },
    };
    this.opening = this.#makeOpening();
  }

  /** The rules have changed. */
  renewOpening(): void {
    this.opening = this.#makeOpening();
  }

  // ---- The opening handshake

  #makeOpening(): OpeningPolicy {
    const { rules, sessions } = this.#parts;
    const { head, subprotocol, health = null } = rules.options;
    return {
      head,
      health:
        health === null
          ? null
          : {
              path: routePath(health.path),
              isReady: ({ isCounted }) => {
                const problems = this.#owner.findProblems(isCounted ? 1 : 0);
                return problems.length + health.findProblems().length === 0;
              },
            },
      allowedHosts: rules.access.allowedHosts,
      subprotocol,
      findRoute: (request) => {
        if (sessions.isTaken) throw new HandshakeError('full');
        return rules.router.find(request);
      },
      authorize: this.#authorize.bind(this),
      expectsProxyHeader: (peer) => rules.clientAddress.expectsProxyHeader(peer),
    };
  }

  #authorize(
    request: RequestHead,
    connection: Connection,
    waiting: { readonly signal: AbortSignal },
  ): string | Promise<string | null> | null {
    const { auth = null } = this.#parts.rules.options;
    const authorize = (): string | Promise<string> | null => {
      if (auth === null) return null;
      const { remoteAddress } = connection;
      // The signal is made only when somebody asks for it.
      return auth.authorize(request, {
        remoteAddress,
        get signal() {
          return waiting.signal;
        },
      });
    };
    const place = this.#parts.connections.reserve(connection, isOpeningHandshake(request));
    return place?.then(authorize) ?? authorize();
  }

  findRefusal(connection: Connection): HandshakeError | null {
    return this.#parts.connections.findLaterRefusal(connection);
  }

  findLateRefusal(session: ServedSession): HandshakeError | null {
    const { rules, sessions } = this.#parts;
    if (sessions.isTaken) return new HandshakeError('full');
    if (!rules.hasChanged) return null;
    const unwelcome = findUnwelcome(session, rules);
    if (unwelcome === 'route' && rules.options.recheck !== 'end') return null;
    return unwelcome === null ? null : new HandshakeError(unwelcome);
  }

  handshakeRefused(address: PeerAddress, error: HandshakeError, cause: unknown): void {
    const { counters, clientLog, rules } = this.#parts;
    counters.countRefusal(error);
    logRefusal(clientLog, address, error, cause, rules.redaction);
  }

  clientLeft(address: PeerAddress, how: string): void {
    this.#parts.clientLog.write(
      'debug',
      address.remoteAddress,
      'client left during the handshake',
      () => ({ peer: formatPeer(address), how }),
    );
  }

  // ---- Connections

  findClient(peer: PeerAddress, headers: readonly HeaderField[]): PeerAddress {
    return this.#parts.rules.clientAddress.find(peer, headers);
  }

  clientFound(connection: Connection, proxy: PeerAddress, client: PeerAddress): void {
    const { connections, rules } = this.#parts;
    connections.identify(connection, proxy, client, !rules.clientAddress.isProxy(client));
  }

  setExpendable(connection: Connection, isExpendable: boolean): void {
    this.#parts.connections.setExpendable(connection, isExpendable);
  }

  connectionClosed(connection: Connection): void {
    this.#parts.connections.remove(connection);
    this.#owner.connectionGone();
  }

  // ---- Sessions

  extensionDeclined(session: Session, declined: Declined): void {
    logDeclined(this.#parts.clientLog, session, declined);
  }

  sessionOpened(session: ServedSession): void {
    const { sessions, clientLog, rules } = this.#parts;
    sessions.opened(session);
    this.#owner.sessionsHaveChanged();
    const { id, path, remoteAddress } = session;
    clientLog.write('debug', remoteAddress, 'session opened', () => ({
      session: id,
      path: rules.redaction.path(path),
    }));
  }

  sessionEnded(summary: SessionSummary): void {
    const { sessions, counters, clientLog, rules } = this.#parts;
    sessions.ended(summary.id);
    counters.countEnd(summary);
    logSession(clientLog, summary, rules.redaction);
    this.#owner.sessionsHaveChanged();
  }

  modeLingers(closing: Promise<unknown>): void {
    this.#parts.sessions.linger(closing);
  }

  sessionFailedLate(session: Session, mode: string, error: Error): void {
    const { clientLog, rules } = this.#parts;
    logLateFailure(clientLog, session, mode, error, rules.redaction);
  }
}
