/** What is said of TLS handshakes that fail, and how often. */
import type { TlsFailure } from '../../connection/tls/tls-service.js';
import type { Log } from '../../log.js';
import { type PeerAddress, formatPeer } from '../../net/socket-address.js';

/** Lines a second; what is beyond them is counted, and told with the next line. */
const MAX_LINES = 10;
const PERIOD_MS = 1000;

/** OpenSSL's and Node's names, and words of ours, as clauses that end "TLS handshake failed: ". */
const CLAUSES: Readonly<Record<TlsFailure, string>> = {
  timeout: 'it took too long',
  eof: 'the client left',
  ECONNRESET: 'the client left',
  EPIPE: 'the client left',
  'no-certificate': 'the client has sent no certificate, and one is required',
  'certificate-expired': "the client's certificate has expired",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    'the client has sent no certificate, and one is required',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks no version of TLS that is allowed, 1.2 or newer',
  ERR_SSL_NO_SHARED_CIPHER: 'the client has no cipher that is allowed',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'the client knows no signature that the key can make',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client speaks another protocol than http/1.1 (ALPN)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what the client has sent is not TLS',
  ERR_SSL_HTTP_REQUEST: 'what the client has sent is not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'what the client has sent is not TLS',
  ERR_SSL_UNEXPECTED_MESSAGE: 'what the client has sent is not TLS',
  ERR_SSL_BAD_RECORD_TYPE: 'what the client has sent is not TLS',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not know the CA of our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the client does not accept our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the client does not accept our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client takes our certificate for expired',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the client has refused it',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the client does not speak our versions of TLS',
  // What OpenSSL finds of a client's certificate.
  CERT_HAS_EXPIRED: "the client's certificate has expired",
  CERT_NOT_YET_VALID: "the client's certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the client's certificate is signed by no CA of ours, but by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "the client's certificate is signed by a CA that is none of ours",
  UNABLE_TO_GET_ISSUER_CERT: "the client's certificate is signed by a CA that is none of ours",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the client's certificate is signed by a CA that is none of ours",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the client's certificate is signed by a CA that is none of ours",
  INVALID_PURPOSE: "the client's certificate is not one for clients",
};

export class FailureLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #periodStartMs = 0;
  #lines = 0;
  #untold = 0;

  /** @param nowMs a monotonic clock, in milliseconds */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  failed(peer: PeerAddress, failure: TlsFailure): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#periodStartMs >= PERIOD_MS) {
      this.#periodStartMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= MAX_LINES) {
      this.#untold++;
      return;
    }
    this.#lines++;
    const untold = this.#untold === 0 ? {} : { untold: this.#untold };
    this.#untold = 0;
    const fields = { peer: formatPeer(peer), error: failure, ...untold };
    this.#log.info(fields, `TLS handshake failed: ${CLAUSES[failure] ?? 'OpenSSL says no'}`);
  }
}
