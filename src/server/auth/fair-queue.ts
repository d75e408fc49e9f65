/**
 * Those who wait for something that is given to few at a time. Groups take turns, so that one with many in the queue
 * does not hold up the others, and when the queue is full it is the largest group that gives way.
 */
import { AgeMap } from '../../budget/age-map.js';

export class FairQueue<Entry extends { readonly group: string }> {
  readonly #max: number;
  /** Whose turn is next comes first. */
  readonly #groups = new AgeMap<string, AgeMap<Entry, true>>();
  #size = 0;

  /** @param max how many may wait, in all */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns who has to go, perhaps the newcomer itself; null when there is room */
  add(entry: Entry): Entry | null {
    const victim = this.#size < this.#max ? null : this.#findVictim(entry);
    if (victim === entry) return entry;
    if (victim !== null) this.delete(victim);
    const group = this.#groups.get(entry.group) ?? new AgeMap();
    group.set(entry, true);
    this.#groups.set(entry.group, group);
    this.#size++;
    return victim;
  }

  /** The newest of the largest group, the newcomer being one of its own. */
  #findVictim(newcomer: Entry): Entry {
    const own = this.#groups.get(newcomer.group)?.size ?? 0;
    let victim = newcomer;
    let most = own + 1;
    for (const { value: group } of this.#groups) {
      if (group.size <= most) continue;
      most = group.size;
      victim = group.newest!.key;
    }
    return victim;
  }

  /** Does nothing for one that does not wait. */
  delete(entry: Entry): void {
    const group = this.#groups.get(entry.group);
    if (group?.delete(entry) !== true) return;
    this.#size--;
    if (group.size === 0) this.#groups.delete(entry.group);
  }

  /** @returns whose turn it is, who waits no longer; null when nobody waits */
  shift(): Entry | null {
    const next = this.#groups.oldest;
    if (next === null) return null;
    const { key: name, value: group } = next;
    // A group without anybody is not kept.
    const entry = group.oldest!.key;
    this.delete(entry);
    // The others of its group go behind all other groups.
    if (this.#groups.delete(name)) this.#groups.set(name, group);
    return entry;
  }
}
