/**
 * Work in slices. A message that needs one slice is done at once, without a promise. A larger one
 * stands in line: one slice, of one message, runs in each turn of the event loop.
 *
 * So however many large messages there are, they stop the event loop for one slice at a time, and
 * only one of them at a time needs memory for its output. They would not be through any sooner side
 * by side, since it is one processor that works on them.
 */

import { Fifo } from '../../protocol/fifo.js';

/**
 * Bytes in and out of one slice, and what else costs as much: it bounds how long a large message stops
 * the event loop, which is 1 to 3 ms of compression (bench/README.md).
 */
export const SLICE_BYTES = 128 * 1024;

/** Work that yields after each slice. */
export type Slices<Result> = Generator<undefined, Result, undefined>;

interface Job {
  /** Runs one slice. @returns false when it was the last one */
  readonly runSlice: () => boolean;
}

export class SlicedWork {
  readonly #jobs = new Fifo<Job>();
  readonly #onIdle: () => void;

  /** @param onIdle called when nobody stands in line any more */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** How many messages stand in line. */
  get waitingCount(): number {
    return this.#jobs.length;
  }

  /**
   * Runs the first slice now, and the others, if there are any, when it is their turn. The caller that awaits
   * the result gets it before the next message's turn.
   *
   * @throws what the first slice throws; the promise rejects with what a later one throws
   */
  run<Result>(work: Slices<Result>): Result | Promise<Result> {
    const first = work.next();
    if (first.done === true) return first.value;
    return new Promise((resolve, reject) => {
      const runSlice = (): boolean => {
        try {
          const slice = work.next();
          if (slice.done !== true) return true;
          resolve(slice.value);
        } catch (error) {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it came
          reject(error);
        }
        return false;
      };
      this.#jobs.push({ runSlice });
      if (this.#jobs.length === 1) setImmediate(this.#runNext);
    });
  }

  readonly #runNext = (): void => {
    if (this.#jobs.head?.runSlice() === false) this.#jobs.shift();
    if (this.#jobs.length > 0) setImmediate(this.#runNext);
    else this.#onIdle();
  };
}
