/**
 * Keeps the certificates in force up to date with the files: checks the files every few seconds, and warns of
 * certificates that are about to expire.
 *
 * It polls instead of watching: a symbolic link swapped in the middle of a path, as Kubernetes does it, a network
 * file system and a file moved into place all look the same that way.
 */
import { stat } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';
import { errorForLog } from '../../foreign.js';
import type { Log } from '../../log.js';
import type { CertificateSet } from './certificate-set.js';
import type { TlsContext } from './tls-context.js';

/** How often the files are checked, in milliseconds. */
const LOOK_MS = 2000;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Reads the files. @throws {ConfigError} as a rejection, when they cannot be used */
export type ReadCertificates = () => Promise<CertificateSet>;

export interface WatchOptions {
  readonly files: readonly string[];
  readonly read: ReadCertificates;
  readonly context: TlsContext;
  readonly log: Log;
  readonly lookMs?: number;
  /** The wall clock. */
  readonly now?: () => number;
}

export class CertificateWatch {
  readonly what = 'certificates';
  /** Plain figures for the metrics. */
  readonly counters = { reloads: 0, failedReloads: 0 };
  readonly #options: WatchOptions;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  /** The state of the files when they were last read, successfully or not. */
  #readStamp: string | null = null;
  /** The state at the last check: one that is new may be half written. */
  #seenStamp = '';
  #warnedMs = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Starts polling. Assumes that the certificates in force are those in the files now. */
  async start(): Promise<void> {
    this.#warn();
    this.#readStamp = this.#seenStamp = await this.#stamp();
    const { lookMs = LOOK_MS } = this.#options;
    this.#timer ??= setInterval(() => void this.look(), lookMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Checks once: reads the files if they have changed, and have been stable since the last check. */
  async look(): Promise<void> {
    if (this.#now() - this.#warnedMs >= DAY_MS) this.#warn();
    const stamp = await this.#stamp();
    const isSettled = stamp === this.#seenStamp;
    this.#seenStamp = stamp;
    if (!isSettled || stamp === this.#readStamp) return;
    const { log } = this.#options;
    try {
      const changed = await this.reload();
      if (changed !== null) log.info({}, `certificates read again: ${changed}`);
    } catch (error) {
      const fields =
        error instanceof ConfigError ? { error: error.message } : { err: errorForLog(error) };
      log.error(fields, 'certificates not read again: the old ones stay');
    }
  }

  /**
   * Reads the files now.
   *
   * @returns what is in force from now on, a phrase; null when nothing has changed
   * @throws {ConfigError} as a rejection, when they cannot be used: the old ones stay
   */
  reload(): Promise<string | null> {
    // One at a time: the last one read is in force.
    const reading = this.#reading.then(this.#reload);
    this.#reading = reading.catch(() => null);
    return reading;
  }

  readonly #reload = async (): Promise<string | null> => {
    const { read, context } = this.#options;
    // Before reading, so that the next check sees a change made meanwhile.
    this.#readStamp = await this.#stamp();
    try {
      const set = await read();
      if (set.digest === context.set.digest) return null;
      this.#refuseExpired(set);
      context.replace(set);
    } catch (error) {
      this.counters.failedReloads++;
      throw error;
    }
    this.counters.reloads++;
    this.#warn();
    return context.set.summary;
  };

  /** An expired certificate in place of a valid one is a mistake. */
  #refuseExpired(set: CertificateSet): void {
    const nowMs = this.#now();
    if (set.expired(nowMs).length <= this.#options.context.set.expired(nowMs).length) return;
    throw new ConfigError(set.problems(nowMs).join('; '));
  }

  #warn(): void {
    const nowMs = this.#now();
    this.#warnedMs = nowMs;
    const { context, log } = this.#options;
    for (const problem of context.set.problems(nowMs)) log.warn({}, problem);
  }

  async #stamp(): Promise<string> {
    const stamps = await Promise.all(this.#options.files.map(stampOf));
    return stamps.join(' ');
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  }
}
