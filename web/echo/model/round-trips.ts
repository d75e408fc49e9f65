/**
 * Round-trip times in bounded memory: how many there were in each of a thousand ranges, every one 2 % longer than the
 * one before, so that a percentile is right within 1 %.
 */

const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Browsers tell no shorter time. */
const MIN_MS = 0.001;
/** Up to a quarter of an hour. */
const RANGES = Math.ceil(Math.log(1e9) / LOG_GROWTH);

/** A bar of the histogram. */
export interface Column {
  /** In milliseconds; the first is inclusive. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export class RoundTrips {
  count = 0;
  /** Of all, in milliseconds. */
  min = Infinity;
  max = 0;
  #sum = 0;
  readonly #counts = new Uint32Array(RANGES);

  add(ms: number): void {
    this.count++;
    this.#sum += ms;
    this.min = Math.min(this.min, ms);
    this.max = Math.max(this.max, ms);
    this.#counts[rangeOf(ms)]!++;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  /** @param share for instance 0.9: nine of ten took no longer */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count));
    if (rank >= this.count) return this.max;
    let range = 0;
    for (let left = rank - this.#counts[0]!; left > 0; left -= this.#counts[range]!) range++;
    return this.#within(startOf(range + 0.5));
  }

  /** From the shortest to the longest, at most so many columns, each by the same factor longer than the one before. */
  columns(most: number): Column[] {
    if (this.count === 0) return [];
    const [first, last] = [rangeOf(this.min), rangeOf(this.max)];
    const width = Math.max(1, Math.ceil((last - first + 1) / most));
    const columns: Column[] = [];
    for (let range = first; range <= last; range += width) {
      const count = this.#counts.subarray(range, range + width).reduce((sum, one) => sum + one, 0);
      columns.push({ from: startOf(range), to: startOf(range + width), count });
    }
    return columns;
  }

  #within(ms: number): number {
    return Math.min(Math.max(ms, this.min), this.max);
  }
}

function rangeOf(ms: number): number {
  if (ms <= MIN_MS) return 0;
  return Math.min(RANGES - 1, Math.floor(Math.log(ms / MIN_MS) / LOG_GROWTH));
}

function startOf(range: number): number {
  return MIN_MS * Math.exp(range * LOG_GROWTH);
}
