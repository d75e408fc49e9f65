/** Listening sockets: TCP ports and Unix sockets. */
import { type AddressInfo, type Server as NetServer, type Socket, createServer } from 'node:net';
import { LOOPBACK_ADDRESSES } from '../net/address-range.js';
import { formatHostAndPort, formatPassed, type ListenAddress } from '../net/socket-address.js';
import type { ListenerKind } from '../connection/socket.js';
import type { PassedSocket } from '../net/passed-sockets.js';
import { bindPrivately, freeUnixPath, setUnixMode } from './unix-socket.js';

/** Connections that may wait to be accepted; the kernel caps it at `net.core.somaxconn`. */
const BACKLOG = 4096;

/** Where one socket listens. */
export type BindAddress = Exclude<ListenAddress, { readonly kind: 'systemd' }> | PassedSocket;

/** A listening socket and its address as a URL, with the port that it really got. */
export interface Listener {
  readonly server: NetServer;
  readonly url: string;
  /** Whether it goes on listening when we have closed it, for whoever serves there next. */
  readonly outlivesUs: boolean;
}

/**
 * Listens on an address.
 *
 * @param onConnection is told whether only this machine can reach the address
 * @param unixMode permissions of a Unix socket; null, the default, leaves them to the umask
 * @param isShared whether other processes listen there together with this one
 * @param isTls whether TLS is spoken there
 * @throws ConfigError when the path of a Unix socket is taken or too long, or it cannot have that mode
 * @throws NodeJS.ErrnoException when the system refuses
 */
export async function listen(
  address: BindAddress,
  onConnection: (socket: Socket, kind: ListenerKind, isLoopback: boolean) => void,
  unixMode: number | null = null,
  isShared = false,
  isTls = false,
): Promise<Listener> {
  // A high-water mark of one byte makes 'drain' follow every write that the kernel did not take at
  // once, and only those; what waits is bounded in the outbox, not in the stream.
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: 1 },
    (socket) => {
      onConnection(socket, kind, isLoopback);
    },
  );
  let isLoopback = false;
  let kind: ListenerKind = address.kind === 'unix' ? 'unix' : 'tcp';
  // The socket that is there may be that of the group.
  if (address.kind === 'unix' && !isShared) await freeUnixPath(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    if (address.kind === 'unix') {
      const { path } = address;
      const bind = (): unknown => server.listen({ path, backlog: BACKLOG });
      if (unixMode === null) bind();
      else bindPrivately(bind);
    } else if (address.kind === 'passed') server.listen({ fd: address.fd, backlog: BACKLOG });
    else if (address.host === null) server.listen({ port: address.port, backlog: BACKLOG });
    else server.listen({ host: address.host, port: address.port, backlog: BACKLOG });
  });
  if (address.kind === 'unix' && unixMode !== null) setUnixMode(server, address.path, unixMode);
  // Connections are told of in a later turn. Of a Unix socket that was passed to it, Node knows no path.
  const bound = server.address();
  if (typeof bound === 'string') return { server, url: `unix:${bound}`, outlivesUs: false };
  const outlivesUs = address.kind === 'passed';
  if (bound !== null) {
    // A name in the options may stand for either: it is what the system has made of it that counts.
    isLoopback = LOOPBACK_ADDRESSES.has(bound.address);
    return { server, url: urlOf(bound, isTls), outlivesUs };
  }
  kind = 'unix';
  return { server, url: formatPassed((address as PassedSocket).name), outlivesUs };
}

/**
 * Closes listeners once nobody waits to be accepted: the system resets those who do, which a proxy in front reports
 * as 502. So each turn of the event loop accepts what there is, until one finds nobody.
 *
 * @param countAccepted how many connections were accepted so far
 * @param patienceMs how long a flood of newcomers may put that off, in milliseconds
 */
export async function closeWhenQuiet(
  listeners: readonly Pick<Listener, 'server' | 'outlivesUs'>[],
  countAccepted: () => number,
  patienceMs: number,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  // Who connects there from now on waits for the next server.
  for (const { server, outlivesUs } of listeners) if (outlivesUs) server.close();
  // The turn that is under way may have looked for connections already.
  await nextTurn();
  let before: number;
  do {
    before = countAccepted();
    await nextTurn();
  } while (countAccepted() !== before && performance.now() < endMs);
  for (const { server } of listeners) server.close();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function urlOf(bound: AddressInfo, isTls: boolean): string {
  return `${isTls ? 'wss' : 'ws'}://${formatHostAndPort(bound.address, bound.port)}`;
}
