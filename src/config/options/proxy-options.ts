/** Rows of the option table: targets of the TCP proxy. */
import { addressRanges } from '../values/access-values.js';
import { duration, file, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';
import { hostName, proxyVersion } from '../values/proxy-values.js';

export const PROXY_OPTIONS = {
  tcpText: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'target',
    type: toggle(),
    default: 'false',
    help: 'send text messages to clients instead of binary ones',
    docs:
      'For targets that speak UTF-8 in lines, and clients that want text. A character is never cut, however it arrives; if the target sends ' +
      'anything but UTF-8, the connection ends with 1011. Every byte is checked for it.',
  },
  targetConnectTimeout: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'target',
    type: duration(),
    default: '5s',
    help: 'time to connect to a target; then 504',
    docs: 'From the lookup of the name to the end of the TLS handshake, for all addresses of the name together. `handshakeTimeout` bounds it too, with 408.',
  },
  targetKeepalive: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'target',
    type: duration({ canBeOff: true }),
    default: '1m',
    help: 'silence before TCP probes a target',
    docs: 'After this silence the system probes the target, which finds one that has vanished without a word; the client is then closed with 1011. For clients there is `pingInterval`.',
  },
  targetAllow: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'target',
    type: addressRanges('any'),
    default: 'any',
    help: 'addresses that targets may have, repeatable; any other gets 502',
    docs:
      'The address that a name resolves to is checked right before the connection, so a name cannot lead elsewhere. Unix sockets are always allowed. ' +
      'The flag is repeated for more ranges; the environment variable separates them by commas; the file takes one text or an array.',
  },
  targetCa: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'certificate authorities for tls:// targets, in PEM',
    docs: 'It replaces the certificate authorities that Node knows. The certificate of a target is always verified, unless `targetInsecure` says otherwise.',
  },
  targetCert: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'our own certificate for tls:// targets, in PEM',
    docs: 'For targets that ask for one, with its intermediate certificates. It needs `targetKey`.',
  },
  targetKey: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'private key of that certificate, in PEM',
    docs: 'The private key of `targetCert`, not encrypted.',
  },
  targetServername: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'tls',
    type: hostName(),
    default: 'off',
    help: 'name that the certificate of a tls:// target must have',
    docs: 'It is sent to the target (SNI) and checked against its certificate, in place of the host of the target: for targets that are reached by address, for instance.',
  },
  targetInsecure: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'tls',
    type: toggle(),
    default: 'false',
    help: 'accept any certificate of a tls:// target',
    docs: 'Anybody on the way to the target can then read and change what is sent. Use it to try things out; for a target with a certificate of its own use `targetCa`.',
  },
  proxyProtocol: {
    group: 'Proxy',
    isReloadable: true,
    needs: 'target',
    type: proxyVersion(),
    default: 'off',
    help: 'send targets a PROXY header of this version',
    docs:
      "The target first gets a PROXY protocol header with the client's address and port, text for version 1 and binary for 2. " +
      'Only for targets that expect it. If a proxy is in front of twist, see `trustProxy`.',
  },
} as const satisfies OptionTable;
