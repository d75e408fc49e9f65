/**
 * Follows a recording as it grows: through its rotations, however many happen between two looks, and
 * to the next name if names have the time in them.
 *
 * A file is identified by its first line, which is unique, so neither a renamed file nor a copy is read
 * twice. Of the files that exist at the beginning only the one that was asked for is read.
 */
import { promises } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { InputFile, type InputTaker } from './input.js';
import { readHead, type RecordingHead } from './recording-head.js';
import { RecordingNames } from './recording-names.js';

/** How often to look for more. */
const POLL_MS = 200;

/** How often the directory is read again because something has changed meanwhile. */
const MAX_LOOKS = 10;

interface Found {
  readonly path: string;
  readonly handle: promises.FileHandle;
  readonly head: RecordingHead;
}

export class Follower {
  readonly #path: string;
  readonly #names: RecordingNames;
  /** First lines of files that were read, are being read, or were there before. */
  readonly #known = new Set<string>();
  /** The same by what can be told without reading, for the files that exist. */
  #knownKeys = new Map<string, string>();
  /** Found and still to be read. */
  #waiting: Found[] = [];
  /** The first line of the file that is read, and which one that is. */
  #head = '';
  #current = '';
  #startTime = 0;
  /** Which files were read. */
  readonly #read = new Set<string>();

  /** @param given the path of a file, or what `--record` was given */
  constructor(given: string) {
    this.#path = given;
    this.#names = new RecordingNames(given);
  }

  /** Looks at what exists: of that, the file that was asked for, or the newest one, is read. */
  async begin(): Promise<void> {
    const found = await this.#look(true);
    const isAsked = ({ path }: Found): boolean => path === this.#path;
    const chosen = this.#names.isFixed ? found.findLast(isAsked) : found.at(-1);
    this.#waiting = chosen === undefined ? [] : [chosen];
    await closeAll(found.filter((one) => one !== chosen));
  }

  /** Reads until `signal` aborts; {@link close} comes after it. Rejects with what `node:fs` reports. */
  async run(taker: InputTaker, signal: AbortSignal): Promise<void> {
    let file: InputFile | null = null;
    let isNoted = false;
    try {
      while (!signal.aborted) {
        const next = this.#waiting.shift();
        if (next !== undefined && file !== null && this.#isOlder(next)) {
          // It was put there later: its records come first, then the current file goes on.
          const older = await InputFile.open(next.path, next.handle, taker.begin(next.path));
          await this.#finish(older, taker, signal);
          continue;
        }
        if (next !== undefined) {
          if (file !== null && (await this.#isTruncated(file)))
            file = await this.#beginAgain(file, taker, signal);
          await this.#finish(file, taker, signal);
          file = await this.#open(next, taker);
          await file.readOn(taker, signal);
          continue;
        }
        if (file === null) {
          if (!isNoted) taker.note(`${this.#path} is not there yet; waiting for it`);
          isNoted = true;
        } else if (await this.#isTruncated(file)) {
          file = await this.#beginAgain(file, taker, signal);
          continue;
        } else {
          await readWholeLines(file, taker, signal);
        }
        await taker.idle();
        await pause(POLL_MS, signal);
        if (file?.isRegular !== false) this.#waiting = await this.#look();
      }
    } finally {
      await file?.close();
    }
  }

  /** Closes what was found and not read. */
  async close(): Promise<void> {
    await closeAll(this.#waiting.splice(0));
  }

  async #open(found: Found, taker: InputTaker): Promise<InputFile> {
    const { path, handle, head } = found;
    this.#head = head.text;
    this.#startTime = timeOf(found);
    this.#current = await identityOf(handle);
    this.#read.add(this.#current);
    return await InputFile.open(path, handle, taker.begin(path));
  }

  /** Reads a file to its end, and closes it: it may have grown between the last look and the next file. */
  async #finish(file: InputFile | null, taker: InputTaker, signal: AbortSignal): Promise<void> {
    if (file === null) return;
    try {
      await file.readOn(taker, signal);
      if (!signal.aborted) await taker.take(file.finish(), 0);
    } finally {
      await file.close();
    }
  }

  /** Whether it was truncated, even if more was written to it since. */
  async #isTruncated(file: InputFile): Promise<boolean> {
    if (!file.isRegular) return false;
    const { size } = await file.handle.stat();
    if (size < file.position) return true;
    if (file.position === 0) return false;
    const { text, isRecording } = await readHead(file.handle);
    if (!text.startsWith(this.#head)) return true;
    this.#head = text;
    if (isRecording) this.#known.add(text);
    return false;
  }

  /** The file with the name that was asked for is the next one, even if the clock was set back. */
  #isOlder(found: Found): boolean {
    return found.path !== this.#path && timeOf(found) < this.#startTime;
  }

  async #beginAgain(file: InputFile, taker: InputTaker, signal: AbortSignal): Promise<InputFile> {
    await this.#readCopy(file, taker, signal);
    taker.note(`${file.path} was truncated; reading it from its beginning`);
    this.#head = '';
    return await InputFile.open(file.path, file.handle, taker.begin(file.path));
  }

  /** It may have been copied before it was truncated (logrotate's `copytruncate`): the copy has the rest. */
  async #readCopy(file: InputFile, taker: InputTaker, signal: AbortSignal): Promise<void> {
    for (const path of await this.#names.list()) {
      const handle = await promises.open(path).catch(() => null);
      if (handle === null) continue;
      try {
        const { text } = await readHead(handle);
        const { size } = await handle.stat();
        if (this.#read.has(await identityOf(handle))) continue;
        if (text !== this.#head || size <= file.position) continue;
        const copy = file.continuedIn(handle);
        await copy.readOn(taker, signal);
        await taker.take(copy.finish(), 0);
        return;
      } finally {
        await handle.close();
      }
    }
    await taker.take(file.finish(), 0);
  }

  /**
   * Finds unknown files, in the order in which they began. It looks until it finds nothing new: an open file
   * can be renamed without harm.
   */
  async #look(takesAny = false): Promise<Found[]> {
    const found: Found[] = [];
    const held = new Set([this.#current]);
    try {
      for (let look = 0, before = -1; look < MAX_LOOKS && found.length > before; look++) {
        before = found.length;
        await this.#lookOnce(takesAny, held, found);
      }
    } catch (error) {
      await closeAll(found);
      throw error;
    }
    return found.sort((one, other) => timeOf(one) - timeOf(other));
  }

  /**
   * @param held files that are open, by their places on the disk, which no other file gets meanwhile
   * @param found is added to
   */
  async #lookOnce(takesAny: boolean, held: Set<string>, found: Found[]): Promise<void> {
    const keys = new Map<string, string>();
    for (const path of await this.#names.list()) {
      const before = await keyOf(path);
      const text = this.#knownKeys.get(before ?? '');
      if (before !== null && text !== undefined) {
        keys.set(before, text);
        continue;
      }
      const one = await openFound(path);
      if (one === null) continue;
      const { head, handle } = one;
      // The name may have gone on to another file since.
      const [key, place] = [await keyOf(handle), await identityOf(handle)];
      const isTaken = head.isRecording || (takesAny && path === this.#path);
      if (isTaken) keys.set(key, head.text);
      const isNew = !held.has(place) && (path === this.#path || !this.#known.has(head.text));
      if (!isTaken || !isNew) {
        await handle.close();
        continue;
      }
      held.add(place);
      if (head.isRecording) this.#known.add(head.text);
      found.push(one);
    }
    this.#knownKeys = keys;
  }
}

/** A file without a time, perhaps the one that was asked for, comes first. */
function timeOf({ head }: Found): number {
  return Number(head.startTime);
}

/** The identity of an open file: no other one has it until that is closed. */
async function identityOf(handle: promises.FileHandle): Promise<string> {
  const { dev, ino } = await handle.stat();
  return `${dev}:${ino}`;
}

/** What identifies a file without reading it; one in the place of a removed one has another time of birth. */
async function keyOf(path: string): Promise<string | null>;
async function keyOf(handle: promises.FileHandle): Promise<string>;
async function keyOf(file: string | promises.FileHandle): Promise<string | null> {
  try {
    const options = { bigint: true } as const;
    const stats = typeof file === 'string' ? promises.stat(file, options) : file.stat(options);
    const { dev, ino, birthtimeNs } = await stats;
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch (error) {
    return goneOr(error);
  }
}

async function openFound(path: string): Promise<Found | null> {
  const handle = await promises.open(path).catch(goneOr);
  if (handle === null) return null;
  try {
    const isRegular = (await handle.stat()).isFile();
    const head = isRegular
      ? await readHead(handle)
      : { text: path, isRecording: false, startTime: null };
    return { path, handle, head };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function closeAll(files: readonly Found[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}

function goneOr(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

async function readWholeLines(
  file: InputFile,
  taker: InputTaker,
  signal: AbortSignal,
): Promise<void> {
  await file.readOn(taker, signal);
  if (file.isRegular) file.takeBackHalfLine();
}

/** Waits this long, or until `signal` aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch {
    // It aborted.
  }
}
