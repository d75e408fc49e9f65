/** Goes from one row that matches to the next, among those that are shown. */
import type { Inspector } from './inspector.js';
import { patternFault } from './model/filter.js';
import type { Sought } from './model/marks.js';
import type { RowCache } from './model/row-cache.js';
import { sentenceOf } from './sentence.js';

/** One that was asked for, and where. */
interface Search {
  readonly rows: RowCache | null;
  readonly sought: Sought;
  readonly isBackwards: boolean;
}

export class Searching {
  sought: Sought = { text: '', isPattern: false, isCaseSensitive: false };
  /** What came of it. */
  note = '';
  isUnderWay = false;
  /** What comes behind the search that is under way; whoever holds the key down gets no queue of them. */
  #next: Search | null = null;
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
    const { rows } = this.#inspector;
    const search = { rows, sought: this.sought, isBackwards };
    if (this.isUnderWay) {
      this.#next = search;
      return;
    }
    for (let next: Search | null = search; next !== null; next = this.#takeNext())
      await this.#find(next);
  }

  #takeNext(): Search | null {
    const next = this.#next;
    this.#next = null;
    return next === null || this.#isOver(next) ? null : next;
  }

  /** Somebody has gone elsewhere, or wants something else. */
  #isOver({ rows, sought }: Search): boolean {
    return rows !== this.#inspector.rows || sought !== this.sought;
  }

  async #find(search: Search): Promise<void> {
    const { rows, sought } = search;
    const { text, isPattern } = sought;
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
      this.note = await this.#findIn(rows, search);
    } catch (error) {
      this.note = sentenceOf(error);
      this.#next = null;
    }
    this.isUnderWay = false;
    this.#inspector.changed();
  }

  /** @returns what is to be said of it */
  async #findIn(rows: RowCache, search: Search): Promise<string> {
    const { isBackwards } = search;
    const { cursorPlace, total } = this.#inspector;
    const start = isBackwards ? total : -1;
    let note = '';
    let found = await this.#findFrom(rows, search, cursorPlace ?? start);
    if (found === -1 && !this.#isOver(search)) {
      found = await this.#findFrom(rows, search, start);
      note = isBackwards ? 'Went on from the end' : 'Went on from the beginning';
    }
    if (this.#isOver(search)) return '';
    if (found === -1) return 'Not found';
    this.#inspector.moveTo(found);
    return note;
  }

  /** @returns the place as it is now, -1 for none */
  async #findFrom(rows: RowCache, { sought, isBackwards }: Search, from: number): Promise<number> {
    const { text, isPattern, isCaseSensitive } = sought;
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
