/** Tells who waits that it is time to end. */
export class Stop {
  isStopped = false;
  #wake = (): void => undefined;

  stop(): void {
    this.isStopped = true;
    this.#wake();
  }

  /**
   * Waits for something, at most until the stop. Only one can wait at a time.
   *
   * @returns null when it was the stop that came
   */
  orStopped<T>(awaited: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        resolve(null);
      };
      if (this.isStopped) this.#wake();
      awaited.then(resolve, reject);
    });
  }
}
