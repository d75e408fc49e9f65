/**
 * Notices that a process hangs, in an endless loop or stopped by a signal: it does not answer a question. One that is slow
 * answers late, and is left alone. Rounds are counted, not time: where the machine sleeps, or all of us are stopped, one
 * round passes at most, and then the process has its turn as we have ours.
 */
export interface HangWatchOptions {
  /** Asks it. */
  readonly ask: () => void;
  /** It hangs; nothing more is asked. @param silentMs for how long there was no answer, as far as we could have heard it */
  readonly hangs: (silentMs: number) => void;
  /** How often it is asked, in milliseconds. */
  readonly checkMs?: number | undefined;
}

const CHECK_MS = 10_000;

/** Rounds without an answer. The longest turn that a process has is a second or two: a line of 128 MiB. */
const MAX_SILENT_ROUNDS = 3;

export class HangWatch {
  readonly #ask: () => void;
  readonly #hangs: (silentMs: number) => void;
  readonly #checkMs: number;
  #timer: NodeJS.Timeout | undefined;
  #silentRounds = 0;
  #isAsked = false;

  constructor({ ask, hangs, checkMs = CHECK_MS }: HangWatchOptions) {
    this.#ask = ask;
    this.#hangs = hangs;
    this.#checkMs = checkMs;
  }

  begin(): void {
    this.end();
    this.#timer = setInterval(this.#look, this.#checkMs).unref();
    this.#askAgain();
  }

  /** It has answered. */
  answered(): void {
    this.#isAsked = false;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #askAgain(): void {
    this.#silentRounds = 0;
    this.#isAsked = true;
    this.#ask();
  }

  readonly #look = (): void => {
    if (!this.#isAsked) {
      this.#askAgain();
      return;
    }
    // A question that was not read yet is not asked again: they would pile up.
    if (++this.#silentRounds < MAX_SILENT_ROUNDS) return;
    this.end();
    this.#hangs(this.#silentRounds * this.#checkMs);
  };
}
