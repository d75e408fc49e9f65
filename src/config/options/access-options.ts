/** Rows of the option table: who may connect. */
import { addressRanges, credentials } from '../values/access-values.js';
import { choice, count, file } from '../values/values.js';
import { hostPolicy, originPolicy } from '../values/list-values.js';
import type { OptionTable } from './option.js';

const LIST_FORMS =
  'The flag is repeated for more ranges; the environment variable separates them by commas; the file takes one text or an array.';

export const ACCESS_OPTIONS = {
  allowedHosts: {
    group: 'Access',
    isReloadable: true,
    type: hostPolicy(),
    default: 'auto',
    help: 'host names that requests may be for, else 421',
    docs:
      'For handshakes and `static`. It stops DNS rebinding: a foreign page can have its own name resolved to an address of this machine, but its requests still carry that name. ' +
      '`auto` is `local` where twist listens on a loopback address, and `any` elsewhere. `local` stands for `localhost`, names below it, and all addresses. A list has names such as `desk.example.com`, or ' +
      '`*.example.com` for all names below one, and `local`; a port counts where one is given. Requests that come from a proxy named by `trustProxy`, or on a Unix socket, may be for any host: ' +
      'the proxy has its own list. A request without a host does not come from a browser and is let in.',
  },
  origin: {
    group: 'Access',
    isReloadable: true,
    type: originPolicy(),
    default: 'auto',
    help: 'web pages that may connect, else 403',
    docs:
      "`auto` is `same` for the proxy (`tcp`, `token`), and for every mode with passwords, because a browser sends those it knows with any page's request; otherwise it is `any`. " +
      '`same` takes pages from the host and port that the request is for, which a proxy named by `trustProxy` may report in `X-Forwarded-Host` (the last one counts), and of the same scheme if it reports that in `X-Forwarded-Proto`. A list takes exactly its origins, such as ' +
      '`https://example.com` or `http://localhost:3000`: scheme and host in lower case, no path, no default port. `https://*.example.com` is every name below `example.com`, by whole labels. ' +
      "`same` may stand in a list. `null` in it stands for local files and sandboxed pages, `file://` for pages of programs such as Electron's. A client that sends no `Origin` is not a browser and is always let in.",
  },
  allow: {
    group: 'Access',
    isReloadable: true,
    type: addressRanges('any'),
    default: 'any',
    help: 'addresses that may connect, repeatable; others get 403',
    docs: `Ranges of IPv4 and IPv6 addresses. \`deny\` comes first. Behind a proxy named by \`trustProxy\` the client's own address counts. Clients on a Unix socket have no address and are always let in, unless \`trustProxy\` has \`unix\`. ${LIST_FORMS}`,
  },
  deny: {
    group: 'Access',
    isReloadable: true,
    type: addressRanges('none'),
    default: 'none',
    help: 'addresses that may not connect, repeatable; they get 403',
    docs: `Ranges of IPv4 and IPv6 addresses, for exceptions from \`allow\` or by itself. ${LIST_FORMS}`,
  },
  recheck: {
    group: 'Access',
    type: choice('WHAT', ['keep', 'end']),
    default: 'keep',
    help: 'sessions that a reload would not let in again: keep or end',
    docs:
      'With `end` a reload (SIGHUP) closes with 1008 the sessions that could not open again: `allow` and `deny` no longer let their address in, nothing or something else serves their path, or their token is gone or leads to another target. ' +
      'Passwords are not checked again. `keep` closes none.',
  },
  trustProxy: {
    group: 'Access',
    isReloadable: true,
    type: addressRanges('none', true),
    default: 'none',
    help: 'trusted proxies: believe the client address they report, repeatable',
    docs:
      'Addresses of your own reverse proxies or load balancers; `unix` stands for those that connect by a Unix socket. The client address that they report is used for the log, `allow`, `deny`, `maxConnectionsPerAddress` and `proxyProtocol`; that of ' +
      'any other peer is ignored. When a proxy reports none, the client has the address of the proxy, and by a Unix socket none: then `allow` lets it in only if it is `any`, and no limit counts it. ' +
      `Everything that can connect to a trusted Unix socket can claim any address: see \`unixMode\`. Guide: \`docs/proxies.md\`. ${LIST_FORMS}`,
  },
  trustProxyHeader: {
    group: 'Access',
    isReloadable: true,
    type: choice('HEADER', ['x-forwarded-for', 'proxy-protocol']),
    default: 'x-forwarded-for',
    help: 'how trusted proxies report it: x-forwarded-for or proxy-protocol',
    docs:
      '`x-forwarded-for` is the header of that name: the client is its last address that is not a trusted proxy. With `proxy-protocol` every connection from a trusted proxy must begin with a PROXY protocol header, ' +
      'version 1 or 2, else it gets 400; connections from elsewhere must not. It needs `trustProxy`.',
  },
  authFile: {
    group: 'Access',
    type: file(),
    default: 'off',
    help: 'users and password hashes (or TWIST_AUTH=user:password); else 401',
    docs:
      'HTTP Basic authentication (RFC 7617) of the handshake, and of `static`. One `user:hash` in each line, as `htpasswd -B` writes it (bcrypt, of a cost from 4 to 14). It is read again when it changes. ' +
      'Verifying a password takes a tenth of a second or more, after which it is remembered for a minute. Passwords travel in clear text: use TLS. For one user `TWIST_AUTH` is enough; both together are an error.',
  },
  maxLoginFailures: {
    group: 'Access',
    needs: 'passwords',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: '60',
    help: 'most failed logins in a minute from one address; one more gets 429',
    docs:
      'So many wrong passwords may come at once, and as many again over each minute. Beyond it no password from that address is looked at, right or wrong, until `Retry-After` has passed. ' +
      'Users whose password was right in the last day are counted apart at the address that they came from: strangers behind the same NAT do not lock them out. In IPv6 a /64 network counts as one address; clients by a Unix socket are not counted. ' +
      'Behind a proxy set `trustProxy`, else all clients are one address. Each process counts for itself (`workers`).',
  },
  auth: {
    group: 'Access',
    type: credentials(),
    default: 'off',
    isFlag: false,
    isFileKey: false,
    isSecret: true,
    help: 'user and password that clients must give; else 401',
    docs: 'HTTP Basic authentication like `authFile`, for one user. It is in the environment only, because a command line can be read by every user of the machine. It is never shown.',
  },
} as const satisfies OptionTable;
