/**
 * The time in a recording: the wall clock, in microseconds.
 *
 * A session takes the wall clock when it begins and carries it on by the monotonic clock. So its times
 * never go back, and the difference of two of them is the true duration, even if somebody sets the
 * machine's clock meanwhile; a session that begins after that has the new time.
 */

/**
 * The most that the clocks may drift apart before ours is set again: more means that somebody has set
 * the time.
 */
const MAX_DRIFT_MS = 50;

/** How often the two clocks are compared. */
const COMPARE_MS = 1000;

/** Tells the time, in milliseconds. */
interface ClockSources {
  /** Since some moment, without steps. */
  monotonicMs(): number;
  /** Since 1970, UTC, in whole milliseconds. */
  wallMs(): number;
}

const SYSTEM: ClockSources = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/** Follows the wall clock, which has whole milliseconds, by a monotonic one, which has fractions. */
export class RecordingClock {
  readonly #sources: ClockSources;
  #offsetMs: number;
  #comparedMs: number;

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources;
    this.#comparedMs = sources.monotonicMs();
    this.#offsetMs = sources.wallMs() - this.#comparedMs;
  }

  /** Microseconds since 1970, UTC: a whole number. */
  nowMicros(): number {
    const nowMs = this.#sources.monotonicMs();
    if (nowMs - this.#comparedMs >= COMPARE_MS) this.#compare(nowMs);
    return Math.floor((nowMs + this.#offsetMs) * 1000);
  }

  /** Seconds since 1970, UTC, with microseconds. */
  nowSeconds(): number {
    return this.nowMicros() / 1e6;
  }

  /**
   * What to add to the monotonic clock to get the wall clock of this moment; a session keeps it. The
   * clocks are compared here, however recent the last comparison is.
   */
  currentOffsetMs(): number {
    this.#compare(this.#sources.monotonicMs());
    return this.#offsetMs;
  }

  /** The microseconds since 1970 for a session that keeps this offset: a whole number. */
  microsWith(offsetMs: number): number {
    return Math.floor((this.#sources.monotonicMs() + offsetMs) * 1000);
  }

  #compare(nowMs: number): void {
    this.#comparedMs = nowMs;
    const offsetMs = this.#sources.wallMs() - nowMs;
    if (Math.abs(offsetMs - this.#offsetMs) > MAX_DRIFT_MS) this.#offsetMs = offsetMs;
  }
}
