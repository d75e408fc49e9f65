/**
 * The time in a recording: the wall clock with microseconds.
 *
 * The times of one session are those of the wall clock as it was when the session began, carried on by the
 * monotonic clock. So they never go back, and what lies between two of them is how long it was, whoever sets
 * the clock of the machine meanwhile; a session that begins then has the new time.
 */

/** So far the clocks may drift apart before ours is set anew: more is somebody setting the time. */
const MAX_DRIFT_MS = 50;

/** How often the two are compared. */
const COMPARE_MS = 1000;

/** What tells the time, in milliseconds. */
export interface ClockSources {
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
   * What is to be added to the monotonic clock for the wall clock of this moment: what a session keeps. The
   * clocks are compared, however short it is since they were.
   */
  currentOffsetMs(): number {
    this.#compare(this.#sources.monotonicMs());
    return this.#offsetMs;
  }

  /** Microseconds since 1970 as a session sees them that keeps this offset: a whole number. */
  microsWith(offsetMs: number): number {
    return Math.floor((this.#sources.monotonicMs() + offsetMs) * 1000);
  }

  #compare(nowMs: number): void {
    this.#comparedMs = nowMs;
    const offsetMs = this.#sources.wallMs() - nowMs;
    if (Math.abs(offsetMs - this.#offsetMs) > MAX_DRIFT_MS) this.#offsetMs = offsetMs;
  }
}
