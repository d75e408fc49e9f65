/** When to ask a silent peer for a sign of life, and when to give it up (RFC 6455 §5.5.2, §5.5.3). */

/** Durations in milliseconds; 0 means never. */
export interface KeepaliveLimits {
  readonly pingMs: number;
  readonly pongMs: number;
  readonly idleMs: number;
}

/** What {@link Keepalive.check} finds due. */
export type KeepaliveAction = 'none' | 'ping' | 'pong-timeout' | 'idle';

export class Keepalive {
  #heardMs: number;
  #messageMs: number;
  /** When the Ping that waits for an answer was sent; -1 when none does. */
  #pingedMs = -1;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#messageMs = nowMs;
  }

  /** Bytes came, whichever: the peer lives. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#pingedMs = -1;
  }

  /** A data message went either way: the session is not idle. */
  message(nowMs: number): void {
    this.#messageMs = nowMs;
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
    if (limits.idleMs > 0 && nowMs - this.#messageMs >= limits.idleMs) return 'idle';
    if (this.#pingedMs >= 0) {
      return nowMs - this.#pingedMs >= limits.pongMs ? 'pong-timeout' : 'none';
    }
    return limits.pingMs > 0 && nowMs - this.#heardMs >= limits.pingMs ? 'ping' : 'none';
  }

  /** When the next check can find something, were nothing heard until then. */
  nextCheckMs(limits: KeepaliveLimits): number {
    const idle = limits.idleMs > 0 ? this.#messageMs + limits.idleMs : Number.MAX_SAFE_INTEGER;
    // The answer may come at once, and the silence after it is measured from there.
    const waitMs = Math.min(limits.pongMs, limits.pingMs);
    if (this.#pingedMs >= 0) return Math.min(idle, this.#pingedMs + waitMs);
    return limits.pingMs > 0 ? Math.min(idle, this.#heardMs + limits.pingMs) : idle;
  }
}
