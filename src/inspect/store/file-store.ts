/**
 * A recording in a file: an index of its lines, which are read when somebody wants to see them. The index is made in
 * slices, and what has one can be looked at meanwhile.
 */
import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { checkRegular } from '../../regular-file.js';
import { systemReason } from '../../system-reason.js';
import { Intake } from './intake.js';
import { PAGE_BYTES } from './page-pool.js';
import { RecordIndex } from './record-index.js';
import type { RecordStore } from './record-store.js';
import { SessionTable } from './session-table.js';
import { shownLine } from './shown-line.js';
import { type Work, WorkQueue } from './work-queue.js';

const MIB = 1024 ** 2;

/** What is read at a time for the index. */
const CHUNK_BYTES = MIB;

/** A longer line is none of ours. */
const MAX_LINE_BYTES = 128 * MIB;

/** Lines are read in such blocks, and the last ones are kept. */
const BLOCK_BYTES = 64 * 1024;
const MAX_BLOCKS = 64;

/** How often a file is looked at that may grow. */
const FOLLOW_MS = 500;

const MAX_SESSIONS = 100_000;

/** What the index may take: it has 60 million records. */
const MAX_INDEX_BYTES = 2048 * MIB;

const NEWLINE = 0x0a;

export interface FileStoreOptions {
  /** Somebody may write to it still. */
  readonly isFollowed?: boolean;
  readonly maxIndexBytes?: number;
  readonly maxLineBytes?: number;
  readonly queue?: WorkQueue;
  /** What reads, in place of `node:fs`. */
  readonly read?: typeof readSync;
}

export class FileStore implements RecordStore, Work {
  readonly source = 'file';
  readonly lost = 0;
  readonly sessions = new SessionTable({
    maxEnded: Infinity,
    maxSessions: MAX_SESSIONS,
    areRecordsLeaving: false,
  });
  readonly index: RecordIndex;
  fault: string | null = null;
  tooLong = 0;
  readonly maxLineBytes: number;

  readonly #name: string;
  readonly #descriptor: number;
  readonly #isFollowed: boolean;
  readonly #maxIndexBytes: number;
  readonly #queue: WorkQueue;
  readonly #readSync: typeof readSync;
  readonly #intake: Intake;
  #size: number;
  /** How far it has an index. */
  #position = 0;
  #chunk: Buffer | null = null;
  /** In a line that is too long. */
  #isSkipping = false;
  #indexPages = 0;
  #isAtEnd = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | null = null;
  /** By their numbers in the file; the one that was used last comes last. */
  readonly #blocks = new Map<number, Buffer>();

  /** @throws what `node:fs` throws; `ESPIPE` for what is no file */
  constructor(file: string, options: FileStoreOptions = {}) {
    const { isFollowed = false, maxIndexBytes = MAX_INDEX_BYTES } = options;
    const { maxLineBytes = MAX_LINE_BYTES, queue = new WorkQueue(), read = readSync } = options;
    this.#readSync = read;
    this.#name = path.basename(file);
    this.#isFollowed = isFollowed;
    this.#maxIndexBytes = maxIndexBytes;
    this.maxLineBytes = maxLineBytes;
    this.#queue = queue;
    this.index = new RecordIndex(
      this.sessions,
      () => {
        this.#indexPages++;
        return new ArrayBuffer(PAGE_BYTES);
      },
      () => undefined,
    );
    this.#intake = new Intake(this.index, true);
    this.#descriptor = openSync(file, 'r');
    try {
      const stats = fstatSync(this.#descriptor);
      checkRegular(stats);
      this.#size = stats.size;
      // What is no file says so here.
      readSync(this.#descriptor, Buffer.alloc(1), 0, 1, 0);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
    queue.add(this);
  }

  get damaged(): number {
    return this.#intake.damaged;
  }

  get usedBytes(): number {
    const chunk = this.#chunk === null ? 0 : this.#chunk.length;
    const blocks = this.#blocks.size * BLOCK_BYTES + chunk;
    return this.#indexPages * PAGE_BYTES + this.sessions.bytes + blocks;
  }

  get file(): { name: string; bytes: number } {
    return { name: this.#name, bytes: this.#size };
  }

  get progress(): number {
    return this.#size === 0 ? 1 : Math.min(1, this.#position / this.#size);
  }

  /** All of it has an index, and nobody writes to it. */
  get hasEnded(): boolean {
    return this.fault !== null || (this.#isAtEnd && !this.#isFollowed);
  }

  line(n: number): Buffer {
    const { start, span } = this.index.lineOf(n);
    let wanted = Math.min(span, BLOCK_BYTES);
    let bytes = this.#read(start, wanted);
    let end = bytes.indexOf(NEWLINE);
    // Much that is no record may follow it, or the line is long.
    while (end === -1 && wanted < span) {
      wanted = Math.min(span, 4 * wanted);
      bytes = this.#read(start, wanted);
      end = bytes.indexOf(NEWLINE);
    }
    return shownLine(end === -1 ? bytes : bytes.subarray(0, end), this.index.flags(n));
  }

  /** Makes the next part of the index. */
  work(isOver: () => boolean): boolean {
    if (this.#isClosed) return true;
    try {
      do if (!this.#indexChunk()) return true;
      while (!isOver());
    } catch (error) {
      this.#stop(`the file cannot be read: ${systemReason(error)}`);
      return true;
    }
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue.remove(this);
    closeSync(this.#descriptor);
  }

  // ---- The index

  /** @returns whether there is more to read now */
  #indexChunk(): boolean {
    if (this.#indexPages * PAGE_BYTES > this.#maxIndexBytes) {
      this.#stop('the file has more records than can be shown: cut it with twist convert');
      return false;
    }
    const chunk = (this.#chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES));
    const length = this.#readSync(this.#descriptor, chunk, 0, chunk.length, this.#position);
    const bytes = chunk.subarray(0, length);
    if (this.#isSkipping) return this.#skip(bytes);
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) {
      this.#intake.lines(bytes.subarray(0, whole), this.#position);
      this.#position += whole;
      // What one long line needed is not kept.
      if (chunk.length > CHUNK_BYTES) this.#chunk = null;
      return true;
    }
    if (length < chunk.length) {
      this.#reachEnd(bytes);
      return false;
    }
    if (chunk.length >= this.maxLineBytes) {
      this.#isSkipping = true;
      this.tooLong++;
      this.#position += length;
      this.#chunk = null;
    } else {
      this.#chunk = Buffer.allocUnsafeSlow(Math.min(2 * chunk.length, this.maxLineBytes));
    }
    return true;
  }

  #skip(bytes: Buffer): boolean {
    const end = bytes.indexOf(NEWLINE);
    this.#isSkipping = end === -1;
    this.#position += this.#isSkipping ? bytes.length : end + 1;
    if (bytes.length > 0) return true;
    this.#reachEnd(bytes);
    return false;
  }

  /** @param rest a line that has no end, perhaps yet */
  #reachEnd(rest: Buffer): void {
    this.#isAtEnd = true;
    this.#chunk = null;
    if (this.#isFollowed) {
      this.#timer = setTimeout(this.#look, FOLLOW_MS).unref();
      return;
    }
    this.#intake.lines(rest, this.#position);
    this.#position += rest.length;
  }

  /** Whether more was written meanwhile. */
  readonly #look = (): void => {
    const { size } = fstatSync(this.#descriptor);
    if (size < this.#position) {
      this.#stop('the file was truncated while it was shown: open it again');
      return;
    }
    this.#blocks.clear();
    if (size > this.#size) this.#queue.add(this);
    else this.#timer = setTimeout(this.#look, FOLLOW_MS).unref();
    this.#size = size;
  };

  #stop(sentence: string): void {
    this.fault = sentence;
    this.#chunk = null;
  }

  // ---- Lines

  #read(start: number, length: number): Buffer {
    const number = Math.floor(start / BLOCK_BYTES);
    const at = start - number * BLOCK_BYTES;
    if (at + length > BLOCK_BYTES) {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, this.#readInto(bytes, start));
    }
    return this.#block(number).subarray(at, at + length);
  }

  #block(number: number): Buffer {
    const kept = this.#blocks.get(number);
    this.#blocks.delete(number);
    const block = kept ?? this.#newBlock(number);
    this.#blocks.set(number, block);
    return block;
  }

  #newBlock(number: number): Buffer {
    let room: Buffer | null = null;
    for (const [oldest, block] of this.#blocks) {
      if (this.#blocks.size < MAX_BLOCKS) break;
      this.#blocks.delete(oldest);
      room = Buffer.from(block.buffer);
      break;
    }
    const block = room ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return block.subarray(0, this.#readInto(block, number * BLOCK_BYTES));
  }

  /** @returns how many bytes were there; none where the file cannot be read any more */
  #readInto(bytes: Buffer, position: number): number {
    try {
      return this.#readSync(this.#descriptor, bytes, 0, bytes.length, position);
    } catch (error) {
      this.fault ??= `the file cannot be read: ${systemReason(error)}`;
      return 0;
    }
  }
}
