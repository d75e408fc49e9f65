/** A certificate authority for one run, and a certificate of it for 127.0.0.1. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConformanceError } from './failure.mjs';
import { run } from './processes.mjs';

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/**
 * @param {string} directory where the files go
 * @returns {Promise<{ cert: string, key: string }>} the paths of the server's own
 * @throws {ConformanceError} without the command `openssl`
 */
export async function makeCertificates(directory) {
  /** @param {string} name */
  const at = (name) => path.join(directory, name);
  /** @param {readonly string[]} args */
  const openssl = async (args) => {
    const { isOk, output } = await run('openssl', args);
    if (!isOk) throw new ConformanceError(`--tls needs openssl, which says: ${output}`);
  };
  const ca = ['-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Conformance CA'];
  await openssl(['req', '-x509', ...CURVE, '-days', '2', ...ca]);
  const own = ['-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=127.0.0.1'];
  await openssl(['req', ...CURVE, ...own]);
  await writeFile(at('server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
  const files = ['-in', at('server.csr'), '-out', at('server.pem'), '-extfile', at('server.ext')];
  await openssl(['x509', '-req', ...files, ...signing]);
  return { cert: at('server.pem'), key: at('server.key') };
}
