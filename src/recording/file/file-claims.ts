/**
 * The files that a recording locks against other processes: the current one and, for a moment, the
 * next.
 */
import { codeOf } from './recording-file-system.js';
import { FileLock, LOCKED } from './file-lock.js';
import type { Log } from '../../log.js';

export class FileClaims {
  readonly #log: Log;
  /** Locks by the paths of the files, links resolved; null where files cannot be locked. */
  readonly #locks = new Map<string, FileLock | null>();
  #hasWarned = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @throws an error with the code `ELOCKED` if another process records to the file */
  async claim(realPath: string): Promise<void> {
    const own = this.#locks.get(realPath);
    if (own === null || (await own?.isInPlace()) === true) return;
    // Perhaps somebody has removed it together with the file.
    await own?.release();
    this.#locks.delete(realPath);
    let lock: FileLock | null = null;
    try {
      lock = await FileLock.take(realPath);
    } catch (error) {
      if (codeOf(error) === LOCKED) throw error;
      this.#warn(realPath, error);
    }
    this.#locks.set(realPath, lock);
  }

  /** Releases all but one. @param realPath null to release all */
  async keepOnly(realPath: string | null): Promise<void> {
    for (const [each, lock] of this.#locks) {
      if (each === realPath) continue;
      this.#locks.delete(each);
      await lock?.release();
    }
  }

  #warn(file: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#log.warn(
      { file, error: codeOf(error) },
      'the file cannot be locked: make sure that no other process records to it',
    );
  }
}
