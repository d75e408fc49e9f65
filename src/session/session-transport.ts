/** What a session needs of the socket's side of its connection. */
import type { PeerAddress } from '../net/socket-address.js';
import type { OutputQueue } from '../protocol/output-queue.js';
import type { DropRule } from './session.js';

/** The way out to the socket. */
export interface SessionOutbox {
  readonly queue: OutputQueue;
  /** True while the socket has not taken the last write. */
  readonly isBlocked: boolean;
  /** For how long nothing of what was written has left, in milliseconds. */
  stalledMs(nowMs: number): number;
}

export interface SessionTransport extends PeerAddress {
  /** Our own address and port that the peer connected to; `unix` and 0 when there is none. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly outbox: SessionOutbox;
  readonly isInputPaused: boolean;
  /** Writes what was appended to the outbox, unless it is blocked. */
  flush(): void;
  /** Sees to it that a flush follows soon. */
  scheduleFlush(): void;
  pauseInput(): void;
  resumeInput(): void;
  /** Has `check` called within that many milliseconds. */
  checkWithin(ms: number): void;
  /** Ends the connection at once. */
  drop(rule: DropRule): void;
  /** The consumer fails while it makes up its mind: the handshake is refused. */
  refuse(cause: unknown): void;
}
