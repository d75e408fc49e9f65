/** How fast clients may come: connections from one address, and handshakes in all. */
import { Rate, TokenBucket, TokenBuckets } from './token-bucket.js';

/** So many a second, of which as many may come at once; without one, and with 0, there is no limit. */
export interface ArrivalLimits {
  /** New connections from one address. */
  readonly maxConnectionRate?: number;
  /** Opening handshakes, in all. */
  readonly maxHandshakeRate?: number;
}

/** How many addresses are remembered. One that does not come for a second is forgotten anyway. */
const MAX_ADDRESSES = 16_384;

/** When somebody who comes too early may come again, in milliseconds; 0 means that it comes in time. */
export class ArrivalRates {
  readonly #connections: TokenBuckets | null;
  readonly #handshakes: TokenBucket | null;

  constructor({ maxConnectionRate = 0, maxHandshakeRate = 0 }: ArrivalLimits) {
    this.#connections =
      maxConnectionRate === 0 ? null : new TokenBuckets(new Rate(maxConnectionRate), MAX_ADDRESSES);
    this.#handshakes = maxHandshakeRate === 0 ? null : new TokenBucket(new Rate(maxHandshakeRate));
  }

  /** Whether nobody can come too early. */
  get areUnlimited(): boolean {
    return this.#connections === null && this.#handshakes === null;
  }

  /**
   * A connection has come.
   *
   * @param network what it is counted by; null for nothing
   * @returns 0 when it is counted; else in how many milliseconds the next one may come
   */
  connect(network: string | null, nowMs: number): number {
    if (this.#connections === null || network === null) return 0;
    if (this.#connections.take(network, nowMs)) return 0;
    return this.#connections.waitMs(network, nowMs);
  }

  /** A handshake has come. @returns as {@link connect} */
  shakeHands(nowMs: number): number {
    if (this.#handshakes === null || this.#handshakes.take(nowMs)) return 0;
    return this.#handshakes.waitMs(nowMs);
  }
}
