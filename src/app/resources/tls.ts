/** What the options for TLS on our side ask for: the certificates in their files. */
import { promises as fs } from 'node:fs';
import { readFault } from '../../config/file.js';
import { configError, optionName, show } from '../../config/messages.js';
import type { ProvidedServerSettings } from '../../config/settings.js';
import type { ClientLog, Log } from '../../log.js';
import { checkCa, readCertificate } from '../../server/tls/certificate.js';
import { CertificateSet, type ClientTrust } from '../../server/tls/certificate-set.js';
import { CertificateWatch } from '../../server/tls/certificate-watch.js';
import { checkRegular } from '../../regular-file.js';
import { KeyLog } from '../../server/tls/key-log.js';
import { ServerTls } from '../../server/tls/server-tls.js';
import { TlsContext, commonOptions, newTicketKeys } from '../../server/tls/tls-context.js';
import { systemReason } from '../../system-reason.js';

type Key = 'tlsCert' | 'tlsKey' | 'tlsClientCa' | 'tlsKeyPassphraseFile' | 'tlsKeylog';

type Values = Pick<ProvidedServerSettings, Key | 'tlsClientAuth' | 'tlsKeyPassphrase'>;

/**
 * Reads the files that the options name.
 *
 * @param clientLog gets a line for each handshake that fails
 * @param ticketKeys encipher what clients resume their sessions with; workers of one server share them
 * @returns null without certificates
 * @throws {ConfigError} as a rejection, when a file cannot be read, holds something else, or does not fit another
 */
export async function readTls(
  values: Values,
  log: Log,
  clientLog: ClientLog,
  ticketKeys: Buffer = newTicketKeys(),
): Promise<ServerTls | null> {
  const { tlsCert, tlsKey, tlsClientCa, tlsKeyPassphraseFile, tlsKeylog } = values;
  if (tlsCert.value.length === 0) return null;
  const context = new TlsContext(await readCertificates(values, ticketKeys, readFile), clientLog);
  const read = (): Promise<CertificateSet> => readCertificates(values, ticketKeys, readAgain);
  const given = [...tlsCert.value, ...tlsKey.value, tlsClientCa.value, tlsKeyPassphraseFile.value];
  const files = given.filter((file) => file !== null);
  const watch = new CertificateWatch({ files, read, context, log });
  const { value: path } = tlsKeylog;
  return new ServerTls({
    context,
    watch,
    openKeyLog: path === null ? null : () => openKeyLog(path, values, log),
  });
}

type Read = (path: string) => Promise<string>;

function readFile(path: string): Promise<string> {
  return fs.readFile(path, 'utf8');
}

async function readAgain(path: string): Promise<string> {
  checkRegular(await fs.stat(path));
  return await readFile(path);
}

async function readCertificates(
  values: Values,
  ticketKeys: Buffer,
  read: Read,
): Promise<CertificateSet> {
  const { tlsCert, tlsKey, tlsClientAuth } = values;
  const ca = await readOne('tlsClientCa', values, read);
  if (ca !== null)
    checkCa(ca, (clause) => refuse('tlsClientCa', values.tlsClientCa.value, clause, values));
  const trust: ClientTrust | null = ca === null ? null : { ca, auth: tlsClientAuth.value };
  const passphrase = await readPassphrase(values, read);
  const common = commonOptions(trust, ticketKeys);
  const certificates = [];
  for (const [index, certFile] of tlsCert.value.entries()) {
    // There are as many: config/relations.ts.
    const keyFile = tlsKey.value[index]!;
    const text = {
      cert: await readText('tlsCert', certFile, values, read),
      key: await readText('tlsKey', keyFile, values, read),
    };
    certificates.push(
      readCertificate(text, passphrase, common, (part, clause) =>
        part === 'cert'
          ? refuse('tlsCert', certFile, clause, values)
          : refuse('tlsKey', keyFile, clause, values),
      ),
    );
  }
  return new CertificateSet(certificates, trust);
}

async function readPassphrase(values: Values, read: Read): Promise<string | null> {
  const text = await readOne('tlsKeyPassphraseFile', values, read);
  // Editors and shells put a line feed at the end.
  return text === null ? values.tlsKeyPassphrase.value : text.replace(/\r?\n$/, '');
}

async function readOne(
  key: 'tlsClientCa' | 'tlsKeyPassphraseFile',
  values: Values,
  read: Read,
): Promise<string | null> {
  const { value: path } = values[key];
  return path === null ? null : await readText(key, path, values, read);
}

async function readText(key: Key, path: string, values: Values, read: Read): Promise<string> {
  try {
    return await read(path);
  } catch (error) {
    return refuse(key, path, readFault(error), values);
  }
}

function openKeyLog(path: string, values: Values, log: Log): KeyLog {
  let keyLog: KeyLog;
  try {
    keyLog = new KeyLog(path, log);
  } catch (error) {
    // The file itself is made when it is missing.
    const clause = systemReason(error, {
      ENOENT: 'its directory does not exist',
      ENXIO: 'nobody reads this pipe',
    });
    return refuse('tlsKeylog', path, clause, values);
  }
  const name = optionName('tlsKeylog', values.tlsKeylog);
  log.warn({ file: path }, `${name} makes all traffic readable for whoever has that file`);
  return keyLog;
}

function refuse(key: Key, value: string | null, clause: string, values: Values): never {
  const { [key]: provided } = values;
  throw configError(
    `${optionName(key, provided)} cannot be ${show(value)}: ${clause}`,
    provided.source,
  );
}
