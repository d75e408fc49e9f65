/** Messages flow, or the closing handshake runs. An idle connection holds this and nothing else. */
import { CloseCode } from '../protocol/close.js';
import type { ServerSession } from '../session/server-session.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import { Phase } from './phase.js';

export class OpenPhase extends Phase {
  readonly #session: ServerSession;

  constructor(connection: Connection, session: ServerSession) {
    super(connection);
    this.#session = session;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#session.receive(bytes, start, end);
  }

  override receiveEof(): void {
    this.#session.receiveEof();
  }

  override drained(): void {
    this.connection.outbox.unblock();
    this.#session.unblocked();
    this.connection.flush();
    this.#session.resumeOutput();
  }

  override lost(error: string): void {
    this.#session.lost(error);
  }

  override socketClosed(): void {
    this.#session.finish();
  }

  override flush(): void {
    const { outbox, host } = this.connection;
    const wasBlocked = outbox.isBlocked;
    const { queuedBytes } = outbox.queue;
    outbox.flush(host.clock.nowMs);
    host.traffic.wireBytesOut += queuedBytes - outbox.queue.queuedBytes;
    if (outbox.isBlocked && !wasBlocked && !outbox.isTaken) this.#session.blocked();
    if (this.#session.isOver) this.connection.end(this, this.#session);
  }

  check(nowMs: number): void {
    this.#session.check(nowMs);
  }

  override dropped(rule: DropRule): void {
    this.#session.dropped(rule);
    this.connection.cutOff(this, this.#session);
  }

  override isOpen(): boolean {
    return true;
  }

  override shutDown(): void {
    this.#session.close(CloseCode.GoingAway, 'the server is shutting down');
  }
}
