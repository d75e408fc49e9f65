/** The one timer of a session, for whatever it waits for next. A session that waits for nothing has none. */

/** Tells the time, and calls back later. */
export interface Ticker {
  /** Monotonic, in milliseconds. */
  nowMs(): number;
  /** @returns how to take it back */
  callIn(ms: number, call: () => void): () => void;
}

export const TICKER: Ticker = {
  nowMs: () => performance.now(),
  callIn: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

export class SessionClock {
  readonly #ticker: Ticker;
  readonly #wake: () => void;
  #wakeMs = Number.MAX_SAFE_INTEGER;
  #cancel: (() => void) | null = null;

  /** @param wake called when it is time; it may ask for another time */
  constructor(ticker: Ticker, wake: () => void) {
    this.#ticker = ticker;
    this.#wake = wake;
  }

  get nowMs(): number {
    return this.#ticker.nowMs();
  }

  /** Calls at that time, or before: whoever is called looks for himself. Later times asked for before are forgotten. */
  wakeAt(ms: number): void {
    if (ms >= this.#wakeMs) return;
    this.stop();
    this.#wakeMs = ms;
    // A timer may come a fraction too early.
    const waitMs = Math.max(1, Math.ceil(ms - this.nowMs));
    this.#cancel = this.#ticker.callIn(waitMs, () => {
      this.stop();
      this.#wake();
    });
  }

  /** Calls no more, until it is asked to. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#wakeMs = Number.MAX_SAFE_INTEGER;
  }
}
