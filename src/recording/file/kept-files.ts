/**
 * The other files of the same recording: those that were rotated, put aside, or have the name of another time. They are
 * counted against the size of the whole recording, and the oldest may be deleted.
 *
 * Nothing is written down: what there is, is looked at again each time that a file begins. So a process that was killed
 * in between, or somebody who removes files, does no harm.
 */
import path from 'node:path';
import type { Log } from '../../log.js';
import { isLocked } from './file-lock.js';
import { fileNameExpression } from './file-name-pattern.js';
import type { RecordingFile } from './recording-file.js';
import { type NameFacts, type RecordingFileSystem, codeOf } from './recording-file-system.js';

/** The code of the error that the recording has reached its size; it is the name of the option. */
export const OVER_TOTAL = 'recordMaxTotal';

/** What is put behind the name of a file that is rotated, or has failed. */
const ENDING = '(?:\\.(?:failed-)?\\d{8}T\\d{6}\\.\\d{3}Z(?:\\.\\d+)?)?';

/** What all our files begin with, whatever the version. */
const HEADER = /^\{"v":\d+,"ev":"file",/;
const HEADER_BYTES = 64;

export interface KeptFilesOptions {
  /** The pattern of the file's name, with the number of this process in it. */
  readonly namePattern: string;
  /** How many other files are kept; 0 for all. */
  readonly keep: number;
  /** The most bytes of all files together; 0 for no limit. */
  readonly maxTotalBytes: number;
  readonly fileSystem: RecordingFileSystem;
  readonly log: Log;
}

interface Kept {
  readonly file: string;
  readonly facts: NameFacts;
}

export class KeptFiles {
  /** How many files were deleted. */
  deleted = 0;
  /** Bytes of the other files. */
  bytes = 0;

  readonly #options: KeptFilesOptions;
  #hasWarned = false;

  constructor(options: KeptFilesOptions) {
    this.#options = options;
  }

  /** How many bytes the current file may have; Infinity without a limit. */
  get roomBytes(): number {
    const { maxTotalBytes } = this.#options;
    return maxTotalBytes === 0 ? Infinity : Math.max(maxTotalBytes - this.bytes, 0);
  }

  /** Looks at what is there beside the current file, and deletes the oldest of it. */
  async look(current: RecordingFile): Promise<void> {
    const { keep, maxTotalBytes } = this.#options;
    if (!current.isOwn || (keep === 0 && maxTotalBytes === 0)) return;
    try {
      const others = await this.#find(current);
      if (keep > 0) await this.#deleteOldest(others);
      this.bytes = others.reduce((sum, { facts }) => sum + facts.size, 0);
    } catch (error) {
      this.#warn(current.path, error, 'the other files of the recording cannot be looked at');
    }
  }

  /** @returns regular files only, the oldest first: what a link leads to is somebody else's */
  async #find(current: RecordingFile): Promise<Kept[]> {
    const found: Kept[] = [];
    for (const file of await this.#names()) {
      const facts = await this.#factsOf(file);
      if (facts?.isFile() === true && !current.is(facts)) found.push({ file, facts });
    }
    return found.sort(
      (one, other) => one.facts.mtimeMs - other.facts.mtimeMs || (one.file < other.file ? -1 : 1),
    );
  }

  /** Null if it has gone meanwhile. */
  async #factsOf(file: string): Promise<NameFacts | null> {
    try {
      return await this.#options.fileSystem.factsOfName(file);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async #names(): Promise<string[]> {
    const { namePattern, fileSystem } = this.#options;
    const { root } = path.parse(namePattern);
    const parts = namePattern.slice(root.length).split('/');
    const last = parts.pop()!;
    let directories = [root === '' ? '.' : root];
    for (const part of parts) {
      if (!part.includes('%')) {
        directories = directories.map((directory) => path.join(directory, part));
        continue;
      }
      const lists = directories.map((directory) =>
        namesIn(directory, fileNameExpression(part), fileSystem),
      );
      directories = (await Promise.all(lists)).flat();
    }
    const source = `${fileNameExpression(last)}${ENDING}`;
    const lists = directories.map((directory) => namesIn(directory, source, fileSystem));
    return (await Promise.all(lists)).flat();
  }

  /** @param others all of them; those that are deleted are taken out */
  async #deleteOldest(others: Kept[]): Promise<void> {
    const { keep, fileSystem, log } = this.#options;
    for (const { file } of others.slice(0, Math.max(others.length - keep, 0))) {
      if (!(await this.#isOurs(file))) continue;
      try {
        await fileSystem.remove(file);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') {
          this.#warn(file, error, 'an old file of the recording cannot be deleted');
          continue;
        }
      }
      this.deleted++;
      others.splice(
        others.findIndex((one) => one.file === file),
        1,
      );
      log.info({ file }, 'an old file of the recording was deleted');
    }
  }

  /** It begins like a recording, and no process records to it. */
  async #isOurs(file: string): Promise<boolean> {
    const { fileSystem } = this.#options;
    const fd = await fileSystem.openToRead(file);
    const head = Buffer.alloc(HEADER_BYTES);
    try {
      await fileSystem.read(fd, head, 0);
    } finally {
      await fileSystem.close(fd);
    }
    return HEADER.test(head.toString('latin1')) && !(await isLocked(file));
  }

  #warn(file: string, error: unknown, message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.log.warn({ file, error: codeOf(error) }, message);
  }
}

/** The matching names in a directory; none if there is no such directory. */
async function namesIn(
  directory: string,
  source: string,
  fileSystem: RecordingFileSystem,
): Promise<string[]> {
  const expression = new RegExp(`^${source}$`, 's');
  try {
    const names = await fileSystem.list(directory);
    return names.filter((name) => expression.test(name)).map((name) => path.join(directory, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
