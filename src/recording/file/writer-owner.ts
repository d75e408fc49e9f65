/** Contract between the writer of a recording and its owner. */

/** When the file is synced: never, once a second, or before a batch counts as written. */
export type SyncPolicy = 'none' | 'interval' | 'always';

/** What happens while the file cannot be written: everything waits, or records are lost and counted. */
export type FullPolicy = 'stop' | 'drop';

/** The owner appends records. Its methods are called between two records, and do not throw. */
export interface WriterOwner {
  /** A batch was taken: what is appended from now on belongs to the next one. */
  batchTaken(): void;
  /** The batch is in the file; with `always` it is on disk. */
  batchDone(): void;
  /** More waits than the queue may hold: append nothing until `drained`. */
  full(): void;
  /** Half of the queue is free, or records are being dropped, so nobody needs to wait. */
  drained(): void;
  /**
   * The file cannot be written: with `stop` no session may go on, with `drop` records are lost from now
   * on. Called once until `recovered`, and once more if an error of the writer itself has ended the
   * recording.
   */
  failed(error: NodeJS.ErrnoException): void;
  /**
   * With `stop`: the file can be written again. With `drop`: records are taken again from now on, and
   * all records taken before are written. The line that reports the gap comes next; if it cannot be
   * written, the same failure goes on, and `failed` is called again.
   */
  recovered(): void;
  /** The line that begins a file. */
  headerLine(): Uint8Array;
  /**
   * The line that reports missing records.
   *
   * @param forMs how long records have been missing
   * @param error the system's name of the error
   */
  gapLine(forMs: number, records: number, error: string): Uint8Array;
}
