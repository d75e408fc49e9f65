/** Goes from one row that matches to the next, among those that are shown. */
import type { Inspector } from './inspector.js';
import { patternFault } from './model/filter.js';
import type { Sought } from './model/marks.js';
import type { RowCache } from './model/row-cache.js';
import { sentenceOf } from './sentence.js';

export class Searching {
  sought: Sought = { text: '', isPattern: false, isCaseSensitive: false };
  /** What came of it. */
  note = '';
  isUnderWay = false;
  /** Which way to go on behind the search that is under way; whoever holds the key down gets no queue of them. */
  #next: boolean | null = null;
  readonly #inspector: Inspector;

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  change(change: Partial<Sought>): void {
    this.sought = { ...this.sought, ...change };
    this.note = '';
    this.#inspector.changed();
  }

  /** At the end it goes on at the other one. One search at a time: the next one begins where it has led. */
  async find(isBackwards: boolean): Promise<void> {
    if (this.isUnderWay) {
      this.#next = isBackwards;
      return;
    }
    let next: boolean | null = isBackwards;
    while (next !== null) {
      await this.#find(next);
      next = this.#takeNext();
    }
  }

  #takeNext(): boolean | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }

  async #find(isBackwards: boolean): Promise<void> {
    const { text, isPattern } = this.sought;
    const { rows } = this.#inspector;
    const fault = isPattern ? patternFault(text) : null;
    if (rows === null || text === '' || fault !== null) {
      this.note = fault ?? '';
      this.#inspector.changed();
      return;
    }
    this.isUnderWay = true;
    this.note = 'Searching…';
    this.#inspector.changed();
    try {
      this.note = await this.#findIn(rows, isBackwards);
    } catch (error) {
      this.note = sentenceOf(error);
    }
    this.isUnderWay = false;
    this.#inspector.changed();
  }

  /** @returns what is to be said of it */
  async #findIn(rows: RowCache, isBackwards: boolean): Promise<string> {
    const { cursorPlace, total } = this.#inspector;
    const start = isBackwards ? total : -1;
    let note = '';
    let found = await this.#findFrom(rows, cursorPlace ?? start, isBackwards);
    if (found === -1) {
      found = await this.#findFrom(rows, start, isBackwards);
      note = isBackwards ? 'Went on from the end' : 'Went on from the beginning';
    }
    // Somebody has gone elsewhere.
    if (rows !== this.#inspector.rows) return '';
    if (found === -1) return 'Not found';
    this.#inspector.moveTo(found);
    return note;
  }

  /** @returns the place as it is now, -1 for none */
  async #findFrom(rows: RowCache, from: number, isBackwards: boolean): Promise<number> {
    const { text, isPattern, isCaseSensitive } = this.sought;
    const { place, goneTotal } = await this.#inspector.link.ask({
      ask: 'find',
      view: rows.view,
      ...(isPattern ? { pattern: text } : { text }),
      isCaseSensitive,
      from,
      isBackwards,
      gone: rows.gone,
    });
    return place === -1 ? -1 : place + goneTotal - rows.gone;
  }
}
