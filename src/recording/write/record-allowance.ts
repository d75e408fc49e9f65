/**
 * How many records of one kind a session may cause in a second, where a few bytes on the wire cause each: the others
 * are counted.
 *
 * Only what carries no message is counted instead of recorded: Pings, Pongs and headers of frames.
 */
import type { CountRecord, Direction } from '../format/record.js';

const SECOND_MICROS = 1_000_000;

/** Far more than any use has for them; a header of a frame is recorded for whoever looks for a fault. */
const MAX_PER_SECOND: Readonly<Record<CountRecord['of'], number>> = {
  ping: 100,
  pong: 100,
  frame: 10_000,
};

export class RecordAllowance {
  readonly #of: CountRecord['of'];
  readonly #dir: Direction;
  #endMicros = -Infinity;
  #left = 0;
  #counted = 0;
  #countedBytes = 0;
  #sinceMicros = 0;

  constructor(of: CountRecord['of'], dir: Direction) {
    this.#of = of;
    this.#dir = dir;
  }

  /**
   * Asked before each record.
   *
   * @param micros the time of the session
   * @param bytes of the payload
   * @returns whether it is recorded
   */
  take(micros: number, bytes: number): boolean {
    if (micros >= this.#endMicros) {
      this.#endMicros = micros + SECOND_MICROS;
      this.#left = MAX_PER_SECOND[this.#of];
    }
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    if (this.#counted === 0) this.#sinceMicros = micros;
    this.#counted++;
    this.#countedBytes += bytes;
    return false;
  }

  /** @returns what was counted, once records are taken again or `isOver`; null for nothing */
  counted(s: string, micros: number, isOver: boolean): CountRecord | null {
    if (this.#counted === 0 || (micros < this.#endMicros && !isOver)) return null;
    const record: CountRecord = {
      ev: 'count',
      s,
      t: micros / 1e6,
      of: this.#of,
      dir: this.#dir,
      n: this.#counted,
      len: this.#countedBytes,
      since: this.#sinceMicros / 1e6,
    };
    this.#counted = this.#countedBytes = 0;
    return record;
  }
}
