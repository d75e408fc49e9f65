/** The list of sessions: which of them are shown, and in what order. */
import type { SessionRow } from '../../../src/inspect/page-protocol.js';

export const SESSION_COLUMNS = [
  'opened',
  'remote',
  'url',
  'mode',
  'subprotocol',
  'duration',
  'in',
  'out',
  'close',
] as const;

export type SessionColumn = (typeof SESSION_COLUMNS)[number];

export interface SessionSort {
  readonly column: SessionColumn;
  readonly isDescending: boolean;
}

export interface SessionChoice {
  /** Part of the client's address, the path, mode, subprotocol, id, number or close code. */
  readonly search: string;
  readonly status: 'all' | 'open' | 'ended';
  readonly sort: SessionSort;
}

/** How long it has been open, or was, in seconds. */
export function durationOf(session: SessionRow, now: number): number {
  return Math.max(0, (session.close?.t ?? Math.max(now, session.last)) - session.opened);
}

export function chosenSessions(
  sessions: Iterable<SessionRow>,
  { search, status, sort }: SessionChoice,
  now: number,
): SessionRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen: SessionRow[] = [];
  for (const session of sessions)
    if (hasStatus(session, status) && words.every((word) => wordsOf(session).includes(word)))
      chosen.push(session);
  const sign = sort.isDescending ? -1 : 1;
  return chosen.sort((a, b) => {
    const { column } = sort;
    const order = ordered(keyOf(a, column, now), keyOf(b, column, now));
    return sign * (order || a.opened - b.opened || a.id - b.id);
  });
}

function hasStatus(session: SessionRow, status: SessionChoice['status']): boolean {
  return status === 'all' || (session.close === undefined) === (status === 'open');
}

function wordsOf(session: SessionRow): string {
  const { s, id, remote, url, mode, subprotocol, close } = session;
  return `${s} #${id} ${remote} ${url} ${mode} ${subprotocol ?? ''} ${close?.code ?? ''} ${close?.rule ?? ''}`.toLowerCase();
}

/** What is compared in a column. */
function keyOf(session: SessionRow, column: SessionColumn, now: number): string | number {
  switch (column) {
    case 'duration':
      return durationOf(session, now);
    case 'in':
    case 'out':
      return session[column].bytes;
    case 'close':
      return session.close?.code ?? 0;
    case 'subprotocol':
      return session.subprotocol ?? '';
    case 'opened':
    case 'remote':
    case 'url':
    case 'mode':
      return session[column];
  }
}

function ordered(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
