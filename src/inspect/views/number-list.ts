/** Record numbers in rising order, of which the first ones leave. They are 4 bytes each, in pieces, so that growing copies nothing. */

const PIECE = 8192;

/**
 * Numbers are kept without what is beyond 32 bits. All of them are between the first record that is there and as many
 * more, so that gives it back.
 */
export class NumberList {
  #pieces: Uint32Array[] = [];
  /** Places in the first piece that are free again, and all places up to the end. */
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(n: number): void {
    const piece = Math.floor(this.#end / PIECE);
    if (piece === this.#pieces.length) this.#pieces.push(new Uint32Array(PIECE));
    this.#pieces[piece]![this.#end % PIECE] = n;
    this.#end++;
  }

  /** @param first the first record that is there; no number in the list is smaller */
  at(place: number, first: number): number {
    const at = this.#start + place;
    const low = this.#pieces[Math.floor(at / PIECE)]![at % PIECE]!;
    return first + ((low - first) >>> 0);
  }

  /** @returns the first place whose number is not smaller */
  placeOf(n: number, first: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle, first) < n) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Smaller numbers than `to` leave.
   *
   * @param from the first record that was there before
   * @returns how many have left
   */
  forget(from: number, to: number): number {
    const gone = this.placeOf(to, from);
    this.#start += gone;
    const pieces = Math.floor(this.#start / PIECE);
    // At most as many are moved as have left.
    if (pieces * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(pieces);
      this.#start -= pieces * PIECE;
      this.#end -= pieces * PIECE;
    }
    return gone;
  }
}
