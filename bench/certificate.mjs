/** A certificate for measurements by TLS. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

/**
 * An ECDSA certificate, as most have one today.
 * @param {string} directory
 * @returns {{ cert: string, key: string }} files
 */
export function makeCertificate(directory) {
  const [cert, key] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...curve, '-noenc', '-days', '30', ...names, ...files], {
    stdio: 'ignore',
  });
  return { cert, key };
}
