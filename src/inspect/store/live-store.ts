/** Live traffic in bounded memory: the oldest records leave, and are counted. */
import { Buffer } from 'node:buffer';
import { InvalidArgumentError } from '../../errors.js';
import { Intake } from './intake.js';
import { LineRing } from './line-ring.js';
import { Kind } from './line-scan.js';
import { PAGE_BYTES, PagePool } from './page-pool.js';
import { RecordIndex, kindIn } from './record-index.js';
import type { RecordStore } from './record-store.js';
import { SessionTable } from './session-table.js';
import { shownLine } from './shown-line.js';

const MIB = 1024 ** 2;

/** With less there is hardly anything to show. */
export const MIN_MEMORY_BYTES = 8 * MIB;

/** Lines that are taken at a time: their records fit into one block of the index. */
const PIECE_BYTES = 64 * 1024;

/** Lines and index have this much in any case, however many sessions there are. */
const MIN_PAGES = 2;

/** What a session takes, for how many there may be: half of the memory is theirs at most. */
const SESSION_BYTES = 1200;
const MAX_SESSIONS = 100_000;
const MAX_ENDED = 500;

const LINE_END = Buffer.from('\n');

export interface LiveStoreOptions {
  /** What lines, index and sessions may take together. */
  readonly memoryBytes: number;
  /** Anybody may have written the lines. */
  readonly isForeign?: boolean;
}

export class LiveStore implements RecordStore {
  readonly source = 'live';
  readonly progress = null;
  readonly file = null;
  fault: string | null = null;
  readonly sessions: SessionTable;
  readonly index: RecordIndex;
  hasEnded = false;
  tooLong = 0;
  readonly maxLineBytes: number;

  readonly #memoryBytes: number;
  readonly #pool: PagePool;
  readonly #ring: LineRing;
  readonly #intake: Intake;
  readonly #isForeign: boolean;
  /** The beginning of a line, whose end has not come; it grows by doubling. */
  #begun = Buffer.alloc(0);
  #begunLength = 0;
  /** The line that has begun is too long to be kept. */
  #isTooLong = false;

  /** @throws InvalidArgumentError for less than {@link MIN_MEMORY_BYTES} */
  constructor({ memoryBytes, isForeign = false }: LiveStoreOptions) {
    if (!(memoryBytes >= MIN_MEMORY_BYTES)) {
      throw new InvalidArgumentError(
        `memoryBytes cannot be ${memoryBytes}: give at least ${MIN_MEMORY_BYTES}`,
      );
    }
    this.#memoryBytes = memoryBytes;
    this.#isForeign = isForeign;
    this.maxLineBytes = Math.floor(memoryBytes / 8);
    this.sessions = new SessionTable({
      maxEnded: MAX_ENDED,
      maxSessions: Math.min(MAX_SESSIONS, Math.floor(memoryBytes / 2 / SESSION_BYTES)),
      areRecordsLeaving: true,
    });
    const pool = new PagePool(0);
    this.#pool = pool;
    this.#ring = new LineRing(pool);
    this.index = new RecordIndex(
      this.sessions,
      () => pool.take(),
      (page) => {
        pool.give(page);
      },
    );
    this.#intake = new Intake(this.index, isForeign);
  }

  get lost(): number {
    return this.#intake.lost;
  }

  get damaged(): number {
    return this.#intake.damaged;
  }

  /** Something of what has come is of a recording. */
  get isRecording(): boolean {
    return this.index.end > 0 || this.#intake.headers > 0;
  }

  get usedBytes(): number {
    return this.#pool.bytes + this.sessions.bytes + this.#begun.length;
  }

  /** Takes bytes of a recording, cut anywhere; they are copied. */
  append(bytes: Uint8Array): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let start = 0;
    if (this.#begunLength > 0 || this.#isTooLong) {
      const newline = all.indexOf(0x0a);
      start = newline + 1;
      this.#begin(newline === -1 ? all : all.subarray(0, start));
      if (newline === -1) return;
      this.#endBegun();
    }
    const end = all.lastIndexOf(0x0a) + 1;
    while (start < end) {
      const limit = start + PIECE_BYTES;
      const last = limit >= end ? end : all.lastIndexOf(0x0a, limit - 1) + 1;
      // A line may be longer than a piece.
      const stop = last > start ? last : all.indexOf(0x0a, limit) + 1;
      this.#take(all.subarray(start, stop));
      start = stop;
    }
    if (start < all.length) this.#begin(all.subarray(start));
  }

  /** Nothing more comes. A line that has no end is left out if it is ours: its writer was cut off. Others may end so. */
  end(): void {
    if (this.#isForeign && (this.#begunLength > 0 || this.#isTooLong)) this.append(LINE_END);
    this.hasEnded = true;
  }

  line(n: number): Buffer {
    const { start, span } = this.index.lineOf(n);
    const bytes = this.#ring.read(start, span);
    // Lines that are no records may follow it.
    const end = bytes.indexOf(0x0a);
    return shownLine(bytes.subarray(0, end), this.index.flags(n));
  }

  #begin(piece: Buffer): void {
    const length = this.#begunLength + piece.length;
    if (length > this.maxLineBytes) this.#isTooLong = true;
    if (this.#isTooLong) {
      this.#begun = Buffer.alloc(0);
      this.#begunLength = 0;
      return;
    }
    if (length > this.#begun.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * length, 4096));
      this.#begun.copy(larger, 0, 0, this.#begunLength);
      this.#begun = larger;
    }
    piece.copy(this.#begun, this.#begunLength);
    this.#begunLength = length;
  }

  /** The line that has begun is whole. */
  #endBegun(): void {
    if (this.#isTooLong) this.tooLong++;
    else this.#take(this.#begun.subarray(0, this.#begunLength));
    this.#isTooLong = false;
    this.#begunLength = 0;
    // What one long line needed is not kept for short ones.
    if (this.#begun.length > PIECE_BYTES) this.#begun = Buffer.alloc(0);
  }

  /** @param lines whole ones, with their newlines */
  #take(lines: Buffer): void {
    if (lines.length > this.maxLineBytes) {
      this.tooLong++;
      return;
    }
    this.#makeRoom(this.#ring.pagesFor(lines.length) + 1);
    const position = this.#ring.append(lines);
    this.#intake.lines(lines, position);
  }

  /** The oldest records leave until there is room for so many pages. */
  #makeRoom(pages: number): void {
    const pool = this.#pool;
    const rest = this.#memoryBytes - this.sessions.bytes - this.#begun.length;
    pool.maxPages = Math.max(MIN_PAGES + pages, Math.floor(rest / PAGE_BYTES));
    while (pool.free < pages && this.index.first < this.index.end) this.#forgetFirst();
    pool.trim();
  }

  #forgetFirst(): void {
    const { index } = this;
    const n = index.first;
    if (kindIn(index.flags(n)) === Kind.Open) this.#keepOpenLine(n);
    const { start, span } = index.lineOf(n);
    index.forgetFirst();
    this.#ring.forget(start + span);
  }

  /** The beginning of a session that is still there is needed for exports. */
  #keepOpenLine(n: number): void {
    const { index, sessions } = this;
    const entry = sessions.at(index.get(n).slot)!;
    const line = this.line(n);
    const isKept = !entry.isRemoved && entry.openRecord === n;
    if (!isKept || sessions.bytes + line.length > this.#memoryBytes / 4) return;
    const copy = Buffer.allocUnsafeSlow(line.length);
    line.copy(copy);
    sessions.keepOpenLine(entry, copy);
  }
}
