/** What a connection on a TLS port needs from the owner of the certificates. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PeerAddress } from '../../net/socket-address.js';
import type { TlsPeer } from '../../net/tls-peer.js';

/** How a handshake failed: the system's or OpenSSL's name of the error, or a word of ours. */
export type TlsFailure = string;

export interface TlsService {
  /**
   * Wraps an accepted socket in TLS. Bytes that the socket has read but not emitted become the beginning of the
   * handshake, in a later turn.
   */
  wrap(socket: Socket): TLSSocket;
  /**
   * Decides after the handshake whether the client is let in.
   *
   * @returns null if it is, else why not
   */
  findFailure(socket: TLSSocket): TlsFailure | null;
  /** Tells what was negotiated. */
  describe(socket: TLSSocket): TlsPeer;
  /** Reports a handshake that failed, or a client that is not let in. */
  failed(peer: PeerAddress, failure: TlsFailure): void;
}
