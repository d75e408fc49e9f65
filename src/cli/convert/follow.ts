/**
 * Follows a recording as it grows: through its rotations, however many there are between two looks, and
 * to the next name when names have the time in them.
 *
 * Each file is known by its first line, which is that of no other, so one that was renamed is not read
 * twice, and neither is a copy. Files that were there at the beginning are not read,
 * but for the one that was asked for.
 */
import { promises } from 'node:fs';
import { InputFile, type InputTaker } from './input.js';
import { readHead, type RecordingHead } from './recording-head.js';
import { RecordingNames } from './recording-names.js';
import type { Stop } from './stop.js';

/** How often it is looked. */
const POLL_MS = 200;

/** So often the directory is read again because something has changed meanwhile. */
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
  /** The same by what can be told without reading, for those that are there. */
  #knownKeys = new Map<string, string>();
  /** What was found and is still to be read. */
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

  /** Looks at what is there: of that, the file that was asked for, or the newest one, is read. */
  async begin(): Promise<void> {
    const found = await this.#look(true);
    const isAsked = ({ path }: Found): boolean => path === this.#path;
    const chosen = this.#names.isFixed ? found.findLast(isAsked) : found.at(-1);
    this.#waiting = chosen === undefined ? [] : [chosen];
    for (const one of found) if (one !== chosen) await one.handle.close();
  }

  /** Reads until `stop` says so. Rejects with what `node:fs` reports. */
  async run(taker: InputTaker, stop: Stop): Promise<void> {
    let file: InputFile | null = null;
    let isNoted = false;
    try {
      while (!stop.isStopped) {
        const next = this.#waiting.shift();
        if (next !== undefined && file !== null && this.#isOlder(next)) {
          // Somebody has put it there: it comes before the one that is read, which is gone on with.
          const older = await InputFile.open(next.path, next.handle, taker.begin(next.path));
          await this.#finish(older, taker, stop);
          continue;
        }
        if (next !== undefined) {
          if (file !== null && (await this.#isTruncated(file)))
            file = await this.#beginAgain(file, taker, stop);
          await this.#finish(file, taker, stop);
          file = await this.#open(next, taker);
          await file.readOn(taker, stop);
          continue;
        }
        if (file === null) {
          if (!isNoted) taker.note(`${this.#path} is not there yet; waiting for it`);
          isNoted = true;
        } else if (await this.#isTruncated(file)) {
          file = await this.#beginAgain(file, taker, stop);
          continue;
        } else {
          await readWholeLines(file, taker, stop);
        }
        await taker.idle();
        await pause(POLL_MS, stop);
        if (file?.isRegular !== false) this.#waiting = await this.#look();
      }
    } finally {
      await file?.close();
      await Promise.all(this.#waiting.map(({ handle }) => handle.close()));
    }
  }

  async #open(found: Found, taker: InputTaker): Promise<InputFile> {
    const { path, handle, head } = found;
    this.#head = head.text;
    this.#startTime = timeOf(found);
    this.#current = await identityOf(handle);
    this.#read.add(this.#current);
    return await InputFile.open(path, handle, taker.begin(path));
  }

  /** Reads a file to its end: something may have been written to it between the last look and the next file. */
  async #finish(file: InputFile | null, taker: InputTaker, stop: Stop): Promise<void> {
    if (file === null) return;
    await file.readOn(taker, stop);
    if (!stop.isStopped) await taker.take(file.finish(), 0);
    await file.close();
  }

  /** Whether somebody has cut it, and perhaps others have written to it since. */
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

  /** What has the name that was asked for is the next one, though the clock may have been set back. */
  #isOlder(found: Found): boolean {
    return found.path !== this.#path && timeOf(found) < this.#startTime;
  }

  async #beginAgain(file: InputFile, taker: InputTaker, stop: Stop): Promise<InputFile> {
    await this.#readCopy(file, taker, stop);
    taker.note(`${file.path} was truncated; reading it from its beginning`);
    this.#head = '';
    return await InputFile.open(file.path, file.handle, taker.begin(file.path));
  }

  /** Before it was truncated it may have been copied (logrotate's `copytruncate`): the rest is there. */
  async #readCopy(file: InputFile, taker: InputTaker, stop: Stop): Promise<void> {
    for (const path of await this.#names.list()) {
      const handle = await promises.open(path).catch(() => null);
      if (handle === null) continue;
      try {
        const { text } = await readHead(handle);
        const { size } = await handle.stat();
        if (this.#read.has(await identityOf(handle))) continue;
        if (text !== this.#head || size <= file.position) continue;
        const copy = file.continuedIn(handle);
        await copy.readOn(taker, stop);
        await taker.take(copy.finish(), 0);
        return;
      } finally {
        await handle.close();
      }
    }
    await taker.take(file.finish(), 0);
  }

  /**
   * Finds files that are not known, in the order in which they began. It looks until nothing new is there:
   * what is open by then cannot change its name any more.
   */
  async #look(takesAny = false): Promise<Found[]> {
    const all: Found[] = [];
    const held = new Set([this.#current]);
    for (let look = 0; look < MAX_LOOKS; look++) {
      const found = await this.#lookOnce(takesAny, held);
      all.push(...found);
      if (found.length === 0) break;
    }
    return all.sort((one, other) => timeOf(one) - timeOf(other));
  }

  /** @param held files that are open, by their places on the disk, which no other file gets meanwhile */
  async #lookOnce(takesAny: boolean, held: Set<string>): Promise<Found[]> {
    const keys = new Map<string, string>();
    const found: Found[] = [];
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
    return found;
  }
}

/** What has no time, the file that was asked for perhaps, was there before. */
function timeOf({ head }: Found): number {
  return Number(head.startTime);
}

/** Of a file that is open: as long as it is, no other one has that. */
async function identityOf(handle: promises.FileHandle): Promise<string> {
  const { dev, ino } = await handle.stat();
  return `${dev}:${ino}`;
}

/** What tells a file from others without reading it; one that has the place of a removed one has another birth. */
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
  try {
    const handle = await promises.open(path);
    const isRegular = (await handle.stat()).isFile();
    const head = isRegular
      ? await readHead(handle)
      : { text: path, isRecording: false, startTime: null };
    return { path, handle, head };
  } catch (error) {
    return goneOr(error);
  }
}

function goneOr(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

async function readWholeLines(file: InputFile, taker: InputTaker, stop: Stop): Promise<void> {
  await file.readOn(taker, stop);
  if (file.isRegular) file.takeBackHalfLine();
}

/** Waits that long, or until `stop`. */
async function pause(ms: number, stop: Stop): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await stop.orStopped(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  );
  clearTimeout(timer);
}
