/** Reads and checks the files that the options for TLS to targets name: certificates and a key. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFault } from '../../config/file.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings } from '../../config/settings.js';
import type { Files } from '../built-in.js';

/** PEM texts; null if not given. */
export interface TargetCertificates {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

type Key = 'targetCa' | 'targetCert' | 'targetKey';

/**
 * Reads the files that the options name.
 *
 * @throws {ConfigError} if one cannot be read, holds something else, or does not fit the other one
 */
export function readTargetCertificates(
  values: Pick<ProvidedServerSettings, Key>,
  files: Pick<Files, 'readFile'>,
): TargetCertificates {
  const refuse = (key: Key, clause: string): never => {
    const { [key]: provided } = values;
    const name = optionName(key, provided);
    throw configError(`${name} cannot be ${show(provided.value)}: ${clause}`, provided.source);
  };
  const read = (key: Key): string | null => {
    const path = values[key].value;
    if (path === null) return null;
    try {
      return files.readFile(path);
    } catch (error) {
      return refuse(key, readFault(error));
    }
  };
  const [ca, cert, key] = [read('targetCa'), read('targetCert'), read('targetKey')];
  if (ca !== null && parse(() => new X509Certificate(ca)) === null)
    refuse('targetCa', 'it holds no certificate in PEM');
  if (cert === null || key === null) return { ca, cert, key };
  const certificate = parse(() => new X509Certificate(cert));
  const privateKey = parse(() => createPrivateKey(key));
  if (certificate === null) return refuse('targetCert', 'it holds no certificate in PEM');
  if (privateKey === null)
    return refuse('targetKey', 'it holds no private key in PEM, or one that needs a password');
  if (!certificate.checkPrivateKey(privateKey))
    refuse('targetKey', `it is not the key of ${optionName('targetCert', values.targetCert)}`);
  return { ca, cert, key };
}

function parse<Parsed>(make: () => Parsed): Parsed | null {
  try {
    return make();
  } catch {
    return null;
  }
}
