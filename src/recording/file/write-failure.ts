/** A recording that cannot be written at the moment: since when, why, and how much is lost meanwhile. */
import { OVER_TOTAL } from './kept-files.js';
import { codeOf } from './recording-file-system.js';
import type { Log } from '../../log.js';

export class WriteFailure {
  /** The system's name of the last error. */
  code = '';
  /** Records that were dropped because of it. */
  lost = 0;

  readonly #log: Log;
  readonly #complainMs: number;
  readonly #startMs = performance.now();
  #nextComplaintMs = -Infinity;

  /** @param complainMs how often a lasting failure is logged */
  constructor(log: Log, complainMs: number) {
    this.#log = log;
    this.#complainMs = complainMs;
  }

  /** An attempt has failed. */
  note(error: unknown, file: string, queuedBytes: number): void {
    this.code = codeOf(error);
    const nowMs = performance.now();
    if (nowMs < this.#nextComplaintMs) return;
    const isFirst = this.#nextComplaintMs === -Infinity;
    this.#nextComplaintMs = nowMs + this.#complainMs;
    const fields = { file, error: this.code };
    if (isFirst) {
      const isOverTotal = this.code === OVER_TOTAL;
      const reason = isOverTotal
        ? 'the recording has reached its size'
        : 'the recording cannot be written';
      this.#log.error(fields, reason);
      return;
    }
    const forMs = Math.round(nowMs - this.#startMs);
    this.#log.error(
      { ...fields, forMs, queuedBytes, lost: this.lost },
      'the recording still cannot be written',
    );
  }

  lose(records: number): void {
    this.lost += records;
  }

  /** The recording can be written again. */
  end(file: string): void {
    const afterMs = Math.round(performance.now() - this.#startMs);
    this.#log.info(
      { file, error: this.code, afterMs, lost: this.lost },
      'the recording is written again',
    );
  }
}
