/**
 * A queue in which taking costs the same however many wait. `Array.prototype.shift` moves all others, and
 * one read may bring tens of thousands of messages.
 */

/** Below so many taken places it does not pay to close the gap. */
const MIN_GAP = 32;

export class Fifo<Item> {
  /** The items that wait, after the places of those that were taken. */
  #items: (Item | undefined)[] = [];
  /** The place of the first that waits. */
  #next = 0;

  /** How many wait. */
  get length(): number {
    return this.#items.length - this.#next;
  }

  /** The one that has waited longest; undefined when none waits. */
  get head(): Item | undefined {
    return this.#items[this.#next];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the one that has waited longest; undefined when none waits. */
  shift(): Item | undefined {
    if (this.length <= 1) {
      // What is pushed and taken one by one needs no new array each time.
      const only = this.#next === 0 ? this.#items.pop() : this.head;
      if (this.#next > 0) this.clear();
      return only;
    }
    const item = this.#items[this.#next];
    // The queue must not keep a taken item alive.
    this.#items[this.#next++] = undefined;
    if (this.#next >= MIN_GAP && this.#next * 2 >= this.#items.length) {
      // At most as many are moved as were taken since the last time.
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }

  /** Drops all that wait. */
  clear(): void {
    this.#items = [];
    this.#next = 0;
  }
}
