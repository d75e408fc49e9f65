/**
 * What ends a session with extensions, and has to wait: a Close, a failure and the end of the input come after all
 * messages before them, and some of those may still be on their way.
 */
import { Fifo } from '../protocol/fifo.js';
import type { ServerSession, SessionParts } from './server-session.js';

export class PendingEnds {
  readonly #session: Pick<ServerSession, 'isBusy'>;
  readonly #parts: Pick<SessionParts, 'transport' | 'deadlines'>;
  readonly #ends = new Fifo<() => void>();

  constructor(
    session: Pick<ServerSession, 'isBusy'>,
    parts: Pick<SessionParts, 'transport' | 'deadlines'>,
  ) {
    this.#session = session;
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  /** One more, after those that wait. It is done at once if the extensions are through with all messages. */
  add(end: () => void): void {
    const waiting = this.#ends.length;
    this.#ends.push(end);
    this.run();
    if (waiting === 0 && !this.isEmpty) this.#parts.deadlines.ending();
  }

  /** Does what waits, in this order, if the extensions are through. What one of them sends may keep the next one waiting. */
  run(): void {
    while (!this.#session.isBusy) {
      const end = this.#ends.shift();
      if (end === undefined) return;
      end();
      this.#parts.transport.scheduleFlush();
    }
  }

  /** What waits is not done any more. */
  clear(): void {
    this.#ends.clear();
  }
}
