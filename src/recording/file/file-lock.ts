/**
 * Keeps two processes from recording to one file: each would cut and rotate what the other writes.
 *
 * The lock is a Unix socket in the file's directory, `.traffic.ndjson.lock`, that its owner listens on.
 * The system closes it with the process, however the process dies. So nobody guesses whether a process
 * number still means the same process, and containers that share a directory see each other's locks. A
 * lock held by another machine on a network file system is not seen.
 */
import { createHash, randomBytes } from 'node:crypto';
import { promises } from 'node:fs';
import { type Server, connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './recording-file-system.js';

/**
 * The longest path that fits into a Unix socket's address everywhere. Older libuv silently cuts a
 * longer path.
 */
const MAX_SOCKET_PATH_BYTES = 103;

/** A longer file name does not go into the lock's name. */
const MAX_NAME_BYTES = 50;

/** How many times to look at a lock that appears and disappears meanwhile, and the time between. */
const MAX_ATTEMPTS = 100;
const ATTEMPT_MS = 10;

/** The code of the error that another process has the lock. */
export const LOCKED = 'ELOCKED';

export class FileLock {
  readonly #path: string;
  readonly #ino: number;
  readonly #server: Server;

  private constructor(lockPath: string, ino: number, server: Server) {
    this.#path = lockPath;
    this.#ino = ino;
    this.#server = server;
  }

  /**
   * Takes the lock of a file, which need not exist yet.
   *
   * @param file its path, links resolved
   * @throws an error with the code `ELOCKED` if another process has the lock; the system's error if
   *   files cannot be locked here
   */
  static async take(file: string): Promise<FileLock> {
    const lockPath = lockPathOf(file);
    const directory = path.dirname(lockPath);
    const draft = `${path.basename(lockPath)}.${randomBytes(4).toString('hex')}`;
    const isShort = Buffer.byteLength(path.join(directory, draft)) <= MAX_SOCKET_PATH_BYTES;
    // Linux has a short name for a directory that is open.
    const handle = isShort ? null : await promises.open(directory);
    const place = handle === null ? directory : `/proc/self/fd/${handle.fd}`;
    try {
      const { ino, server } = await takeIn(place, lockPath, draft);
      return new FileLock(lockPath, ino, server);
    } finally {
      await handle?.close();
    }
  }

  /** Whether other processes still find the lock. */
  async isInPlace(): Promise<boolean> {
    try {
      const { ino } = await promises.lstat(this.#path);
      return ino === this.#ino;
    } catch {
      // Somebody has removed it, or its directory.
      return false;
    }
  }

  /** Releases the lock. Errors do not matter here, because nobody listens on the socket any more. */
  async release(): Promise<void> {
    if (await this.isInPlace()) await promises.unlink(this.#path).catch(() => undefined);
    await closed(this.#server);
  }
}

/** The path of a file's lock. */
export function lockPathOf(file: string): string {
  const name = path.basename(file);
  const isShort = Buffer.byteLength(name) <= MAX_NAME_BYTES;
  const part = isShort ? name : createHash('sha256').update(name).digest('hex').slice(0, 32);
  return path.join(path.dirname(file), `.${part}.lock`);
}

/** Whether a process records to a file; that cannot be told where files cannot be locked. */
export async function isLocked(file: string): Promise<boolean> {
  try {
    return await isHeld(lockPathOf(file));
  } catch {
    // There is something else by that name: nobody can have the lock, or tell.
    return true;
  }
}

/** @param place a short name of the lock's directory */
async function takeIn(
  place: string,
  fullPath: string,
  draft: string,
): Promise<{ readonly ino: number; readonly server: Server }> {
  const draftPath = path.join(place, draft);
  const lockPath = path.join(place, path.basename(fullPath));
  // The socket gets its final name only once somebody listens on it, so nobody ever finds a lock that
  // is not alive yet.
  const server = await listen(draftPath);
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        await promises.link(draftPath, lockPath);
        const { ino } = await promises.lstat(lockPath);
        await promises.unlink(draftPath);
        return { ino, server };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const guard = await takeGuard(fullPath);
      if (guard === 'taken') {
        await sleep(ATTEMPT_MS);
        continue;
      }
      try {
        await removeAbandoned(lockPath, `${draftPath}.old`);
      } finally {
        if (guard !== null) await closed(guard);
      }
    }
    throw locked();
  } catch (error) {
    // That removes the draft too.
    await closed(server);
    throw error;
  }
}

/**
 * Removes the lock of a process that is gone.
 *
 * @param aside a name for it that nobody else uses
 * @throws if the process is alive, or if the file is not a lock
 */
async function removeAbandoned(lockPath: string, aside: string): Promise<void> {
  if (await isHeld(lockPath)) throw locked();
  try {
    await promises.rename(lockPath, aside);
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (await isHeld(aside)) {
    // A process from where our guard is not visible was so fast that this is its own lock.
    await promises.rename(aside, lockPath);
    throw locked();
  }
  await promises.unlink(aside);
}

/**
 * Makes sure that only one process at a time removes a lock: a process that found it abandoned could
 * otherwise remove the new lock of a faster one. The guard is a Unix socket without a file (Linux),
 * visible within the same container.
 *
 * @returns null where this does not exist: then the faster process's lock is recognized, unless a third
 *   process comes at the same moment
 */
async function takeGuard(lockPath: string): Promise<Server | 'taken' | null> {
  const name = createHash('sha256').update(lockPath).digest('hex').slice(0, 32);
  try {
    return await listen(`\0twist-${name}`);
  } catch (error) {
    return codeOf(error) === 'EADDRINUSE' ? 'taken' : null;
  }
}

function closed(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

/** @throws if the file is not a socket, or cannot be looked at */
async function isHeld(lockPath: string): Promise<boolean> {
  try {
    const stats = await promises.lstat(lockPath);
    if (!stats.isSocket()) throw Object.assign(new Error('no socket'), { code: 'ENOTSOCK' });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  return await new Promise((resolve) => {
    const probe = connect(lockPath);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // Any other error, such as that of another user's lock, does not prove that nobody listens.
    probe.on('error', (error) => {
      resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error)));
    });
  });
}

async function listen(socketPath: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  // The socket lives as long as the process, and does not keep it alive.
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Exclusive: in a worker of node:cluster another process would listen.
    server.listen({ path: socketPath, exclusive: true }, resolve);
  });
  // Another process only wanted to know whether the lock is held: it stays.
  server.removeAllListeners('error').on('error', () => undefined);
  return server;
}

function locked(): NodeJS.ErrnoException {
  return Object.assign(new Error('another process records to it'), { code: LOCKED });
}
