/** What a page has been told, and what is new since: however slow it is, there is one piece of news of each thing. */
import type { PageNews } from '../page-protocol.js';
import type { RecordStore } from '../store/record-store.js';
import type { View } from '../views/view.js';

/** Rows in one piece of news. */
const MAX_ROWS = 500;

/** What a page knows of a view. */
interface Told {
  readonly total: number;
  readonly gone: number;
  readonly isComplete: boolean;
  readonly fault: string | null;
}

export class News {
  readonly #store: RecordStore;
  /** The sessions that it has been told of, and those of them that have gone since. */
  readonly #told = new Set<string>();
  #gone: string[] = [];
  #stamp = 0;
  #state = '';
  /** What it knows of each view. */
  readonly #views = new Map<number, Told>();

  constructor(store: RecordStore) {
    this.#store = store;
    store.sessions.onGone.add(this.#sessionGone);
  }

  /** The page has left. */
  end(): void {
    this.#store.sessions.onGone.delete(this.#sessionGone);
  }

  /** Changed sessions, some at a time; null if there are none. */
  sessions(): PageNews | null {
    const { entries, stamp } = this.#store.sessions.changedSince(this.#stamp, MAX_ROWS);
    if (entries.length === 0 && this.#gone.length === 0) return null;
    this.#stamp = stamp;
    for (const { name } of entries) this.#told.add(name);
    // One that has gone may be there again, under the same name.
    const gone = this.#gone.filter((name) => !this.#told.has(name));
    this.#gone = [];
    const rows = entries.map((entry) => entry.row());
    return { news: 'sessions', rows, ...(gone.length === 0 ? {} : { gone }) };
  }

  /** @returns null if nothing has changed */
  state(): PageNews | null {
    const { index, lost, damaged, usedBytes, progress, fault, hasEnded, source } = this.#store;
    const { tooLong, maxLineBytes } = this.#store;
    const state: PageNews = {
      news: 'state',
      records: index.end,
      forgotten: index.first,
      lost,
      damaged,
      usedBytes,
      ...(tooLong === 0 ? {} : { tooLong, maxLineBytes }),
      ...(progress === null ? {} : { progress }),
      ...(fault === null ? {} : { fault }),
      ...(hasEnded && source === 'live' ? { hasEnded: true as const } : {}),
    };
    const text = JSON.stringify(state);
    if (text === this.#state) return null;
    this.#state = text;
    return state;
  }

  /** The first time it is what the answer to the request has said. @returns null if nothing has changed */
  view(number: number, view: View): PageNews | null {
    const { gone: goneTotal, total, isComplete, fault } = view;
    const told = this.#views.get(number);
    this.#views.set(number, { total, gone: goneTotal, isComplete, fault });
    if (told === undefined) return null;
    const isSame =
      told.total === total &&
      told.gone === goneTotal &&
      told.isComplete === isComplete &&
      told.fault === fault;
    if (isSame) return null;
    return {
      news: 'view',
      view: number,
      total,
      gone: goneTotal - told.gone,
      goneTotal,
      isComplete,
      ...(fault === null ? {} : { fault }),
    };
  }

  forget(number: number): void {
    this.#views.delete(number);
  }

  readonly #sessionGone = (name: string): void => {
    if (this.#told.delete(name)) this.#gone.push(name);
  };
}
