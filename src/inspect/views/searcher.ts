/** Searches payloads, some at a time: what guards an expression costs as much as a hundred of them. */
import { isScannedIn } from '../store/record-index.js';
import type { RecordStore } from '../store/record-store.js';
import { BATCH_CHARACTERS, BATCH_TEXTS, testGuarded } from './pattern-guard.js';
import { payloadText } from './payload-text.js';
import type { Search } from './record-filter.js';

const TOO_SLOW =
  'the regular expression takes too long on one of the messages: make it simpler, or give a part of the text';

export class Searcher {
  readonly #store: RecordStore;
  readonly #search: Search;
  #numbers: number[] = [];
  #texts: string[] = [];
  #characters = 0;

  constructor(store: RecordStore, search: Search) {
    this.#store = store;
    this.#search = search;
  }

  /** Takes a record. @returns whether it takes more before it must be asked */
  add(n: number): boolean {
    const text = payloadText(this.#store.line(n), isScannedIn(this.#store.index.flags(n)));
    // A record without a payload, or a line that is no record any more.
    if (text === null) return true;
    this.#numbers.push(n);
    this.#texts.push(text);
    this.#characters += text.length;
    return this.#characters < BATCH_CHARACTERS && this.#texts.length < BATCH_TEXTS;
  }

  /** @returns those of the records taken since the last call that match, or a sentence if that takes too long */
  find(): readonly number[] | string {
    const numbers = this.#numbers;
    const texts = this.#texts;
    this.#numbers = [];
    this.#texts = [];
    this.#characters = 0;
    if (numbers.length === 0) return numbers;
    const { pattern, isGuarded } = this.#search;
    if (!isGuarded) return numbers.filter((_, at) => texts[at]!.search(pattern) >= 0);
    const results = testGuarded(pattern, texts);
    return results === null ? TOO_SLOW : numbers.filter((_, at) => results[at]);
  }
}
