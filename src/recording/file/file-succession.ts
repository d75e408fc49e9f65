/**
 * Chooses the file that a recording goes to: files are rotated, removed by others, reopened and put
 * aside.
 *
 * Calls are made one after the other. Calls that take lines may report that lines already written are
 * lost: then these must be written again.
 */
import path from 'node:path';
import { Durations } from '../../durations.js';
import { FileClaims } from './file-claims.js';
import { type FileNamePattern, timeStamp } from './file-name-pattern.js';
import { KeptFiles, OVER_TOTAL } from './kept-files.js';
import type { OutgoingLines } from './outgoing-lines.js';
import { RecordingFile, isOwnFile } from './recording-file.js';
import { type RecordingFileSystem, codeOf } from './recording-file-system.js';
import type { Log } from '../../log.js';

export interface FileSuccessionOptions {
  readonly pattern: FileNamePattern;
  /** The maximum size of a file, exceeded only by a single larger line; 0 for no limit. */
  readonly rotateBytes: number;
  /** How many other files are kept, and the most bytes of all together; 0 or nothing for no limit. */
  readonly keep?: number;
  readonly maxTotalBytes?: number;
  /** Whether a file is synced before another takes its place. */
  readonly syncsOnChange: boolean;
  readonly fileSystem: RecordingFileSystem;
  readonly log: Log;
  /** The wall clock: milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly headerLine: () => Uint8Array;
}

/** After one of these errors a file descriptor is useless. */
const LOST_FILE: readonly unknown[] = ['EIO', 'ESTALE', 'EBADF', 'ENODEV'];

/** How long to go on with the old file after a change of files has failed. */
const CHANGE_PAUSE_MS = 10_000;

export class FileSuccession {
  /** How many files were opened. */
  opened = 0;
  /** How long the syncs of its files took, of those that succeeded. */
  readonly syncs = new Durations();

  readonly #options: FileSuccessionOptions;
  readonly #claims: FileClaims;
  readonly #kept: KeptFiles;
  #file: RecordingFile | null = null;
  /** The second for which the name was made last. */
  #namedSecond = 0;
  #noChangeBeforeMs = -Infinity;
  #hasStarted = false;

  constructor(options: FileSuccessionOptions) {
    this.#options = options;
    const { pattern, keep = 0, maxTotalBytes = 0, fileSystem, log } = options;
    const { ownText: namePattern } = pattern;
    this.#claims = new FileClaims(log);
    this.#kept = new KeptFiles({ namePattern, keep, maxTotalBytes, fileSystem, log });
  }

  /** Bytes of the current file, and of those that were counted besides. */
  get totalBytes(): number {
    return this.#kept.bytes + (this.#file?.sizeBytes ?? 0);
  }

  /** How many old files were deleted. */
  get deleted(): number {
    return this.#kept.deleted;
  }

  /** The name of the file that is open, or would be. */
  get path(): string {
    return this.#file?.path ?? this.#name();
  }

  /** Something was written and not synced. */
  get isDirty(): boolean {
    return this.#file?.isDirty ?? false;
  }

  /**
   * Keeps other processes from the first file, which is neither touched nor made yet.
   *
   * @throws `ELOCKED` if one of them records to it; the system's error if it cannot be looked at
   */
  async claim(): Promise<void> {
    const { fileSystem } = this.#options;
    const file = await findFile(this.#name(), fileSystem);
    if (file !== null) await this.#claims.claim(file);
  }

  /** Opens the first file. @throws the system's error */
  async start(): Promise<void> {
    const file = await this.#open(this.#name());
    this.#file = file;
    await this.#kept.look(file);
    this.#hasStarted = true;
  }

  /**
   * Writes all of the lines, and headers before them. They are settled only when {@link
   * FileSuccession.settle} says so.
   *
   * @throws the system's error; the lines know how far it got
   */
  async write(lines: OutgoingLines): Promise<void> {
    do {
      const file = this.#file ?? (await this.#begin(lines));
      const { header } = file;
      if (!header.isDone && header.restBytes > this.#roomIn(file) && !file.isBlank) {
        await this.#rotate(file, lines);
        continue;
      }
      if ((await this.#withinTotal(file, header, header.restBytes)) < header.restBytes)
        throw overTotal();
      await this.#put(file, header, header.restBytes, lines);
      const bytes = await this.#withinTotal(file, lines, bytesFor(file, lines, this.#roomIn(file)));
      if (bytes > 0) await this.#put(file, lines, bytes, lines);
      else if (!lines.isDone) await this.#rotate(file, lines);
    } while (!lines.isDone);
  }

  /**
   * Makes sure that what was written is in a file that can be found, and perhaps on disk.
   *
   * @returns false if the file was removed: its lines must be written again
   * @throws the system's error; after a sync has failed the file is put aside, and its lines must be
   *   written again too
   */
  async settle(lines: OutgoingLines, mustSync: boolean): Promise<boolean> {
    const file = this.#file;
    if (file === null) return true;
    if (await file.isRemoved()) {
      this.#options.log.warn(
        { file: file.path },
        'the file was removed: a new one is opened under its name',
      );
      this.#file = null;
      lines.backToFileStart();
      await file.close();
      return false;
    }
    if (mustSync) {
      const beganMs = performance.now();
      try {
        if (file.isDirty) {
          await file.sync();
          this.syncs.add(performance.now() - beganMs);
        }
      } catch (error) {
        await this.#putAside(file, lines, error);
        throw error;
      }
    }
    if (lines.bytes > 0) file.isWorthKeeping = true;
    return true;
  }

  /** Changes to the file that the time requires. @throws the system's error of the old file */
  async followTime(lines: OutgoingLines): Promise<void> {
    const nowMs = this.#options.nowMs();
    const second = Math.floor(nowMs / 1000);
    if (this.#options.pattern.isFixed || second === this.#namedSecond) return;
    this.#namedSecond = second;
    if (this.#file === null || this.#name() === this.#file.path) return;
    if (nowMs >= this.#noChangeBeforeMs) await this.#change(this.#file, lines);
  }

  /** Reopens the name, which may now belong to another file. @throws the system's error of the old file */
  async reopen(lines: OutgoingLines): Promise<void> {
    if (this.#file === null || !(await this.#change(this.#file, lines))) return;
    this.#options.log.info({ file: this.path }, 'the file was reopened');
  }

  /** Ends with a last sync, if syncs are wanted. @throws the system's error of the sync */
  async close(lines: OutgoingLines): Promise<void> {
    await this.settle(lines, this.#options.syncsOnChange);
    await this.discard();
  }

  /** Ends without a sync. */
  async discard(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
    await this.#claims.keepOnly(null);
  }

  /** Lets a write that waits for a reader fail. */
  abandon(): void {
    this.#file?.abandon();
  }

  #name(): string {
    return this.#options.pattern.format(this.#options.nowMs());
  }

  async #open(name: string): Promise<RecordingFile> {
    const { fileSystem, log, headerLine } = this.#options;
    let file: RecordingFile;
    try {
      file = await RecordingFile.open(name, headerLine(), fileSystem, log, this.#claims);
    } catch (error) {
      // The directory of a fixed name existed when we started; that of a changing name may be a new
      // one.
      const canMakeDirectory = this.#hasStarted || !this.#options.pattern.isFixed;
      if (codeOf(error) !== 'ENOENT' || !canMakeDirectory) throw error;
      await fileSystem.makeDirectory(path.dirname(name));
      file = await RecordingFile.open(name, headerLine(), fileSystem, log, this.#claims);
    }
    this.opened++;
    return file;
  }

  /** Opens a file where none exists. */
  async #begin(lines: OutgoingLines): Promise<RecordingFile> {
    const file = await this.#open(this.#name());
    this.#enter(file, lines);
    await this.#claims.keepOnly(file.realPath);
    await this.#kept.look(file);
    return file;
  }

  #enter(file: RecordingFile, lines: OutgoingLines): void {
    this.#file = file;
    lines.backToLine();
    lines.beginFile();
  }

  #roomIn(file: RecordingFile): number {
    const { rotateBytes, nowMs } = this.#options;
    const isLimited = rotateBytes > 0 && file.isOwn && nowMs() >= this.#noChangeBeforeMs;
    return isLimited ? rotateBytes - file.sizeBytes : Infinity;
  }

  /**
   * @returns as much of `bytes` as the recording may still take, in whole lines
   * @throws the error that it has reached its size, if that is nothing
   */
  async #withinTotal(file: RecordingFile, lines: OutgoingLines, bytes: number): Promise<number> {
    const roomIn = (): number => (file.isOwn ? this.#kept.roomBytes - file.sizeBytes : Infinity);
    if (bytes === 0 || bytes <= roomIn()) return bytes;
    // Perhaps somebody has made room.
    await this.#kept.look(file);
    if (bytes <= roomIn()) return bytes;
    // A line that has begun is ended.
    const rest = lines.tornBytes() > 0 ? lines.lineBytes() : lines.wholeLinesWithin(roomIn());
    if (rest === 0) throw overTotal();
    return rest;
  }

  async #put(
    file: RecordingFile,
    outgoing: OutgoingLines,
    bytes: number,
    lines: OutgoingLines,
  ): Promise<void> {
    try {
      await file.write(outgoing, bytes);
    } catch (error) {
      if (LOST_FILE.includes(codeOf(error))) await this.#putAside(file, lines, error);
      else await file.cutBack(outgoing);
      throw error;
    }
  }

  async #rotate(file: RecordingFile, lines: OutgoingLines): Promise<void> {
    const { fileSystem, log, nowMs } = this.#options;
    const moved: { to: string | null } = { to: null };
    const makeWay = async (): Promise<void> => {
      // Somebody else has renamed it: its name is free now, or belongs to another file.
      if (!(await file.hasItsName())) return;
      const name = await this.#freeName(`${file.realPath}.${timeStamp(nowMs())}`);
      await fileSystem.rename(file.realPath, name);
      moved.to = name;
    };
    if (await this.#change(file, lines, makeWay)) {
      log.info({ file: this.path, keptAs: moved.to }, 'the file was rotated');
    } else if (moved.to !== null) {
      await this.#moveBack(moved.to, file.realPath);
    }
  }

  /** Gives the old file, which stays in use, its name back. */
  async #moveBack(from: string, to: string): Promise<void> {
    const { fileSystem } = this.#options;
    try {
      if (!(await fileSystem.exists(to))) await fileSystem.rename(from, to);
    } catch {
      // Then it keeps the other name, as if somebody else had renamed it.
    }
  }

  /**
   * Replaces the old file with a new one, or goes on with the old one if that fails.
   *
   * @returns whether the new one is open
   */
  async #change(
    old: RecordingFile,
    lines: OutgoingLines,
    makeWay: () => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> {
    const { log, nowMs, syncsOnChange } = this.#options;
    if (!(await this.settle(lines, syncsOnChange))) return false;
    let file: RecordingFile;
    try {
      await makeWay();
      file = await this.#open(this.#name());
    } catch (error) {
      this.#noChangeBeforeMs = nowMs() + CHANGE_PAUSE_MS;
      log.error(
        { file: this.#name(), error: codeOf(error) },
        'the file cannot be reopened: the old one stays in use',
      );
      return false;
    }
    this.#noChangeBeforeMs = -Infinity;
    this.#enter(file, lines);
    await old.close();
    await this.#claims.keepOnly(file.realPath);
    await this.#kept.look(file);
    return true;
  }

  /** Gives up a file that cannot be trusted any more. */
  async #putAside(file: RecordingFile, lines: OutgoingLines, error: unknown): Promise<void> {
    const { fileSystem, log, nowMs } = this.#options;
    this.#file = null;
    lines.backToFileStart();
    let keptAs: string | null = file.path;
    try {
      if (file.isOwn && (await file.hasItsName())) {
        if (file.isWorthKeeping) {
          const name = await this.#freeName(`${file.realPath}.failed-${timeStamp(nowMs())}`);
          await fileSystem.rename(file.realPath, name);
          keptAs = name;
        } else {
          // Everything that went into it is still in memory. Do not fill a bad disk with such files.
          await fileSystem.remove(file.realPath);
          keptAs = null;
        }
      }
    } catch {
      // It keeps its name, and is reopened under it.
    }
    log.error(
      { file: file.path, keptAs, error: codeOf(error) },
      'the file has failed: what was written to it last may be missing there',
    );
    await file.close();
  }

  async #freeName(wanted: string): Promise<string> {
    let name = wanted;
    for (let count = 1; await this.#options.fileSystem.exists(name); count++)
      name = `${wanted}.${count}`;
    return name;
  }
}

/**
 * @returns where a file is, or will be, with links resolved; null if its directory does not exist, or
 *   if it is not a file that a recording can own
 */
async function findFile(name: string, fileSystem: RecordingFileSystem): Promise<string | null> {
  try {
    const realPath = await fileSystem.realPath(name);
    const facts = await fileSystem.factsOfPath(name);
    return isOwnFile(name, facts) ? realPath : null;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  try {
    return path.join(await fileSystem.realPath(path.dirname(name)), path.basename(name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function overTotal(): NodeJS.ErrnoException {
  return Object.assign(new Error('the recording has reached its size'), { code: OVER_TOTAL });
}

/** How much of the lines goes into a file with room for `room` bytes; 0 if they belong in the next file. */
function bytesFor(file: RecordingFile, lines: OutgoingLines, room: number): number {
  const bytes = lines.wholeLinesWithin(room);
  if (bytes > 0 || lines.isDone) return bytes;
  // A line is never cut in two, whether it is larger than a file may be or has begun in this file.
  return file.isBlank || lines.tornBytes() > 0 ? lines.lineBytes() : 0;
}
