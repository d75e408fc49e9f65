/** What is known of a client that comes by TLS. */

/** A client's certificate that one of our CAs has signed. */
export interface ClientCertificate {
  /** Its parts in the order in which the certificate has them: `C=DE, O=Example, CN=alice`. */
  readonly subject: string;
  /** Who has signed it, in the same form. */
  readonly issuer: string;
  /** Of the whole certificate, by SHA-256: `AB:CD:...`, 32 pairs of hex digits. */
  readonly fingerprint: string;
  /** In hex digits; no other certificate of its issuer has it. */
  readonly serialNumber: string;
  /** The subjectAltName as OpenSSL writes it: `DNS:alice.example.com, email:alice@example.com`; null without one. */
  readonly altNames: string | null;
}

/** What was negotiated. */
export interface TlsPeer {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly version: string;
  /** By its name in the standard: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The name that the client asked for (RFC 6066 §3); null when it named none. */
  readonly serverName: string | null;
  /** Null when the client has none, or none that we trust. */
  readonly certificate: ClientCertificate | null;
}
