/** An accepted socket: what its owner hears of it, and the addresses of its two ends. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { unmappedText } from '../net/ip-address.js';

/** What a socket tells its owner. */
export interface SocketOwner {
  /** A read: `bytes[start, end)`, valid during the call, to be changed at will. */
  receiveBytes(bytes: Uint8Array, start: number, end: number): void;
  /**
   * Where to read to from now on, asked after each read. It stays in use until another one is given, or the socket is gone.
   *
   * @param maxBytes the most that one read may bring
   * @returns undefined for where the last read went, null for the buffer that all share
   */
  readTarget?(maxBytes: number): Uint8Array | null | undefined;
  /** The peer's FIN. */
  receiveEof(): void;
  /** The kernel has taken everything that was written. */
  drained(): void;
  /** The TLS handshake is through. */
  secured?(): void;
  /** The system reports an error; `socketClosed` follows. */
  socketFailed(error: NodeJS.ErrnoException): void;
  /** The socket is gone; nothing more is told. */
  socketClosed(): void;
}

const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]: SocketOwner;
}

/** The owner that a socket was given. */
export function ownerOf(socket: Socket): SocketOwner {
  return (socket as OwnedSocket)[OWNER];
}

/** Makes `owner` hear of all that happens to the socket, but its bytes. */
export function own(socket: Socket, owner: SocketOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
  socket.on('error', onError);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('close', onClose);
}

/** Makes the owner of a plain socket that of the TLS socket around it. Of the plain one nobody hears any more. */
export function ownSecured(plain: Socket, secured: TLSSocket): void {
  const owner = ownerOf(plain);
  plain.off('error', onError);
  plain.off('end', onEnd);
  plain.off('drain', onDrain);
  plain.off('close', onClose);
  // Whatever breaks it breaks the one around it, which says so.
  plain.on('error', ignore);
  own(secured, owner);
  secured.on('secure', onSecure);
}

function ignore(): void {
  // Said elsewhere.
}

function onSecure(this: TLSSocket): void {
  ownerOf(this).secured?.();
}

// Shared by all sockets: an idle connection owns no closure.

function onError(this: Socket, error: NodeJS.ErrnoException): void {
  ownerOf(this).socketFailed(error);
}

function onEnd(this: Socket): void {
  ownerOf(this).receiveEof();
}

function onDrain(this: Socket): void {
  ownerOf(this).drained();
}

function onClose(this: Socket): void {
  ownerOf(this).socketClosed();
}

/** What kind of listener accepted a socket. */
export type ListenerKind = 'tcp' | 'unix';

/** Our own end's address; for a TCP socket that is gone, the unspecified one (RFC 4291 §2.5.2). */
export function localAddressOf(socket: Socket, kind: ListenerKind): string {
  return kind === 'unix' ? 'unix' : unmappedText(socket.localAddress ?? '::');
}
