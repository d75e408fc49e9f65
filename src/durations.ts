/** Durations that are counted by how long they are. */

/** Upper bounds that suit whatever takes from a millisecond to ten seconds, in milliseconds. */
const BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
];

export class Durations {
  /** The upper bounds of the buckets, in milliseconds, inclusive and rising. */
  readonly boundsMs = BOUNDS_MS;
  /** How many fell into each bucket; the last is for those beyond the last bound. */
  readonly counts: readonly number[];
  sumMs = 0;

  readonly #counts = new Array<number>(BOUNDS_MS.length + 1).fill(0);

  constructor() {
    this.counts = this.#counts;
  }

  add(ms: number): void {
    const index = BOUNDS_MS.findIndex((boundMs) => ms <= boundMs);
    this.#counts[index === -1 ? BOUNDS_MS.length : index]!++;
    this.sumMs += ms;
  }
}
