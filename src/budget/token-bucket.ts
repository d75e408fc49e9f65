/**
 * Rates: so many a second, and so many at once. A bucket is full at first, each thing takes tokens out of it, and it
 * fills again at its rate. All that has to be kept of a bucket is when it will be full again (this is GCRA, the cell
 * rate algorithm of ATM, in other words), so that it costs one number and no timer.
 *
 * Times are milliseconds of a clock that never goes back.
 */
import { AgeMap } from './age-map.js';

const SECOND_MS = 1000;

/** How fast a bucket fills, and how much is in a full one. */
export class Rate {
  readonly #msPerToken: number;
  /** How long an empty bucket takes to be full. */
  readonly #fullMs: number;

  /**
   * @param perSecond more than 0
   * @param burst how many may be taken at once from a full bucket, at least 1; by default what comes in a second
   */
  constructor(perSecond: number, burst: number = Math.max(1, perSecond)) {
    this.#msPerToken = SECOND_MS / perSecond;
    this.#fullMs = burst * this.#msPerToken;
  }

  /** When a bucket will be full that would have been so at `fullAtMs`, once `tokens` are taken out of it. */
  after(fullAtMs: number, nowMs: number, tokens: number): number {
    return Math.max(fullAtMs, nowMs) + tokens * this.#msPerToken;
  }

  /**
   * How long it takes until so many tokens are there, in milliseconds: 0 when they are. More than a full bucket has
   * are never there.
   */
  waitMs(fullAtMs: number, nowMs: number, tokens: number): number {
    // Sums of fractions are not exact: a thousandth of a millisecond is nobody's.
    const wait = this.after(fullAtMs, nowMs, tokens) - nowMs - this.#fullMs;
    return wait > 0.001 ? wait : 0;
  }
}

/** One bucket. */
export class TokenBucket {
  readonly #rate: Rate;
  #fullAtMs = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes tokens if they are there. @returns whether they were */
  take(nowMs: number, tokens = 1): boolean {
    if (this.waitMs(nowMs, tokens) > 0) return false;
    this.spend(nowMs, tokens);
    return true;
  }

  /** Takes tokens whether they are there or not: what has happened already may leave a debt. */
  spend(nowMs: number, tokens: number): void {
    this.#fullAtMs = this.#rate.after(this.#fullAtMs, nowMs, tokens);
  }

  /** How long until so many are there, in milliseconds; 0 when they are. With 0 tokens: until no debt is left. */
  waitMs(nowMs: number, tokens = 1): number {
    return this.#rate.waitMs(this.#fullAtMs, nowMs, tokens);
  }
}

/**
 * A bucket for each of many keys, such as addresses. A bucket that is full again is forgotten, and so is the one that
 * was used longest ago when there are too many: memory has a bound, and whoever can come from that many addresses is
 * not held by a rate for each.
 */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #max: number;
  /** When each will be full; the one that was used longest ago comes first. */
  readonly #fullAtMs = new AgeMap<string, number>();

  /** @param max how many keys are remembered */
  constructor(rate: Rate, max: number) {
    this.#rate = rate;
    this.#max = max;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#fullAtMs.size;
  }

  /** Takes tokens of a key if they are there. @returns whether they were */
  take(key: string, nowMs: number, tokens = 1): boolean {
    if (this.waitMs(key, nowMs, tokens) > 0) return false;
    this.spend(key, nowMs, tokens);
    return true;
  }

  /** Takes tokens of a key whether they are there or not. */
  spend(key: string, nowMs: number, tokens = 1): void {
    const fullAtMs = this.#rate.after(this.#fullAtMs.get(key) ?? 0, nowMs, tokens);
    // To the end of the order.
    this.#fullAtMs.delete(key);
    this.#fullAtMs.set(key, fullAtMs);
    this.#forget(nowMs);
  }

  /** How long until so many are there for a key, in milliseconds; 0 when they are. */
  waitMs(key: string, nowMs: number, tokens = 1): number {
    return this.#rate.waitMs(this.#fullAtMs.get(key) ?? 0, nowMs, tokens);
  }

  /** Each call adds one at most, so that two looks keep up with them. */
  #forget(nowMs: number): void {
    for (let looks = 2; looks > 0; looks--) {
      const { oldest } = this.#fullAtMs;
      if (oldest === null || (oldest.value > nowMs && this.#fullAtMs.size <= this.#max)) return;
      this.#fullAtMs.delete(oldest.key);
    }
  }
}
