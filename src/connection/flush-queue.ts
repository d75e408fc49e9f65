/**
 * Connections with output to write. What is sent while a read is handled, on whichever connection,
 * leaves in one write per connection at the end of that read; what is sent at any other time leaves
 * in a microtask, so that a loop of sends still makes one write.
 */

/** Has output to write. */
export interface Flushable {
  flush(): void;
}

export class FlushQueue {
  readonly #waiting: Flushable[] = [];
  #isHeld = false;
  #isScheduled = false;
  readonly #flushAll = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };

  /** Adds a connection that has none of its output in the queue yet. */
  add(connection: Flushable): void {
    this.#waiting.push(connection);
    if (this.#isHeld || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flushAll);
  }

  /** Holds writes back while a read is handled; {@link release} follows in the same turn. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Writes everything that was added since {@link hold}. */
  release(): void {
    this.#isHeld = false;
    if (this.#waiting.length > 0) this.#flush();
  }

  #flush(): void {
    // A flush may add connections again: they are reached by the same loop.
    for (const connection of this.#waiting) connection.flush();
    this.#waiting.length = 0;
  }
}
