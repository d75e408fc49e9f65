/**
 * In place of the writer of a file, where there is none: whoever watches the source gets the lines, and that is all
 * that becomes of them. Nothing here makes a session wait.
 */
import { Durations } from '../../durations.js';
import type { BatchSource } from './batch.js';
import type { Writer } from './recorder.js';
import type { WriterOwner } from '../file/writer-owner.js';

/** The longest that the oldest line waits for more lines, in milliseconds. */
const FLUSH_MS = 50;

/** How much waits at most. */
const FLUSH_BYTES = 128 * 1024;

export class FilelessWriter implements Writer {
  readonly isDropping = false;
  readonly isStopped = false;
  readonly failure = '';
  readonly stats = {
    records: 0,
    bytes: 0,
    batches: 0,
    lost: 0,
    failures: 0,
    files: 0,
    deletedFiles: 0,
    totalBytes: 0,
    maxTotalBytes: 0,
  };

  readonly #source: BatchSource;
  readonly #owner: Pick<WriterOwner, 'batchTaken' | 'batchDone'>;
  readonly #syncs = new Durations();
  /** Runs while there is something to take. */
  #timer: NodeJS.Timeout | null = null;

  constructor(source: BatchSource, owner: Pick<WriterOwner, 'batchTaken' | 'batchDone'>) {
    this.#source = source;
    this.#owner = owner;
  }

  get queue(): Writer['queue'] {
    const waitingBytes = this.#source.bytes;
    return { waitingBytes, limitBytes: FLUSH_BYTES, lagMs: 0, isFull: false, syncs: this.#syncs };
  }

  claim(): Promise<void> {
    return Promise.resolve();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  reopen(): Promise<void> {
    return Promise.resolve();
  }

  appended(): void {
    if (this.#source.bytes >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(this.#due, FLUSH_MS);
  }

  lose(): void {
    // It is never told to: it takes everything.
  }

  close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due();
    return Promise.resolve();
  }

  readonly #due = (): void => {
    this.#timer = null;
    if (this.#source.bytes > 0) this.#flush();
  };

  #flush(): void {
    const batch = this.#source.take();
    this.#owner.batchTaken();
    this.stats.records += batch.records;
    this.stats.bytes += batch.bytes;
    this.stats.batches++;
    this.#source.recycle(batch);
    this.#owner.batchDone();
  }
}
