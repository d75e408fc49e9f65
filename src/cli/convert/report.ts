/** What `twist convert` says on standard error: what it skipped, and how far it is. */
import { printable } from '../../printable.js';
import type { TextOutput } from '../io.js';

/** That many damaged lines are named, the others are counted. */
const MAX_DAMAGED_LINES = 20;

/** After this long the progress is shown, and this often. */
const PATIENCE_MS = 1000;
const PROGRESS_INTERVAL_MS = 200;

/** How far it is. */
interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly records: number;
}

export class ConvertReport {
  /** How many lines could not be read. */
  damagedLines = 0;

  readonly #stderr: TextOutput;
  readonly #now: () => number;
  readonly #startMs: number;
  #nextProgressMs: number;
  /** How much of the line the progress takes. */
  #columns = 0;

  /** @param now milliseconds since whenever */
  constructor(stderr: TextOutput, now: () => number) {
    this.#stderr = stderr;
    this.#now = now;
    this.#startMs = now();
    this.#nextProgressMs = this.#startMs + PATIENCE_MS;
  }

  note(sentence: string): void {
    this.#erase();
    this.#stderr.write(`twist: ${printable(sentence)}\n`);
  }

  damaged(input: string, line: number, reason: string): void {
    this.damagedLines++;
    if (this.damagedLines > MAX_DAMAGED_LINES) return;
    this.note(`${input} line ${line}: ${reason}; skipped`);
  }

  /** Shows how far it is, now and then. */
  progress({ bytes, totalBytes, records }: Progress): void {
    const nowMs = this.#now();
    if (nowMs < this.#nextProgressMs) return;
    this.#nextProgressMs = nowMs + PROGRESS_INTERVAL_MS;
    const percent = Math.min(100, Math.floor((bytes / totalBytes) * 100));
    const speed = megabytes(bytes / ((nowMs - this.#startMs) / 1000));
    const text = `${percent} %  ${megabytes(bytes)} of ${megabytes(totalBytes)} MB  ${speed} MB/s  ${records.toLocaleString('en')} records`;
    // Blanks cover what was longer before.
    this.#stderr.write(`\r${text.padEnd(this.#columns)}`);
    this.#columns = text.length;
  }

  /** Nothing more comes: counts what was not named. */
  end(): void {
    this.#erase();
    const more = this.damagedLines - MAX_DAMAGED_LINES;
    if (more > 0) this.note(`${more} more damaged ${more === 1 ? 'line' : 'lines'} skipped`);
  }

  #erase(): void {
    if (this.#columns === 0) return;
    this.#stderr.write(`\r${' '.repeat(this.#columns)}\r`);
    this.#columns = 0;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
