/** Lines on their way into a file, and how far they have got: writes may be short, and files may change. */

const NEWLINE = 0x0a;

/** The most chunks in one system call (IOV_MAX). */
const MAX_CHUNKS = 1024;

export class OutgoingLines {
  /** The number of bytes of all lines. */
  readonly bytes: number;

  readonly #chunks: readonly Uint8Array[];
  #written = 0;
  /** Where the lines of the current file begin. */
  #fileStart = 0;
  /**
   * The first chunk that may not be written whole, and the bytes before it: no search starts from the
   * beginning.
   */
  #next = 0;
  #nextStart = 0;

  /** @param chunks whole lines, cut anywhere */
  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
    this.bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get isDone(): boolean {
    return this.#written === this.bytes;
  }

  /** The number of bytes not written yet. */
  get restBytes(): number {
    return this.bytes - this.#written;
  }

  /** What to write next: at most this many bytes, and fewer if there are very many chunks. */
  next(bytes: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let left = bytes;
    for (const part of this.#rest()) {
      if (left === 0 || parts.length === MAX_CHUNKS) break;
      parts.push(part.length > left ? part.subarray(0, left) : part);
      left -= Math.min(left, part.length);
    }
    return parts;
  }

  /** This many more bytes are written. */
  advance(bytes: number): void {
    this.#written += bytes;
  }

  /** The bytes of the lines that end within the next `bytes`; 0 if none does. */
  wholeLinesWithin(bytes: number): number {
    if (bytes >= this.restBytes) return this.restBytes;
    let before = 0;
    let whole = 0;
    for (const part of this.#rest()) {
      if (before >= bytes) break;
      const last = part.subarray(0, bytes - before).lastIndexOf(NEWLINE);
      if (last !== -1) whole = before + last + 1;
      before += part.length;
    }
    return whole;
  }

  /** The number of bytes up to the end of the next line. */
  lineBytes(): number {
    let before = 0;
    for (const part of this.#rest()) {
      const first = part.indexOf(NEWLINE);
      if (first !== -1) return before + first + 1;
      before += part.length;
    }
    return before;
  }

  /** The number of bytes written of a line that is not written whole. */
  tornBytes(): number {
    this.#findNext();
    let index = this.#next;
    let start = this.#nextStart;
    for (;;) {
      const chunk = this.#chunks[index]?.subarray(0, this.#written - start);
      const last = chunk?.lastIndexOf(NEWLINE) ?? -1;
      if (last !== -1) return this.#written - (start + last + 1);
      const before = this.#chunks[--index];
      if (before === undefined) return this.#written;
      start -= before.length;
    }
  }

  /** Goes back to the beginning of the line that is not written whole. */
  backToLine(): void {
    this.#written -= this.tornBytes();
  }

  /** The next lines go to another file. */
  beginFile(): void {
    this.#fileStart = this.#written;
  }

  /** The content of the current file no longer counts: it must be written again. */
  backToFileStart(): void {
    this.#written = this.#fileStart;
  }

  /** The number of lines not written whole. */
  countRest(): number {
    let lines = 0;
    for (const part of this.#rest()) {
      for (let at = part.indexOf(NEWLINE); at !== -1; at = part.indexOf(NEWLINE, at + 1)) lines++;
    }
    return lines;
  }

  *#rest(): Generator<Uint8Array, void> {
    this.#findNext();
    let before = this.#nextStart;
    for (let index = this.#next; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!;
      const skip = Math.max(this.#written - before, 0);
      if (skip < chunk.length) yield skip === 0 ? chunk : chunk.subarray(skip);
      before += chunk.length;
    }
  }

  #findNext(): void {
    if (this.#written < this.#nextStart) this.#next = this.#nextStart = 0;
    for (
      let chunk = this.#chunks[this.#next];
      chunk !== undefined;
      chunk = this.#chunks[this.#next]
    ) {
      if (this.#nextStart + chunk.length > this.#written) return;
      this.#nextStart += chunk.length;
      this.#next++;
    }
  }
}
