/**
 * Memory in pages of one size, for lines and for their index alike: what one of them does not need any more the other can
 * have, and nothing is allocated for a record.
 */

/** Records in a block of the index, and in a group of it. */
export const BLOCK_RECORDS = 16_384;
export const GROUP_RECORDS = 64;

/** What a record takes in the index: a time, six numbers, and its flags. */
const RECORD_BYTES = 8 + 6 * 4 + 2;

/** A block of the index fills a page. */
export const PAGE_BYTES = BLOCK_RECORDS * RECORD_BYTES + (BLOCK_RECORDS / GROUP_RECORDS) * 8;

export class PagePool {
  /** How many pages there may be. */
  maxPages: number;
  #free: ArrayBuffer[] = [];
  #taken = 0;

  constructor(maxPages: number) {
    this.maxPages = maxPages;
  }

  /** What all pages take. */
  get bytes(): number {
    return (this.#taken + this.#free.length) * PAGE_BYTES;
  }

  /** How many pages can be taken. */
  get free(): number {
    return this.maxPages - this.#taken;
  }

  /** @returns a page with anything in it; there has to be one free */
  take(): ArrayBuffer {
    this.#taken++;
    return this.#free.pop() ?? new ArrayBuffer(PAGE_BYTES);
  }

  /** A page is free. More free ones than there may be are let go. */
  give(page: ArrayBuffer): void {
    this.#taken--;
    if (this.#taken + this.#free.length < this.maxPages) this.#free.push(page);
  }

  /** Lets go of free pages that may not be there any more. */
  trim(): void {
    while (this.#free.length > 0 && this.#taken + this.#free.length > this.maxPages)
      this.#free.pop();
  }
}
