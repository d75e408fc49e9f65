/** Sessions that a reload may have made unwelcome. */
import type { ServedSession } from '../session/session-host.js';
import { CloseCode } from '../protocol/close.js';
import type { Mode } from '../session/mode.js';

/** So many sessions are looked at in one turn of the event loop. */
const SESSIONS_PER_TURN = 100;

/** What holds now. */
export interface Rules {
  isAllowed(address: string): boolean;
  /** What serves a path; null for nothing. */
  findMode(path: string): Mode | null;
}

/** Why a session would not open again. */
export type Unwelcome = 'address' | 'route';

/** What its client is told. */
const REASONS: Readonly<Record<Unwelcome, string>> = {
  address: 'this address is not allowed any more',
  route: 'this path does not lead there any more',
};

/** @returns why the session would not open again, or null */
export function findUnwelcome(session: ServedSession, rules: Rules): Unwelcome | null {
  if (!rules.isAllowed(session.remoteAddress)) return 'address';
  const mode = rules.findMode(session.path);
  if (mode === null) return 'route';
  // The same words make the same mode, though it may have been made again.
  if (mode !== session.mode && mode.name !== session.mode.name) return 'route';
  return mode.stillServes?.(session) === false ? 'route' : null;
}

/**
 * Closes all sessions that would not open again, and leaves turns of the event loop to others.
 *
 * @returns how many there were
 */
export async function recheck(sessions: Iterable<ServedSession>, rules: Rules): Promise<number> {
  let looked = 0;
  let ended = 0;
  for (const session of [...sessions]) {
    if (++looked % SESSIONS_PER_TURN === 0) await nextTurn();
    const unwelcome = findUnwelcome(session, rules);
    if (unwelcome === null) continue;
    session.close(CloseCode.PolicyViolation, REASONS[unwelcome]);
    ended++;
  }
  return ended;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
