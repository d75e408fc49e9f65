/** When the steps of a replay are due: as long after one another as they were recorded, or faster. */
import type { RecordTime } from '../../recording/format/record.js';

export class ReplayClock {
  readonly #speed: number;
  /** When the last step was recorded. */
  #recordedAt: RecordTime;
  /** When the last step happened here, or should have, in milliseconds. */
  #happenedMs = 0;

  /**
   * @param speed 2 for twice as fast; 0 for at once
   * @param startTime when the session began that was recorded
   */
  constructor(speed: number, startTime: RecordTime) {
    this.#speed = speed;
    this.#recordedAt = startTime;
  }

  /** The step that was recorded at `t` happens at `nowMs`; that it came late is forgotten. */
  happened(t: RecordTime, nowMs: number): void {
    this.#recordedAt = t;
    this.#happenedMs = nowMs;
  }

  /** When the next step is due, which was recorded at `t`: in milliseconds, maybe long ago. */
  dueMs(t: RecordTime): number {
    // The clock of the machine may have been set back.
    const seconds = Math.max(0, t - this.#recordedAt);
    this.#recordedAt = t;
    if (this.#speed > 0) this.#happenedMs += (seconds * 1000) / this.#speed;
    return this.#happenedMs;
  }
}
