/** Answers to requests that asked for no WebSocket connection: numbers, by who has answered and with what. */

/** All statuses that there are, each counted from the beginning: rates do not see the first value of a series. */
const STATUSES = {
  file: ['200', '206', '301', '304', '404', '412', '416', '500'],
  page: ['200', '303', '400', '403', '404', '500'],
} as const;

/** Files of a directory, or pages of our own. */
export type Answerer = keyof typeof STATUSES;

/** In the place of a status: its client has left, or was dropped, before it had all of the answer. */
const CUT = 'cut';

export interface HttpCount {
  readonly by: Answerer;
  /** As it was sent; `cut` for an answer that did not arrive. */
  readonly status: string;
  count: number;
}

export class HttpCounters {
  readonly #counts = new Map<string, HttpCount>();

  constructor() {
    for (const by of Object.keys(STATUSES) as Answerer[])
      for (const status of [...STATUSES[by], CUT]) this.#of(by, status);
  }

  get counts(): Iterable<Readonly<HttpCount>> {
    return this.#counts.values();
  }

  /** @param status null for an answer that was cut short */
  answered(by: Answerer, status: number | null): void {
    this.#of(by, status === null ? CUT : String(status)).count++;
  }

  #of(by: Answerer, status: string): HttpCount {
    const key = `${by} ${status}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    const made = { by, status, count: 0 };
    this.#counts.set(key, made);
    return made;
  }
}
