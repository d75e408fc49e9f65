/** Times of records in readable form. */

/** Makes texts of times that mostly arrive in order: the part that two times share is made once. */
export class ClockText {
  #second = -1;
  #secondText = '';

  /** @returns `2026-09-21`, in UTC */
  date(time: number): string {
    return new Date(time * 1000).toISOString().slice(0, 10);
  }

  /** The number of the day; it tells days apart. */
  day(time: number): number {
    return Math.floor(Math.round(time * 1e6) / 86_400_000_000);
  }

  /** @returns `14:13:20.000001`, in UTC */
  time(time: number): string {
    const micros = Math.round(time * 1e6);
    const second = Math.floor(micros / 1e6);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(11, 19);
    }
    // A leading digit, cut off again, keeps the zeros.
    return `${this.#secondText}.${String(micros - second * 1e6 + 1e6).slice(1)}`;
  }
}

/** @returns `0.137 ms`, `1.500 s`, `2 min 5 s`, `3 h 25 min` */
export function durationText(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(3)} ms`;
  if (seconds < 60) return `${seconds.toFixed(3)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
