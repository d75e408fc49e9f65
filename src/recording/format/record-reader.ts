/**
 * Reads a recording from bytes that arrive in chunks, cut anywhere. Unreadable lines are reported and
 * skipped: people look at a recording most when something went wrong.
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { CHECKED_BYTES, shapeFault } from './line-shape.js';
import { OpenRedaction } from './open-redaction.js';
import { parseRecord } from './parse-record.js';
import type { AnyRecord } from './record.js';

/**
 * A longer line is not kept in memory. It is what a message of 63 MiB takes at most, and of 95 MiB in base64; the
 * largest one by default takes 32 MiB.
 */
const MAX_LINE_BYTES = 128 * 1024 ** 2;

/** The minimum size of the buffer for a line that spans chunks. */
const MIN_BUFFER_BYTES = 4096;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A record and its place. */
export interface NumberedRecord {
  readonly record: AnyRecord;
  /** The number of its line, from 1. */
  readonly line: number;
  /** The offset of its line in the input, in bytes. */
  readonly offset: number;
  /**
   * The line without its newline, or what it would be with its secrets hidden; valid until the next
   * `read()`, and as long as the chunk is.
   */
  readonly bytes: Uint8Array;
}

/**
 * Is told of each line that cannot be read.
 *
 * @param reason what is wrong with the line: `it is not JSON`. It quotes nothing of the line
 */
export type OnDamage = (line: number, reason: string) => void;

export class RecordReader {
  readonly #onDamage: OnDamage;
  readonly #maxLineBytes: number;
  readonly #redaction = new OpenRedaction();
  /** Number and offset of the line that is read next, or that has begun. */
  #line: number;
  #offset: number;
  /** The beginning of a line whose end is in a later chunk. */
  #buffer = Buffer.alloc(0);
  #length = 0;
  /** The line that has begun is too long: only its length is kept. */
  #isTooLong = false;

  /**
   * @param start where the input begins, if it is not the beginning of a file: the number of its first
   *   line and the offset of that line
   */
  constructor(
    onDamage: OnDamage,
    start: { readonly line: number; readonly offset: number } = { line: 1, offset: 0 },
    maxLineBytes = MAX_LINE_BYTES,
  ) {
    this.#onDamage = onDamage;
    this.#line = start.line;
    this.#offset = start.offset;
    this.#maxLineBytes = maxLineBytes;
  }

  /** The memory that the line that has begun takes, in bytes. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /**
   * Takes the next bytes.
   *
   * @returns the records of all lines that end in this chunk. Records of kinds that this version does
   *   not know are left out
   */
  read(chunk: Uint8Array): NumberedRecord[] {
    const records: NumberedRecord[] = [];
    if (chunk.length === 0) return records;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let start = 0;
    if (this.#length > 0) {
      const end = bytes.indexOf(NEWLINE);
      start = end + 1;
      this.#collect(end < 0 ? bytes : bytes.subarray(0, end));
      if (end < 0) return records;
      this.#endCollected(records);
    }
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > start) this.#readLines(bytes.subarray(start, end), records);
    this.#collect(bytes.subarray(Math.max(start, end)));
    return records;
  }

  /**
   * No more bytes come. An unfinished line is taken if it is whole all the same, as in a file written
   * by hand, and reported if not.
   *
   * @returns its record, if it has one
   */
  finish(): NumberedRecord[] {
    const records: NumberedRecord[] = [];
    if (this.#length > 0 && !this.#isTooLong) {
      const bytes = this.#buffer.subarray(0, this.#length);
      const isRecord = isUtf8(bytes) && shapeFault(bytes) === null;
      const record = isRecord ? parseRecord(bytes.toString()) : '';
      if (typeof record === 'string') {
        this.#onDamage(this.#line, 'it has no newline at its end');
      } else if (record !== null) {
        const read = { record, line: this.#line, offset: this.#offset, bytes };
        records.push(this.#redaction.apply(read));
      }
    }
    this.#length = 0;
    this.#buffer = Buffer.alloc(0);
    return records;
  }

  /**
   * Forgets the unfinished line so that it can be read again: the writer of half a line may take it
   * back.
   *
   * @returns its bytes so far; 0 if it is too long to be read twice
   */
  takeBack(maxBytes: number): number {
    const length = this.#length;
    if (length > maxBytes) return 0;
    this.#length = 0;
    return length;
  }

  /** @param block whole lines, with their newlines */
  #readLines(block: Buffer, records: NumberedRecord[]): void {
    // One check of all lines is cheaper than one of each.
    const encoding = isAscii(block) ? 'latin1' : isUtf8(block) ? 'utf8' : null;
    for (let start = 0; start < block.length;) {
      const end = block.indexOf(NEWLINE, start);
      const isCRLF = end > start && block[end - 1] === CARRIAGE_RETURN;
      this.#readLine(block.subarray(start, isCRLF ? end - 1 : end), encoding, records);
      this.#offset += end + 1 - start;
      this.#line++;
      start = end + 1;
    }
  }

  #readLine(bytes: Buffer, encoding: 'latin1' | 'utf8' | null, records: NumberedRecord[]): void {
    if (bytes.length === 0) return;
    if (bytes.length > this.#maxLineBytes) {
      this.#damagedByLength();
      return;
    }
    if (encoding === null && !isUtf8(bytes)) {
      this.#onDamage(this.#line, 'it is not UTF-8');
      return;
    }
    const fault = bytes.length < CHECKED_BYTES ? null : shapeFault(bytes);
    const record = fault ?? parseRecord(bytes.toString(encoding ?? 'utf8'));
    if (typeof record === 'string') this.#onDamage(this.#line, record);
    else if (record !== null) {
      const read = { record, line: this.#line, offset: this.#offset, bytes };
      records.push(this.#redaction.apply(read));
    }
  }

  /** Keeps the next piece of a line that has no end yet. */
  #collect(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#maxLineBytes && !this.#isTooLong) {
      this.#damagedByLength();
      this.#isTooLong = true;
      this.#buffer = Buffer.alloc(0);
    }
    if (!this.#isTooLong) {
      if (length > this.#buffer.length) {
        const size = Math.max(MIN_BUFFER_BYTES, Math.min(2 * length, this.#maxLineBytes));
        const larger = Buffer.allocUnsafeSlow(size);
        larger.set(this.#buffer.subarray(0, this.#length));
        this.#buffer = larger;
      }
      this.#buffer.set(piece, this.#length);
    }
    this.#length = length;
  }

  /** The collected line has ended. */
  #endCollected(records: NumberedRecord[]): void {
    const length = this.#length;
    if (!this.#isTooLong) {
      const isCRLF = this.#buffer[length - 1] === CARRIAGE_RETURN;
      this.#readLine(this.#buffer.subarray(0, isCRLF ? length - 1 : length), null, records);
    }
    this.#isTooLong = false;
    this.#length = 0;
    this.#offset += length + 1;
    this.#line++;
    // The record still uses its bytes, so the next line begins in its own buffer.
    if (this.#buffer.length > 0) this.#buffer = Buffer.alloc(0);
  }

  #damagedByLength(): void {
    this.#onDamage(this.#line, `it is longer than ${this.#maxLineBytes / 1024 ** 2} MiB`);
  }
}
