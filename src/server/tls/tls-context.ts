/**
 * TLS of the server: the certificates in force, and sockets that use them. A handshake uses what is in force when
 * it begins; sessions keep what they have.
 */
import { constants, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  type CipherNameAndProtocol,
  type SecureContext,
  TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { verifyErrorOf } from '../../connection/node-internals.js';
import type { TlsFailure, TlsService } from '../../connection/tls/tls-service.js';
import type { ClientLog } from '../../log.js';
import type { PeerAddress } from '../../net/socket-address.js';
import type { ClientCertificate, TlsPeer } from '../../net/tls-peer.js';
import { type CommonOptions, oneLine } from './certificate.js';
import { type CertificateSet, type ClientTrust, sessionIdContextOf } from './certificate-set.js';
import { logTlsFailure } from './failures.js';

/** ALPN (RFC 7301 §6): names of protocols, each preceded by its length. */
const ALPN = Buffer.from('\x08http/1.1', 'latin1');

/** As in listener.ts. The types omit the stream options, which Node accepts. */
const DRAINS_EVERY_WRITE: object = { highWaterMark: 1 };

/** Size of the ticket keys in bytes. */
export const TICKET_KEY_BYTES = 48;

/** Takes the line of a key log (the NSS Key Log Format), with its line feed. */
export type WriteKeys = (line: Buffer) => void;

/** Options that all certificates of a server have in common. */
export function commonOptions(trust: ClientTrust | null, ticketKeys: Buffer): CommonOptions {
  return {
    ...(trust === null ? {} : { ca: trust.ca }),
    minVersion: 'TLSv1.2',
    // Renegotiation costs a client nothing and the server a handshake each time.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: sessionIdContextOf(trust),
    ticketKeys,
  };
}

/** Ticket keys for a server without workers. */
export function newTicketKeys(): Buffer {
  return randomBytes(TICKET_KEY_BYTES);
}

export class TlsContext implements TlsService {
  /** Plain figures for the metrics. */
  readonly counters = { handshakes: 0, resumed: 0, failed: 0 };
  /** Receives the secrets of handshakes; null for none. */
  writeKeys: WriteKeys | null = null;
  readonly #log: ClientLog;
  readonly #listeners: ((options: TlsOptions) => void)[] = [];
  #set: CertificateSet;

  constructor(set: CertificateSet, log: ClientLog) {
    this.#set = set;
    this.#log = log;
  }

  /** What is in force. */
  get set(): CertificateSet {
    return this.#set;
  }

  /** Replaces the certificates for handshakes from now on. */
  replace(set: CertificateSet): void {
    this.#set = set;
    for (const listener of this.#listeners) listener(this.serverOptions());
  }

  /**
   * What an HTTPS server of Node needs to have the same certificates, keys and trusted clients.
   * `setSecureContext` of the server takes it too.
   */
  serverOptions(): TlsOptions {
    const { default: first, trust } = this.#set;
    return {
      ...first.options,
      ALPNProtocols: ALPN,
      SNICallback: this.#findContext,
      requestCert: trust !== null,
      rejectUnauthorized: trust?.auth === 'require',
    };
  }

  /** Calls `listener` with the new options whenever the certificates are replaced. */
  onReplace(listener: (options: TlsOptions) => void): void {
    this.#listeners.push(listener);
  }

  // ---- From connections

  wrap(socket: Socket): TLSSocket {
    const { default: first, certificates, trust } = this.#set;
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: first.context,
      ALPNProtocols: ALPN,
      requestCert: trust !== null,
      // OpenSSL asks for it, and sends the alert when there is none; whether it is good we must check.
      rejectUnauthorized: trust?.auth === 'require',
      ...DRAINS_EVERY_WRITE,
      ...(certificates.length > 1 ? { SNICallback: this.#findContext } : {}),
    });
    if (this.writeKeys !== null) secured.on('keylog', this.writeKeys);
    return secured;
  }

  findFailure(socket: TLSSocket): TlsFailure | null {
    this.counters.handshakes++;
    if (socket.isSessionReused()) this.counters.resumed++;
    return this.#set.trust?.auth === 'require' ? certificateFailure(socket) : null;
  }

  describe(socket: TLSSocket): TlsPeer {
    const isAsked = this.#set.trust !== null;
    const { servername } = socket as TLSSocket & { readonly servername?: string | false };
    // A destroyed socket has none.
    const cipher = socket.getCipher() as CipherNameAndProtocol | undefined;
    return {
      version: socket.getProtocol() ?? 'unknown',
      cipher: cipher?.standardName ?? 'unknown',
      serverName: typeof servername === 'string' ? servername : null,
      certificate: isAsked && certificateFailure(socket) === null ? certificateOf(socket) : null,
    };
  }

  failed(peer: PeerAddress, failure: TlsFailure): void {
    this.counters.failed++;
    logTlsFailure(this.#log, peer, failure);
  }

  readonly #findContext = (
    serverName: string,
    callback: (error: null, context: SecureContext) => void,
  ): void => {
    callback(null, this.#set.find(serverName));
  };
}

/** Why a client has no certificate that we trust; null when it has one. */
function certificateFailure(socket: TLSSocket): TlsFailure | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'no-certificate';
  const error = verifyErrorOf(socket);
  if (error !== null) return error;
  // In a resumed session only this can have changed: other CAs prevent resumption (sessionIdContextOf).
  return Date.parse(certificate.validTo) <= Date.now() ? 'certificate-expired' : null;
}

function certificateOf(socket: TLSSocket): ClientCertificate {
  const { subject, issuer, fingerprint256, serialNumber, subjectAltName } =
    socket.getPeerX509Certificate()!;
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    fingerprint: fingerprint256,
    serialNumber,
    altNames: subjectAltName ?? null,
  };
}
