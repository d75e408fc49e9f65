/** Rows of the option table: what is served. */
import { choice, directory, file, fileOrDirectory, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';
import { routes, target } from '../values/proxy-values.js';

export const MODE_OPTIONS = {
  echo: {
    group: 'Mode',
    isReloadable: true,
    type: toggle(),
    default: 'false',
    help: 'send every message back to its sender',
    docs:
      'Each message goes back as it came, text as text and binary as binary, and nothing else is sent: no greeting. ' +
      '`--no-echo` turns off what the file or the environment turned on. `twist serve` needs a mode or a route.',
  },
  page: {
    group: 'Mode',
    isReloadable: true,
    type: toggle(),
    default: 'true',
    help: 'show browsers a page to try an echo server with, and others their request as JSON',
    docs:
      'A GET or HEAD request that asks for no upgrade, on a path that is echoed: a browser gets a page that connects, sends and measures, anything else, such as curl, its own request as JSON. ' +
      'Files of `static` come first, and all rules of access hold. With `--no-page`, and on every path with another mode, such a request gets 426. A request with an `Upgrade` header or one that begins ' +
      'with `Sec-WebSocket-` is never answered so: it is told what is wrong with it. See `docs/echo.md`.',
  },
  echoRequest: {
    group: 'Mode',
    isReloadable: true,
    needs: 'page',
    type: choice('WHAT', ['hidden', 'full']),
    default: 'hidden',
    help: 'what clients are told of their own request: hidden values as in a recording, or full',
    docs:
      'For the JSON that an echo server answers a request without an upgrade with, and for what the control `info` of `echoControls` sends. `hidden` shows the values of headers and parameters whose names are known to be harmless, and of all others the length, as in a recording. ' +
      '`full` shows everything, cookies and passwords too: to whoever sent them, and to whatever proxies and logs are in between.',
  },
  echoControls: {
    group: 'Mode',
    needs: 'echo',
    isReloadable: true,
    type: toggle(),
    default: 'false',
    help: 'let clients of the echo ask by query for delays, ends and broken rules',
    docs:
      'For whoever tests a client, by the query: `?delay=200ms&close&after=3`. `twist help echo-controls` lists all controls, and the rules of the protocol that the server breaks on request; ' +
      'the guide is `docs/echo.md`, and `docs/clients.md` says what some clients do about each. Every control is bounded. A wrong one gets 400, and parameters that are none are left alone. ' +
      'It is no option for a server that strangers reach: they can make it send what breaks their own clients, and hold connections and memory within the limits. Sessions without a control cost what they cost without the option.',
  },
  tcp: {
    group: 'Mode',
    isReloadable: true,
    type: target(),
    default: 'off',
    help: 'proxy to HOST:PORT, tls://HOST:PORT or unix:PATH',
    docs:
      'Each client gets a connection of its own to the target, made before the handshake is answered: 502 when the target refuses it, ' +
      '504 when it does not answer within `targetConnectTimeout`. A name is looked up for each connection. The bytes of messages, text or binary, go to the target as they arrive; what ' +
      'the target sends comes back in binary messages, or in text with `tcpText`. `docs/tcp.md` says how a connection ends and what it costs.',
  },
  tokenFile: {
    group: 'Mode',
    isReloadable: true,
    type: fileOrDirectory(),
    default: 'off',
    help: 'proxy to the target that ?token= in the URL names, by a list or a module',
    docs:
      'A file with one `TOKEN: TARGET` in each line, as websockify reads it, or a directory of such files. It is read again when it changes. ' +
      'A file that ends in .mjs, .js or .cjs is a module with a function `findTarget` that finds the target of a request, within `targetConnectTimeout`: see `docs/tokens.md`. ' +
      'An unknown token gets 404; the target of a token is treated as that of `tcp`. Tokens are never logged. It serves every path, unless a route has the mode `token`: ' +
      'then it serves those routes only.',
  },
  tokenFrom: {
    group: 'Mode',
    needs: 'tokens',
    type: choice('PLACE', ['query', 'path', 'host']),
    default: 'query',
    help: 'where to find the token: query, path or host',
    docs:
      '`query` is `?token=TOKEN`. `path` is the last segment of the path, `/websockify/TOKEN`; a route `/websockify=token` then serves the paths one segment below it too. ' +
      '`host` is the first label of the host, `TOKEN.example.com`, or else the whole name, in any case; a proxy named by `trustProxy` may report it in `X-Forwarded-Host`. On a loopback address name the hosts in `allowedHosts`. ' +
      'A token in the path or the host is hidden in the log and in recordings. With `host`, upper and lower case are the same.',
  },
  mode: {
    group: 'Mode',
    isReloadable: true,
    type: file(),
    default: 'off',
    help: 'a mode of your own, a JavaScript module',
    docs:
      'An ES module or CommonJS, by its path from the working directory. Its default export is a mode: `{ name, message }` and whatever else the ' +
      'type `Mode` of the package has, with `delivery` `messages` unless it says `chunks`. ' +
      'A mistake in it is reported when the server starts, and by `twist config check`. The guide is `docs/modes.md`.',
  },
  route: {
    group: 'Mode',
    isReloadable: true,
    type: routes(),
    default: 'none',
    fileKey: 'routes',
    help: 'serve one path, repeatable: echo, tcp:TARGET, token, mode:FILE or replay:FILE',
    docs:
      'Paths are compared byte by byte with what clients send, without the query; repeated slashes count as one, and a slash at the end does not count. A path that has no route is served by `--echo`, `--tcp`, `--token-file`, `--mode` or `--replay`, and is 404 without one of them. ' +
      'The mode `token` takes its targets from `tokenFile`. The flag is repeated for more routes, such as `--route /echo=echo --route /vnc=tcp:localhost:5900`; the environment variable separates them ' +
      'by commas; the file takes an object such as `{ "/vnc": "tcp:localhost:5900" }`, or an array of the texts that flags have. As with every list, routes of the command line replace those of the file.',
  },
  static: {
    group: 'Mode',
    type: directory(),
    default: 'off',
    help: 'serve the files of a directory to browsers, noVNC for instance',
    docs:
      'A GET or HEAD request that asks for no upgrade gets a file from this directory, and `index.html` for a directory. Nothing outside of it is served, no name that begins with a dot, and no listing. HTTP/1.0 is accepted. ' +
      'It needs a mode or a route beside it, on the same addresses, and the same access rules hold. Without it such a request gets 426, or what `page` says. OPTIONS gets 204 in any case and needs no password: load balancers use it to see whether a server is there.',
  },
} as const satisfies OptionTable;
