/** Tells when the steps of a replay are due: as far apart as they were recorded, or faster. */
import type { RecordTime } from '../../recording/format/record.js';

export class ReplayClock {
  readonly #speed: number;
  /** When the last step was recorded. */
  #recordedAt: RecordTime;
  /** When the last step happened here, or should have happened, in milliseconds. */
  #happenedMs = 0;

  /**
   * @param speed 2 for twice as fast; 0 for no delay
   * @param startTime when the recorded session began
   */
  constructor(speed: number, startTime: RecordTime) {
    this.#speed = speed;
    this.#recordedAt = startTime;
  }

  /** The step recorded at `t` happens at `nowMs`. If it is late, the delay is forgotten. */
  happened(t: RecordTime, nowMs: number): void {
    this.#recordedAt = t;
    this.#happenedMs = nowMs;
  }

  /** When the next step, recorded at `t`, is due: in milliseconds, perhaps long past. */
  dueMs(t: RecordTime): number {
    // The machine's clock may have been set back.
    const seconds = Math.max(0, t - this.#recordedAt);
    this.#recordedAt = t;
    if (this.#speed > 0) this.#happenedMs += (seconds * 1000) / this.#speed;
    return this.#happenedMs;
  }
}
