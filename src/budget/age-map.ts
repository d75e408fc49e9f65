/**
 * A map whose oldest entry is found at once. The first key of a `Map` lies behind the places of all that were deleted
 * before it, which are cleared away only now and then: taking the oldest over and over walks over them each time.
 */
import { AgeList, type Aged } from './age-list.js';

export interface AgeEntry<Key, Value> {
  readonly key: Key;
  readonly value: Value;
}

interface Link<Key, Value> extends Aged<Link<Key, Value>> {
  readonly key: Key;
  value: Value;
}

export class AgeMap<Key, Value> {
  readonly #links = new Map<Key, Link<Key, Value>>();
  readonly #byAge = new AgeList<Link<Key, Value>>();

  get size(): number {
    return this.#links.size;
  }

  get oldest(): AgeEntry<Key, Value> | null {
    return this.#byAge.oldest;
  }

  get newest(): AgeEntry<Key, Value> | null {
    return this.#byAge.newest;
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
    const link: Link<Key, Value> = { key, value, older: null, newer: null };
    this.#links.set(key, link);
    this.#byAge.add(link);
  }

  /** @returns whether it was there */
  delete(key: Key): boolean {
    const link = this.#links.get(key);
    if (link === undefined) return false;
    this.#links.delete(key);
    this.#byAge.delete(link);
    return true;
  }

  /** Oldest first. Nothing may be deleted meanwhile. */
  [Symbol.iterator](): Generator<AgeEntry<Key, Value>, void> {
    return this.#byAge[Symbol.iterator]();
  }
}
