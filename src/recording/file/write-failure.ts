/** A recording that cannot be written at the moment: since when, why, and what is lost meanwhile. */
import { codeOf } from './recording-file.js';
import type { RecordingLog } from './recording-log.js';

export class WriteFailure {
  /** The system's name of the last error. */
  code = '';
  /** Records that were dropped, and of which no line tells yet. */
  lost = 0;
  /** When the first of those was dropped: milliseconds since 1970. */
  sinceMs = 0;
  /** All records that were dropped because of it. */
  lostInAll = 0;

  readonly #log: RecordingLog;
  readonly #complainMs: number;
  readonly #startMs = performance.now();
  #nextComplaintMs = -Infinity;

  /** @param complainMs how often it is logged that it lasts */
  constructor(log: RecordingLog, complainMs: number) {
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
      this.#log.error(fields, 'the recording cannot be written');
      return;
    }
    const forMs = Math.round(nowMs - this.#startMs);
    this.#log.error(
      { ...fields, forMs, queuedBytes, lost: this.lostInAll },
      'the recording still cannot be written',
    );
  }

  lose(records: number, nowMs: () => number): void {
    if (this.lost === 0) this.sinceMs = nowMs();
    this.lost += records;
    this.lostInAll += records;
  }

  /** A line tells of what was lost so far. @returns how much that is */
  takeLost(): number {
    const { lost } = this;
    this.lost = 0;
    return lost;
  }

  /** It can be written again. */
  end(file: string): void {
    const afterMs = Math.round(performance.now() - this.#startMs);
    this.#log.info(
      { file, error: this.code, afterMs, lost: this.lostInAll },
      'the recording is written again',
    );
  }
}
