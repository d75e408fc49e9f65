/**
 * What the page has of a view's rows. Places count from the view's first row, and rows leave at its beginning: here they are
 * kept under places that never change, which count those that have left too.
 */
import type { Row } from '../../../src/inspect/page-protocol.js';

/** So many rows are kept; those that are farthest from what is seen go. */
const MAX_KEPT = 4000;

/** The most that the server gives at once. */
const MAX_ASKED = 500;

export interface Missing {
  readonly from: number;
  readonly count: number;
}

export class RowCache {
  readonly view: number;
  total: number;
  /** How many rows have left. */
  gone: number;
  isComplete: boolean;
  readonly #rows = new Map<number, Row>();

  constructor(view: number, total: number, gone: number, isComplete: boolean) {
    this.view = view;
    this.total = total;
    this.gone = gone;
    this.isComplete = isComplete;
  }

  /** @param place as it is now */
  at(place: number): Row | undefined {
    return this.#rows.get(this.gone + place);
  }

  /** The place of a record, if it is here; -1 otherwise. */
  placeOf(record: number): number {
    for (const [place, row] of this.#rows)
      if (row.n === record && place >= this.gone) return place - this.gone;
    return -1;
  }

  /** What is to be asked for, so that these are here; null for nothing. */
  missing(first: number, end: number): Missing | null {
    const last = Math.min(end, this.total);
    let from = Math.min(Math.max(0, first), last);
    while (from < last && this.at(from) !== undefined) from++;
    let until = last;
    while (until > from && this.at(until - 1) !== undefined) until--;
    return from === until ? null : { from, count: Math.min(until - from, MAX_ASKED) };
  }

  /**
   * @param from the place of the first of them
   * @param gone how many rows had left when the answer was made
   */
  add(from: number, rows: readonly Row[], gone: number): void {
    const start = gone + from;
    for (const [index, row] of rows.entries()) this.#rows.set(start + index, row);
    if (this.#rows.size <= MAX_KEPT) return;
    const middle = start + rows.length / 2;
    for (const place of this.#rows.keys())
      if (Math.abs(place - middle) > MAX_KEPT / 4) this.#rows.delete(place);
  }

  /** @returns how many rows have left since the last time */
  change(total: number, gone: number, isComplete: boolean): number {
    const left = gone - this.gone;
    this.total = total;
    this.gone = gone;
    this.isComplete = isComplete;
    if (left > 0) for (const place of this.#rows.keys()) if (place < gone) this.#rows.delete(place);
    return left;
  }
}
