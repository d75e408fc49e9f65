/**
 * The one table of all options. Flags, environment names, the configuration file and its schema,
 * `--help` and the reference page are made from it. Relations between options are in relations.ts, what an
 * option needs to have an effect in needs.ts, and other programs' names for it in suggestions.ts. A setting of
 * the server is passed on in app/server-options.ts.
 */
import { ACCESS_OPTIONS } from './access-options.js';
import { EXTENSION_OPTIONS } from './extension-options.js';
import { choice, count, duration, file, size } from '../values/values.js';
import { listenAddresses, subprotocolPolicy, unixMode } from '../values/list-values.js';
import { INSPECT_OPTIONS } from './inspect-options.js';
import { MEMORY_OPTIONS } from './memory-options.js';
import { MODE_OPTIONS } from './mode-options.js';
import { OPERATION_OPTIONS } from './operation-options.js';
import type { OptionTable } from './option.js';
import { PROXY_OPTIONS } from './proxy-options.js';
import { RATE_OPTIONS } from './rate-options.js';
import { TLS_OPTIONS } from './tls-options.js';
import { RECORD_OPTIONS } from './recording-options.js';
import { REPLAY_OPTIONS } from './recording-options.js';
import { WORKER_OPTIONS } from './worker-options.js';

const MIB = 1024 ** 2;

export const OPTIONS = {
  listen: {
    group: 'Listening',
    type: listenAddresses(),
    default: '127.0.0.1:9001',
    help: 'where to listen, repeatable; PORT alone means this machine only, :PORT every address',
    docs:
      'A bare port listens on 127.0.0.1, `:PORT` on every IPv4 and IPv6 address. With a certificate (`tlsCert`) an address speaks TLS; `ws://` before it is the exception, such as `ws://127.0.0.1:9001` ' +
      'beside `wss://:9443`. Without one every address is plain, and `wss://` is an error. A Unix socket is always plain. Port 0 takes a free port; the ' +
      'log names it. A Unix socket is `unix:PATH`: a stale one is removed, a live one is refused. `systemd` takes the sockets that systemd (or whatever speaks its protocol, `LISTEN_FDS`) has opened for ' +
      'this process, `systemd:NAME` those with that `FileDescriptorName=`: see docs/install.md. The flag is ' +
      'repeated for more addresses; the environment variable separates them by commas; the file takes one text or an array.',
  },
  unixMode: {
    group: 'Listening',
    needs: 'unix',
    type: unixMode(),
    default: 'umask',
    help: 'permissions of Unix sockets, such as 0660',
    docs:
      'Octal, for all Unix sockets of `listen`; `umask` leaves them to the umask of the process. Whoever may write to a socket may connect. ' +
      'With `0660` that is the user of twist and its group: put the proxy in front into that group. Until it has its permissions nobody but the user of twist can connect. ' +
      'A JSON file has it as text, since JSON has no octal numbers.',
  },
  ...TLS_OPTIONS,
  ...MODE_OPTIONS,
  ...REPLAY_OPTIONS,
  ...RECORD_OPTIONS,
  ...INSPECT_OPTIONS,
  ...PROXY_OPTIONS,
  ...ACCESS_OPTIONS,
  subprotocol: {
    group: 'Handshake',
    isReloadable: true,
    type: subprotocolPolicy(),
    default: 'first',
    help: 'which offered subprotocol to select',
    docs:
      '`first` selects the first one that the client offers, skipping tokens (`bearer.TOKEN`, or what follows `access_token`) while there is another; `none` selects none, and a list selects the first of its ' +
      'names that the client offers, in the order of the list. When none is selected the handshake still succeeds, ' +
      'without a subprotocol; a browser that offered some then closes the connection itself.',
  },
  ...EXTENSION_OPTIONS,
  maxRequestLine: {
    group: 'Limits',
    type: size({ min: 64, max: MIB }),
    default: '8k',
    help: 'longest request line; a longer one gets 414',
    docs: 'Bytes of the first line of the handshake, which holds the URL. Not above `maxHead`.',
  },
  maxHeaderLine: {
    group: 'Limits',
    type: size({ min: 64, max: MIB }),
    default: '8k',
    help: 'longest header line; a longer one gets 431',
    docs: 'Bytes of one header line. Usually it is large cookies that reach it. Not above `maxHead`.',
  },
  maxHead: {
    group: 'Limits',
    type: size({ min: 256, max: MIB }),
    default: '16k',
    help: 'largest request head; a larger one gets 431',
    docs: 'Bytes of the request line and all headers. Each unfinished handshake can hold this much memory.',
  },
  maxHeaders: {
    group: 'Limits',
    type: count({ min: 5, max: 10_000 }),
    default: '100',
    help: 'most headers; one more gets 431',
    docs: 'A handshake needs 5: Host, Upgrade, Connection, Sec-WebSocket-Key and Sec-WebSocket-Version.',
  },
  maxMessage: {
    group: 'Limits',
    type: size({ min: 125 }),
    default: '16m',
    help: 'largest message; a larger one closes with 1009',
    docs:
      'Bytes of the payload of one message, all its fragments together; a message of exactly this size is accepted. ' +
      'It is checked against the declared length, before anything is stored. For a compressed message the ' +
      'inflated size counts; on the wire it may be a quarter larger, plus 16 bytes for each fragment and 64 in all. Each connection can hold this much memory; `maxMemory` bounds all of them together.',
  },
  maxFragments: {
    group: 'Limits',
    type: count({ min: 1, max: 2 ** 31 - 1 }),
    default: '262144',
    help: 'most fragments in a message; one more closes with 1008',
    docs: 'Frames of one message, empty ones included. Fragments cost time rather than memory: they are put together as they arrive.',
  },
  maxConnections: {
    group: 'Limits',
    isReloadable: true,
    type: count({ min: 1, max: 1_000_000 }),
    default: '10000',
    help: 'most connections; one more gets 503',
    docs:
      'For all listeners together. Each connection takes a file descriptor, a proxied one and one that gets a file two. Where the process may not open as many (`ulimit -n`), fewer connections are taken, and the log says so at the start; several workers do not start then. ' +
      'When it is reached, a newcomer takes the place of a connection that has not sent its request yet; without one it gets 503. ' +
      'Refused connections do not count: up to a tenth of this number, and at least 64, may wait for their answer in addition.',
  },
  maxConnectionsPerAddress: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: 'off',
    help: 'most connections from one address; one more gets 429',
    docs: 'Clients behind one proxy or one NAT share an address, so it is off unless you set it. In IPv6 a /64 network counts as one address. Unix sockets have no address and are not counted, unless a proxy that `trustProxy` names as `unix` reports the client.',
  },
  maxHandshakes: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000 }),
    default: '1000',
    help: 'most unfinished handshakes; beyond it the oldest are dropped',
    docs: 'Connections that have sent no complete request a second after they were accepted, and idle ones between two requests for files. A client that has begun a request gets 408. `handshakeTimeout` ends the rest.',
  },
  maxHandshakesPerAddress: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: '100',
    help: 'most unfinished handshakes from one address',
    docs: 'In IPv6 a /64 network counts as one address. Proxies that `trustProxy` names and Unix sockets are not counted here; clients are, from the moment that a PROXY header names them.',
  },
  maxConnectionRate: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: 'off',
    help: 'most new connections a second from one address; one more gets 429',
    docs:
      'As many may come at once. Clients behind one NAT share an address, so it is off unless you set it. In IPv6 a /64 network counts as one address. ' +
      'A client that a proxy named by `trustProxy` reports is counted by its own address, and Unix sockets are not counted. With `workers` it holds for all of them together.',
  },
  maxHandshakeRate: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: 'off',
    help: 'most opening handshakes a second, in all; one more gets 503',
    docs: 'As many may come at once. It keeps sessions that are open well while all clients come back at the same time, and is asked before passwords are verified. Requests for files do not count. With `workers` it holds for all of them together.',
  },
  outputPause: {
    group: 'Limits',
    type: size({ min: 1024 }),
    default: '1m',
    help: 'unsent output that pauses its source',
    docs:
      'Bytes that may wait for one client before their source is paused; it goes on when they have been sent. ' +
      'More helps fast clients on long lines; each slow client can hold this much memory. Not above `outputLimit`.',
  },
  outputLimit: {
    group: 'Limits',
    type: size({ min: 1024 }),
    default: '16m',
    help: 'unsent output that ends the connection',
    docs:
      'Bytes that may wait for one client, one more message not counted. Beyond it the connection ends with close code 1008. ' +
      'Not below `outputPause`.',
  },
  ...MEMORY_OPTIONS,
  ...RATE_OPTIONS,
  handshakeTimeout: {
    group: 'Timeouts',
    type: duration(),
    default: '10s',
    help: 'time for the opening handshake; then 408',
    docs: 'Counted from the moment a connection is accepted, whatever the client sends meanwhile.',
  },
  messageTimeout: {
    group: 'Timeouts',
    type: duration({ canBeOff: true }),
    default: '30s',
    help: 'time for one message to arrive; then close 1008',
    docs: 'Keeps a client from holding the memory of a half-sent message. What comes at `minDataRate` or faster does not count, and neither does the time in which the server itself does not read. It is for messages that are put together: a proxied one is passed on as it comes.',
  },
  sendTimeout: {
    group: 'Timeouts',
    type: duration(),
    default: '30s',
    help: 'time that output may stall; then close 1008',
    docs: 'A client that reads nothing for this long, while output waits for it, is gone or might as well be. On Linux a byte that its system acknowledges is read; elsewhere, and on Unix sockets, a third of the send buffer is. As looks are a second apart, it may get up to three seconds more, and then closeTimeout to read the Close.',
  },
  pingInterval: {
    group: 'Timeouts',
    type: duration({ canBeOff: true }),
    default: '25s',
    help: 'silence before a ping is sent',
    docs:
      'A client that has sent nothing for this long gets a ping. Most proxies and load balancers cut a silent ' +
      'connection after 60 s, so stay well below that.',
  },
  pongTimeout: {
    group: 'Timeouts',
    needs: 'pings',
    type: duration(),
    default: '20s',
    help: 'time to wait for the pong; then close 1001',
    docs: 'A client that has vanished is found after `pingInterval` plus this.',
  },
  idleTimeout: {
    group: 'Timeouts',
    type: duration({ canBeOff: true }),
    default: 'off',
    help: 'time without a message; then close 1001',
    docs: 'Ping and pong do not count as messages, so this ends sessions that are alive but silent.',
  },
  maxLifetime: {
    group: 'Timeouts',
    type: duration({ canBeOff: true }),
    default: 'off',
    help: 'longest life of a session; then close 1001',
    docs:
      'Clients that stay connected for days never find a backend that was added since; this makes them connect again. Each session gets its own time, up to a tenth more or less at random, so that clients that came together do not leave together. ' +
      'The client gets 1001.',
  },
  closeTimeout: {
    group: 'Timeouts',
    type: duration(),
    default: '5s',
    help: "time to wait for the client's Close; then it is dropped",
    docs: 'When both sides have sent their Close, the connection ends at once.',
  },
  drainDelay: {
    group: 'Timeouts',
    isReloadable: true,
    type: duration({ canBeOff: true }),
    default: 'off',
    help: 'time to serve on after SIGTERM, so that proxies look elsewhere first',
    docs:
      'On SIGTERM the server says at once that it is not ready (`/readyz`, `health`), and serves on for this time: new handshakes still get 101. ' +
      'Set it a little longer than a load balancer needs to notice: the interval of its checks times the failures it counts. `drainTimeout` begins afterwards. A second signal ends it.',
  },
  drainTimeout: {
    group: 'Timeouts',
    isReloadable: true,
    type: duration(),
    default: '10s',
    help: 'time to close all clients at shutdown',
    docs:
      'The server accepts no more connections and sends all clients a Close with 1001: at most 100 a second while there is time, so that ' +
      'they do not all come back at once. The last one still has `closeTimeout` to answer, or half of this time if that is less. Clients still connected after that are dropped. ' +
      'Keep it and `drainDelay` together below the time your supervisor waits before SIGKILL.',
  },
  ...OPERATION_OPTIONS,
  ...WORKER_OPTIONS,
  logLevel: {
    group: 'Logging',
    type: choice('LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    isLibraryKey: false,
    help: 'trace, debug, info, warn, error, fatal or silent',
    docs: 'The least severe lines that are logged, on standard error. `info` has one line for each session that ends.',
  },
  maxLogRate: {
    group: 'Logging',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: '100',
    help: 'most lines a second that clients cause; the rest is counted',
    docs:
      "Sessions that end, handshakes that are refused and so on make lines, as many as clients like. Each level has this many a second for itself, and ten seconds' worth at once; one address has a tenth of it, and one second's worth at once. " +
      'The first line of its kind in ten seconds is always written. What is left out is counted, and told every ten seconds: how many lines of each kind, and from which addresses. Lines about the server itself are not counted. ' +
      'With `workers` they have it together, a part each.',
  },
  logFormat: {
    group: 'Logging',
    type: choice('FORMAT', ['auto', 'json', 'pretty']),
    default: 'auto',
    isLibraryKey: false,
    help: 'auto, json or pretty',
    docs: '`json` is one object a line with `level`, `time` (ISO 8601, UTC) and `msg`.',
  },
  config: {
    group: 'General',
    type: file(),
    default: 'off',
    short: 'c',
    isFileKey: false,
    isLibraryKey: false,
    help: 'configuration file in JSON',
    docs:
      'No file is read unless you name one. Its keys are the names on this page in camel case, such as `maxMessage`; ' +
      '`config.example.json` has them all. `off` ignores a file that the environment names.',
  },
} as const satisfies OptionTable;
