/** Looks for the next row of a view that matches, one way or the other. */
import type { RecordStore } from '../store/record-store.js';
import type { Work } from '../store/work-queue.js';
import type { Search } from './record-filter.js';
import { Searcher } from './searcher.js';
import type { View } from './view.js';

export interface FindRange {
  /** Rows after this place, or before it. */
  readonly from: number;
  readonly isBackwards: boolean;
}

/** The number of the record that was found, -1 for none, or why it was given up. */
export type Found = number | string;

export class FindWork implements Work {
  readonly view: View;
  readonly #searcher: Searcher;
  readonly #step: number;
  readonly #done: (found: Found) => void;
  /** The record that is looked at next; rows may leave before it. */
  #place: number;
  #gone: number;

  constructor(
    store: RecordStore,
    view: View,
    search: Search,
    { from, isBackwards }: FindRange,
    done: (found: Found) => void,
  ) {
    this.view = view;
    this.#searcher = new Searcher(store, search);
    this.#step = isBackwards ? -1 : 1;
    this.#place = isBackwards ? Math.min(from, view.total) - 1 : Math.max(0, from + 1);
    this.#gone = view.gone;
    this.#done = done;
  }

  /** It was given up. */
  end(sentence: string): void {
    this.#done(sentence);
  }

  work(isOver: () => boolean): boolean {
    const { view } = this;
    do {
      const { gone, total } = view;
      this.#place -= gone - this.#gone;
      this.#gone = gone;
      if (this.#step > 0) this.#place = Math.max(0, this.#place);
      let place = this.#place;
      while (place >= 0 && place < total) {
        const takesMore = this.#searcher.add(view.at(place));
        place += this.#step;
        if (!takesMore) break;
      }
      this.#place = place;
      const found = this.#searcher.find();
      if (typeof found === 'string' || found.length > 0) {
        this.#done(typeof found === 'string' ? found : found[0]!);
        return true;
      }
      if (place < 0 || place >= total) {
        this.#done(-1);
        return true;
      }
    } while (!isOver());
    return false;
  }
}
