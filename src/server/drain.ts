/** The graceful stop: no new connections, 1001 to all, and the end when the last one is gone. */
import type { Log } from '../log.js';
import { drainSteps } from './drain-steps.js';

/** How long the sockets that were dropped at the end of a graceful stop may take to be gone, in milliseconds. */
const DROP_MS = 1000;

/** A connection that is told to end. */
interface Closable {
  shutDown(): void;
}

/** The server that stops. */
export interface DrainHost {
  /** Those that there are now; it changes meanwhile. */
  readonly connections: ReadonlySet<Closable>;
  readonly log: Log;
  /** Nobody is let in from now on. */
  stopAccepting(): void;
  /** Drops every connection at once. */
  stopNow(): void;
}

export class Drain {
  readonly #host: DrainHost;
  readonly #drainMs: number;
  #onEmpty: (() => void) | null = null;

  /** @param drainMs how long it may take, in milliseconds */
  constructor(host: DrainHost, drainMs: number) {
    this.#host = host;
    this.#drainMs = drainMs;
  }

  /**
   * Closes all connections, spread so that clients do not come back all at once. Whoever is left when the time
   * is over is dropped.
   */
  async run(): Promise<void> {
    const { connections, log } = this.#host;
    const drainMs = this.#drainMs;
    this.#host.stopAccepting();
    log.info({ connections: connections.size, drainMs }, 'stopping');
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    let timer = setTimeout(() => {
      this.#host.stopNow();
      // A defect may have kept a connection in the registry: that must not keep the process.
      timer = setTimeout(() => this.#onEmpty?.(), DROP_MS);
    }, drainMs);
    const closing = [...connections];
    for (const { count, waitMs } of drainSteps(closing.length, drainMs)) {
      if (connections.size === 0) break;
      for (const connection of closing.splice(0, count)) {
        if (connections.has(connection)) connection.shutDown();
      }
      if (closing.length > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    if (connections.size > 0) await emptied;
    clearTimeout(timer);
    if (connections.size > 0)
      log.error({ connections: connections.size }, 'stopped with connections that did not end');
    else log.info({}, 'stopped');
  }

  /** The last connection is gone. */
  emptied(): void {
    this.#onEmpty?.();
  }
}
