/**
 * Long work in short slices, so that a page is answered meanwhile: one slice in each turn of the event loop, whose work takes
 * turns.
 */
import { Fifo } from '../../protocol/fifo.js';

/** How long a slice takes, about. */
const SLICE_MS = 10;

export interface Work {
  /**
   * Works for a while.
   *
   * @param isOver whether the slice is over; to be asked now and then
   * @returns whether all is done
   */
  work(isOver: () => boolean): boolean;
}

export class WorkQueue {
  readonly #waiting = new Fifo<Work>();
  readonly #added = new Set<Work>();
  readonly #nowMs: () => number;
  #isRunning = false;
  #endMs = 0;

  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** How many have work to do. */
  get size(): number {
    return this.#added.size;
  }

  /** Has work done; once is enough until it is. */
  add(work: Work): void {
    if (this.#added.has(work)) return;
    this.#added.add(work);
    this.#waiting.push(work);
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(this.#run);
  }

  /** Nobody needs the work any more. */
  remove(work: Work): void {
    this.#added.delete(work);
  }

  readonly #isOver = (): boolean => this.#nowMs() >= this.#endMs;

  readonly #run = (): void => {
    this.#endMs = this.#nowMs() + SLICE_MS;
    do {
      const work = this.#waiting.shift()!;
      if (!this.#added.has(work)) continue;
      // What is added while it works is more work.
      this.#added.delete(work);
      if (!work.work(this.#isOver)) this.add(work);
    } while (this.#waiting.length > 0 && !this.#isOver());
    this.#isRunning = this.#waiting.length > 0;
    if (this.#isRunning) setImmediate(this.#run);
  };
}
