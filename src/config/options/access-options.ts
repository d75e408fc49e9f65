/** The rows of the option table that say who may connect. */
import { addressRanges, credentials } from '../values/access-values.js';
import { choice, file } from '../values/values.js';
import { hostPolicy, originPolicy } from '../values/list-values.js';
import type { OptionTable } from './option.js';

const LIST_FORMS =
  'The flag is repeated for more ranges; the environment variable separates them by commas; the file takes one text or an array.';

export const ACCESS_OPTIONS = {
  allowedHosts: {
    group: 'Access',
    type: hostPolicy(),
    default: 'auto',
    help: 'host names that requests may be for, else 421',
    docs:
      'For handshakes and `static` alike. A page from elsewhere can have its own name resolved to an address of this machine; the name in its requests stays its own. ' +
      '`auto` is `local` where twist listens on a loopback address, and `any` elsewhere. `local` stands for `localhost`, names below it, and all addresses. A list has names such as `desk.example.com`, or ' +
      '`*.example.com` for all names below one, and `local`; a port counts where one is given. Requests that come from a proxy named by `trustProxy`, or on a Unix socket, may be for any host: ' +
      "the proxy has its own list. A request without a host is no browser's and is let in.",
  },
  origin: {
    group: 'Access',
    type: originPolicy(),
    default: 'auto',
    help: 'web pages that may connect, else 403',
    docs:
      "`auto` is `same` for the proxy (`tcp`, `token`), and for every mode where passwords are asked for, because a browser sends those it knows along with any page's request; it is `any` otherwise. " +
      '`same` takes pages from the host and port that the request is for, and by the same scheme where a proxy named by `trustProxy` tells it with `X-Forwarded-Proto`. A list takes exactly its origins, such as ' +
      '`https://example.com` or `http://localhost:3000`: scheme and host in lower case, no path, no default port. `https://*.example.com` is every name below `example.com`, by whole labels. ' +
      "`same` may stand in a list. `null` in it stands for local files and sandboxed pages, `file://` for pages of programs such as Electron's. A client that sends no `Origin` is no browser and is always let in.",
  },
  allow: {
    group: 'Access',
    type: addressRanges('any'),
    default: 'any',
    help: 'addresses that may connect, repeatable; others get 403',
    docs: `Ranges of IPv4 and IPv6 addresses. \`deny\` comes first. Behind a proxy it is the address that \`trustProxy\` makes known that counts. Clients on a Unix socket have no address and are always let in. ${LIST_FORMS}`,
  },
  deny: {
    group: 'Access',
    type: addressRanges('none'),
    default: 'none',
    help: 'addresses that may not connect, repeatable: 403',
    docs: `Ranges of IPv4 and IPv6 addresses, for exceptions from \`allow\` or by itself. ${LIST_FORMS}`,
  },
  trustProxy: {
    group: 'Access',
    type: addressRanges('none'),
    default: 'none',
    help: "proxies whose word on the client's address counts, repeatable",
    docs:
      "Addresses of your own reverse proxies or load balancers. What they say of the client's address is believed, for the log, `allow`, `deny`, `maxConnectionsPerAddress` and `proxyProtocol`; from " +
      `anybody else it is not. ${LIST_FORMS}`,
  },
  trustProxyHeader: {
    group: 'Access',
    type: choice('HEADER', ['x-forwarded-for', 'proxy-protocol']),
    default: 'x-forwarded-for',
    help: 'how they say it: x-forwarded-for or proxy-protocol',
    docs:
      '`x-forwarded-for` is the header of that name: its last address that is no trusted proxy is the client. With `proxy-protocol` every connection from a trusted proxy must begin with a PROXY protocol header, ' +
      'version 1 or 2, else it gets 400; connections from elsewhere must not. It needs `trustProxy`.',
  },
  authFile: {
    group: 'Access',
    type: file(),
    default: 'off',
    help: 'users and password hashes (or TWIST_AUTH=user:password); else 401',
    docs:
      'HTTP Basic authentication (RFC 7617) of the handshake, and of `static`. One `user:hash` in each line, as `htpasswd -B` writes it (bcrypt, of a cost from 4 to 14). It is read again when it changes. ' +
      'A password that was right takes no time for a minute; one that is verified takes a tenth of a second and more. Passwords travel as they are: use TLS. For one user `TWIST_AUTH` is enough; both together are an error.',
  },
  auth: {
    group: 'Access',
    type: credentials(),
    default: 'off',
    isFlag: false,
    isFileKey: false,
    isSecret: true,
    help: 'the one user that may connect, and the password; else 401',
    docs: 'HTTP Basic authentication like `authFile`, for one user. It is in the environment only, because a command line can be read by every user of the machine. It is never shown.',
  },
} as const satisfies OptionTable;
