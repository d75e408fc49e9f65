/**
 * Sees to it that the certificates in force are those in the files: it looks at the files every few seconds,
 * and warns of certificates that are about to expire.
 *
 * Files are looked at and not watched: a symbolic link in the middle of a path that is swapped, as Kubernetes
 * does it, a file system of another machine and a file that is moved into its place all look the same then.
 */
import { stat } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';
import { errorForLog } from '../../foreign.js';
import type { Log } from '../../log.js';
import type { CertificateSet } from './certificate-set.js';
import type { TlsContext } from './tls-context.js';

/** How often the files are looked at, in milliseconds. */
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
  /** The state of the files that were last read, whether or not that went well. */
  #readStamp: string | null = null;
  /** What was seen the last time: a state that has just come may be half of one. */
  #seenStamp = '';
  #warnedMs = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Begins to look. The certificates in force are taken for those in the files as they are now. */
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

  /** Looks once: reads files that have changed, and have not changed since the last look. */
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
    // One after the other: what was read last is in force.
    const reading = this.#reading.then(this.#reload);
    this.#reading = reading.catch(() => null);
    return reading;
  }

  readonly #reload = async (): Promise<string | null> => {
    const { read, context } = this.#options;
    // Before the reading: a change meanwhile is seen by the next look.
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

  /** An old file in the place of a newer one is a mistake. */
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
