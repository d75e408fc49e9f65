/** Lines on their way into a file, and how far they have come: writes may be short, and files may change. */

const NEWLINE = 0x0a;

/** What one call of the system takes (IOV_MAX). */
const MAX_CHUNKS = 1024;

export class OutgoingLines {
  /** Bytes of all of them. */
  readonly bytes: number;

  readonly #chunks: readonly Uint8Array[];
  #written = 0;
  /** Where those begin that are in the file of now. */
  #fileStart = 0;

  /** @param chunks whole lines, cut anywhere */
  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
    this.bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get isDone(): boolean {
    return this.#written === this.bytes;
  }

  /** Bytes that are not written. */
  get restBytes(): number {
    return this.bytes - this.#written;
  }

  /** What to write next: at most that many bytes, and fewer where there are very many chunks. */
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

  /** So many bytes more are written. */
  advance(bytes: number): void {
    this.#written += bytes;
  }

  /** Bytes of the lines that end within the next `bytes`; 0 when none does. */
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

  /** Bytes up to the end of the line that comes next. */
  lineBytes(): number {
    let before = 0;
    for (const part of this.#rest()) {
      const first = part.indexOf(NEWLINE);
      if (first !== -1) return before + first + 1;
      before += part.length;
    }
    return before;
  }

  /** Bytes that are written of a line that is not written whole. */
  tornBytes(): number {
    const end = this.#written;
    let before = 0;
    let start = 0;
    for (const chunk of this.#chunks) {
      if (before >= end) break;
      const last = chunk.subarray(0, end - before).lastIndexOf(NEWLINE);
      if (last !== -1) start = before + last + 1;
      before += chunk.length;
    }
    return end - start;
  }

  /** Goes back to where the line begins that is not written whole. */
  backToLine(): void {
    this.#written -= this.tornBytes();
  }

  /** What comes next goes to another file. */
  beginFile(): void {
    this.#fileStart = this.#written;
  }

  /** What is in the file of now counts for nothing: it has to be written again. */
  backToFileStart(): void {
    this.#written = this.#fileStart;
  }

  /** How many lines are not written whole. */
  countRest(): number {
    let lines = 0;
    for (const part of this.#rest()) {
      for (let at = part.indexOf(NEWLINE); at !== -1; at = part.indexOf(NEWLINE, at + 1)) lines++;
    }
    return lines;
  }

  *#rest(): Generator<Uint8Array, void> {
    let before = 0;
    for (const chunk of this.#chunks) {
      const skip = Math.max(this.#written - before, 0);
      if (skip < chunk.length) yield skip === 0 ? chunk : chunk.subarray(skip);
      before += chunk.length;
    }
  }
}
