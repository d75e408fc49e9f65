/** The records that pass a filter, by their numbers. They are looked for in slices, and it grows with the store. */
import { BLOCK_RECORDS } from '../store/page-pool.js';
import type { RecordStore } from '../store/record-store.js';
import type { Work } from '../store/work-queue.js';
import { NumberList } from './number-list.js';
import { Searcher } from './searcher.js';
import type { RecordFilter } from './record-filter.js';

/** How many records are looked at between two looks at the clock, where no line is read. */
const CHECKED_RECORDS = 4096;

export class View implements Work {
  readonly filter: RecordFilter;
  /** Why it was given up, in a sentence. */
  fault: string | null = null;

  readonly #store: RecordStore;
  readonly #searcher: Searcher | null;
  /** Null where all records pass. */
  readonly #numbers: NumberList | null;
  /** The first record that was there at the last look, and at the first. */
  #first: number;
  readonly #began: number;
  #gone = 0;
  /** The record that is looked at next. */
  #next: number;

  constructor(store: RecordStore, filter: RecordFilter) {
    this.#store = store;
    this.filter = filter;
    this.#first = this.#began = this.#next = store.index.first;
    this.#numbers = filter.isAll ? null : new NumberList();
    this.#searcher = filter.search === null ? null : new Searcher(store, filter.search);
  }

  /** How many rows have left at its beginning. */
  get gone(): number {
    this.#forget();
    return this.#numbers === null ? this.#first - this.#began : this.#gone;
  }

  get total(): number {
    this.#forget();
    return this.#numbers === null ? this.#store.index.end - this.#first : this.#numbers.length;
  }

  /** It has caught up with all records that there are. */
  get hasCaughtUp(): boolean {
    return this.#numbers === null || this.fault !== null || this.#next === this.#store.index.end;
  }

  /** It has caught up, and the store knows all of its records. */
  get isComplete(): boolean {
    const { progress } = this.#store;
    return this.hasCaughtUp && (progress === null || progress === 1);
  }

  /** @returns the number of the record at a place from 0 to `total - 1` */
  at(place: number): number {
    this.#forget();
    return this.#numbers === null ? this.#first + place : this.#numbers.at(place, this.#first);
  }

  /** @returns the first place of a record with this number or a larger one */
  placeOf(n: number): number {
    this.#forget();
    if (this.#numbers !== null) return this.#numbers.placeOf(n, this.#first);
    return Math.max(0, Math.min(n, this.#store.index.end) - this.#first);
  }

  /** @returns the first place of a record that is not before this time; `total` if there is none */
  placeOfTime(time: number): number {
    const { index } = this.#store;
    const { total } = this;
    for (let place = 0; place < total;) {
      const n = this.at(place);
      const block = index.blockOf(n);
      // Clocks of several processes differ a little, so all in a block are looked at.
      if (block.maxTime >= time && block.times[n % BLOCK_RECORDS]! >= time) return place;
      place =
        block.maxTime >= time
          ? place + 1
          : this.placeOf((Math.floor(n / BLOCK_RECORDS) + 1) * BLOCK_RECORDS);
    }
    return total;
  }

  work(isOver: () => boolean): boolean {
    const numbers = this.#numbers;
    if (numbers === null || this.fault !== null) return true;
    this.#forget();
    while (this.#next < this.#store.index.end) {
      if (!this.#lookOn(numbers)) return true;
      if (isOver()) return this.hasCaughtUp;
    }
    return true;
  }

  /** Looks at some more records. @returns false if it has to give up */
  #lookOn(numbers: NumberList): boolean {
    const { index } = this.#store;
    const { filter } = this;
    const searcher = this.#searcher;
    const block = index.blockOf(this.#next);
    const base = this.#next - (this.#next % BLOCK_RECORDS);
    const end = Math.min(index.end, base + BLOCK_RECORDS);
    if (!filter.mayPass(block)) {
      this.#next = end;
      return true;
    }
    const stop = Math.min(end, this.#next + CHECKED_RECORDS);
    let n = this.#next;
    for (; n < stop; n++) {
      if (!filter.passes(block, n - base, n)) continue;
      if (searcher === null) numbers.push(n);
      else if (!searcher.add(n)) {
        n++;
        break;
      }
    }
    this.#next = n;
    const found = searcher?.find() ?? [];
    if (typeof found === 'string') this.fault = found;
    else for (const one of found) numbers.push(one);
    return this.fault === null;
  }

  /** Records that are not there any more leave. */
  #forget(): void {
    const { first } = this.#store.index;
    if (first === this.#first) return;
    if (this.#numbers !== null) this.#gone += this.#numbers.forget(this.#first, first);
    this.#first = first;
    this.#next = Math.max(this.#next, first);
  }
}
