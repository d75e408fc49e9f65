/** What shows the traffic of a server while it runs, as the server sees it: somebody who gets a copy of all records. */
import type { Log } from '../../log.js';
import type { BatchFeed } from '../../recording/write/batch-feed.js';
import type { Recorder } from '../../recording/write/recorder.js';

/** Ends a session. @returns null when that is done, else one sentence that says why not */
export type EndSession = (
  session: string,
  code: number,
  reason: string,
) => string | null | Promise<string | null>;

export interface Inspector {
  /** Takes the records. */
  readonly feed: Pick<BatchFeed, 'take' | 'lost'>;
  /** What its page asks for; whoever has the sessions sets it. */
  onEnd: EndSession;
  /** @throws {ConfigError} as a rejection, with one sentence, when its page cannot listen */
  start(): Promise<void>;
  /** Reads again what it has read from files. */
  reload(): void;
  /** The last records have come: it ends soon, whatever hangs. */
  close(): Promise<void>;
}

/** The longest reason that fits a Close (RFC 6455 §5.5), in bytes of UTF-8. */
const MAX_REASON_BYTES = 123;

/** From here on codes are free for use (RFC 6455 §7.4.2). */
const FIRST_FREE_CODE = 3000;
const LAST_CODE = 4999;

/** Others say that the client broke a rule, which is for us to find out. */
const CODES: readonly number[] = [1000, 1001, 1008, 1011, 1012, 1013, 1014];

/** @returns what ends sessions of a recorder */
export function endsSessionsOf(recorder: Pick<Recorder, 'end'>, log: Log): EndSession {
  return (session, code, reason) => {
    const problem = endProblem(code, reason);
    if (problem !== null) return problem;
    if (!recorder.end(session, code, reason)) return 'this session is not open any more';
    log.info({ recorded: session, code, reason }, 'session ended by the inspector');
    return null;
  };
}

/** What is wrong with the Close that somebody asks for; null when nothing is. */
export function endProblem(code: unknown, reason: unknown): string | null {
  if (typeof code !== 'number' || !isCode(code))
    return 'the code must be 1000, 1001, 1008, 1011 to 1014 or 3000 to 4999 (RFC 6455 7.4)';
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > MAX_REASON_BYTES)
    return `the reason must be a text of at most ${MAX_REASON_BYTES} bytes (RFC 6455 5.5)`;
  return null;
}

function isCode(code: number): boolean {
  const isFree = Number.isInteger(code) && code >= FIRST_FREE_CODE && code <= LAST_CODE;
  return isFree || CODES.includes(code);
}
