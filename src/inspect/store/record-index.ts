/**
 * What is kept of every record beside its line: when it was, what it is, whose, and where its line is. It is kept in typed
 * arrays, 34 bytes a record, so that millions of records are few objects, and a filter that looks at no payload reads no line.
 */
import { BLOCK_RECORDS, GROUP_RECORDS } from './page-pool.js';
import { Kind, type LineScan, Part, Way } from './line-scan.js';
import { NONE, type SessionEntry, type SessionTable } from './session-table.js';

/** What a record's flags are: its kind, its direction, its part, and what else is to know. */
const KIND_MASK = 0x0f;
const WAY_SHIFT = 4;
const PART_SHIFT = 6;
const IS_CUT = 0x100;
/** The line has secrets that must be hidden. */
export const HAS_SECRETS = 0x200;
const IS_PAIRED = 0x400;
/** Its partner has come before it. */
const IS_REPLY = 0x800;

/** The line was scanned, and a scan finds the same again. Others are parsed each time. */
const IS_SCANNED = 0x1000;

/** The most that a number of the index can say. */
const MAX_UINT32 = 2 ** 32 - 1;

/** The records of a block by their places in it. */
export class IndexBlock {
  readonly page: ArrayBuffer;
  /** Where the line of each group's first record is; the others follow from the spans between. */
  readonly starts: Float64Array;
  readonly times: Float64Array;
  /** From the beginning of a line to that of the next record's. */
  readonly spans: Uint32Array;
  readonly lengths: Uint32Array;
  readonly sessions: Uint32Array;
  /** How far away its partner is; the next one of those that have none yet; 0 for nothing. */
  readonly links: Uint32Array;
  /** How far away the message or control frame before it is, in the same session; 0 for none. */
  readonly previous: Uint32Array;
  readonly ordinals: Uint32Array;
  readonly flags: Uint16Array;
  minTime = Infinity;
  maxTime = -Infinity;

  constructor(page: ArrayBuffer) {
    const groups = BLOCK_RECORDS / GROUP_RECORDS;
    let at = 0;
    const place = (bytes: number): number => (at += bytes) - bytes;
    this.page = page;
    this.starts = new Float64Array(page, place(groups * 8), groups);
    this.times = new Float64Array(page, place(BLOCK_RECORDS * 8), BLOCK_RECORDS);
    const numbers = (): Uint32Array =>
      new Uint32Array(page, place(BLOCK_RECORDS * 4), BLOCK_RECORDS);
    this.spans = numbers();
    this.lengths = numbers();
    this.sessions = numbers();
    this.links = numbers();
    this.previous = numbers();
    this.ordinals = numbers();
    this.flags = new Uint16Array(page, place(BLOCK_RECORDS * 2), BLOCK_RECORDS);
  }
}

export const kindIn = (flags: number): number => flags & KIND_MASK;
export const wayIn = (flags: number): number => (flags >> WAY_SHIFT) & 3;
export const partIn = (flags: number): number => (flags >> PART_SHIFT) & 3;

/** What the index says of one record. */
export interface IndexedRecord {
  readonly time: number;
  readonly length: number;
  readonly flags: number;
  readonly slot: number;
  /** Of messages, from 1; 0 where it is not known. */
  readonly ordinal: number;
  /** The number of the partner, and of the one before it in the session; `NONE` for none that is there. */
  readonly pair: number;
  readonly previous: number;
}

export class RecordIndex {
  readonly sessions: SessionTable;
  /** The first record that is there, and the number that the next one gets. */
  first = 0;
  end = 0;
  /** Where the last line begins, for the span of its record. */
  #lastStart = 0;

  readonly #takePage: () => ArrayBuffer;
  readonly #givePage: (page: ArrayBuffer) => void;
  #blocks: (IndexBlock | null)[] = [];
  #dropped = 0;
  /** The number of the block in `#blocks[0]`. */
  #base = 0;
  /** Runs between two records of a group that are longer than a number can say. */
  readonly #leaps = new Map<number, number>();

  constructor(
    sessions: SessionTable,
    takePage: () => ArrayBuffer,
    givePage: (page: ArrayBuffer) => void,
  ) {
    this.sessions = sessions;
    this.#takePage = takePage;
    this.#givePage = givePage;
  }

  /**
   * Adds a record.
   *
   * @param start where its line begins
   * @param length of its line, with the newline
   * @param entry whose it is; null for a gap
   * @returns its number
   */
  append(
    scan: LineScan,
    start: number,
    length: number,
    entry: SessionEntry | null,
    hasSecrets = false,
  ): number {
    const n = this.end;
    const at = n % BLOCK_RECORDS;
    if (at === 0) this.#blocks.push(new IndexBlock(this.#takePage()));
    const block = this.#blocks.at(-1)!;
    if (at % GROUP_RECORDS === 0) block.starts[at / GROUP_RECORDS] = start;
    else this.#setSpan(block, at - 1, start - this.#lastStart);
    this.#lastStart = start;
    block.spans[at] = Math.min(length, MAX_UINT32);
    block.times[at] = scan.time;
    if (scan.time < block.minTime) block.minTime = scan.time;
    if (scan.time > block.maxTime) block.maxTime = scan.time;
    block.lengths[at] = Math.min(scan.length, MAX_UINT32);
    block.links[at] = block.previous[at] = block.ordinals[at] = 0;
    block.flags[at] =
      scan.kind |
      (scan.way << WAY_SHIFT) |
      (scan.part << PART_SHIFT) |
      (scan.isCut ? IS_CUT : 0) |
      (hasSecrets ? HAS_SECRETS : 0) |
      (scan.record === null ? IS_SCANNED : 0);
    block.sessions[at] = entry === null ? MAX_UINT32 : entry.slot;
    this.end = n + 1;
    if (entry !== null) this.#addTo(entry, scan, n, block, at);
    return n;
  }

  get(n: number): IndexedRecord {
    const block = this.blockOf(n);
    const at = n % BLOCK_RECORDS;
    const flags = block.flags[at]!;
    const link = block.links[at]!;
    const partner =
      (flags & IS_PAIRED) === 0 ? NONE : (flags & IS_REPLY) !== 0 ? n - link : n + link;
    const back = block.previous[at]!;
    return {
      time: block.times[at]!,
      length: block.lengths[at]!,
      flags,
      slot: block.sessions[at]!,
      ordinal: block.ordinals[at]!,
      pair: partner < this.first ? NONE : partner,
      previous: back === 0 || n - back < this.first ? NONE : n - back,
    };
  }

  flags(n: number): number {
    return this.blockOf(n).flags[n % BLOCK_RECORDS]!;
  }

  /** Where the line of a record begins, and how long it is at most. */
  lineOf(n: number): { readonly start: number; readonly span: number } {
    const block = this.blockOf(n);
    const at = n % BLOCK_RECORDS;
    const group = Math.floor(at / GROUP_RECORDS);
    let start = block.starts[group]!;
    for (let one = group * GROUP_RECORDS; one < at; one++) start += block.spans[one]!;
    if (this.#leaps.size > 0) {
      for (const [leap, more] of this.#leaps)
        if (leap < n && leap >= n - (at % GROUP_RECORDS)) start += more;
    }
    return { start, span: block.spans[at]! };
  }

  blockOf(n: number): IndexBlock {
    return this.#blocks[Math.floor(n / BLOCK_RECORDS) - this.#base]!;
  }

  /** The first record leaves. @returns true if that has freed a page */
  forgetFirst(): boolean {
    const n = this.first++;
    const at = n % BLOCK_RECORDS;
    const block = this.blockOf(n);
    const slot = block.sessions[at]!;
    if (slot !== MAX_UINT32) this.#forgetIn(slot, n, block, at);
    if (at < BLOCK_RECORDS - 1) return false;
    this.#givePage(block.page);
    this.#blocks[this.#dropped++] = null;
    if (this.#dropped * 2 > this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#dropped);
      this.#base += this.#dropped;
      this.#dropped = 0;
    }
    return true;
  }

  #forgetIn(slot: number, n: number, block: IndexBlock, at: number): void {
    const entry = this.sessions.at(slot)!;
    if (entry.unpairedHead === n) this.#nextUnpaired(entry, n, block.links[at]!);
    if (entry.openRecord === n) entry.openRecord = NONE;
    this.sessions.forgotRecord(slot);
  }

  #setSpan(block: IndexBlock, at: number, span: number): void {
    block.spans[at] = Math.min(span, MAX_UINT32);
    if (span > MAX_UINT32) this.#leaps.set(this.end - 1, span - MAX_UINT32);
  }

  #addTo(entry: SessionEntry, scan: LineScan, n: number, block: IndexBlock, at: number): void {
    const { kind, way, part } = scan;
    entry.records++;
    if (entry.firstRecord === NONE) entry.firstRecord = n;
    const isMessage = kind <= Kind.Binary;
    let isNew = false;
    if (isMessage) {
      isNew = !entry.isInside[way]! || part === Part.Whole || part === Part.First;
      entry.isInside[way] = part === Part.First || part === Part.Middle;
      if (isNew) entry.ordinals[way]!++;
      if (entry.epoch === this.sessions.epoch) {
        block.ordinals[at] = entry.ordinals[way]!;
        if (isNew) this.#pair(entry, way, n, block, at);
      }
    }
    if (kind <= Kind.Close) {
      const back = entry.lastTraffic === NONE ? 0 : n - entry.lastTraffic;
      block.previous[at] = back > MAX_UINT32 ? 0 : back;
      entry.lastTraffic = n;
    }
    this.sessions.counted(entry, scan, isMessage && isNew, isMessage);
    this.sessions.changed(entry);
  }

  /** Finds the message of the other direction with the same ordinal, or lets this one wait for it. */
  #pair(entry: SessionEntry, way: number, n: number, block: IndexBlock, at: number): void {
    const ordinal = entry.ordinals[way]!;
    const isBehind = entry.ordinals[Way.In + Way.Out - way]! >= ordinal;
    const head = entry.unpairedHead;
    if (isBehind) {
      // Others may have left, or were never counted.
      if (head === NONE || entry.unpairedOrdinal !== ordinal) return;
      const other = this.blockOf(head);
      const place = head % BLOCK_RECORDS;
      this.#nextUnpaired(entry, head, other.links[place]!);
      other.links[place] = block.links[at] = n - head;
      other.flags[place]! |= IS_PAIRED;
      block.flags[at]! |= IS_PAIRED | IS_REPLY;
      return;
    }
    if (head === NONE) {
      entry.unpairedHead = n;
      entry.unpairedOrdinal = ordinal;
    } else {
      const tail = entry.unpairedTail;
      this.blockOf(tail).links[tail % BLOCK_RECORDS] = n - tail;
    }
    entry.unpairedTail = n;
  }

  #nextUnpaired(entry: SessionEntry, head: number, distance: number): void {
    entry.unpairedHead = distance === 0 ? NONE : head + distance;
    entry.unpairedOrdinal++;
  }
}

/** Whether the record has only the beginning of its payload. */
export const isCutIn = (flags: number): boolean => (flags & IS_CUT) !== 0;

export const isScannedIn = (flags: number): boolean => (flags & IS_SCANNED) !== 0;
