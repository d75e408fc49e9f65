/** Unix sockets in the file system: their paths, what is left of old ones, and who may connect. */
import { chmodSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { type Server as NetServer, connect } from 'node:net';
import { dirname } from 'node:path';
import { umask } from 'node:process';
import { ConfigError } from '../errors.js';
import { MAX_UNIX_PATH_BYTES, formatUnixMode } from '../net/socket-address.js';
import { systemReason } from '../system-reason.js';

/** Takes every permission but those of the owner to read and write. */
export const OWNER_ONLY = 0o177;

/**
 * Looks at the path of a Unix socket, and touches nothing.
 *
 * @returns whether there is a socket
 * @throws ConfigError when the path is that of something else, too long, or in no directory
 */
export function checkUnixPath(path: string): boolean {
  // Older libuv cuts a longer path without a word.
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES)
    throw new ConfigError(`cannot listen on unix:${path}: the path is too long for a Unix socket`);
  const directory = dirname(path);
  try {
    // libuv calls it a lack of permission when there is none, as Windows does (uv_pipe_bind).
    if (!statSync(directory).isDirectory())
      throw new ConfigError(`cannot listen on unix:${path}: ${directory} is not a directory`);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isSocket() === false)
      throw new ConfigError(`cannot listen on unix:${path}: the file exists and is not a socket`);
    return stats !== undefined;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as { code: string };
    const reason =
      code === 'ENOENT'
        ? `there is no directory ${directory}`
        : `${directory} cannot be looked into (${code})`;
    throw new ConfigError(`cannot listen on unix:${path}: ${reason}`);
  }
}

/** Removes the socket of a server that is gone; refuses a path that is in use, no socket, or too long. */
export async function freeUnixPath(path: string): Promise<void> {
  if (!checkUnixPath(path)) return;
  if (await isAlive(path))
    throw new ConfigError(`cannot listen on unix:${path}: another server is listening there`);
  unlinkSync(path);
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      // Any other error, that of a full backlog for instance, comes from a socket that is in use.
      resolve(code !== 'ECONNREFUSED');
    });
  });
}

/**
 * Calls `bind`, which makes a Unix socket at once, so that nobody but our own user can connect to it yet.
 *
 * The umask is one for the whole process. Nothing else runs before it is back, except what other threads
 * do: a file that they make in that moment is less open, never more. A worker thread may not set
 * it: there the umask that was in force holds until {@link setUnixMode}. For a process of `node:cluster` the primary
 * binds, and has this umask all the time (cli/serve/serve-workers.ts).
 */
export function bindPrivately(bind: () => unknown): void {
  let before: number | null = null;
  try {
    before = umask(OWNER_ONLY);
  } catch {
    // ERR_WORKER_UNSUPPORTED_OPERATION.
  }
  try {
    bind();
  } finally {
    if (before !== null) umask(before);
  }
}

/** Gives a socket that is bound its permissions. @throws ConfigError when it cannot have them; it is closed then */
export function setUnixMode(server: NetServer, path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    server.close();
    const what = `unix:${path} with the mode ${formatUnixMode(mode)}`;
    throw new ConfigError(`cannot listen on ${what}: ${systemReason(error)}`);
  }
}
