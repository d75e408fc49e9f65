/** Messages flow, or the closing handshake runs. An idle connection holds this and nothing else. */
import { CloseCode } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { ServerSession } from '../session/server-session.js';
import type { DropRule } from '../session/session.js';
import type { Connection } from './connection.js';
import { HEAVY_BYTES, Intake, READ_COST_BYTES } from './input/intake.js';
import { Phase } from './phase.js';

export class OpenPhase extends Phase {
  readonly #session: ServerSession;
  /** Shares the event loop with others; null while nothing large was read. */
  #intake: Intake | null = null;
  /** The peer's FIN has come, behind what waits for its turn. */
  #hasEnded = false;

  constructor(connection: Connection, session: ServerSession) {
    super(connection);
    this.#session = session;
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.#intake === null && end - start < HEAVY_BYTES) {
      this.#session.receive(bytes, start, end);
      this.connection.host.turns.spend(end - start + READ_COST_BYTES);
    } else {
      this.#intake ??= new Intake(this);
      this.#intake.receive(bytes, start, end);
    }
  }

  /** What waits for its turn comes before what is read. */
  override reader(): Endpoint | null {
    return this.#intake?.isParked === true ? null : this.#session.endpoint;
  }

  override receiveEof(): void {
    if (this.#intake?.isParked === true) this.#hasEnded = true;
    else this.#session.receiveEof();
  }

  override canResume(): boolean {
    return this.#intake?.resume() ?? true;
  }

  // ---- From the intake

  take(bytes: Uint8Array, start: number, end: number): void {
    this.#session.receive(bytes, start, end);
  }

  caughtUp(): void {
    const { connection } = this;
    if (this.#hasEnded) connection.receiveEof();
    else if (!connection.isInputPaused) connection.socket.resume();
  }

  // ---- The end

  override left(): void {
    this.#intake?.drop();
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
    this.left();
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

  override heldBytes(): number {
    return this.#session.heldBytes + (this.#intake?.heldBytes ?? 0);
  }

  override openSession(): ServerSession {
    return this.#session;
  }

  override shutDown(): void {
    this.#session.close(CloseCode.GoingAway, 'the server is shutting down');
  }
}
