/**
 * Lines of a recording on their way to the file, as bytes in large buffers that are reused.
 *
 * The writer takes everything while the next lines go into another buffer, so two buffers are enough
 * for a disk that keeps up.
 */
import { Buffer } from 'node:buffer';
import { MemoryAccount } from '../../budget/memory-account.js';
import { IS_LITTLE_ENDIAN, wordsOf } from '../../protocol/bytes.js';
import type { Slab } from '../../protocol/slabs/slab.js';
import { SLAB_BYTES } from '../../protocol/slabs/slab.js';
import { SlabPool } from '../../protocol/slabs/slab-pool.js';
import type { Batch, BatchSource } from './batch.js';

/** The most that {@link RecordBuffer.reserve} can be asked for. */
export const MAX_RESERVE_BYTES = SLAB_BYTES;

/** Payload bytes processed between two reservations; a byte takes up to six as JSON. */
const STEP_BYTES = 8 * 1024;

/** A short text is easier to read as JSON, whatever is in it, and its record has more bytes besides. */
const FREE_JSON_BYTES = 64;

/** The same for base64, as a multiple of the three bytes that make four characters. */
const BASE64_STEP_BYTES = 48 * 1024;

/** From this length on, converting to a string and back is faster than a loop. */
const NATIVE_BASE64_BYTES = 192;

/** From this many words on, copying them at once is faster than one by one. */
const LONG_RUN_WORDS = 24;

/** Up to this length a loop is faster than `TypedArray.prototype.set`. */
const MAX_LOOP_BYTES = 12;

const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const HEX = Buffer.from('0123456789abcdef');
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const DIGIT_0 = 0x30;
/** `00` to `99`. */
const PAIRS = Uint8Array.from(Buffer.from(pairsOfDigits()));

/** What a byte of text becomes; any other number is the letter that follows a backslash. */
const PLAIN = 0;
const AS_CODE = 1;
/** The first byte of U+0080 to U+00BF; the lower half are control characters. */
const LEAD_C2 = 2;
/** The first byte of U+2028 and U+2029, among others. */
const LEAD_E2 = 3;

const CLASS = new Uint8Array(256);
CLASS.fill(AS_CODE, 0, 0x20);
CLASS[0x7f] = AS_CODE;
CLASS[0xc2] = LEAD_C2;
CLASS[0xe2] = LEAD_E2;
for (const pair of ['""', '\\\\', '\nn', '\rr', '\tt'])
  CLASS[pair.charCodeAt(0)] = pair.charCodeAt(1);

export class RecordBuffer implements BatchSource {
  /** Records appended and not yet taken. */
  records = 0;

  readonly #pool: SlabPool;
  #slab: Slab;
  /**
   * The bytes of the slab, and how many are used. Both may change between two calls, through the calls
   * of others.
   */
  #target: Buffer;
  /** The same bytes, for words at any offset. */
  #view: DataView;
  #end = 0;
  /** Full slabs that precede the current one. */
  #chunks: Uint8Array[] = [];
  #slabs: Slab[] = [];
  /** Slabs that were taken back: what is appended instead needs as many. */
  #spare: Slab[] = [];
  #chunksBytes = 0;
  /** The second of the last time that was appended, and its text. */
  #seconds = -1;
  #secondsText = new Uint8Array(0);
  readonly #lent = new Map<Batch, readonly Slab[]>();

  /** @param memory is charged for what waits; by default it has no limit */
  constructor(memory = new MemoryAccount()) {
    this.#pool = new SlabPool(memory);
    this.#slab = this.#pool.take();
    this.#target = bufferOf(this.#slab);
    this.#view = new DataView(this.#slab.bytes.buffer);
  }

  get bytes(): number {
    return this.#chunksBytes + this.#end;
  }

  /** Takes everything. Call it only between two records. */
  take(): Batch {
    const { bytes, records } = this;
    if (this.#end > 0) this.#finishSlab();
    const batch = { chunks: this.#chunks, bytes, records };
    this.#lent.set(batch, this.#slabs);
    this.#chunks = [];
    this.#slabs = [];
    this.#chunksBytes = 0;
    this.records = 0;
    for (const slab of this.#spare.splice(0)) this.#pool.give(slab);
    return batch;
  }

  /** Takes back what was appended since there were so many bytes. */
  takeBack(bytes: number): void {
    while (this.#chunksBytes > bytes) {
      this.#spare.push(this.#slab);
      this.#chunksBytes -= this.#chunks.pop()!.length;
      this.#use(this.#slabs.pop()!);
    }
    this.#end = bytes - this.#chunksBytes;
  }

  recycle(batch: Batch): void {
    for (const slab of this.#lent.get(batch) ?? []) this.#pool.give(slab);
    this.#lent.delete(batch);
  }

  /**
   * Makes room for this many bytes at the write position.
   *
   * @param bytes at most {@link MAX_RESERVE_BYTES}
   */
  reserve(bytes: number): void {
    if (SLAB_BYTES - this.#end < bytes) this.#finishSlab();
  }

  // ---- The methods below need room that was reserved

  /** Appends short bytes unchanged. */
  append(bytes: Uint8Array): void {
    const target = this.#target;
    let to = this.#end;
    if (bytes.length > MAX_LOOP_BYTES) target.set(bytes, to);
    else for (let from = 0; from < bytes.length; from++) target[to++] = bytes[from]!;
    this.#end += bytes.length;
  }

  /** Appends a whole number from 0 on, in at most 16 digits. */
  appendNumber(number: number): void {
    let digits = 1;
    for (let bound = 10; number >= bound; bound *= 10) digits++;
    this.#appendDigits(number, digits);
  }

  /** Appends a time in microseconds, as seconds with six decimal digits. */
  appendMicroseconds(micros: number): void {
    const seconds = Math.floor(micros / 1e6);
    if (seconds !== this.#seconds) {
      this.#seconds = seconds;
      this.#secondsText = Uint8Array.from(Buffer.from(`${seconds}.`));
    }
    this.append(this.#secondsText);
    this.#appendDigits(micros - seconds * 1e6, 6);
  }

  #appendDigits(number: number, digits: number): void {
    const target = this.#target;
    const start = this.#end;
    let to = start + digits;
    let rest = number;
    this.#end = to;
    while (to - start > 1) {
      // Numbers of 31 bits divide faster, and most times fit.
      const next = rest < 0x4000_0000 ? (rest / 100) | 0 : Math.floor(rest / 100);
      const pair = (rest - next * 100) << 1;
      target[--to] = PAIRS[pair + 1]!;
      target[--to] = PAIRS[pair]!;
      rest = next;
    }
    if (to > start) target[start] = DIGIT_0 + rest;
  }

  // ---- The methods below reserve for themselves

  /** Appends a line that was made elsewhere, including its newline. */
  appendLine(line: Uint8Array): void {
    for (let from = 0; from < line.length; from += STEP_BYTES) {
      const part = line.subarray(from, from + STEP_BYTES);
      this.reserve(part.length);
      this.#target.set(part, this.#end);
      this.#end += part.length;
    }
    this.records++;
  }

  /**
   * Appends `bytes[start, end)`, which is UTF-8, as the inside of a JSON string, unless that is more than twice as
   * long.
   *
   * @returns false once it is known to be; then a part of it has been appended
   */
  appendJsonText(bytes: Uint8Array, start: number, end: number): boolean {
    const before = this.bytes;
    for (let from = start; from < end;) {
      this.reserve((STEP_BYTES + 3) * 6);
      from = this.#appendEscaped(bytes, from, Math.min(from + STEP_BYTES, end), end);
      if (this.bytes - before > (from - start) * 2 + FREE_JSON_BYTES) return false;
    }
    return true;
  }

  /** @returns where it stopped: at `stop`, or after the character that begins before it */
  #appendEscaped(bytes: Uint8Array, start: number, stop: number, end: number): number {
    let from = start;
    while (from < stop) {
      from = this.#appendWords(bytes, from, stop);
      if (from < stop) from = this.#appendCharacter(bytes, from, end);
    }
    return from;
  }

  /**
   * Appends whole words while they hold only plain bytes and characters that a backslash escapes.
   *
   * @returns where it stopped
   */
  #appendWords(bytes: Uint8Array, start: number, stop: number): number {
    const { words, base } = wordsOf(bytes);
    if (((base + start) & 3) !== 0) return start;
    const target = this.#target;
    const view = this.#view;
    // The last word may be incomplete; then it is not in `words`.
    const lastWord = Math.min((base + stop) >> 2, words.length);
    let word = (base + start) >> 2;
    let to = this.#end;
    for (; word < lastWord; word++) {
      const first = word;
      while (word < lastWord && !hasSpecial(words[word]!)) word++;
      if (word - first > LONG_RUN_WORDS) {
        target.set(bytes.subarray((first << 2) - base, (word << 2) - base), to);
        to += (word - first) << 2;
      } else {
        for (let plain = first; plain < word; plain++, to += 4)
          view.setInt32(to, words[plain]!, IS_LITTLE_ENDIAN);
      }
      if (word === lastWord) break;
      let at = (word << 2) - base;
      for (const next = at + 4; at < next; at++) {
        const byte = bytes[at]!;
        const kind = CLASS[byte]!;
        if (kind === PLAIN) {
          target[to++] = byte;
        } else if (kind > LEAD_E2) {
          target[to] = BACKSLASH;
          target[to + 1] = kind;
          to += 2;
        } else {
          this.#end = to;
          return at;
        }
      }
    }
    this.#end = to;
    return (word << 2) - base;
  }

  /** @returns the index after the character, or the byte of one, that was appended */
  #appendCharacter(bytes: Uint8Array, at: number, end: number): number {
    const target = this.#target;
    let from = at;
    let to = this.#end;
    const byte = bytes[from++]!;
    const kind = CLASS[byte]!;
    if (kind > LEAD_E2) {
      target[to++] = BACKSLASH;
      target[to++] = kind;
    } else if (kind === AS_CODE) {
      to = writeCode(target, to, byte);
    } else if (kind === LEAD_C2 && from < end && bytes[from]! < 0xa0) {
      to = writeCode(target, to, bytes[from++]!);
    } else if (kind === LEAD_E2 && isLineSeparator(bytes, from, end)) {
      to = writeCode(target, to, 0x2000 | (bytes[from + 1]! & 0x3f));
      from += 2;
    } else {
      target[to++] = byte;
    }
    this.#end = to;
    return from;
  }

  /** Appends `bytes[start, end)` as base64 (RFC 4648 §4). */
  appendBase64(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < NATIVE_BASE64_BYTES) {
      this.reserve(2 * NATIVE_BASE64_BYTES);
      this.#appendShortBase64(bytes, start, end);
      return;
    }
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let from = start; from < end; from += BASE64_STEP_BYTES) {
      const text = source.toString('base64', from, Math.min(from + BASE64_STEP_BYTES, end));
      this.reserve(text.length);
      this.#end += this.#target.write(text, this.#end, 'latin1');
    }
  }

  #appendShortBase64(bytes: Uint8Array, start: number, end: number): void {
    const target = this.#target;
    let to = this.#end;
    let from = start;
    for (; from + 2 < end; from += 3) {
      const word = (bytes[from]! << 16) | (bytes[from + 1]! << 8) | bytes[from + 2]!;
      target[to++] = BASE64[word >> 18]!;
      target[to++] = BASE64[(word >> 12) & 0x3f]!;
      target[to++] = BASE64[(word >> 6) & 0x3f]!;
      target[to++] = BASE64[word & 0x3f]!;
    }
    if (from < end) {
      const word = (bytes[from]! << 16) | (from + 1 < end ? bytes[from + 1]! << 8 : 0);
      target[to++] = BASE64[word >> 18]!;
      target[to++] = BASE64[(word >> 12) & 0x3f]!;
      target[to++] = from + 1 < end ? BASE64[(word >> 6) & 0x3f]! : EQUALS;
      target[to++] = EQUALS;
    }
    this.#end = to;
  }

  #finishSlab(): void {
    this.#chunks.push(this.#slab.bytes.subarray(0, this.#end));
    this.#slabs.push(this.#slab);
    this.#chunksBytes += this.#end;
    this.#end = 0;
    this.#use(this.#spare.pop() ?? this.#pool.take());
  }

  #use(slab: Slab): void {
    this.#slab = slab;
    this.#target = bufferOf(slab);
    this.#view = new DataView(slab.bytes.buffer);
  }
}

function bufferOf({ bytes }: Slab): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `\u0007` */
function writeCode(target: Uint8Array, at: number, code: number): number {
  let to = at;
  target[to++] = BACKSLASH;
  target[to++] = LETTER_U;
  for (let shift = 12; shift >= 0; shift -= 4) target[to++] = HEX[(code >> shift) & 0x0f]!;
  return to;
}

/** Whether any of four bytes needs escaping; sometimes true although none does. */
function hasSpecial(word: number): boolean {
  const quotes = word ^ 0x2222_2222;
  const backslashes = word ^ 0x5c5c_5c5c;
  const deletes = word ^ 0x7f7f_7f7f;
  if ((word & 0x8080_8080) === 0) {
    // A byte is zero, or below 0x20, if subtracting one, or 0x20, borrows from its highest bit.
    const ascii =
      (word - 0x2020_2020) |
      (quotes - 0x0101_0101) |
      (backslashes - 0x0101_0101) |
      (deletes - 0x0101_0101);
    return (ascii & 0x8080_8080) !== 0;
  }
  const found =
    ((word - 0x2020_2020) & ~word) |
    zeroByte(quotes) |
    zeroByte(backslashes) |
    zeroByte(deletes) |
    zeroByte(word ^ 0xc2c2_c2c2) |
    zeroByte(word ^ 0xe2e2_e2e2);
  return (found & 0x8080_8080) !== 0;
}

/** Sets the highest bit of each byte that is zero, whatever the others are. */
function zeroByte(word: number): number {
  return (word - 0x0101_0101) & ~word;
}

/** Whether the bytes after 0xE2 make U+2028 or U+2029: line ends to some readers, though not to JSON. */
function isLineSeparator(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 1 < end && bytes[at] === 0x80 && (bytes[at + 1]! & 0xfe) === 0xa8;
}

function pairsOfDigits(): string {
  return Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, '0')).join('');
}
