/** The certificates of a server at one time: which one a client gets, and when they expire. */
import { createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { ServerCertificate } from './certificate.js';

/** Whether clients must have a certificate, or may. */
export type ClientAuth = 'require' | 'request';

/** Which certificates of clients are trusted. */
export interface ClientTrust {
  /** The CAs that sign them, in PEM. */
  readonly ca: string;
  readonly auth: ClientAuth;
}

/** How long before a certificate expires the log warns of it, in milliseconds. */
export const EXPIRY_WARNING_MS = 14 * 24 * 60 * 60 * 1000;

/**
 * What sessions are resumed within (`SSL_CTX_set_session_id_context`): a client that was let in by other CAs, or
 * without a certificate, must make a new handshake. It is the same in all workers, and after a restart.
 */
export function sessionIdContextOf(trust: ClientTrust | null): string {
  const digest = createHash('sha256').update(
    JSON.stringify([trust?.auth ?? null, trust?.ca ?? null]),
  );
  // OpenSSL takes 32 bytes.
  return digest.digest('hex').slice(0, 32);
}

export class CertificateSet {
  /** The first one is for clients that name no host, or none of ours. */
  readonly certificates: readonly ServerCertificate[];
  readonly trust: ClientTrust | null;
  /** Differs for every other set. */
  readonly digest: string;
  readonly #byName = new Map<string, SecureContext>();

  constructor(certificates: readonly ServerCertificate[], trust: ClientTrust | null) {
    this.certificates = certificates;
    this.trust = trust;
    for (const { names, context } of certificates) {
      // The first certificate for a name wins.
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, context);
    }
    const texts = JSON.stringify([certificates.map(({ text }) => text), trust]);
    this.digest = createHash('sha256').update(texts).digest('base64');
  }

  get default(): ServerCertificate {
    return this.certificates[0]!;
  }

  /** Finds the certificate for a name that a client asks for: an exact one before one with a wildcard (RFC 6125 §6.4.3). */
  find(serverName: string): SecureContext {
    const name = serverName.toLowerCase();
    const exact = this.#byName.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    return this.#byName.get(`*${name.slice(dot)}`) ?? this.default.context;
  }

  /** Warnings about certificates that have expired or soon will, as sentences. */
  problems(nowMs: number): string[] {
    return this.certificates.flatMap(({ title, validFromMs, validToMs }) => {
      const what = `the TLS certificate of ${title}`;
      if (validFromMs > nowMs) return [`${what} is not valid before ${dateOf(validFromMs)}`];
      if (validToMs <= nowMs) return [`${what} expired on ${dateOf(validToMs)}`];
      if (validToMs - nowMs > EXPIRY_WARNING_MS) return [];
      return [`${what} expires on ${dateOf(validToMs)}`];
    });
  }

  /** Those that have expired. */
  expired(nowMs: number): readonly ServerCertificate[] {
    return this.certificates.filter(({ validToMs }) => validToMs <= nowMs);
  }

  /** For the log: `2 certificates, the first one for example.com until 2027-01-31`. */
  get summary(): string {
    const { title, validToMs } = this.default;
    const until = `${title} until ${dateOf(validToMs)}`;
    const { length } = this.certificates;
    return length === 1 ? `for ${until}` : `${length}, the first one for ${until}`;
  }
}

export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
