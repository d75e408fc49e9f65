/**
 * What the recording needs of a file system. Tests replace it with one that fails.
 *
 * These are promises made from Node's functions with callbacks: `FileHandle` costs more for each call,
 * and closes its file on its own if it is garbage-collected.
 */
import {
  type Stats,
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  lstat,
  mkdir,
  open,
  read,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
  write,
  writev,
} from 'node:fs';

/** The part of a file's status that is used. */
export type FileFacts = Pick<Stats, 'isFile' | 'mode' | 'nlink' | 'size' | 'dev' | 'ino'>;

/** What is looked at of a file that somebody else may have made. */
export type NameFacts = FileFacts & Pick<Stats, 'mtimeMs'>;

/** Each method rejects with the system's error. */
export interface RecordingFileSystem {
  /**
   * Opens a file for appending and makes it if necessary, readable for its owner only. A pipe without a
   * reader is an error (`ENXIO`), and a full one makes `write` fail with `EAGAIN`: a call that blocks
   * takes a thread that the whole process needs, and keeps the process from ending.
   */
  openToAppend(path: string): Promise<number>;
  openToRead(path: string): Promise<number>;
  close(fd: number): Promise<void>;
  facts(fd: number): Promise<FileFacts>;
  factsOfPath(path: string): Promise<FileFacts>;
  /** The same of the name itself: a link is not followed. */
  factsOfName(path: string): Promise<NameFacts>;
  /** The names in a directory. */
  list(path: string): Promise<string[]>;
  /** Whether anything has that name, even a broken link. */
  exists(path: string): Promise<boolean>;
  realPath(path: string): Promise<string>;
  /** @returns how many bytes were written: perhaps not all */
  write(fd: number, chunks: readonly Uint8Array[]): Promise<number>;
  /** @returns how many bytes were read */
  read(fd: number, into: Uint8Array, position: number): Promise<number>;
  truncate(fd: number, bytes: number): Promise<void>;
  /** Waits until the file's data are on disk. */
  syncData(fd: number): Promise<void>;
  /** Waits until the names in a directory are on disk. */
  syncDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes a directory, and its parents. */
  makeDirectory(path: string): Promise<void>;
}

const APPEND_FLAGS =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NONBLOCK |
  constants.O_NOCTTY;

/** Traffic is confidential. */
const FILE_MODE = 0o600;

export const NODE_FILE_SYSTEM: RecordingFileSystem = {
  openToAppend: (path) =>
    result((done) => {
      open(path, APPEND_FLAGS, FILE_MODE, done);
    }),
  openToRead: (path) =>
    result((done) => {
      open(path, 'r', done);
    }),
  close: (fd) =>
    end((done) => {
      close(fd, done);
    }),
  facts: (fd) =>
    result((done) => {
      fstat(fd, done);
    }),
  factsOfPath: (path) =>
    result((done) => {
      stat(path, done);
    }),
  factsOfName: (path) =>
    result((done) => {
      lstat(path, done);
    }),
  list: (path) =>
    result((done) => {
      readdir(path, done);
    }),
  exists: async (path) => {
    try {
      await result<Stats>((done) => {
        lstat(path, done);
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  },
  realPath: (path) =>
    result((done) => {
      realpath(path, done);
    }),
  write: (fd, chunks) =>
    result((done) => {
      if (chunks.length === 1) write(fd, chunks[0]!, 0, chunks[0]!.length, null, done);
      else writev(fd, chunks, done);
    }),
  read: (fd, into, position) =>
    result((done) => {
      read(fd, into, 0, into.length, position, done);
    }),
  truncate: (fd, bytes) =>
    end((done) => {
      ftruncate(fd, bytes, done);
    }),
  syncData: (fd) =>
    end((done) => {
      fdatasync(fd, done);
    }),
  syncDirectory: async (path) => {
    const fd = await result<number>((done) => {
      open(path, 'r', done);
    });
    try {
      await end((done) => {
        fsync(fd, done);
      });
    } finally {
      await end((done) => {
        close(fd, done);
      });
    }
  },
  rename: (from, to) =>
    end((done) => {
      rename(from, to, done);
    }),
  remove: (path) =>
    end((done) => {
      unlink(path, done);
    }),
  makeDirectory: async (path) => {
    await result((done) => {
      mkdir(path, { recursive: true }, done);
    });
  },
};

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function result<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

function end(call: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return result<undefined>((done) => {
    call((error) => {
      done(error, undefined);
    });
  });
}

/** The system's name of an error. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
