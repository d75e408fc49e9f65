/**
 * The internals of Node's sockets that twist uses, all with a public fallback.
 *
 * 1. Reading into one shared buffer. `net.connect` has the public option `onread`, which saves an
 *    allocation of 64 KiB for every read, but `net.Server` does not pass it on to the sockets that it
 *    accepts (nodejs/node#25436). The symbols that the option sets on a socket are set here by hand.
 *    `probeSharedReads` tries this once on a loopback connection, at start; where it does not work
 *    the public 'data' event is used. Remove it when `net.Server` accepts `onread`.
 * 2. How many bytes of a pending write the kernel has not taken (`_handle.writeQueueSize`), to tell a
 *    slow reader from a dead one. Fallback: `writableLength`, which moves less often. Remove it when
 *    a socket tells its progress within a write.
 *    A TLS socket counts what is enciphered, and its plain socket (`_parent` of the handle) what of that the
 *    kernel has not taken.
 * 3. The peer's address from the handle (`_handle.getpeername`). A socket that is asked for it keeps it as an object
 *    of its own, one more for each idle connection, which keeps it too; and each connection pays for that property.
 *    Fallback: the socket is asked. Remove it when a socket keeps nothing.
 * 4. What OpenSSL found of a client's certificate (`_handle.verifyError`). A `tls.Server` makes `authorized` of
 *    it, but a socket without one tells nobody. Fallback: no certificate is taken for a good one. Remove it when
 *    a TLSSocket without a server tells.
 * 5. What breaks TLS after the handshake (`_tlsError`): a TLSSocket without a server is not destroyed by it, and
 *    does not tell. Fallback: none of ours; the session ends when it stays silent. Remove it when such a socket
 *    emits 'error'.
 */
import { loopTurns } from '../budget/turns.js';
import { SLAB_BYTES, withHeaders } from '../protocol/slabs/slab.js';
import { unmappedText } from '../net/ip-address.js';
import type { PeerAddress } from '../net/socket-address.js';
import { type ListenerKind, type SocketOwner, own, ownerOf } from './socket.js';
import type { TLSSocket } from 'node:tls';
import { type Server, type Socket, createServer, Socket as NetSocket } from 'node:net';

/**
 * The most where many read much at a time, and the most that a connection reads at first: what they read in one turn of
 * the event loop has to be looked at, or kept, before anybody else is served.
 */
export const CROWDED_READ_BYTES = withHeaders(64 * 1024);

const PROBE_TIMEOUT_MS = 1000;

/** The symbols of a socket's `onread` option, and the buffer that all sockets read into. */
export interface SharedReads {
  readonly buffer: symbol;
  readonly callback: symbol;
  /** Of the function that gives the buffer of the next read. */
  readonly generator: symbol;
  readonly bytes: Uint8Array;
  /** Takes what is read. */
  readonly reader: (this: Socket, count: number, bytes: Uint8Array) => boolean;
}

/**
 * Finds the symbols on a fresh socket; null when this version of Node names them otherwise.
 *
 * @param bytes that all sockets read into: each read is used up at once
 */
export function findSharedReads(
  socket: object = new NetSocket(),
  bytes: Uint8Array = Buffer.allocUnsafeSlow(SLAB_BYTES),
): SharedReads | null {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find((symbol) => symbol.description === 'kBuffer');
  const callback = symbols.find((symbol) => symbol.description === 'kBufferCb');
  const generator = symbols.find((symbol) => symbol.description === 'kBufferGen');
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  return { buffer, callback, generator, bytes, reader: readerOf(bytes) };
}

/** Where the socket that was read last reads next; undefined for where it did. */
let nextBytes: Uint8Array | undefined;

/** Node asks right after each read. */
function nextBuffer(): Uint8Array | undefined {
  return nextBytes;
}

/** What takes the reads of all sockets that share this buffer. */
function readerOf(shared: Uint8Array): (this: Socket, count: number, bytes: Uint8Array) => boolean {
  return function onSharedRead(count, bytes) {
    const owner = ownerOf(this);
    owner.receiveBytes(bytes, 0, count);
    const target = owner.readTarget?.(mostBytes());
    if (target === undefined)
      nextBytes = count < CROWDED_READ_BYTES ? undefined : readBufferAfter(bytes, count);
    else nextBytes = target ?? (loopTurns.isCrowded ? beginningOf(shared) : shared);
    return true;
  };
}

/** The most that a socket reads next which has much to read. */
function mostBytes(): number {
  return loopTurns.isCrowded ? CROWDED_READ_BYTES : SLAB_BYTES;
}

/** Who shares the loop with few reads as much as there is; in a crowd each reads less. */
function readBufferAfter(bytes: Uint8Array, count: number): Uint8Array | undefined {
  const { isCrowded } = loopTurns;
  if (bytes.length > CROWDED_READ_BYTES) return isCrowded ? beginningOf(bytes) : undefined;
  return isCrowded || count < bytes.length ? undefined : wholes.get(bytes);
}

/** The beginnings of read buffers, and which is whose: all connections share them, too. */
const beginnings = new WeakMap<Uint8Array, Uint8Array>();
const wholes = new WeakMap<Uint8Array, Uint8Array>();

function beginningOf(whole: Uint8Array): Uint8Array {
  const known = beginnings.get(whole);
  if (known !== undefined) return known;
  const beginning = whole.subarray(0, CROWDED_READ_BYTES);
  beginnings.set(whole, beginning);
  wholes.set(beginning, whole);
  return beginning;
}

function onData(this: Socket, chunk: Buffer): void {
  ownerOf(this).receiveBytes(chunk, 0, chunk.length);
}

/**
 * Starts reading from an accepted socket that {@link own} gave an owner; call it before the socket
 * has read anything.
 *
 * @param sharedReads what {@link probeSharedReads} found, or null for the 'data' event
 */
export function startReceiving(socket: Socket, sharedReads: SharedReads | null): void {
  if (sharedReads === null) {
    socket.on('data', onData);
    return;
  }
  const internals = socket as unknown as Record<symbol, unknown> & {
    _handle: { useUserBuffer(bytes: Uint8Array): void };
  };
  const first = beginningOf(sharedReads.bytes);
  internals[sharedReads.buffer] = first;
  internals[sharedReads.callback] = sharedReads.reader;
  internals[sharedReads.generator] = nextBuffer;
  internals._handle.useUserBuffer(first);
  // Without a reader of its own the stream must flow, or its 'end' never comes.
  socket.resume();
}

/**
 * Tries shared reads on a loopback connection: the bytes and the end of the stream must arrive.
 *
 * @returns what {@link startReceiving} takes; null when shared reads do not work here
 */
export async function probeSharedReads(found = findSharedReads()): Promise<SharedReads | null> {
  if (found === null) return null;
  const server = createServer({ noDelay: true });
  const client = new NetSocket();
  const timer = setTimeout(() => client.destroy(), PROBE_TIMEOUT_MS);
  try {
    return (await exchange(server, client, found)) ? found : null;
  } finally {
    clearTimeout(timer);
    client.destroy();
    server.close();
  }
}

const PROBE_BYTES = Buffer.of(1, 2, 3);

/** Expects the probe's bytes, then the end of the stream. */
class ProbeOwner implements SocketOwner {
  readonly #report: (isGood: boolean) => void;
  #received = Buffer.alloc(0);

  constructor(report: (isGood: boolean) => void) {
    this.#report = report;
  }

  receiveBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#received = Buffer.concat([this.#received, bytes.subarray(start, end)]);
  }

  receiveEof(): void {
    this.#report(this.#received.equals(PROBE_BYTES));
  }

  drained(): void {
    // Nothing is written.
  }

  socketFailed(): void {
    this.#report(false);
  }

  socketClosed(): void {
    this.#report(false);
  }
}

function exchange(server: Server, client: Socket, found: SharedReads): Promise<boolean> {
  return new Promise((resolve) => {
    const fail = (): void => {
      resolve(false);
    };
    server.on('error', fail);
    client.on('error', fail);
    client.on('close', fail);
    server.on('connection', (socket) => {
      try {
        own(socket, new ProbeOwner(resolve));
        startReceiving(socket, found);
      } catch {
        fail();
      }
    });
    // Exclusive: the workers of node:cluster would share the port, and one get the connection of another.
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      client.connect((server.address() as { port: number }).port, '127.0.0.1', () => {
        client.end(PROBE_BYTES);
      });
    });
  });
}

/** Bytes that were written to the socket and that the kernel has not taken. */
export function unsentBytes(socket: Socket): number {
  const { _handle } = socket as unknown as { _handle: Handle | null };
  if (_handle?.writeQueueSize === undefined) return socket.writableLength;
  return _handle.writeQueueSize + (_handle._parent?.writeQueueSize ?? 0);
}

/**
 * Whether the kernel has taken everything that a TLS socket has offered it. False where this version of Node
 * does not tell.
 */
export function hasKernelTaken(socket: Socket): boolean {
  const { _handle } = socket as unknown as { _handle: Handle | null };
  return _handle?._parent?.writeQueueSize === 0;
}

/** The descriptor of a socket, of a TLS one too; -1 without one, as on Windows. */
export function descriptorOf(socket: Socket): number {
  const { _handle } = socket as unknown as { _handle: Handle | null | undefined };
  return _handle?._parent?.fd ?? _handle?.fd ?? -1;
}

/** The part of libuv's stream that is used here, and TLS around one. */
interface Handle {
  readonly fd?: number;
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
  /** @returns an error of libuv, or 0 */
  getpeername?(name: { address: string; family: string; port: number }): number;
  verifyError?(): NodeJS.ErrnoException | null | undefined;
}

/**
 * Why the certificate of a client is none that we trust, by OpenSSL's name of it.
 *
 * @returns null when it is a good one, or when the client has resumed a session with a good one
 */
export function verifyErrorOf(socket: TLSSocket): string | null {
  const { _handle } = socket as unknown as { _handle: Handle | null };
  if (_handle?.verifyError === undefined) return 'UNKNOWN';
  const error = _handle.verifyError();
  return error ? (error.code ?? error.message) : null;
}

const UNIX_PEER: PeerAddress = { remoteAddress: 'unix', remotePort: 0 };

/**
 * Finds the peer of a socket that was just accepted.
 *
 * @param kind of the listener. The socket itself cannot say: it has no address when its peer has already reset
 *   it, nor on a Unix socket.
 * @returns null when the peer is gone
 */
export function peerOf(socket: Socket, kind: ListenerKind): PeerAddress | null {
  if (kind === 'unix') return UNIX_PEER;
  const { _handle } = socket as unknown as { _handle: Handle | null | undefined };
  // Node fills in what is there already faster than what it has to add.
  const name = { address: '', family: '', port: 0 };
  if (_handle?.getpeername?.(name) === 0)
    return { remoteAddress: unmappedText(name.address), remotePort: name.port };
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return { remoteAddress: unmappedText(remoteAddress), remotePort };
}

/** Has whatever breaks TLS break the socket too. */
export function breakWithTls(socket: TLSSocket): void {
  socket.on('_tlsError', onTlsError);
}

function onTlsError(this: TLSSocket, error: Error): void {
  this.destroy(error);
}

/** Closes a socket, and the one below TLS, by a reset (RFC 9293 §3.10.7.4); a Unix socket, which knows none, is just closed. */
export function resetSocket(socket: Socket): void {
  const { _parent } = socket as unknown as { readonly _parent?: Socket | null };
  try {
    (_parent ?? socket).resetAndDestroy();
  } catch {
    // It is no TCP socket.
  }
  socket.destroy();
}
