/** What a server counts beside the traffic: plain numbers, read only when somebody asks. */
import type { HandshakeError, HandshakeRule } from '../errors.js';
import { HttpCounters } from '../http/http-counters.js';
import { SessionCounts } from '../session/counters.js';
import type { SessionSummary } from '../session/session.js';

/** The sessions of a mode on a path. */
export interface RouteCount {
  readonly mode: string;
  /** As the operator wrote it; null for every path that has no route of its own. */
  readonly path: string | null;
  readonly sessions: SessionCounts;
}

/** How many sessions have ended in one way. */
export interface CloseCount {
  /** The close code; those that clients may choose freely are counted together: `3xxx`, `4xxx`, `other`. */
  readonly code: string;
  readonly side: SessionSummary['closedBy'];
  count: number;
}

/** The codes that RFC 6455 §7.4.1 and its registry name. */
const FIRST_NAMED = 1000;
const LAST_NAMED = 1015;

export class ServerCounters {
  /** Connections that were accepted. */
  connections = 0;
  /** Connections that were dropped because too many were open. */
  dropped = 0;
  /** Answers to requests that asked for no WebSocket connection. */
  readonly http = new HttpCounters();
  /** Refused handshakes, by the rule they broke. */
  readonly refused = new Map<HandshakeRule, number>();
  /** Broken rules of the protocol, limits and deadlines, by their names. */
  readonly rules = new Map<string, number>();
  readonly closes = new Map<string, CloseCount>();
  /** What was counted last, and its code: most sessions end in the same way. */
  #lastClose: CloseCount | null = null;
  #lastCode = 0;
  readonly routes: RouteCount[] = [];
  readonly #sessionsByRoute = new Map<string, SessionCounts>();
  /** Sessions that ended by an internal error. */
  defects = 0;

  /** @returns where the sessions of a mode on a path are counted: always the same place */
  sessionsOf(mode: string, path: string | null): SessionCounts {
    const key = JSON.stringify([mode, path]);
    const known = this.#sessionsByRoute.get(key);
    if (known !== undefined) return known;
    const sessions = new SessionCounts();
    this.#sessionsByRoute.set(key, sessions);
    this.routes.push({ mode, path, sessions });
    return sessions;
  }

  countRefusal({ rule }: HandshakeError): void {
    raise(this.refused, rule);
  }

  countEnd({ closedBy: side, closeCode, rule, error }: SessionSummary): void {
    this.#closeOf(side, closeCode).count++;
    if (rule !== null) raise(this.rules, rule);
    if (error instanceof Error) this.defects++;
  }

  #closeOf(side: CloseCount['side'], closeCode: number): CloseCount {
    const last = this.#lastClose;
    if (last?.side === side && this.#lastCode === closeCode) return last;
    const code = codeLabel(closeCode);
    const key = `${side} ${code}`;
    const close = this.closes.get(key) ?? { code, side, count: 0 };
    this.closes.set(key, close);
    this.#lastClose = close;
    this.#lastCode = closeCode;
    return close;
  }
}

function raise<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function codeLabel(code: number): string {
  if (code >= FIRST_NAMED && code <= LAST_NAMED) return String(code);
  const group = Math.floor(code / 1000);
  return group === 3 || group === 4 ? `${group}xxx` : 'other';
}
