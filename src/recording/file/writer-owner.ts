/** Whom the writer of a recording serves, and how it is told to. */

/** When the file is synced: never, once a second, or before a batch counts as written. */
export type SyncPolicy = 'none' | 'interval' | 'always';

/** What happens while the file cannot be written: everything waits, or records are lost and counted. */
export type FullPolicy = 'stop' | 'drop';

/** Who appends. Its methods are called between two records, and do not throw. */
export interface WriterOwner {
  /** A batch was taken: what is appended from now on belongs to the next one. */
  batchTaken(): void;
  /** It is in the file; with `always` it is on disk. */
  batchDone(): void;
  /** More waits than the queue may hold: append no more until `drained`. */
  full(): void;
  /** Half of the queue is free; or records are dropped now, and nobody need wait for that. */
  drained(): void;
  /**
   * The file cannot be written: with `stop` no session may go on, with `drop` records are lost from now
   * on. Once until `recovered`; once more when an error of the writer itself has ended the recording.
   */
  failed(error: NodeJS.ErrnoException): void;
  /**
   * With `stop`: it can be written again. With `drop`: from now on records are taken again, and all that
   * were taken before are written. The line that says what is missing comes next, and if that cannot be
   * written it is the same failure, of which `failed` tells again.
   */
  recovered(): void;
  /** The line that begins a file. */
  headerLine(): Uint8Array;
  /**
   * The line that says what is missing.
   *
   * @param forMs how long records have been missing
   * @param error the system's name of it
   */
  gapLine(forMs: number, records: number, error: string): Uint8Array;
}
