/** Our last byte is on its way, and our FIN after it. What comes now is thrown away. */
import type { ServerSession } from '../session/server-session.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import { Phase } from './phase.js';

/**
 * How long, and how much, we read on after our FIN for the sake of an orderly end. A client whose large
 * message is refused at its header may have all of it on the way, and a reset would cost it our Close.
 */
const LINGER_MS = 2000;
const LINGER_BYTES = 32 * 1024 * 1024;

/** How often to look at the peer's progress, in milliseconds. */
export const ENDING_CHECK_MS = LINGER_MS / 4;

export class EndingPhase extends Phase {
  /** The session that has yet to hear that the socket is gone; null without one. */
  readonly #session: ServerSession | null;
  /** When the last byte left, as far as we know. */
  #endedMs: number;
  #lingeredBytes = 0;

  constructor(connection: Connection, session: ServerSession | null) {
    super(connection);
    this.#session = session;
    this.#endedMs = connection.host.clock.nowMs;
  }

  receive(_bytes: Uint8Array, start: number, end: number): void {
    this.#lingeredBytes += end - start;
    if (this.#lingeredBytes > LINGER_BYTES) this.connection.socket.destroy();
  }

  override lost(error: string): void {
    this.#session?.lost(error);
  }

  override socketClosed(): void {
    // A session that was refused has heard of its end.
    if (this.#session?.isOpen === true) this.#session.finish();
  }

  /** The peer's FIN must be read. */
  override canPause(): boolean {
    return false;
  }

  check(nowMs: number): void {
    const { connection } = this;
    const { socket, outbox, host } = connection;
    if (!socket.writableFinished) {
      if (outbox.isStalled(nowMs, host.limits.closeTimeout)) connection.drop('send-timeout');
      this.#endedMs = nowMs;
    } else if (nowMs - this.#endedMs >= LINGER_MS) {
      socket.destroy();
    }
    connection.checkWithin(ENDING_CHECK_MS);
  }

  override dropped(rule: DropRule): void {
    this.#session?.dropped(rule);
  }
}
