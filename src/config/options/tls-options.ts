/** Rows of the option table: TLS on our own side. */
import { secretText } from '../values/access-values.js';
import { filePaths } from '../values/list-values.js';
import { choice, file } from '../values/values.js';
import type { OptionTable } from './option.js';

export const TLS_OPTIONS = {
  tlsCert: {
    group: 'TLS',
    needs: 'secure-listener',
    type: filePaths(),
    default: 'none',
    help: 'certificate in PEM, with its chain; repeatable, for several names',
    docs:
      "With it every address of `listen` speaks TLS (1.2 and 1.3), except `ws://` ones and Unix sockets. The server's own certificate comes first in the file, then those that lead to the root. " +
      'It needs `tlsKey`. If there are several, a client gets the one whose subjectAltName matches the name that it asks for (SNI), exactly or by a wildcard, else the first one. ' +
      'twist checks the files every two seconds, and on SIGHUP: new handshakes get the new certificate, sessions stay, and files that cannot be used change nothing; the log says why. ' +
      'A certificate that expires within 14 days gets a warning at start and once a day.',
  },
  tlsKey: {
    group: 'TLS',
    type: filePaths(),
    default: 'none',
    help: 'key of the certificate, in PEM; repeatable in the same order',
    docs: 'One for each `tlsCert`, in the same order. Nobody else should be able to read it. If it is encrypted, `TWIST_TLS_KEY_PASSPHRASE` or `tlsKeyPassphraseFile` decrypts it.',
  },
  tlsKeyPassphrase: {
    group: 'TLS',
    needs: 'certificate',
    type: secretText('PASSPHRASE'),
    default: 'off',
    isFlag: false,
    isFileKey: false,
    isSecret: true,
    help: 'decrypts the keys',
    docs: 'Decrypts all keys of `tlsKey` that are encrypted. It can only be set in the environment, because every user of the machine can read a command line. It is never shown.',
  },
  tlsKeyPassphraseFile: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: 'file of the passphrase (or TWIST_TLS_KEY_PASSPHRASE)',
    docs: 'The text of the file, without the line feed at its end, decrypts the keys of `tlsKey`.',
  },
  tlsClientCa: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: "certificate authorities that sign clients' certificates, in PEM",
    docs: "Clients must or may (`tlsClientAuth`) show a certificate that one of these has signed. Its subject and its fingerprint (SHA-256) are in the session's line of the log and in the recording, and modes find them in `session.clientCertificate`.",
  },
  tlsClientAuth: {
    group: 'TLS',
    needs: 'client-ca',
    type: choice('HOW', ['require', 'request']),
    default: 'require',
    help: 'whether clients must have a certificate (require) or may (request)',
    docs: '`require` ends the connection of a client without a good certificate before it can send a request. With `request` every client is served; a mode can look at `session.clientCertificate`.',
  },
  tlsKeylog: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: 'append the secrets of TLS sessions to this file, for Wireshark',
    docs: 'In the NSS Key Log Format (`SSLKEYLOGFILE`). Anybody who has the file can decrypt captured traffic: use it to find faults. Only its owner can read it, and a warning at start says that it is on.',
  },
} as const satisfies OptionTable;
