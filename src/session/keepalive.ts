/** When to ask a silent peer for a sign of life, and when to give it up (RFC 6455 §5.5.2, §5.5.3). */

/** Durations in milliseconds; 0 means never. */
export interface KeepaliveLimits {
  readonly pingInterval: number;
  readonly pongTimeout: number;
  readonly idleTimeout: number;
}

/** What {@link Keepalive.check} finds due. */
export type KeepaliveAction = 'none' | 'ping' | 'pong-timeout' | 'idle';

export class Keepalive {
  #heardMs: number;
  #messageTimeout: number;
  /** When the Ping that waits for an answer was sent; -1 when none does. */
  #pingedMs = -1;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#messageTimeout = nowMs;
  }

  /** Bytes came, whichever: the peer lives. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#pingedMs = -1;
  }

  /** A data message went either way: the session is not idle. */
  message(nowMs: number): void {
    this.#messageTimeout = nowMs;
  }

  /** A Ping was sent. */
  pinged(nowMs: number): void {
    this.#pingedMs = nowMs;
  }

  /** The Ping that waits for an answer, if one does, leaves only now. */
  pingLeaves(nowMs: number): void {
    if (this.#pingedMs >= 0) this.#pingedMs = nowMs;
  }

  check(nowMs: number, limits: KeepaliveLimits): KeepaliveAction {
    if (limits.idleTimeout > 0 && nowMs - this.#messageTimeout >= limits.idleTimeout) return 'idle';
    if (this.#pingedMs >= 0) {
      return nowMs - this.#pingedMs >= limits.pongTimeout ? 'pong-timeout' : 'none';
    }
    return limits.pingInterval > 0 && nowMs - this.#heardMs >= limits.pingInterval
      ? 'ping'
      : 'none';
  }

  /** When the next check can find something, were nothing heard until then. */
  nextCheckMs(limits: KeepaliveLimits): number {
    const idle =
      limits.idleTimeout > 0 ? this.#messageTimeout + limits.idleTimeout : Number.MAX_SAFE_INTEGER;
    // The answer may come at once, and the silence after it is measured from there.
    const waitMs = Math.min(limits.pongTimeout, limits.pingInterval);
    if (this.#pingedMs >= 0) return Math.min(idle, this.#pingedMs + waitMs);
    return limits.pingInterval > 0 ? Math.min(idle, this.#heardMs + limits.pingInterval) : idle;
  }
}
