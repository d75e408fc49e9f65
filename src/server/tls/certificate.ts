/** A certificate of ours with its key, as PEM files have them. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { type SecureContext, type SecureContextOptions, createSecureContext } from 'node:tls';

/** Texts in PEM. */
export interface CertificateText {
  /** The server's own certificate, and after it those that lead to the root. */
  readonly cert: string;
  readonly key: string;
}

export interface ServerCertificate {
  readonly text: CertificateText;
  /** The host names of its subjectAltName, in lower case; `*.example.com` is every name one label below. */
  readonly names: readonly string[];
  /** How the log names it: its first host name, or its subject. */
  readonly title: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** What its context is made of. */
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

/** What is the same for all certificates of a server. */
export type CommonOptions = Pick<
  SecureContextOptions,
  'ca' | 'minVersion' | 'secureOptions' | 'sessionIdContext' | 'ticketKeys'
>;

/** Refuses the certificate or the key; the clause says why it cannot be used. */
export type RefuseCertificate = (part: keyof CertificateText, clause: string) => never;

const NO_PEM = 'it holds no certificate in PEM';

/** @param refuse throws */
export function readCertificate(
  text: CertificateText,
  passphrase: string | null,
  common: CommonOptions,
  refuse: RefuseCertificate,
): ServerCertificate {
  const { cert, key } = text;
  const certificate = attempt(
    () => new X509Certificate(cert),
    () => refuse('cert', NO_PEM),
  );
  const privateKey = attempt(
    () => createPrivateKey({ key, ...(passphrase === null ? {} : { passphrase }) }),
    () => refuse('key', keyFault(key, passphrase)),
  );
  if (!certificate.checkPrivateKey(privateKey))
    refuse(
      'key',
      'it is not the key of the certificate, or the certificate is not the first one of its file',
    );
  const options = { ...common, cert, key, ...(passphrase === null ? {} : { passphrase }) };
  const context = attempt(
    () => createSecureContext(options),
    (error) => refuse('cert', `OpenSSL does not take it: ${openSslReason(error)}`),
  );
  const names = hostNamesOf(certificate.subjectAltName);
  return {
    text,
    names,
    title: names[0] ?? oneLine(certificate.subject),
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
    options,
    context,
  };
}

/** @param refuse throws @throws what `refuse` throws, when the text holds no certificate */
export function checkCa(ca: string, refuse: (clause: string) => never): void {
  attempt(
    () => new X509Certificate(ca),
    () => refuse(NO_PEM),
  );
}

/** `C=DE\nCN=alice` in one line. */
export function oneLine(name: string): string {
  return name.split('\n').join(', ');
}

/** The host names in a subjectAltName, as Node prints it; what has odd characters is quoted there, and is no name. */
function hostNamesOf(altName: string | undefined): string[] {
  const names: string[] = [];
  for (const entry of altName?.split(', ') ?? []) {
    if (entry.startsWith('DNS:') && !entry.includes('"'))
      names.push(entry.slice('DNS:'.length).toLowerCase());
  }
  return names;
}

function keyFault(key: string, passphrase: string | null): string {
  if (!key.includes('ENCRYPTED')) return 'it holds no private key in PEM';
  return passphrase === null
    ? 'it is encrypted: give TWIST_TLS_KEY_PASSPHRASE, or --tls-key-passphrase-file'
    : 'the passphrase is wrong, or it holds no private key';
}

/** `ee key too small` of `error:0A00018F:SSL routines::ee key too small`. */
function openSslReason(error: unknown): string {
  return (error as Error).message.replace(/^.*:/s, '').trim();
}

/** @param fail throws */
function attempt<Made>(make: () => Made, fail: (error: unknown) => never): Made {
  try {
    return make();
  } catch (error) {
    return fail(error);
  }
}
