/** Listening sockets: TCP ports and Unix sockets. */
import { lstatSync, statSync, unlinkSync } from 'node:fs';
import {
  type AddressInfo,
  type Server as NetServer,
  type Socket,
  connect,
  createServer,
} from 'node:net';
import { dirname } from 'node:path';
import { AddressList } from '../net/address-range.js';
import {
  MAX_UNIX_PATH_BYTES,
  formatHostAndPort,
  type ListenAddress,
} from '../net/socket-address.js';
import type { ListenerKind } from '../connection/socket.js';
import { ConfigError } from '../errors.js';

/** Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`. */
const BACKLOG = 4096;

const LOOPBACK = new AddressList(['127.0.0.0/8', '::1/128']);

/** A listening socket and its address as a URL, with the port that it really got. */
export interface Listener {
  readonly server: NetServer;
  readonly url: string;
}

/**
 * Listens on an address.
 *
 * @param onConnection is told whether only this machine can reach the address
 * @throws ConfigError when the path of a Unix socket is taken or too long
 * @throws NodeJS.ErrnoException when the system refuses
 */
export async function listen(
  address: ListenAddress,
  onConnection: (socket: Socket, kind: ListenerKind, isLoopback: boolean) => void,
): Promise<Listener> {
  // A high-water mark of one byte makes 'drain' follow every write that the kernel did not take at
  // once, and only those; what waits is bounded in the outbox, not in the stream.
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: 1 },
    (socket) => {
      onConnection(socket, address.kind, isLoopback);
    },
  );
  let isLoopback = false;
  if (address.kind === 'unix') await freeUnixPath(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    if (address.kind === 'unix') server.listen({ path: address.path, backlog: BACKLOG });
    else if (address.host === null) server.listen({ port: address.port, backlog: BACKLOG });
    else server.listen({ host: address.host, port: address.port, backlog: BACKLOG });
  });
  // Connections are told of in a later turn.
  const bound = server.address()!;
  isLoopback = isBoundToLoopback(bound);
  return { server, url: urlOf(bound) };
}

/** A name in the options may stand for either: it is what the system has made of it that counts. */
function isBoundToLoopback(bound: AddressInfo | string): boolean {
  return typeof bound !== 'string' && LOOPBACK.has(bound.address);
}

function urlOf(bound: AddressInfo | string): string {
  if (typeof bound === 'string') return `unix:${bound}`;
  return `ws://${formatHostAndPort(bound.address, bound.port)}`;
}

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
async function freeUnixPath(path: string): Promise<void> {
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
