/**
 * There are never two reloads at once: whoever asks during one shares the next with all others that ask meanwhile,
 * since the files may have changed after they were read.
 */
export class SharedReload {
  readonly #reload: () => Promise<void>;
  #running: Promise<void> | null = null;
  #waiting: Promise<void> | null = null;

  /** @param reload does it once; its promise never rejects */
  constructor(reload: () => Promise<void>) {
    this.#reload = reload;
  }

  /** Asks for one. @returns once it is through */
  ask(): Promise<void> {
    if (this.#waiting !== null) return this.#waiting;
    if (this.#running !== null) {
      this.#waiting = this.#running.then(() => {
        this.#waiting = null;
        return this.ask();
      });
      return this.#waiting;
    }
    this.#running = this.#reload().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}
