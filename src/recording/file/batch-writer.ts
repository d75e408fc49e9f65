/**
 * Takes batches and brings them into the file, one attempt at a time; what an attempt did not write is
 * kept for the next one. It knows whether the file can be written, and what is lost if not.
 */
import type { Batch, BatchSource } from '../write/batch.js';
import type { FileSuccession } from './file-succession.js';
import { OutgoingLines } from './outgoing-lines.js';
import type { Log } from '../../log.js';
import type { FullPolicy, SyncPolicy, WriterOwner } from './writer-owner.js';
import { WriteFailure } from './write-failure.js';

/** Is told what becomes of the batches. */
export type BatchOwner = Pick<
  WriterOwner,
  'batchTaken' | 'batchDone' | 'failed' | 'recovered' | 'gapLine'
>;

/** What was written since the start. */
export interface BatchCounts {
  /** Records of batches that are in a file. */
  records: number;
  bytes: number;
  batches: number;
  /** Records that were dropped, or given up at the end. */
  lost: number;
  /** How many times writing began to fail. */
  failures: number;
}

export interface BatchWriterOptions {
  readonly sync: SyncPolicy;
  readonly onFull: FullPolicy;
  readonly syncMs: number;
  readonly complainMs: number;
  readonly log: Log;
}

/** What an attempt does besides writing. */
interface AttemptOptions {
  /** Reopen the file's name before writing. */
  readonly reopens: boolean;
  /** No attempt follows one that succeeds: no file is opened needlessly. */
  readonly isLast: boolean;
}

export class BatchWriter {
  readonly counts: BatchCounts = { records: 0, bytes: 0, batches: 0, lost: 0, failures: 0 };
  /** Records are being dropped. */
  isDropping = false;
  /** When the next sync is due, on the clock of `performance.now()`. */
  nextSyncMs = 0;

  readonly #source: BatchSource;
  readonly #owner: BatchOwner;
  readonly #files: FileSuccession;
  readonly #options: BatchWriterOptions;
  #batch: Batch | null = null;
  /** The lines of the batch, or a line about a gap. */
  #lines: OutgoingLines | null = null;
  #failure: WriteFailure | null = null;
  /** The owner was told that the file cannot be written, and not yet that it can. */
  #hasToldFailure = false;
  /** Lost records that no line reports yet; since when, on the wall clock. */
  #lost = 0;
  #lostSinceMs = 0;
  /** Everything that was appended before the first lost record has been taken. */
  #isGapDue = false;
  /** The system's name of the last error. */
  #errorCode = '';

  constructor(
    source: BatchSource,
    owner: BatchOwner,
    files: FileSuccession,
    options: BatchWriterOptions,
  ) {
    this.#source = source;
    this.#owner = owner;
    this.#files = files;
    this.#options = options;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** The system's name of the last error, while the file cannot be written; else empty. */
  get failure(): string {
    return this.#failure?.code ?? '';
  }

  /** Bytes of the batch that is being written. */
  get batchBytes(): number {
    return this.#batch?.bytes ?? 0;
  }

  /** Writes what there is. @throws the system's error; what was not written is kept */
  async attempt({ reopens, isLast }: AttemptOptions): Promise<void> {
    const files = this.#files;
    const lines = this.#lines ?? this.#take();
    // A file that was removed to make room takes that room until it is closed.
    if (this.#failure !== null) await files.settle(lines, false);
    if (reopens) await files.reopen(lines);
    else await files.followTime(lines);
    const hasWork = lines.bytes > 0 || this.#lost > 0;
    if (isLast && !hasWork) return;
    await this.#writeOut(lines);
    const isAllTaken = this.#source.bytes === 0;
    if (this.isDropping) {
      // Records appended before the first lost one precede the line that reports the loss.
      if (!isAllTaken) return;
      this.isDropping = false;
      this.#tellRecovered();
    }
    if (this.#lost > 0 && (isAllTaken || this.#isGapDue)) await this.#writeOut(this.#takeGap());
    if (this.#failure !== null) this.#recover(this.#failure);
  }

  /** An attempt has failed. */
  fail(error: NodeJS.ErrnoException): void {
    const { log, onFull, complainMs } = this.#options;
    if (this.#failure === null) this.counts.failures++;
    this.#failure ??= new WriteFailure(log, complainMs);
    this.#failure.note(error, this.#files.path, this.#source.bytes + this.batchBytes);
    this.#errorCode = this.#failure.code;
    this.isDropping = onFull === 'drop';
    if (this.#hasToldFailure) return;
    this.#hasToldFailure = true;
    this.#owner.failed(error);
  }

  /** This many records were dropped: a line will report them at the place where they are missing. */
  lose(records: number): void {
    if (this.#lost === 0) this.#lostSinceMs = performance.now();
    this.#lost += records;
    this.counts.lost += records;
    this.#failure?.lose(records);
  }

  /** The waiting lines are lost: the process is about to end. */
  giveUp(): void {
    const own = this.#batch === null ? null : this.#lines;
    const rest = this.#source.take();
    const records = (own?.countRest() ?? 0) + rest.records;
    const bytes = (own?.restBytes ?? 0) + rest.bytes;
    this.counts.lost += records;
    this.#source.recycle(rest);
    const dropped = this.#failure?.lost ?? this.#lost;
    const error = this.#failure?.code ?? null;
    this.#options.log.error(
      { file: this.#files.path, records, bytes, dropped, error },
      'the recording is not complete: its end could not be written',
    );
  }

  /** Nothing is being written, and nothing will be: what was taken is forgotten. */
  discard(): void {
    if (this.#batch !== null) this.#source.recycle(this.#batch);
    this.#batch = null;
    this.#lines = null;
  }

  #take(): OutgoingLines {
    this.#isGapDue = this.#lost > 0;
    if (this.#source.bytes === 0) return new OutgoingLines([]);
    this.#batch = this.#source.take();
    this.#lines = new OutgoingLines(this.#batch.chunks);
    this.#owner.batchTaken();
    return this.#lines;
  }

  /** The line that reports what was lost so far. */
  #takeGap(): OutgoingLines {
    const lostForMs = performance.now() - this.#lostSinceMs;
    const gapLine = this.#owner.gapLine(lostForMs, this.#lost, this.#errorCode);
    this.#lost = 0;
    this.#isGapDue = false;
    this.#lines = new OutgoingLines([gapLine]);
    return this.#lines;
  }

  async #writeOut(lines: OutgoingLines): Promise<void> {
    const { sync, syncMs } = this.#options;
    const isDue = sync === 'interval' && performance.now() >= this.nextSyncMs;
    const mustSync = isDue || (sync === 'always' && lines.bytes > 0);
    do await this.#files.write(lines);
    while (!(await this.#files.settle(lines, mustSync)));
    if (isDue) this.nextSyncMs = performance.now() + syncMs;
    this.#finish();
  }

  /** The taken batch is in the file. */
  #finish(): void {
    const batch = this.#batch;
    this.#lines = null;
    this.#batch = null;
    if (batch === null) return;
    this.counts.records += batch.records;
    this.counts.bytes += batch.bytes;
    this.counts.batches++;
    this.#source.recycle(batch);
    this.#owner.batchDone();
  }

  #recover(failure: WriteFailure): void {
    this.#failure = null;
    failure.end(this.#files.path);
    if (this.#hasToldFailure) this.#tellRecovered();
  }

  #tellRecovered(): void {
    this.#hasToldFailure = false;
    this.#owner.recovered();
  }
}
