/** One timer for all deadlines of all connections: an idle connection has none of its own. */

/** How often deadlines are looked at, in milliseconds: they may act that much later than asked. */
export const TICK_MS = 100;

export class CoarseClock {
  /** Milliseconds on a monotonic clock, as of the last tick: a change of the wall clock moves no deadline. */
  nowMs = readClock();

  readonly #onTick: (nowMs: number) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param onTick called every {@link TICK_MS} while the clock runs */
  constructor(onTick: (nowMs: number) => void) {
    this.#onTick = onTick;
  }

  /** The same clock now, with fractions: for what is measured, and not for every message. */
  exactMs(): number {
    return performance.now();
  }

  /** Starts ticking, unless it ticks already. */
  start(): void {
    if (this.#timer !== null) return;
    this.nowMs = readClock();
    this.#timer = setInterval(() => {
      this.nowMs = readClock();
      this.#onTick(this.nowMs);
    }, TICK_MS);
  }

  /** Stops ticking, so that a process without connections sleeps. */
  stop(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

function readClock(): number {
  return Math.floor(performance.now());
}
