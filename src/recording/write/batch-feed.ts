/**
 * A copy of all lines for somebody who watches. Nobody waits for him: while too much is on its way to him, or nobody
 * is there, what comes is dropped and counted, and a `gap` record says so where it is missing.
 */
import { MemoryAccount } from '../../budget/memory-account.js';
import { RECORDING_VERSION } from '../format/record.js';
import type { Batch } from './batch.js';
import { lineOf } from './record-encoder.js';

/** Where the lines go. */
export interface FeedSink {
  /** @param done called once the bytes have left, or never will */
  write(bytes: Uint8Array, done: () => void): void;
}

export interface BatchFeedOptions {
  /** The software that writes, for the line that everything begins with; null where that is another one's. */
  readonly tool: string | null;
  /** Is charged for what is on its way; by default it has no limit. While it is short of memory, nothing is taken. */
  readonly memory?: MemoryAccount;
  /** The most bytes on their way. */
  readonly maxBytes?: number;
  /** The wall clock: milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/** Why records are missing, in place of the system's name of an error. */
export type FeedGap = 'inspector-behind' | 'inspector-restarted';

/** A pause of the watcher of a second, at 8 MiB a second. */
const MAX_BYTES = 8 * 1024 ** 2;

export class BatchFeed {
  /** Records that were dropped since the start. */
  lost = 0;

  readonly #tool: string | null;
  readonly #memory: MemoryAccount;
  readonly #maxBytes: number;
  readonly #nowMs: () => number;
  #sink: FeedSink | null = null;
  #waitingBytes = 0;
  /** Dropped records that no line tells of yet, since when, and why. */
  #missing = 0;
  #missingSinceMs = 0;
  #reason: FeedGap = 'inspector-behind';
  /** Nobody was there before: then there is nothing to tell that he has missed. */
  #isNew = true;

  constructor({
    tool,
    memory = new MemoryAccount(),
    maxBytes = MAX_BYTES,
    nowMs = Date.now,
  }: BatchFeedOptions) {
    this.#tool = tool;
    this.#memory = memory;
    this.#maxBytes = maxBytes;
    this.#nowMs = nowMs;
  }

  /** Bytes on their way. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** From now on somebody is there. */
  connect(sink: FeedSink): void {
    this.#sink = sink;
    const isNew = this.#isNew;
    this.#isNew = false;
    // The sessions that are open have begun before he came.
    const gap = isNew ? null : this.#takeGap();
    if (this.#tool !== null) {
      const t = this.#nowMs() / 1000;
      const v = RECORDING_VERSION;
      this.#write(sink, lineOf({ v, ev: 'file', tool: this.#tool, t, redacted: true }));
    }
    if (gap !== null) this.#write(sink, gap);
  }

  /** Nobody is there any more. What is on its way is given back by its `done`. */
  disconnect(): void {
    this.#sink = null;
  }

  /** Takes a copy of lines that were written. They are whole. */
  take(batch: Batch): void {
    const { bytes } = batch;
    const sink = this.#sink;
    if (bytes === 0) return;
    if (sink === null || !this.#hasRoomFor(bytes)) {
      this.#lose(batch.records);
      return;
    }
    if (this.#missing > 0) this.#write(sink, this.#takeGap());
    const copy = Buffer.allocUnsafeSlow(bytes);
    let to = 0;
    for (const chunk of batch.chunks) {
      copy.set(chunk, to);
      to += chunk.length;
    }
    this.#write(sink, copy);
  }

  /** Once records are missing there are more, until half of what may wait has left. */
  #hasRoomFor(bytes: number): boolean {
    if (this.#memory.isNear) return false;
    if (this.#missing > 0) return this.#waitingBytes <= this.#maxBytes / 2;
    return this.#waitingBytes === 0 || this.#waitingBytes + bytes <= this.#maxBytes;
  }

  #lose(records: number): void {
    if (this.#missing === 0) {
      this.#missingSinceMs = this.#nowMs();
      this.#reason = this.#sink === null ? 'inspector-restarted' : 'inspector-behind';
    }
    this.#missing += records;
    this.lost += records;
  }

  /** The line that tells what is missing until now. */
  #takeGap(): Uint8Array {
    const records = this.#missing;
    const t = this.#nowMs() / 1000;
    const since = records === 0 ? t : this.#missingSinceMs / 1000;
    const error = records === 0 ? 'inspector-restarted' : this.#reason;
    this.#missing = 0;
    return lineOf({ ev: 'gap', t, since, records, error });
  }

  #write(sink: FeedSink, bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    this.#memory.charge(bytes.length);
    let isOver = false;
    sink.write(bytes, () => {
      if (isOver) return;
      isOver = true;
      this.#waitingBytes -= bytes.length;
      this.#memory.release(bytes.length);
      // Nothing more may come that the gap would stand before.
      if (this.#missing > 0 && sink === this.#sink && this.#hasRoomFor(0))
        this.#write(sink, this.#takeGap());
    });
  }
}
