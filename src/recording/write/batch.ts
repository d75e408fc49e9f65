/** Between who makes the lines of a recording and who writes them. */

/** Lines that are written together: whole ones only. */
export interface Batch {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly records: number;
}

/** Where lines wait to be written. */
export interface BatchSource {
  /** Bytes appended and not yet taken. */
  readonly bytes: number;
  /** Takes everything that was appended. */
  take(): Batch;
  /** A batch is written: its memory can be used again. */
  recycle(batch: Batch): void;
}
