/** What the log says about failed TLS handshakes. */
import type { TlsFailure } from '../../connection/tls/tls-service.js';
import type { ClientLog } from '../../log.js';
import { type PeerAddress, formatPeer } from '../../net/socket-address.js';

const LEFT = 'the client left';
const NO_CERTIFICATE = 'the client has sent no certificate, and one is required';
const NOT_TLS = 'what the client has sent is not TLS';
const NOT_ACCEPTED = 'the client does not accept our certificate';
const EXPIRED = "the client's certificate has expired";
const FOREIGN_CA = "the client's certificate is signed by a CA that is none of ours";

/** OpenSSL's and Node's names, and words of ours, as clauses that end "TLS handshake failed: ". */
const CLAUSES: Readonly<Record<TlsFailure, string>> = {
  timeout: 'it took too long',
  eof: LEFT,
  ECONNRESET: LEFT,
  EPIPE: LEFT,
  'no-certificate': NO_CERTIFICATE,
  'certificate-expired': EXPIRED,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: NO_CERTIFICATE,
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks no version of TLS that is allowed, 1.2 or newer',
  ERR_SSL_NO_SHARED_CIPHER: 'the client has no cipher that is allowed',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'the client knows no signature that the key can make',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client speaks another protocol than http/1.1 (ALPN)',
  // Versions of OpenSSL name noise differently.
  ERR_SSL_DATA_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_LENGTH_TOO_SHORT: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_RECORD_LENGTH_MISMATCH: NOT_TLS,
  ERR_SSL_UNEXPECTED_MESSAGE: NOT_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  // OpenSSL's verdicts on a client's certificate.
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: "the client's certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the client's certificate is signed by no CA of ours, but by itself",
  SELF_SIGNED_CERT_IN_CHAIN: FOREIGN_CA,
  UNABLE_TO_GET_ISSUER_CERT: FOREIGN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: FOREIGN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: FOREIGN_CA,
  INVALID_PURPOSE: "the client's certificate is not one for clients",
};

/** Keys are the names of alerts that the client sent (RFC 8446 §6.2). */
const ALERTS: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'the client does not know the CA of our certificate',
  CERTIFICATE_UNKNOWN: NOT_ACCEPTED,
  BAD_CERTIFICATE: NOT_ACCEPTED,
  CERTIFICATE_EXPIRED: 'the client takes our certificate for expired',
  HANDSHAKE_FAILURE: 'the client has refused it',
  PROTOCOL_VERSION: 'the client does not speak our versions of TLS',
};

/** The prefix of an alert's name, a protocol or two: `SSLV3`, `TLSV1`, `SSL/TLS`. */
const ALERT = /^ERR_SSL_[A-Z0-9/]+_ALERT_(.+)$/;

function clauseOf(failure: TlsFailure): string {
  const [, alert = ''] = ALERT.exec(failure) ?? [];
  return CLAUSES[failure] ?? ALERTS[alert] ?? 'OpenSSL refused it';
}

export function logTlsFailure(log: ClientLog, peer: PeerAddress, failure: TlsFailure): void {
  log.write('info', peer.remoteAddress, `TLS handshake failed: ${clauseOf(failure)}`, () => ({
    peer: formatPeer(peer),
    error: failure,
  }));
}
