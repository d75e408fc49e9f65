/** Who owns a socket, and the listeners that tell the owner what happens to it. */
import type { Socket } from 'node:net';

/** What a socket tells its owner. */
export interface SocketOwner {
  /** A read: `bytes[start, end)`, valid during the call, to be changed at will. */
  receiveBytes(bytes: Uint8Array, start: number, end: number): void;
  /** The peer's FIN. */
  receiveEof(): void;
  /** The kernel has taken everything that was written. */
  drained(): void;
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
