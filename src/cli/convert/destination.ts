/** Where `twist convert` writes: standard output, a device, or a file that appears when it is complete. */
import { randomBytes } from 'node:crypto';
import { promises, realpathSync, unlinkSync } from 'node:fs';
import { type FileIdentity, writeAll } from '../output/byte-output.js';
import type { Io } from '../io.js';
import { statsOf } from '../../app/stats-of.js';

export interface Destination {
  /** The existing file; null if there is none, or if it is not a regular file. */
  readonly existing: FileIdentity | null;
  /** Rejects with what the system reports. */
  open(): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  /** All is written. */
  commit(): Promise<void>;
  /** Gives up, and leaves nothing in the file system. */
  discard(): void;
}

/** Only its owner may read a recording, or what it is converted to. */
const NEW_FILE_MODE = 0o600;

/**
 * @param out a path; null for standard output
 * @throws what `node:fs` throws when the path cannot be examined
 */
export function destinationOf(out: string | null, io: Pick<Io, 'bytes'>): Destination {
  if (out === null) return standardOutput(io);
  const stats = statsOf(out);
  if (stats === undefined) return newFile(out, null, NEW_FILE_MODE);
  // The file that a link leads to is replaced, not the link.
  if (stats.isFile()) return newFile(realpathSync(out), stats, stats.mode & 0o777);
  return device(out);
}

function standardOutput({ bytes }: Pick<Io, 'bytes'>): Destination {
  return {
    existing: bytes.file,
    open: () => Promise.resolve(),
    write: (piece) => bytes.write(piece),
    commit: () => Promise.resolve(),
    discard: () => undefined,
  };
}

function device(path: string): Destination {
  let handle: promises.FileHandle | null = null;
  return {
    existing: null,
    open: async () => {
      handle = await promises.open(path, 'w');
    },
    write: (piece) => writeAll(handle!.fd, piece),
    commit: async () => {
      await handle!.close();
    },
    discard: () => {
      letGo(handle);
    },
  };
}

/** Written under another name until it is complete, so that the existing file stays until then. */
function newFile(path: string, existing: FileIdentity | null, mode: number): Destination {
  const draft = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  let handle: promises.FileHandle | null = null;
  return {
    existing,
    open: async () => {
      handle = await promises.open(draft, 'wx', mode);
      // An existing file keeps its mode, whatever the umask is.
      await handle.chmod(mode);
    },
    write: (piece) => writeAll(handle!.fd, piece),
    commit: async () => {
      await handle!.close();
      await promises.rename(draft, path);
    },
    discard: () => {
      letGo(handle);
      try {
        unlinkSync(draft);
      } catch {
        // It was never made.
      }
    },
  };
}

/** Closes a file that is no longer needed; Node 26 throws when an open one is garbage-collected. */
function letGo(handle: promises.FileHandle | null): void {
  handle?.close().catch(() => undefined);
}
