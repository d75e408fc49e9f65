/**
 * The graceful stop:
 *
 *     told to stop ─▶ serves on for the delay ─▶ accepts no more ─▶ 1001 to all, spread ─▶ the last one is gone
 *                     (not ready any more)       503 to handshakes                         ─▶ modes are through
 *
 * The spread keeps clients from coming back all at once, and leaves the last of them the time to answer its Close.
 */
import type { Log } from '../log.js';

/** How long a connection is worth waiting for before the next one is closed: at most 100 clients a second come back. */
const MS_PER_SESSION = 10;

/** How often connections are closed meanwhile, in milliseconds. */
const STEP_MS = 20;

/** How long sockets that were dropped may take to be gone, and modes to be through after them, in milliseconds. */
const DROP_MS = 1000;

/** A connection that is told to end. */
export interface Closable {
  /** Its handshake was answered with 101. */
  readonly isOpen: boolean;
  /** Refuses its handshake, or closes the session. */
  shutDown(): void;
}

/** Durations in milliseconds. */
export interface DrainTimes {
  /** How long the server serves on before anything else. */
  readonly drainDelay: number;
  /** How long the rest may take. */
  readonly drainTimeout: number;
  /** What a client gets to answer its Close. */
  readonly closeTimeout: number;
}

/** The server that stops. */
export interface DrainHost {
  /** Those that there are now; it changes meanwhile. */
  readonly connections: ReadonlySet<Closable>;
  readonly log: Log;
  /** Lets in nobody from now on, at once; settles when nobody can connect any more. */
  stopAccepting(): Promise<void>;
  /** Drops every connection at once. */
  stopNow(): void;
  /** Settles when modes are through with all sessions that have ended. */
  settled(): Promise<void>;
}

/** How long the Closes of that many sessions are spread, in milliseconds. */
export function spreadMs(
  sessions: number,
  { drainTimeout, closeTimeout }: Pick<DrainTimes, 'drainTimeout' | 'closeTimeout'>,
): number {
  // The last one answers within its time too, unless both are so short that half is fairer.
  const mostMs = drainTimeout - Math.min(closeTimeout, drainTimeout / 2);
  return Math.min((sessions - 1) * MS_PER_SESSION, mostMs);
}

export class Drain {
  readonly #host: DrainHost;
  readonly #times: DrainTimes;
  #isHurried = false;
  #endDelay: () => void = () => undefined;
  #onEmpty: () => void = () => undefined;

  constructor(host: DrainHost, times: DrainTimes) {
    this.#host = host;
    this.#times = times;
  }

  /** Ends when every connection is gone, or was dropped because its time was over. */
  async run(): Promise<void> {
    const { connections, log } = this.#host;
    const { drainDelay, drainTimeout } = this.#times;
    const fields = { connections: connections.size, delayMs: drainDelay, drainMs: drainTimeout };
    log.info(fields, 'stopping');
    if (drainDelay > 0 && !this.#isHurried) {
      await this.#delay(drainDelay);
      log.info({ connections: connections.size }, 'no more connections are accepted');
    }
    const deadlineMs = performance.now() + drainTimeout;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    let timer = setTimeout(() => {
      this.#host.stopNow();
      // A defect may have kept a connection in the registry: that must not keep the process.
      timer = setTimeout(this.#onEmpty, DROP_MS);
    }, drainTimeout);
    // Sessions do not wait for newcomers, however many there are.
    const closed = this.#host.stopAccepting();
    const open = this.#refuseHandshakes();
    await this.#close(open);
    await closed;
    this.#refuseHandshakes();
    if (connections.size > 0) await emptied;
    clearTimeout(timer);
    const isSettled = await this.#settle(Math.max(deadlineMs - performance.now(), DROP_MS));
    if (connections.size > 0)
      log.error({ connections: connections.size }, 'stopped with connections that did not end');
    else if (!isSettled) log.warn({}, 'stopped while a mode was still busy with ended sessions');
    else log.info({}, 'stopped');
  }

  /** Serves on no longer: something is wrong, or somebody is in a hurry. */
  hurry(): void {
    this.#isHurried = true;
    this.#endDelay();
  }

  /** The last connection is gone. */
  emptied(): void {
    this.#onEmpty();
  }

  async #delay(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endDelay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Handshakes get their answer at once. @returns the connections that are open */
  #refuseHandshakes(): Closable[] {
    const open: Closable[] = [];
    for (const connection of [...this.#host.connections]) {
      if (connection.isOpen) open.push(connection);
      else connection.shutDown();
    }
    return open;
  }

  /** Sessions get their Close one after the other. */
  async #close(open: readonly Closable[]): Promise<void> {
    const { connections } = this.#host;
    const overMs = spreadMs(open.length, this.#times);
    const beginMs = performance.now();
    for (let count = 0; count < open.length && connections.size > 0;) {
      // By the clock, and not by steps: a busy process has fewer of them.
      const share = Math.min((performance.now() - beginMs + STEP_MS) / overMs, 1);
      const due = overMs <= STEP_MS ? open.length : Math.ceil(open.length * share);
      for (; count < due; count++) {
        const connection = open[count]!;
        if (connections.has(connection)) connection.shutDown();
      }
      if (count < open.length) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }

  /** @returns false when modes are not through in time */
  async #settle(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => {
        resolve(false);
      }, ms);
    });
    const isSettled = await Promise.race([this.#host.settled().then(() => true), late]);
    clearTimeout(timer);
    return isSettled;
  }
}
