/** What the log says about a replay: its session's line, and a few lines of its own. Payloads are never logged. */
import type { ClientLog } from '../../log.js';
import type { Session } from '../../session/session.js';
import { STRICT_REDACTION, withoutLengths } from '../../handshake/redaction/redaction.js';
import type { ReplaySession } from '../../recording/replay/replay-index.js';

/** The most differing messages of one session that are listed in the log; further ones are only counted. */
const MAX_NAMED = 10;

export class ReplayReport {
  readonly #session: Session;
  readonly #recorded: ReplaySession;
  readonly #log: ClientLog;
  readonly #total: number;
  #steps = 0;
  #mismatches = 0;

  constructor(session: Session, recorded: ReplaySession, log: ClientLog) {
    this.#session = session;
    this.#recorded = recorded;
    this.#log = log;
    this.#total = recorded.messages.in + recorded.messages.out;
    this.note();
  }

  /** The session is open: logs what cannot be as it was recorded. */
  opened(): void {
    const { id, subprotocol, cutOut } = this.#recorded;
    const selected = this.#session.subprotocol;
    if (id !== null && selected !== subprotocol && !areAlike(selected, subprotocol)) {
      const fields = { subprotocol: shown(selected), recorded: shown(subprotocol) };
      this.#warn(fields, 'the subprotocol is not the recorded one');
    }
    if (cutOut > 0)
      this.#warn({ records: cutOut }, 'recorded payloads are cut: what is there of them is sent');
  }

  /** A recorded message was sent, or one of the client's was compared. */
  played(): void {
    this.#steps++;
  }

  /** A message of the client differs from the recording. @param number from 1 */
  differs(number: number, sentence: string): void {
    this.#mismatches++;
    if (this.#mismatches <= MAX_NAMED) this.#warn({ message: number }, sentence);
    if (this.#mismatches === MAX_NAMED)
      this.#warn({}, 'more messages that are not the recorded ones are only counted');
  }

  /** The client has closed, and nothing more is sent to it. */
  clientClosed(): void {
    if (this.#steps === this.#total) return;
    const message = 'the client closed before the end of the recorded session';
    this.#log.write('debug', this.#session.remoteAddress, message, () => ({
      ...this.#where,
      steps: this.#steps,
      total: this.#total,
    }));
  }

  /** Adds the counts to the session, for its line of the log. */
  note(): void {
    const { s } = this.#recorded;
    this.#session.notes = {
      replay: {
        session: s,
        steps: this.#steps,
        total: this.#total,
        mismatches: this.#mismatches,
      },
    };
  }

  get #where(): object {
    const { id, path } = this.#session;
    return { session: id, path: STRICT_REDACTION.path(path), replay: this.#recorded.s };
  }

  #warn(fields: object, message: string): void {
    this.#log.write('warn', this.#session.remoteAddress, message, () => ({
      ...this.#where,
      ...fields,
    }));
  }
}

/** Whether both may be tokens: those of two clients differ. */
function areAlike(selected: string | null, recorded: string | null): boolean {
  return withoutLengths(shown(selected) ?? '') === withoutLengths(shown(recorded) ?? '');
}

function shown(subprotocol: string | null): string | null {
  return subprotocol === null ? null : STRICT_REDACTION.subprotocol(subprotocol);
}
