/**
 * A map whose oldest entry is found at once. The first key of a `Map` lies behind the places of all that were deleted
 * before it, which are cleared away only now and then: taking the oldest over and over walks over them each time.
 */
export interface AgeEntry<Key, Value> {
  readonly key: Key;
  readonly value: Value;
}

interface Link<Key, Value> {
  readonly key: Key;
  value: Value;
  older: Link<Key, Value> | null;
  newer: Link<Key, Value> | null;
}

export class AgeMap<Key, Value> {
  readonly #links = new Map<Key, Link<Key, Value>>();
  #oldest: Link<Key, Value> | null = null;
  #newest: Link<Key, Value> | null = null;

  get size(): number {
    return this.#links.size;
  }

  get oldest(): AgeEntry<Key, Value> | null {
    return this.#oldest;
  }

  get newest(): AgeEntry<Key, Value> | null {
    return this.#newest;
  }

  get(key: Key): Value | undefined {
    return this.#links.get(key)?.value;
  }

  /** A key that is there gets another value, and keeps its age. */
  set(key: Key, value: Value): void {
    const known = this.#links.get(key);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const link: Link<Key, Value> = { key, value, older: this.#newest, newer: null };
    this.#links.set(key, link);
    if (this.#newest === null) this.#oldest = link;
    else this.#newest.newer = link;
    this.#newest = link;
  }

  /** @returns whether it was there */
  delete(key: Key): boolean {
    const link = this.#links.get(key);
    if (link === undefined) return false;
    this.#links.delete(key);
    const { older, newer } = link;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    return true;
  }

  /** Oldest first. Nothing may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<AgeEntry<Key, Value>, void> {
    for (let link = this.#oldest; link !== null; link = link.newer) yield link;
  }
}
