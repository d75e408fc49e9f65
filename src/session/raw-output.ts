/**
 * The way out past the endpoint's rules, for the one mode that breaks them when it is asked to. A mode gets it by
 * `Mode.openRaw`, which no mode of a user's has; test/architecture.test.ts holds that no other built-in one has it.
 */
import type { CloseStatus } from '../protocol/close.js';
import type { ServerSession, SessionParts } from './server-session.js';

export class RawOutput {
  readonly #session: ServerSession;
  readonly #parts: SessionParts;

  constructor(session: ServerSession, parts: SessionParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /**
   * Sends bytes as they are, after all that was sent. They count against the output limit, and nobody but the
   * connection sees them: a tap is told of no frame and no message.
   *
   * @param close what a Close in them says: it is ours, so no other one follows, and the client's is waited for
   */
  send(bytes: Uint8Array, close: CloseStatus | null): void {
    const session = this.#session;
    if (!session.output.canSend) return;
    if (close === null) session.ending.whenThrough(() => session.output.sendRaw(bytes, null));
    else session.ending.closeBy(() => session.output.sendRaw(bytes, close));
  }

  /** Ends with a FIN after all that was sent, and without a Close. */
  end(): void {
    this.#endBy(() => {
      this.#session.endpoint.abandon();
    });
  }

  /** Ends with a reset: what was sent and has not arrived is lost. */
  reset(): void {
    const { transport } = this.#parts;
    this.#endBy(() => {
      this.#session.endpoint.abandon();
      transport.reset();
    });
  }

  /** From now on the client's Pings get no answer. */
  withholdPongs(): void {
    this.#session.endpoint.withholdsPongs = true;
  }

  #endBy(end: () => void): void {
    const session = this.#session;
    if (session.isThrough) return;
    session.output.shut();
    // Nothing more is read, not even what the same read has brought.
    session.input.stop();
    session.ending.whenThrough(end);
    this.#parts.transport.scheduleFlush();
  }
}
