/** What a connection on a TLS port needs of whoever has the certificates. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PeerAddress } from '../../net/socket-address.js';
import type { TlsPeer } from '../../net/tls-peer.js';

/** How a handshake ended without success: the system's or OpenSSL's name of an error, or a word of ours. */
export type TlsFailure = string;

export interface TlsService {
  /**
   * Puts TLS around a socket that was accepted. What the socket has read and not given away is taken as the
   * beginning of the handshake, in a later turn.
   */
  wrap(socket: Socket): TLSSocket;
  /**
   * The handshake is through; is the client let in?
   *
   * @returns null when it is, else why not
   */
  findFailure(socket: TLSSocket): TlsFailure | null;
  /** Tells what was negotiated. */
  describe(socket: TLSSocket): TlsPeer;
  /** Reports a handshake that failed, or a client that is not let in. */
  failed(peer: PeerAddress, failure: TlsFailure): void;
}
