/** What every format that a recording is converted to has to offer. */
import type { AnyRecord } from '../format/record.js';

/** Where a converter writes. */
export interface ConvertOutput {
  /** @returns a promise when the output does not take more for now; nothing otherwise */
  write(piece: string | Uint8Array): Promise<void> | undefined;
}

/**
 * Turns records, in the order of the recording, into a format. Its memory does not depend on how many
 * records there are.
 */
export interface Converter {
  /**
   * Takes a record.
   *
   * @param line the line that it stands in, without the newline; valid during the call
   * @returns a promise when the caller has to wait before the next one
   */
  convert(record: AnyRecord, line: Uint8Array): Promise<void> | undefined;
  /** There are no more for now: writes what can be written so far. Without it nothing ever waits. */
  flush?(): Promise<void>;
  /** There are no more records: writes what is left. */
  finish(): Promise<void>;
}
