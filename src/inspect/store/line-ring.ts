/** The lines themselves, one after the other in pages. A position counts all bytes since the start, and is never used again. */
import { Buffer } from 'node:buffer';
import { PAGE_BYTES, type PagePool } from './page-pool.js';

export class LineRing {
  readonly #pool: PagePool;
  /** Pages in use; the first `#dropped` entries are free again. */
  #pages: (Buffer | null)[] = [];
  #dropped = 0;
  /** The number of the page in `#pages[0]`. */
  #base = 0;
  #end = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  /** Where the next byte goes. */
  get end(): number {
    return this.#end;
  }

  /** How many pages more are needed for so many bytes. */
  pagesFor(bytes: number): number {
    const last = Math.ceil((this.#end + bytes) / PAGE_BYTES);
    return Math.max(0, last - this.#base - this.#pages.length);
  }

  /** Appends bytes. There has to be room in the pool. @returns the position of the first */
  append(bytes: Buffer): number {
    const position = this.#end;
    for (let done = 0; done < bytes.length;) {
      const page = Math.floor(this.#end / PAGE_BYTES);
      if (page - this.#base === this.#pages.length)
        this.#pages.push(Buffer.from(this.#pool.take()));
      const at = this.#end - page * PAGE_BYTES;
      const copied = bytes.copy(this.#pages[page - this.#base]!, at, done);
      done += copied;
      this.#end += copied;
    }
    return position;
  }

  /** The bytes from a position on, as a view where they lie in one page; valid until the next call of anything. */
  read(position: number, length: number): Buffer {
    const page = Math.floor(position / PAGE_BYTES);
    const at = position - page * PAGE_BYTES;
    const first = this.#pages[page - this.#base]!;
    if (at + length <= PAGE_BYTES) return first.subarray(at, at + length);
    const all = Buffer.allocUnsafe(length);
    for (let done = 0, next = page, from = at; done < length; next++, from = 0)
      done += this.#pages[next - this.#base]!.copy(all, done, from);
    return all;
  }

  /** What is before a position is not needed any more. */
  forget(position: number): void {
    const first = Math.floor(position / PAGE_BYTES) - this.#base;
    while (this.#dropped < first) {
      this.#pool.give(this.#pages[this.#dropped]!.buffer as ArrayBuffer);
      this.#pages[this.#dropped++] = null;
    }
    if (this.#dropped * 2 <= this.#pages.length) return;
    this.#pages = this.#pages.slice(this.#dropped);
    this.#base += this.#dropped;
    this.#dropped = 0;
  }
}
