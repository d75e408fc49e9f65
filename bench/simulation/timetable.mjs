/**
 * What is due when, for numbers from 0 on, each of which waits for one time at most: a list for each tick, linked through one
 * array. To add and to take costs the same however many wait, which a heap of ten million does not.
 */
export class Timetable {
  #first = new Int32Array(1024).fill(-1);
  #next;
  /** How many wait. */
  size = 0;

  /** @param {number} count of the numbers */
  constructor(count) {
    this.#next = new Int32Array(count);
  }

  /**
   * @param {number} item
   * @param {number} tick not in the past
   */
  add(item, tick) {
    if (tick >= this.#first.length) this.#grow(tick);
    this.#next[item] = this.#first[tick] ?? -1;
    this.#first[tick] = item;
    this.size++;
  }

  /**
   * Calls `each` for all that is due at a tick. What is added for the same tick meanwhile waits for the next call.
   * @param {number} tick
   * @param {(item: number) => void} each
   */
  take(tick, each) {
    let item = this.#first[tick] ?? -1;
    if (item < 0) return;
    this.#first[tick] = -1;
    while (item >= 0) {
      const next = this.#next[item] ?? -1;
      this.size--;
      each(item);
      item = next;
    }
  }

  /** @param {number} tick */
  #grow(tick) {
    const larger = new Int32Array(2 * tick).fill(-1);
    larger.set(this.#first);
    this.#first = larger;
  }
}
