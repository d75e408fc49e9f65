/** The contract of every format that a recording can be converted to. */
import { TwistError } from '../../errors.js';
import type { AnyRecord } from '../format/record.js';

/** The output of a converter. */
export interface ConvertOutput {
  /** @returns a promise if the output takes no more for now; otherwise nothing */
  write(piece: string | Uint8Array): Promise<void> | undefined;
}

/**
 * Converts records, in the order of the recording, to a format. Its memory use does not depend on the
 * number of records.
 */
export interface Converter {
  /**
   * Takes a record.
   *
   * @param line the line of the record, without the newline; valid during the call
   * @returns a promise if the caller has to wait before the next record
   */
  convert(record: AnyRecord, line: Uint8Array): Promise<void> | undefined;
  /** No more records come for now: writes what can be written so far. Without it nothing ever waits. */
  flush?(): Promise<void>;
  /** How many sessions without an end it has given up, so as not to fill memory; undefined where it keeps nothing of them. */
  readonly givenUp?: number | undefined;
  /** No more records come: writes the rest. */
  finish(): Promise<void>;
}

/** A recording cannot be converted to the requested format; `message` is one clear sentence. */
export class ConvertError extends TwistError {
  override readonly code = 'TWIST_CONVERT';
}
