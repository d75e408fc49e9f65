/** What stands in a list by its age. The list changes these two, and nobody else does. */
export interface Aged<Item> {
  older: Item | null;
  newer: Item | null;
}

/** Items by their age, of which any can be taken out at once. An item is in one list at a time. */
export class AgeList<Item extends Aged<Item>> {
  size = 0;
  oldest: Item | null = null;
  newest: Item | null = null;

  /** It is the newest from now on. */
  add(item: Item): void {
    item.older = this.newest;
    item.newer = null;
    if (this.newest === null) this.oldest = item;
    else this.newest.newer = item;
    this.newest = item;
    this.size++;
  }

  /** @param item of this list */
  delete(item: Item): void {
    const { older, newer } = item;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    this.size--;
  }

  /** Oldest first. Nothing may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<Item, void> {
    for (let item = this.oldest; item !== null; item = item.newer) yield item;
  }
}
