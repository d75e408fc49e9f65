/** The rows of the option table that are about the targets of the TCP proxy. */
import { addressRanges } from '../values/access-values.js';
import { duration, file, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';
import { hostName, proxyVersion } from '../values/proxy-values.js';

export const PROXY_OPTIONS = {
  tcpText: {
    group: 'Proxy',
    needs: 'target',
    type: toggle(),
    default: 'false',
    help: 'send text messages to clients, not binary ones',
    docs:
      'For targets that speak UTF-8 in lines, and clients that want text. A character is never cut, however the target sends it; a target that sends ' +
      'anything but UTF-8 ends the connection with 1011. It costs a look at every byte.',
  },
  targetConnectTimeout: {
    group: 'Proxy',
    needs: 'target',
    type: duration(),
    default: '5s',
    help: 'for connecting to a target; then 504',
    docs: 'Counted from the lookup of the name to the end of the TLS handshake, all addresses of the name together. `handshakeTimeout` bounds it too, with 408.',
  },
  targetKeepalive: {
    group: 'Proxy',
    needs: 'target',
    type: duration({ canBeOff: true }),
    default: '1m',
    help: 'silence before TCP probes a target',
    docs: 'A target that has vanished without a word is found by the probes of the system, which come after this silence. The client is then closed with 1011. Clients have `pingInterval`.',
  },
  targetAllow: {
    group: 'Proxy',
    needs: 'target',
    type: addressRanges('any'),
    default: 'any',
    help: 'addresses that may be connected to, repeatable; others get 502',
    docs:
      'It is the address that a name resolved to that is looked at, right before it is connected to, so a name cannot lead elsewhere. Unix sockets are always allowed. ' +
      'The flag is repeated for more ranges; the environment variable separates them by commas; the file takes one text or an array.',
  },
  targetCa: {
    group: 'Proxy',
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'who may sign certificates of tls:// targets, in PEM',
    docs: 'It replaces the certificate authorities that Node knows. The certificate of a target is always verified, unless `targetInsecure` says otherwise.',
  },
  targetCert: {
    group: 'Proxy',
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'our own certificate for tls:// targets, in PEM',
    docs: 'For targets that ask for one, with what stands between it and its authority. It needs `targetKey`.',
  },
  targetKey: {
    group: 'Proxy',
    needs: 'tls',
    type: file(),
    default: 'off',
    help: 'its private key, in PEM',
    docs: 'The private key of `targetCert`, not encrypted.',
  },
  targetServername: {
    group: 'Proxy',
    needs: 'tls',
    type: hostName(),
    default: 'off',
    help: 'name that tls:// targets are asked for and must have',
    docs: 'It is sent to the target (SNI) and looked for in its certificate, in place of the host of the target. For targets that are reached by an address, for instance.',
  },
  targetInsecure: {
    group: 'Proxy',
    needs: 'tls',
    type: toggle(),
    default: 'false',
    help: 'take any certificate of a tls:// target',
    docs: 'Anybody on the way to the target can then read and change what is sent. For trying things out; `targetCa` is the right way to a target with a certificate of its own.',
  },
  proxyProtocol: {
    group: 'Proxy',
    needs: 'target',
    type: proxyVersion(),
    default: 'off',
    help: 'version of the PROXY header that targets are sent',
    docs:
      "The first bytes that a target gets then are a PROXY protocol header with the client's address and port, text for version 1 and binary for 2. " +
      'Only for targets that expect it. Behind a proxy of your own see `trustProxy`.',
  },
} as const satisfies OptionTable;
