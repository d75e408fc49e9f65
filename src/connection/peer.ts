/** Who is at the other end of an accepted socket. */
import type { Socket } from 'node:net';
import { unmappedText } from '../net/ip-address.js';
import type { PeerAddress } from '../net/socket-address.js';

/** What a socket was accepted on. */
export type ListenerKind = 'tcp' | 'unix';

const UNIX_PEER: PeerAddress = { remoteAddress: 'unix', remotePort: 0 };

/**
 * Finds the peer of a socket that was just accepted.
 *
 * @param kind of the listener. The socket itself can't say: one whose peer has reset it already has no
 *   address, as one on a Unix socket has none.
 * @returns null when the peer is gone
 */
export function peerOf(socket: Socket, kind: ListenerKind): PeerAddress | null {
  if (kind === 'unix') return UNIX_PEER;
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return { remoteAddress: unmappedText(remoteAddress), remotePort };
}

/** Our own end's address; that of a TCP socket which is gone by now is the unspecified one (RFC 4291 §2.5.2). */
export function localAddressOf(socket: Socket, kind: ListenerKind): string {
  return kind === 'unix' ? 'unix' : unmappedText(socket.localAddress ?? '::');
}
