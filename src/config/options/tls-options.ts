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
      'It needs `tlsKey`. Of several a client gets the one whose subjectAltName has the name that it asks for (SNI), by itself or by a wildcard, and the first one if none has. ' +
      'The files are looked at every two seconds, and on SIGHUP: new handshakes get what is there, sessions stay, and a file that cannot be used changes nothing but the log. ' +
      'A certificate that ends within 14 days is a warning at start and once a day.',
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
    docs: 'For all keys of `tlsKey` that are encrypted. It is in the environment only, because a command line can be read by every user of the machine. It is never shown.',
  },
  tlsKeyPassphraseFile: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: 'file of the passphrase (or TWIST_TLS_KEY_PASSPHRASE)',
    docs: 'Its text without the line feed at its end decrypts the keys of `tlsKey`.',
  },
  tlsClientCa: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: "certificate authorities that sign clients' certificates, in PEM",
    docs: "Clients are asked for a certificate that one of these has signed. Its subject and its fingerprint (SHA-256) are in the session's line of the log and in the recording, and modes find them in `session.clientCertificate`.",
  },
  tlsClientAuth: {
    group: 'TLS',
    needs: 'client-ca',
    type: choice('HOW', ['require', 'request']),
    default: 'require',
    help: 'whether clients must have a certificate (require) or may (request)',
    docs: '`require` ends the connection of a client without a good certificate before it can send a request. With `request` it is served, as one without a certificate; the mode decides.',
  },
  tlsKeylog: {
    group: 'TLS',
    needs: 'certificate',
    type: file(),
    default: 'off',
    help: 'append the secrets of TLS sessions to this file, for Wireshark',
    docs: 'In the NSS Key Log Format (`SSLKEYLOGFILE`). Whoever has the file can read all recorded traffic: it is for finding faults, only its owner can read it, and a warning at start says that it is on.',
  },
} as const satisfies OptionTable;
