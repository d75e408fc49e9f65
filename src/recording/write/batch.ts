/** Contract between the record encoder and the file writer. */

/** Lines that are written together, all of them whole. */
export interface Batch {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly records: number;
}

/** Lines that wait to be written. */
export interface BatchSource {
  /** Bytes appended and not yet taken. */
  readonly bytes: number;
  /** Takes everything that was appended. */
  take(): Batch;
  /** A batch is written: its memory can be reused. */
  recycle(batch: Batch): void;
}
