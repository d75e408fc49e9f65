/**
 * One open file of a recording. Calls are made one after the other, never two at a time.
 *
 * A file that is ours (a regular one, by its own name) is cut, renamed and checked. Anything else (a
 * pipe, a device, the target of /dev/stdout) is only written to.
 */
import { Buffer } from 'node:buffer';
import { platform } from 'node:os';
import path from 'node:path';
import type { FileClaims } from './file-claims.js';
import { OutgoingLines } from './outgoing-lines.js';
import { type FileFacts, type RecordingFileSystem, codeOf } from './recording-file-system.js';
import type { Log } from '../../log.js';
import { findTail } from './torn-tail.js';

/** The delay before the next attempt to write to a full pipe: it doubles up to the second value. */
const PIPE_MIN_WAIT_MS = 1;
const PIPE_MAX_WAIT_MS = 32;

/** Reading and writing, for whoever is neither the owner nor in the group. */
const FOR_OTHERS = 0o006;
const HAS_MODES = platform() !== 'win32';

/** A name for a descriptor of the process: its file is not ours to rename or remove. */
const BORROWED = /^\/(?:proc|dev\/(?!shm\/))/;

/** Errors of a sync on something that cannot be synced. */
const SYNC_UNSUPPORTED: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** A directory that we may write but not read cannot be synced by us. */
const DIRECTORY_SYNC_UNSUPPORTED: readonly unknown[] = [...SYNC_UNSUPPORTED, 'EACCES', 'EPERM'];

export class RecordingFile {
  /** The path as the operator named it. */
  readonly path: string;
  /** The path with links resolved. */
  readonly realPath: string;
  readonly isOwn: boolean;
  /** The line that begins what we write to it. */
  readonly header: OutgoingLines;
  /** Its size as far as we know: others may cut it. */
  sizeBytes: number;
  /** Something was written and not synced. */
  isDirty = false;
  /** It holds more than what is still in memory. */
  isWorthKeeping: boolean;

  readonly #fileSystem: RecordingFileSystem;
  readonly #log: Log;
  readonly #fd: number;
  readonly #identity: FileFacts;
  /** Its size if it holds nothing but our header; -1 if it has held more from the beginning. */
  readonly #headBytes: number;
  #canSync: boolean;
  #needsDirectorySync: boolean;
  #isAbandoned = false;

  /**
   * Opens a file, and cuts half a line from its end.
   *
   * @param claims keep other processes from the file
   * @throws the system's error, or `ELOCKED`: then the file's content was not touched
   */
  static async open(
    name: string,
    headerLine: Uint8Array,
    fileSystem: RecordingFileSystem,
    log: Log,
    claims: Pick<FileClaims, 'claim'>,
  ): Promise<RecordingFile> {
    const fd = await fileSystem.openToAppend(name);
    try {
      const facts = await fileSystem.facts(fd);
      const isOwn = isOwnFile(name, facts);
      const realPath = isOwn ? await fileSystem.realPath(name) : name;
      if (isOwn) await claims.claim(realPath);
      if (isOwn && HAS_MODES && (facts.mode & FOR_OTHERS) !== 0) {
        const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
        log.warn(
          { file: name, mode },
          'every user of this machine may read or write the recording',
        );
      }
      const head = [headerLine];
      let sizeBytes = isOwn ? facts.size : 0;
      if (sizeBytes > 0) {
        const tail = await findTail(fileSystem, realPath, sizeBytes);
        if (tail.isForeign) {
          head.unshift(Buffer.from('\n'));
          log.warn(
            { file: name },
            'what is in the file is not a recording: nothing is cut from it',
          );
        } else if (tail.bytes > 0) {
          sizeBytes -= tail.bytes;
          await fileSystem.truncate(fd, sizeBytes);
          log.warn({ file: name, bytes: tail.bytes }, 'the last line was not complete: it was cut');
        }
      }
      return new RecordingFile(name, realPath, isOwn, head, sizeBytes, fd, facts, fileSystem, log);
    } catch (error) {
      await fileSystem.close(fd).catch(() => undefined);
      throw error;
    }
  }

  private constructor(
    name: string,
    realPath: string,
    isOwn: boolean,
    head: readonly Uint8Array[],
    sizeBytes: number,
    fd: number,
    identity: FileFacts,
    fileSystem: RecordingFileSystem,
    log: Log,
  ) {
    this.path = name;
    this.realPath = realPath;
    this.isOwn = isOwn;
    this.header = new OutgoingLines(head);
    this.sizeBytes = sizeBytes;
    this.isWorthKeeping = sizeBytes > 0;
    this.#fd = fd;
    this.#identity = identity;
    this.#headBytes = sizeBytes > 0 ? -1 : this.header.bytes;
    this.#canSync = identity.isFile();
    this.#needsDirectorySync = isOwn && sizeBytes === 0;
    this.#fileSystem = fileSystem;
    this.#log = log;
  }

  /** It is empty, or holds nothing but our header. */
  get isBlank(): boolean {
    return this.sizeBytes <= this.#headBytes;
  }

  /**
   * Writes the next bytes of `lines`, in as many calls as it takes; the lines know how far it got.
   *
   * @throws the system's error
   */
  async write(lines: OutgoingLines, bytes: number): Promise<void> {
    let waitMs = PIPE_MIN_WAIT_MS;
    for (let left = bytes; left > 0;) {
      let written: number;
      try {
        written = await this.#fileSystem.write(this.#fd, lines.next(left));
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || this.#isAbandoned) throw error;
        await sleep(waitMs);
        waitMs = Math.min(waitMs * 2, PIPE_MAX_WAIT_MS);
        continue;
      }
      if (written === 0) throw nothingWritten();
      waitMs = PIPE_MIN_WAIT_MS;
      lines.advance(written);
      left -= written;
      this.sizeBytes += written;
      this.isDirty = true;
    }
  }

  /**
   * After a write has failed: cuts off the part of a line that was not written whole. If that fails, or
   * if somebody else has changed the file, the rest of the line comes next.
   */
  async cutBack(lines: OutgoingLines): Promise<void> {
    const torn = lines.tornBytes();
    if (!this.isOwn || torn === 0) return;
    try {
      const { size } = await this.#fileSystem.facts(this.#fd);
      if (size !== this.sizeBytes) return;
      await this.#fileSystem.truncate(this.#fd, size - torn);
    } catch {
      return;
    }
    this.sizeBytes -= torn;
    lines.backToLine();
  }

  /** Whether it has lost its name: what was written since goes with it. @throws the system's error */
  async isRemoved(): Promise<boolean> {
    if (!this.isOwn) return false;
    const { nlink, size } = await this.#fileSystem.facts(this.#fd);
    this.sizeBytes = size;
    // Some file systems do not count links.
    return nlink === 0 && this.#identity.nlink > 0;
  }

  /** Whether these are facts of this file. */
  is({ dev, ino }: Pick<FileFacts, 'dev' | 'ino'>): boolean {
    return dev === this.#identity.dev && ino === this.#identity.ino;
  }

  /** Whether its name still refers to it. @throws the system's error */
  async hasItsName(): Promise<boolean> {
    try {
      return this.is(await this.#fileSystem.factsOfPath(this.realPath));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /**
   * Waits until everything is on disk, including the name of a new file.
   *
   * @throws the system's error, after which this file must not be synced again: the system may have
   *   forgotten what it could not write, and would report success
   */
  async sync(): Promise<void> {
    if (!this.#canSync || !this.isDirty) return;
    if (this.#needsDirectorySync) await this.#syncDirectory();
    try {
      await this.#fileSystem.syncData(this.#fd);
    } catch (error) {
      if (!SYNC_UNSUPPORTED.includes(codeOf(error))) throw error;
      this.#canSync = false;
      this.#log.warn(
        { file: this.path, error: codeOf(error) },
        'the file cannot be synced: what is written may be lost with the power',
      );
    }
    this.isDirty = false;
  }

  async #syncDirectory(): Promise<void> {
    try {
      await this.#fileSystem.syncDirectory(path.dirname(this.realPath));
    } catch (error) {
      if (!DIRECTORY_SYNC_UNSUPPORTED.includes(codeOf(error))) throw error;
    }
    this.#needsDirectorySync = false;
  }

  /** Lets a write that waits for a reader fail. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** Closes it; an error is only logged. */
  async close(): Promise<void> {
    try {
      await this.#fileSystem.close(this.#fd);
    } catch (error) {
      this.#log.warn(
        { file: this.path, error: codeOf(error) },
        'the file was closed with an error',
      );
    }
  }
}

/** Whether the path is a file by its own name. */
export function isOwnFile(name: string, facts: Pick<FileFacts, 'isFile'>): boolean {
  return facts.isFile() && !BORROWED.test(path.resolve(name));
}

/** Zero bytes written of more than zero is no valid result; it is treated as a full disk. */
function nothingWritten(): NodeJS.ErrnoException {
  return Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
