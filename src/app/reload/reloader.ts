/** Reads everything again that can change while the server runs, and logs the result in one line. */
import { ConfigError } from '../../errors.js';
import { errorForLog, isInstance } from '../../foreign.js';
import type { Log } from '../../log.js';
import type { Reloadable } from '../../reloadable.js';
import { SharedReload } from './shared-reload.js';

export class Reloader {
  /** Reloads since the start: those that succeeded, and those in which something could not be used. */
  readonly counters = { succeeded: 0, failed: 0 };

  readonly #reloadables: () => Iterable<Reloadable>;
  readonly #log: Pick<Log, 'info' | 'error'>;
  readonly #shared = new SharedReload(async () => this.#reload());

  /** @param reloadables are asked for at each reload: one of them may bring others */
  constructor(reloadables: () => Iterable<Reloadable>, log: Pick<Log, 'info' | 'error'>) {
    this.#reloadables = reloadables;
    this.#log = log;
  }

  /**
   * Reloads. Whoever asks during a reload shares the next one.
   *
   * @returns a promise that never rejects: the log has what could not be used
   */
  reload(): Promise<void> {
    return this.#shared.ask();
  }

  async #reload(): Promise<void> {
    const done: string[] = [];
    const refused: string[] = [];
    const fields: { err?: Error } = {};
    for (const one of this.#reloadables()) {
      try {
        const phrase = await one.reload();
        if (phrase !== null) done.push(`${one.what} (${phrase})`);
      } catch (error) {
        if (isInstance(error, ConfigError)) {
          refused.push(`${one.what} (${error.message})`);
        } else {
          // A defect of ours; the others are still reloaded.
          refused.push(one.what);
          fields.err ??= errorForLog(error);
        }
      }
    }
    this.#tell(done, refused, fields);
  }

  #tell(done: readonly string[], refused: readonly string[], fields: object): void {
    const reloaded = `reloaded: ${done.length === 0 ? 'nothing has changed' : done.join(', ')}`;
    if (refused.length === 0) {
      this.counters.succeeded++;
      this.#log.info(fields, reloaded);
      return;
    }
    this.counters.failed++;
    const kept = `not reloaded, the old stays in force: ${refused.join(', ')}`;
    this.#log.error(fields, done.length === 0 ? kept : `${reloaded}; ${kept}`);
  }
}
