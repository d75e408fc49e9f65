/**
 * Writes the lines of a recording to its file, in the order in which they were appended, each one once.
 *
 * One loop does all the work, one system call at a time: it takes what was appended, writes it, makes
 * sure of it, and takes what was appended meanwhile. While the file cannot be written it tries again.
 */
import type { Durations } from '../../durations.js';
import { InvalidStateError } from '../../errors.js';
import type { BatchSource } from '../write/batch.js';
import { type BatchCounts, type BatchOwner, BatchWriter } from './batch-writer.js';
import { parseFileNamePattern } from './file-name-pattern.js';
import { FileSuccession } from './file-succession.js';
import { OutgoingLines } from './outgoing-lines.js';
import { NODE_FILE_SYSTEM, type RecordingFileSystem } from './recording-file-system.js';
import type { Log } from '../../log.js';
import type { FullPolicy, SyncPolicy, WriterOwner } from './writer-owner.js';

/** How long things take, in milliseconds. */
export interface WriterTimes {
  /** The longest that the oldest line waits for more lines. */
  readonly flushMs: number;
  /** From one sync to the next, with `interval`. */
  readonly syncMs: number;
  /** From a failure to the next attempt. */
  readonly retryMs: number;
  /** How often a lasting failure is logged. */
  readonly complainMs: number;
  /** The most time that the end takes. */
  readonly closeTimeout: number;
}

export interface WriterOptions {
  /** The file's name; it may contain letters of {@link parseFileNamePattern}. */
  readonly path: string;
  /** The number of the worker that writes it; 1 by default. */
  readonly worker?: number | undefined;
  readonly sync: SyncPolicy;
  readonly onFull: FullPolicy;
  /** The maximum size of a file, exceeded only by a single larger line; 0 for no limit. */
  readonly rotateBytes: number;
  /** How many other files of the recording are kept, and the most bytes of all together; 0 or nothing for no limit. */
  readonly keep?: number;
  readonly maxTotalBytes?: number;
  /** The most bytes that should wait in memory. */
  readonly queueBytes: number;
  readonly log: Log;
  readonly fileSystem?: RecordingFileSystem;
  readonly times?: Partial<WriterTimes>;
  /** The wall clock: milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/** What was written since the start. */
interface WriterStats extends BatchCounts {
  /** Files that were opened. */
  files: number;
  /** Old files that were deleted. */
  deletedFiles: number;
  /** Bytes of all files that there are, and of how many there may be; 0 for any number. */
  totalBytes: number;
  maxTotalBytes: number;
}

/** What waits to be written. */
export interface WriterQueue {
  readonly waitingBytes: number;
  /** From so many on sessions wait. */
  readonly limitBytes: number;
  /** How old the oldest record that is in no file is, in milliseconds. */
  readonly lagMs: number;
  readonly isFull: boolean;
  /** How long syncs took. */
  readonly syncs: Durations;
}

const WRITER_TIMES: WriterTimes = {
  flushMs: 50,
  syncMs: 1000,
  retryMs: 1000,
  complainMs: 10_000,
  closeTimeout: 5000,
};

/** How much is written at once: a batch costs some 100 microseconds besides its bytes. */
export const FLUSH_BYTES = 256 * 1024;

export class RecordingWriter {
  readonly #source: BatchSource;
  readonly #owner: WriterOwner;
  readonly #log: Log;
  readonly #files: FileSuccession;
  readonly #batches: BatchWriter;
  readonly #times: WriterTimes;
  readonly #sync: SyncPolicy;
  readonly #onFull: FullPolicy;
  readonly #queueBytes: number;
  readonly #maxTotalBytes: number;

  // ---- What `appended` looks at
  /** From this many bytes in the source on there is work to do at once. */
  #wakeBytes: number;
  /** A timer or the loop will look at what was appended. */
  #isArmed = true;
  #isFull = false;

  /** No record that is in no file is older, on the clock of `performance.now()`; 0 when there is none. */
  #waitsSinceMs = 0;
  /** When the batch that is being written was taken. */
  #takenMs = 0;

  /** The loop runs. Before the start it counts as running, so nobody else starts it. */
  #isRunning = true;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushSoon: NodeJS.Immediate | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #endPause: (() => void) | null = null;
  /** Callers that wait for the file to be reopened. */
  #reopenings: (() => void)[] = [];

  #start: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** How many times a failure at the end is followed by another attempt. */
  #attemptsLeft = 1;
  #isGivenUp = false;
  #onEnd: () => void = () => undefined;

  constructor(options: WriterOptions, source: BatchSource, owner: WriterOwner) {
    const { sync, onFull, log, nowMs = Date.now, fileSystem = NODE_FILE_SYSTEM } = options;
    const pattern = parseFileNamePattern(options.path, options.worker);
    if (pattern === null) throw new InvalidStateError(`no name of a file: ${options.path}`);
    this.#source = source;
    this.#owner = owner;
    this.#log = log;
    this.#sync = sync;
    this.#onFull = onFull;
    this.#queueBytes = options.queueBytes;
    this.#maxTotalBytes = options.maxTotalBytes ?? 0;
    this.#wakeBytes = options.queueBytes + 1;
    this.#times = { ...WRITER_TIMES, ...options.times };
    this.#files = new FileSuccession({
      pattern,
      rotateBytes: options.rotateBytes,
      keep: options.keep ?? 0,
      maxTotalBytes: options.maxTotalBytes ?? 0,
      syncsOnChange: sync !== 'none',
      fileSystem,
      log,
      nowMs,
      headerLine: () => owner.headerLine(),
    });
    const itsOwner: BatchOwner = {
      batchTaken: () => {
        this.#takenMs = performance.now();
        this.#setWakeBytes();
        owner.batchTaken();
      },
      batchDone: () => {
        owner.batchDone();
        // What is there now came after that.
        this.#waitsSinceMs = this.#source.bytes > 0 ? this.#takenMs : 0;
        if (this.#isFull && this.#source.bytes <= this.#queueBytes / 2) this.#drain();
        this.#setWakeBytes();
      },
      failed: (error) => {
        owner.failed(error);
      },
      recovered: () => {
        owner.recovered();
      },
      gapLine: (forMs, records, error) => owner.gapLine(forMs, records, error),
    };
    const { syncMs, complainMs } = this.#times;
    const batchOptions = { sync, onFull, log, syncMs, complainMs };
    this.#batches = new BatchWriter(source, itsOwner, this.#files, batchOptions);
  }

  /** The file cannot be written and records are dropped: report them to `lose` instead of appending. */
  get isDropping(): boolean {
    return this.#batches.isDropping;
  }

  /** The file cannot be written, and no session may go on. */
  get isStopped(): boolean {
    return this.#onFull === 'stop' && (this.#batches.hasFailed || this.#isGivenUp);
  }

  /** What keeps the file from being written: the system's name of the last error; empty for none. */
  get failure(): string {
    return this.#batches.failure;
  }

  /** What waits to be written now. */
  get queue(): WriterQueue {
    const waitingBytes = this.#source.bytes + this.#batches.batchBytes;
    const { syncs } = this.#files;
    const lagMs = this.#waitsSinceMs === 0 ? 0 : performance.now() - this.#waitsSinceMs;
    return { waitingBytes, limitBytes: this.#queueBytes, lagMs, isFull: this.#isFull, syncs };
  }

  get stats(): WriterStats {
    const { opened: files, deleted: deletedFiles, totalBytes } = this.#files;
    const maxTotalBytes = this.#maxTotalBytes;
    return { ...this.#batches.counts, files, deletedFiles, totalBytes, maxTotalBytes };
  }

  /**
   * Keeps other processes from the file, without touching it. Call it only once, before the start.
   *
   * @throws `ELOCKED` if one of them records to it; the system's error if it cannot be looked at
   */
  claim(): Promise<void> {
    return this.#files.claim();
  }

  /**
   * Opens the file, and cuts half a line from its end.
   *
   * @throws the system's error
   */
  start(): Promise<void> {
    this.#start ??= this.#files.start().then(this.#run);
    return this.#start;
  }

  /** Something was appended: makes sure that it is written. */
  appended(): void {
    if (this.#source.bytes >= this.#wakeBytes) this.#enough();
    else if (!this.#isArmed) this.#arm();
  }

  /** This many records were left out: while {@link RecordingWriter.isDropping}, or for lack of room. */
  lose(records: number): void {
    this.#batches.lose(records);
  }

  /**
   * Reopens the file's name, after what is being written. If that fails, the old file stays in use, and
   * the log says so.
   */
  async reopen(): Promise<void> {
    if (!(await this.#hasStarted()) || this.#closing !== null || this.#isGivenUp) return;
    await new Promise<void>((resolve) => {
      this.#reopenings.push(resolve);
      this.#endPause?.();
      this.#wake();
    });
  }

  /** Writes everything, syncs unless the policy is never, and closes. It ends whatever happens. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  // ---- When to write

  #enough(): void {
    this.#wake();
    if (!this.#isFull && this.#source.bytes + this.#batches.batchBytes > this.#queueBytes) {
      this.#isFull = true;
      this.#owner.full();
    }
    this.#setWakeBytes();
  }

  #drain(): void {
    this.#isFull = false;
    this.#setWakeBytes();
    this.#owner.drained();
  }

  #arm(): void {
    this.#isArmed = true;
    if (this.#waitsSinceMs === 0) this.#waitsSinceMs = performance.now();
    if (this.#sync === 'always') this.#flushSoon = setImmediate(this.#wake);
    else this.#flushTimer = setTimeout(this.#wake, this.#times.flushMs);
  }

  /** Starts the loop, if it does not run, once the caller has finished. */
  readonly #wake = (): void => {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#isArmed = true;
    this.#setWakeBytes();
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#syncTimer);
    clearImmediate(this.#flushSoon);
    queueMicrotask(this.#run);
  };

  #setWakeBytes(): void {
    const full = this.#isFull ? Infinity : this.#queueBytes - this.#batches.batchBytes + 1;
    this.#wakeBytes = this.#isRunning ? full : Math.min(FLUSH_BYTES, full);
  }

  /** The loop has nothing to do: waits for what comes next. */
  #rest(): void {
    this.#isRunning = false;
    this.#isArmed = false;
    this.#setWakeBytes();
    if (this.#source.bytes > 0) {
      this.#arm();
    } else if (this.#sync === 'interval' && this.#files.isDirty) {
      // It may be over: Node warns of a timer in the past.
      const dueMs = Math.max(1, this.#batches.nextSyncMs - performance.now());
      this.#syncTimer = setTimeout(this.#wake, dueMs);
    }
  }

  // ---- The loop

  readonly #run = (): void => {
    this.#loop().catch((error: unknown) => {
      this.#breakDown(error);
    });
  };

  /** An error of our own. From now on records are lost, whatever the policy for a full disk is. */
  #breakDown(err: unknown): void {
    this.#batches.isDropping = true;
    const steps = [
      () => {
        this.#log.error({ err }, 'the recording has ended by an internal error');
      },
      () => {
        this.#giveUp();
      },
      () => {
        this.#owner.failed(err as NodeJS.ErrnoException);
      },
      () => {
        if (this.#isFull) this.#drain();
      },
    ];
    for (const step of steps) {
      try {
        step();
      } catch {
        // Whatever has broken the loop may throw again; the others are told all the same.
      }
    }
    this.#files.discard().catch(() => undefined);
    this.#endForGood();
  }

  async #loop(): Promise<void> {
    while (!this.#isGivenUp) {
      try {
        do await this.#attempt();
        while (this.#hasMore());
        if (this.#closing === null) {
          this.#rest();
          return;
        }
        await this.#files.close(new OutgoingLines([]));
        break;
      } catch (error) {
        await this.#afterFailure(error as NodeJS.ErrnoException);
      }
    }
    await this.#files.discard();
    this.#endForGood();
  }

  async #attempt(): Promise<void> {
    const asked = this.#reopenings.splice(0);
    try {
      const isLast = this.#closing !== null;
      await this.#batches.attempt({ reopens: asked.length > 0, isLast });
    } finally {
      for (const resolve of asked) resolve();
    }
  }

  #hasMore(): boolean {
    if (this.#reopenings.length > 0) return true;
    const { bytes } = this.#source;
    const isUrgent =
      this.#sync === 'always' ||
      // All sessions wait for it, however little it is.
      this.#isFull ||
      this.#batches.hasFailed ||
      this.#closing !== null;
    return bytes >= FLUSH_BYTES || (isUrgent && bytes > 0);
  }

  async #afterFailure(error: NodeJS.ErrnoException): Promise<void> {
    this.#batches.fail(error);
    // A caller that appends nothing need not wait either.
    if (this.isDropping && this.#isFull) this.#drain();
    if (this.#closing === null) await this.#pause();
    else if (this.#attemptsLeft > 0) this.#attemptsLeft--;
    else this.#giveUp();
  }

  /** Waits until the next attempt is due, or until somebody asks for one. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#times.retryMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = null;
  }

  // ---- The end

  async #hasStarted(): Promise<boolean> {
    if (this.#start === null) return false;
    return this.#start.then(
      () => true,
      () => false,
    );
  }

  async #end(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const deadline = setTimeout(() => {
      this.#giveUp();
      this.#onEnd();
    }, this.#times.closeTimeout);
    const canEnd = await Promise.race([this.#hasStarted(), ended.then(() => false)]);
    if (canEnd && !this.#isGivenUp) {
      this.#endPause?.();
      this.#wake();
      await ended;
    } else if (!this.#isGivenUp) {
      // The loop has never begun: gives back what was claimed.
      await this.#files.discard();
    }
    clearTimeout(deadline);
  }

  #giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#files.abandon();
    this.#batches.giveUp();
  }

  /** From now on nothing is checked, and nothing is being written. */
  #endForGood(): void {
    this.#batches.discard();
    this.#wakeBytes = Infinity;
    this.#isArmed = true;
    for (const resolve of this.#reopenings.splice(0)) resolve();
    this.#onEnd();
  }
}
