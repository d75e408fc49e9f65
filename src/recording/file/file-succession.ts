/**
 * Which file a recording goes to: files are rotated, removed by others, opened anew and put aside.
 *
 * Calls are made one after the other. Those that take lines may take some back that were written: then
 * they are to be written again.
 */
import path from 'node:path';
import { codeOf } from './error-code.js';
import { FileClaims } from './file-claims.js';
import { type FileNamePattern, timeStamp } from './file-name-pattern.js';
import type { OutgoingLines } from './outgoing-lines.js';
import { RecordingFile, isOwnFile } from './recording-file.js';
import type { RecordingFileSystem } from './recording-file-system.js';
import type { Log } from '../../log.js';

export interface FileSuccessionOptions {
  readonly pattern: FileNamePattern;
  /** A file grows no larger, unless one line is; 0 for no limit. */
  readonly rotateBytes: number;
  /** Whether a file is synced before another takes its place. */
  readonly syncsOnChange: boolean;
  readonly fileSystem: RecordingFileSystem;
  readonly log: Log;
  /** The wall clock: milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly headerLine: () => Uint8Array;
}

/** After an error of these a file descriptor is good for nothing. */
const LOST_FILE: readonly unknown[] = ['EIO', 'ESTALE', 'EBADF', 'ENODEV'];

/** After a change of files that failed, so long the old one is gone on with. */
const CHANGE_PAUSE_MS = 10_000;

export class FileSuccession {
  /** Files that were opened. */
  opened = 0;

  readonly #options: FileSuccessionOptions;
  readonly #claims: FileClaims;
  #file: RecordingFile | null = null;
  /** The second of which the name was made last. */
  #namedSecond = 0;
  #noChangeBeforeMs = -Infinity;
  #hasStarted = false;

  constructor(options: FileSuccessionOptions) {
    this.#options = options;
    this.#claims = new FileClaims(options.log);
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
   * Keeps other processes from the first file, which is not touched so far, nor made.
   *
   * @throws `ELOCKED` when one of them records to it; the system's error when it cannot be looked at
   */
  async claim(): Promise<void> {
    const { fileSystem } = this.#options;
    const file = await findFile(this.#name(), fileSystem);
    if (file !== null) await this.#claims.claim(file);
  }

  /** Opens the first file. @throws the system's error */
  async start(): Promise<void> {
    this.#file = await this.#open(this.#name());
    this.#hasStarted = true;
  }

  /**
   * Writes lines, all of them, and headers before them. They are settled only when
   * {@link FileSuccession.settle} says so.
   *
   * @throws the system's error; the lines know how far it came
   */
  async write(lines: OutgoingLines): Promise<void> {
    do {
      const file = this.#file ?? (await this.#begin(lines));
      const { header } = file;
      if (!header.isDone && header.restBytes > this.#roomIn(file) && !file.isBlank) {
        await this.#rotate(file, lines);
        continue;
      }
      await this.#put(file, header, header.restBytes, lines);
      const bytes = bytesFor(file, lines, this.#roomIn(file));
      if (bytes > 0) await this.#put(file, lines, bytes, lines);
      else if (!lines.isDone) await this.#rotate(file, lines);
    } while (!lines.isDone);
  }

  /**
   * Makes sure that what was written is in a file that can be found, and perhaps on disk.
   *
   * @returns false when the file was removed: what went into it has to be written again
   * @throws the system's error; after one of a sync the file is put aside, and the same holds
   */
  async settle(lines: OutgoingLines, mustSync: boolean): Promise<boolean> {
    const file = this.#file;
    if (file === null) return true;
    if (await file.isRemoved()) {
      this.#options.log.warn({ file: file.path }, 'the file was removed: its name is opened anew');
      this.#file = null;
      lines.backToFileStart();
      await file.close();
      return false;
    }
    if (mustSync) {
      try {
        await file.sync();
      } catch (error) {
        await this.#putAside(file, lines, error);
        throw error;
      }
    }
    if (lines.bytes > 0) file.isWorthKeeping = true;
    return true;
  }

  /** Goes on to the file that the time asks for. @throws the system's error of the old file */
  async followTime(lines: OutgoingLines): Promise<void> {
    const nowMs = this.#options.nowMs();
    const second = Math.floor(nowMs / 1000);
    if (this.#options.pattern.isFixed || second === this.#namedSecond) return;
    this.#namedSecond = second;
    if (this.#file === null || this.#name() === this.#file.path) return;
    if (nowMs >= this.#noChangeBeforeMs) await this.#change(this.#file, lines);
  }

  /** Opens the name anew, which now may be that of another file. @throws the system's error of the old file */
  async reopen(lines: OutgoingLines): Promise<void> {
    if (this.#file === null || !(await this.#change(this.#file, lines))) return;
    this.#options.log.info({ file: this.path }, 'the file was opened anew');
  }

  /** Ends with a last sync, if one is wanted. @throws the system's error of that */
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
      // The directory of a plain name was there when we started; of any other it may be a new one.
      const canMakeDirectory = this.#hasStarted || !this.#options.pattern.isFixed;
      if (codeOf(error) !== 'ENOENT' || !canMakeDirectory) throw error;
      await fileSystem.makeDirectory(path.dirname(name));
      file = await RecordingFile.open(name, headerLine(), fileSystem, log, this.#claims);
    }
    this.opened++;
    return file;
  }

  /** Opens a file where there is none. */
  async #begin(lines: OutgoingLines): Promise<RecordingFile> {
    const file = await this.#open(this.#name());
    this.#enter(file, lines);
    await this.#claims.keepOnly(file.realPath);
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
      // Somebody else has renamed it: then its name is free, or that of another file.
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

  /** What is gone on with gets its name again. */
  async #moveBack(from: string, to: string): Promise<void> {
    const { fileSystem } = this.#options;
    try {
      if (!(await fileSystem.exists(to))) await fileSystem.rename(from, to);
    } catch {
      // Then it keeps the other one, as if somebody else had renamed it.
    }
  }

  /**
   * Puts a new file in the place of the old one, which is gone on with where that cannot be done.
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
        'the file cannot be opened anew: the old one is gone on with',
      );
      return false;
    }
    this.#noChangeBeforeMs = -Infinity;
    this.#enter(file, lines);
    await old.close();
    await this.#claims.keepOnly(file.realPath);
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
          // All that went into it is still in memory: a bad disk is not filled with such files.
          await fileSystem.remove(file.realPath);
          keptAs = null;
        }
      }
    } catch {
      // It keeps its name, and is opened anew under it.
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
 * @returns where a file is, or will be, when links are followed; null when its directory is not there, or
 *   it is nothing that a recording owns
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

/** How much of the lines goes into a file that has room for `room` bytes; 0 when they belong to the next. */
function bytesFor(file: RecordingFile, lines: OutgoingLines, room: number): number {
  const bytes = lines.wholeLinesWithin(room);
  if (bytes > 0 || lines.isDone) return bytes;
  // A line is not cut in two, whether it is larger than a file may be or has begun in this one.
  return file.isBlank || lines.tornBytes() > 0 ? lines.lineBytes() : 0;
}
