import { AgeMap } from '../../budget/age-map.js';

/** Texts that are forgotten after a while, and when there are too many of them. */
export class Remembered {
  readonly #forMs: number;
  readonly #max: number;
  /** Until when, in the order in which they will be forgotten. */
  readonly #untilMs = new AgeMap<string, number>();

  constructor(forMs: number, max: number) {
    this.#forMs = forMs;
    this.#max = max;
  }

  has(text: string): boolean {
    return (this.#untilMs.get(text) ?? 0) > performance.now();
  }

  add(text: string): void {
    this.#untilMs.delete(text);
    this.#untilMs.set(text, performance.now() + this.#forMs);
    const { oldest } = this.#untilMs;
    if (oldest !== null && this.#untilMs.size > this.#max) this.#untilMs.delete(oldest.key);
  }
}
