/** Random numbers that are the same for the same seed (xorshift, 32 bits of state). */
export class Random {
  #state;

  /** @param {number} seed any whole number but 0 */
  constructor(seed) {
    this.#state = seed | 0;
    // The first numbers of small seeds are small.
    for (let count = 0; count < 16; count++) this.next();
  }

  /** From 0 up to, but without, 1. */
  next() {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }

  /**
   * A whole number below a limit.
   * @param {number} limit
   */
  below(limit) {
    return Math.floor(this.next() * limit);
  }
}
