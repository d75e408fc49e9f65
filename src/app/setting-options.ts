/**
 * The options that `serve` of the library shares with the configuration file: same names, units,
 * meanings and defaults.
 *
 * Written by tools/generate.mjs from src/config/options/options.ts. Change that file, then run `npm run docs`.
 */

/** Whole bytes, as a number or as text: `64k`, `16m` and `1g` are powers of 1024. */
export type Size = number | `${number}${'' | 'k' | 'm' | 'g'}`;

/** Milliseconds, or text with a unit: `500ms`, `30s`, `5m` or `2h`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

export interface SettingOptions {
  /**
   * Where to listen, repeatable; PORT alone is for this machine only, :PORT for every address. A
   * bare port listens on 127.0.0.1, `:PORT` on every IPv4 and IPv6 address. Port 0 takes a free
   * port; the log names it. A Unix socket is `unix:PATH`: a stale one is removed, a live one is
   * refused. The flag is repeated for more addresses; the environment variable separates them by
   * commas; the file takes one text or an array.
   *
   * @default 127.0.0.1:9001
   */
  readonly listen?: number | string | readonly (number | string)[] | undefined;
  /**
   * Send every message back to its sender. Each message goes back as it came, text as text and
   * binary as binary, and nothing else is sent: no greeting. `--no-echo` turns off what the file
   * or the environment turned on. `twist serve` needs a mode or a route.
   *
   * @default false
   */
  readonly echo?: boolean | undefined;
  /**
   * Proxy to HOST:PORT, tls://HOST:PORT or unix:PATH. Each client gets a connection of its own
   * to the target, which is made before the handshake is answered: 502 when the target refuses
   * it, 504 when it does not answer within `targetConnectTimeout`. A name is looked up for each
   * connection. The bytes of messages, text or binary, go to the target as they come; what the
   * target sends comes back in binary messages, or see `tcpText`. How a connection ends, and
   * what it costs, is told in `docs/tcp.md`.
   *
   * @default off
   */
  readonly tcp?: string | undefined;
  /**
   * Proxy to the target that ?token= in the URL stands for. A file with one `TOKEN: TARGET` in
   * each line, as websockify reads it, or a directory of such files. It is read again when it
   * changes. A token that is not in it gets 404, and the target of one is treated as that of
   * `tcp`. Tokens are never logged. It serves every path, unless a route has the mode `token`:
   * then it serves those routes only.
   *
   * @default off
   */
  readonly tokenFile?: string | undefined;
  /**
   * A mode of your own, a JavaScript module. An ES module or CommonJS, by its path from the
   * working directory. Its default export is a mode: `{ name, message }` and what else the type
   * `Mode` of the package has, with `delivery` `messages` unless it says `chunks`. What does not
   * fit is said when the server starts, and by `twist config check`. The guide is
   * `docs/modes.md`.
   *
   * @default off
   */
  readonly mode?: string | undefined;
  /**
   * What is served on one path, repeatable: echo, tcp:TARGET, token, mode:FILE or replay:FILE.
   * Paths are compared byte by byte with what clients send, without the query, but slashes that
   * repeat count as one, and a slash at the end does not count. A path that has no route is
   * served by `--echo`, `--tcp`, `--token-file`, `--mode` or `--replay`, and is 404 without one
   * of them. The mode `token` takes its targets from `tokenFile`. The flag is repeated for more
   * routes, such as `--route /echo=echo --route /vnc=tcp:localhost:5900`; the environment
   * variable separates them by commas; the file takes an object such as `{ "/vnc":
   * "tcp:localhost:5900" }`, or an array of the texts that flags have. As with every list,
   * routes of the command line replace those of the file.
   *
   * @default none
   */
  readonly routes?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
  /**
   * Serve the files of a directory to browsers, noVNC for instance. A GET or HEAD request that
   * asks for no upgrade gets a file from this directory, and `index.html` for a directory.
   * Nothing outside of it is served, no name that begins with a dot, and no listing. HTTP/1.0
   * will do. It comes beside a mode or a route, on the same addresses; who may connect holds for
   * it as well. Without it such a request gets 426. OPTIONS gets 204 in any case, and asks for
   * no password: load balancers look by it whether a server is there.
   *
   * @default off
   */
  readonly static?: string | undefined;
  /**
   * Serve what a server said in a recording, as a mock of it. Each client gets the first session
   * of the recording that was on its path, or see `replaySession`; a path without one is 404.
   * What the server sent then is sent again, in its order and at its pace, behind the messages
   * of the client that it came behind. The file is looked through once at start, and read on as
   * it is needed: it may be larger than memory. The guide is `docs/replay.md`.
   *
   * @default off
   */
  readonly replay?: string | undefined;
  /**
   * Which session of the recording all clients get. Its id in the recording (`s`), as much of
   * the beginning as no other one has, or its number in the log (`id`). It is served on every
   * path then. Numbers begin anew when a server is started, so one may not be enough where a
   * recording has several runs.
   *
   * @default off
   */
  readonly replaySession?: string | number | undefined;
  /**
   * How much faster than recorded; 0 is at once. What is sent comes as long after what was
   * before it as in the recording, divided by this: 2 is twice as fast, 0.5 half as fast, 0
   * waits for nothing but the client. The time that the client takes is not counted.
   *
   * @default 1
   */
  readonly replaySpeed?: number | undefined;
  /**
   * Close clients that do not send what is recorded. A client whose message differs from the
   * recorded one, or is one too many, is closed with 1008, and the reason names the message.
   * Without it that is a warning in the log, and the replay goes on.
   *
   * @default false
   */
  readonly replayStrict?: boolean | undefined;
  /**
   * Write all traffic to a file, as NDJSON; alone it takes messages and answers none. Every
   * message of every session, in order, decompressed, with its time, and what the sessions were.
   * The file is appended to and is for its owner only. `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%j`
   * and `%s` in the name stand for parts of the time in UTC, and a new file begins when the name
   * changes. Of headers and parameters that may hold credentials only the names and lengths are
   * recorded: see `recordHeaders` and `recordQuery`. `-` is standard output. A file belongs to
   * one server: a second one is refused. The format, and what it costs, is told in
   * `docs/recording.md`; `twist convert` reads it.
   *
   * @default off
   */
  readonly record?: string | undefined;
  /**
   * How much of each payload is recorded: full, none or a size. Of a longer payload the
   * beginning is recorded, and its length in any case. `none` records that there was a message,
   * and when.
   *
   * @default full
   */
  readonly recordPayload?: 'full' | 'none' | Size | undefined;
  /**
   * Headers whose values are recorded too, or * for all. The values of headers are recorded only
   * where nobody tells a secret by that name, `User-Agent` for instance; of all others the name
   * and the length are. Name here what you know to be harmless in your service, in any case.
   * With `sec-websocket-protocol` subprotocols are recorded that nobody knows. `*` records every
   * header, credentials too. The log does not show more by it.
   *
   * @default none
   */
  readonly recordHeaders?: string | readonly string[] | undefined;
  /**
   * Parameters of URLs whose values are recorded too, or * for all. The same for the parameters
   * of a URL, behind its `?` or in its path (`/room;id=7`), and of URLs in headers such as
   * `Referer`. Names are compared decoded and without regard to case. `*` records every
   * parameter, those without a name, and segments of paths that look like a token.
   *
   * @default none
   */
  readonly recordQuery?: string | readonly string[] | undefined;
  /**
   * A record for each frame as well. With FIN, the reserved bits, opcode, masking and lengths,
   * for whoever debugs a WebSocket implementation. A record of a frame costs more than that of a
   * message.
   *
   * @default false
   */
  readonly recordFrames?: boolean | undefined;
  /**
   * When records are forced to the disk: none, interval or always. Records are written within 50
   * ms in any case, so a crash of the process costs no more than that. `interval` forces them to
   * the disk once a second, for the case that the whole machine goes down; `none` leaves that to
   * the system. With `always` nothing is sent to a client before the records up to it are on
   * disk; all clients share these writes, and each message waits for one.
   *
   * @default interval
   */
  readonly recordSync?: 'none' | 'interval' | 'always' | undefined;
  /**
   * When the file cannot be written: stop serving, or drop records. A full disk, for instance.
   * `stop` closes the sessions with 1013, answers new ones with 503, and goes on once the file
   * can be written again; no message is lost. `drop` goes on serving; how many records are
   * missing is in the log and in the file.
   *
   * @default stop
   */
  readonly recordFull?: 'stop' | 'drop' | undefined;
  /**
   * Begin a new file at this size. The full file gets the time behind its name,
   * `traffic.ndjson.20261123T043105.123Z`, and a new one begins. Nothing deletes old files. For
   * logrotate leave it off: SIGHUP opens the file anew.
   *
   * @default off
   */
  readonly recordRotate?: 'off' | Size | undefined;
  /**
   * Records that may wait for the disk. Bytes. When the disk does not keep up and this much
   * waits, clients are not read until half of it is written. What one read of each client
   * brings, and one message, comes on top.
   *
   * @default 8m
   */
  readonly recordQueue?: Size | undefined;
  /**
   * Send text messages to clients, not binary ones. For targets that speak UTF-8 in lines, and
   * clients that want text. A character is never cut, however the target sends it; a target that
   * sends anything but UTF-8 ends the connection with 1011. It costs a look at every byte.
   *
   * @default false
   */
  readonly tcpText?: boolean | undefined;
  /**
   * For connecting to a target; then 504. Counted from the lookup of the name to the end of the
   * TLS handshake, all addresses of the name together. `handshakeTimeout` bounds it too, with
   * 408.
   *
   * @default 5s
   */
  readonly targetConnectTimeout?: Duration | undefined;
  /**
   * Silence before TCP probes a target. A target that has vanished without a word is found by
   * the probes of the system, which come after this silence. The client is then closed with
   * 1011. Clients have `pingInterval`.
   *
   * @default 1m
   */
  readonly targetKeepalive?: Duration | 'off' | undefined;
  /**
   * Addresses that may be connected to, repeatable; others get 502. It is the address that a
   * name resolved to that is looked at, right before it is connected to, so a name cannot lead
   * elsewhere. Unix sockets are always allowed. The flag is repeated for more ranges; the
   * environment variable separates them by commas; the file takes one text or an array.
   *
   * @default any
   */
  readonly targetAllow?: string | readonly string[] | undefined;
  /**
   * Who may sign certificates of tls:// targets, in PEM. It replaces the certificate authorities
   * that Node knows. The certificate of a target is always verified, unless `targetInsecure`
   * says otherwise.
   *
   * @default off
   */
  readonly targetCa?: string | undefined;
  /**
   * Our own certificate for tls:// targets, in PEM. For targets that ask for one, with what
   * stands between it and its authority. It needs `targetKey`.
   *
   * @default off
   */
  readonly targetCert?: string | undefined;
  /**
   * Its private key, in PEM. The private key of `targetCert`, not encrypted.
   *
   * @default off
   */
  readonly targetKey?: string | undefined;
  /**
   * Name that tls:// targets are asked for and must have. It is sent to the target (SNI) and
   * looked for in its certificate, in place of the host of the target. For targets that are
   * reached by an address, for instance.
   *
   * @default off
   */
  readonly targetServername?: string | undefined;
  /**
   * Take any certificate of a tls:// target. Anybody on the way to the target can then read and
   * change what is sent. For trying things out; `targetCa` is the right way to a target with a
   * certificate of its own.
   *
   * @default false
   */
  readonly targetInsecure?: boolean | undefined;
  /**
   * Version of the PROXY header that targets are sent. The first bytes that a target gets then
   * are a PROXY protocol header with the client's address and port, text for version 1 and
   * binary for 2. Only for targets that expect it. Behind a proxy of your own see `trustProxy`.
   *
   * @default off
   */
  readonly proxyProtocol?: 'off' | '1' | '2' | 1 | 2 | undefined;
  /**
   * Host names that requests may be for, else 421. For handshakes and `static` alike. A page
   * from elsewhere can have its own name resolved to an address of this machine; the name in its
   * requests stays its own. `auto` is `local` where twist listens on a loopback address, and
   * `any` elsewhere. `local` stands for `localhost`, names below it, and all addresses. A list
   * has names such as `desk.example.com`, or `*.example.com` for all names below one, and
   * `local`; a port counts where one is given. Requests that come from a proxy named by
   * `trustProxy`, or on a Unix socket, may be for any host: the proxy has its own list. A
   * request without a host is no browser's and is let in.
   *
   * @default auto
   */
  readonly allowedHosts?: string | readonly string[] | undefined;
  /**
   * Web pages that may connect, else 403. `auto` is `same` for the proxy (`tcp`, `token`), and
   * for every mode where passwords are asked for, because a browser sends those it knows along
   * with any page's request; it is `any` otherwise. `same` takes pages from the host and port
   * that the request is for, and by the same scheme where a proxy named by `trustProxy` tells it
   * with `X-Forwarded-Proto`. A list takes exactly its origins, such as `https://example.com` or
   * `http://localhost:3000`: scheme and host in lower case, no path, no default port.
   * `https://*.example.com` is every name below `example.com`, by whole labels. `same` may stand
   * in a list. `null` in it stands for local files and sandboxed pages, `file://` for pages of
   * programs such as Electron's. A client that sends no `Origin` is no browser and is always let
   * in.
   *
   * @default auto
   */
  readonly origin?: string | readonly string[] | undefined;
  /**
   * Addresses that may connect, repeatable; others get 403. Ranges of IPv4 and IPv6 addresses.
   * `deny` comes first. Behind a proxy it is the address that `trustProxy` makes known that
   * counts. Clients on a Unix socket have no address and are always let in. The flag is repeated
   * for more ranges; the environment variable separates them by commas; the file takes one text
   * or an array.
   *
   * @default any
   */
  readonly allow?: string | readonly string[] | undefined;
  /**
   * Addresses that may not connect, repeatable: 403. Ranges of IPv4 and IPv6 addresses, for
   * exceptions from `allow` or by itself. The flag is repeated for more ranges; the environment
   * variable separates them by commas; the file takes one text or an array.
   *
   * @default none
   */
  readonly deny?: string | readonly string[] | undefined;
  /**
   * Proxies whose word on the client's address counts, repeatable. Addresses of your own reverse
   * proxies or load balancers. What they say of the client's address is believed, for the log,
   * `allow`, `deny`, `maxConnectionsPerAddress` and `proxyProtocol`; from anybody else it is
   * not. The flag is repeated for more ranges; the environment variable separates them by
   * commas; the file takes one text or an array.
   *
   * @default none
   */
  readonly trustProxy?: string | readonly string[] | undefined;
  /**
   * How they say it: x-forwarded-for or proxy-protocol. `x-forwarded-for` is the header of that
   * name: its last address that is no trusted proxy is the client. With `proxy-protocol` every
   * connection from a trusted proxy must begin with a PROXY protocol header, version 1 or 2,
   * else it gets 400; connections from elsewhere must not. It needs `trustProxy`.
   *
   * @default x-forwarded-for
   */
  readonly trustProxyHeader?: 'x-forwarded-for' | 'proxy-protocol' | undefined;
  /**
   * Users and password hashes (or TWIST_AUTH=user:password); else 401. HTTP Basic authentication
   * (RFC 7617) of the handshake, and of `static`. One `user:hash` in each line, as `htpasswd -B`
   * writes it (bcrypt, of a cost from 4 to 14). It is read again when it changes. A password
   * that was right takes no time for a minute; one that is verified takes a tenth of a second
   * and more. Passwords travel as they are: use TLS. For one user `TWIST_AUTH` is enough; both
   * together are an error.
   *
   * @default off
   */
  readonly authFile?: string | undefined;
  /**
   * The one user that may connect, and the password; else 401. HTTP Basic authentication like
   * `authFile`, for one user. It is in the environment only, because a command line can be read
   * by every user of the machine. It is never shown.
   *
   * @default off
   */
  readonly auth?: string | undefined;
  /**
   * Which offered subprotocol to select. `first` selects the first one that the client offers,
   * and no token as long as something else is on offer (`bearer.TOKEN`, or what follows
   * `access_token`); `none` selects none, and a list selects the first of its names that the
   * client offers, in the order of the list. When none is selected the handshake still succeeds,
   * without a subprotocol; a browser that offered some then closes the connection itself.
   *
   * @default first
   */
  readonly subprotocol?: string | readonly string[] | undefined;
  /**
   * Compress with clients that offer it; off for tcp. `permessage-deflate` (RFC 7692), which
   * browsers and most libraries offer. A connection whose client does not offer it is not
   * compressed. `auto` compresses in every mode but `tcp`: what VNC, SSH or TLS send is
   * compressed or encrypted already, and compression next to a secret can give it away (RFC 7692
   * section 8). With it a proxied message is taken whole, so `maxMessage` bounds it.
   *
   * @default auto
   */
  readonly deflate?: boolean | 'auto' | undefined;
  /**
   * Effort of compression, 1 (fast) to 9 (small). For what is sent. Each level costs more
   * processor time than the one before it, and makes less difference.
   *
   * @default 3
   */
  readonly deflateLevel?: number | undefined;
  /**
   * Smallest message for which compression begins. Messages with fewer bytes of payload are sent
   * as they are, in a deflate block that takes 6 bytes more, while there is no history that
   * would make them small: that takes no processor time and no memory. Behind a larger message
   * they are compressed as well, if history is kept. None is sent without the mark of
   * compression: the client of libwebsockets 4.1 reads such a message again and again, without
   * end.
   *
   * @default 32
   */
  readonly deflateThreshold?: Size | undefined;
  /**
   * Largest window that we compress with. The window has 2 to the power of this many bytes of
   * history. A smaller one takes less memory for each connection that sends, and compresses
   * less. A client may ask for a smaller one, and gets it.
   *
   * @default 15
   */
  readonly deflateWindowBits?: number | undefined;
  /**
   * Largest window that clients are asked to use. The window that a client compresses with is
   * memory that we hold to decompress. Only clients that offer `client_max_window_bits` can be
   * asked for less than 15.
   *
   * @default 15
   */
  readonly deflateClientWindowBits?: number | undefined;
  /**
   * Who forgets its history after each message: server, client, or none. Without history each
   * message is compressed by itself: worse, most of all with small messages, but without memory
   * between them. `server` is for what we send, `client` is what clients are told to do. A
   * client may ask for both in any case.
   *
   * @default none
   */
  readonly deflateNoContextTakeover?:
    'none' | 'server' | 'client' | readonly ('server' | 'client')[] | undefined;
  /**
   * Memory that idle compressors may keep. Bytes that the compressors of all connections may
   * hold between messages. Beyond it the least recently used ones are dropped; one that was not
   * used for 15 to 30 s is dropped in any case. A client does not notice: what follows is
   * compressed without the history before it.
   *
   * @default 128m
   */
  readonly deflateMemory?: Size | undefined;
  /**
   * Most output for each byte; beyond it 1009. How many bytes may come out of one byte of a
   * compressed message. Only messages over 1 MiB are looked at, and `maxMessage` bounds all of
   * them anyway. Text that repeats itself reaches 100 and more without ill will; the format
   * allows 1032.
   *
   * @default off
   */
  readonly deflateMaxRatio?: number | 'off' | undefined;
  /**
   * An extension of your own, a JavaScript module, repeatable. An ES module or CommonJS, by its
   * path from the working directory. Its default export is an extension: `{ name, create }`, see
   * the type `Extension` of the package. The offers of a client decide about the order of
   * several. What does not fit is said when the server starts, and by `twist config check`. The
   * guide is `docs/extensions.md`. The flag is repeated for more files; the environment variable
   * separates them by commas; the file takes one text or an array.
   *
   * @default none
   */
  readonly extension?: string | readonly string[] | undefined;
  /**
   * Longest request line; beyond it 414. Bytes of the first line of the handshake, which holds
   * the URL. Not above `maxHead`.
   *
   * @default 8k
   */
  readonly maxRequestLine?: Size | undefined;
  /**
   * Longest header line; beyond it 431. Bytes of one header line. Large cookies are what usually
   * reaches it. Not above `maxHead`.
   *
   * @default 8k
   */
  readonly maxHeaderLine?: Size | undefined;
  /**
   * Largest request head; beyond it 431. Bytes of the request line and all headers. Each
   * connection that is still shaking hands can hold this much memory.
   *
   * @default 16k
   */
  readonly maxHead?: Size | undefined;
  /**
   * Most headers; beyond it 431. A handshake needs 5: Host, Upgrade, Connection,
   * Sec-WebSocket-Key and Sec-WebSocket-Version.
   *
   * @default 100
   */
  readonly maxHeaders?: number | undefined;
  /**
   * Largest message; beyond it close 1009. Bytes of the payload of one message, all its
   * fragments together; a message of exactly this size is taken. It is checked against the
   * declared length, before anything is stored. A compressed message is measured as it is when
   * it is inflated; on the wire it may be a quarter larger, and 16 bytes for each fragment and
   * 64 in all. Each connection can hold this much memory, so this times `maxConnections` is the
   * worst case.
   *
   * @default 16m
   */
  readonly maxMessage?: Size | undefined;
  /**
   * Most fragments; beyond it close 1008. Frames of one message, empty ones included. Fragments
   * cost time rather than memory: they are put together as they arrive.
   *
   * @default 262144
   */
  readonly maxFragments?: number | undefined;
  /**
   * Most connections; beyond it 503. Of all listeners together. Each connection takes a file
   * descriptor, a proxied one two: the limit of the process (`ulimit -n`) must be higher. When
   * it is reached, a newcomer takes the place of a connection that has not sent its request yet;
   * without one it gets 503. Refused connections take no place: up to a tenth of this number,
   * and at least 64, wait for their answer beside.
   *
   * @default 10000
   */
  readonly maxConnections?: number | undefined;
  /**
   * Most from one address; beyond it 429. Clients behind one proxy or one NAT share an address,
   * therefore it is off unless you set it. In IPv6 a /64 network counts as one address. Unix
   * sockets have none, and are not counted.
   *
   * @default off
   */
  readonly maxConnectionsPerAddress?: number | 'off' | undefined;
  /**
   * Most unfinished handshakes; beyond it the oldest are dropped. Connections that have sent no
   * complete request a second after they came, idle ones between two requests for files
   * included. Who has begun a request gets 408. `handshakeTimeout` ends those that are left.
   *
   * @default 1000
   */
  readonly maxHandshakes?: number | undefined;
  /**
   * The same from one address. In IPv6 from one /64 network. Proxies that `trustProxy` names and
   * Unix sockets are not counted here.
   *
   * @default 100
   */
  readonly maxHandshakesPerAddress?: number | 'off' | undefined;
  /**
   * Unsent output that pauses its source. Bytes that wait for one client before what produces
   * them is paused; it goes on when they have gone out. More of it helps fast clients on long
   * lines; each slow client can hold this much memory. Not above `outputLimit`.
   *
   * @default 1m
   */
  readonly outputPause?: Size | undefined;
  /**
   * Unsent output that ends the connection. Bytes that may wait for one client, one more message
   * not counted. Beyond it the connection ends with close code 1008. Not below `outputPause`.
   *
   * @default 16m
   */
  readonly outputLimit?: Size | undefined;
  /**
   * For the opening handshake; then 408. Counted from the moment a connection is accepted,
   * whatever the client sends meanwhile.
   *
   * @default 10s
   */
  readonly handshakeTimeout?: Duration | undefined;
  /**
   * For one message to arrive; then 1008. Keeps a client from holding the memory of a half-sent
   * message. Raise it together with `maxMessage` for large messages on slow lines.
   *
   * @default 5m
   */
  readonly messageTimeout?: Duration | 'off' | undefined;
  /**
   * For stalled output; then close 1008. A client that takes nothing of what waits for it for
   * this long is gone, or might as well be.
   *
   * @default 30s
   */
  readonly sendTimeout?: Duration | undefined;
  /**
   * Silence before a ping is sent. A client from which nothing came for this long is sent a
   * ping. Most proxies and load balancers cut a silent connection after 60 s, so stay well below
   * that.
   *
   * @default 25s
   */
  readonly pingInterval?: Duration | 'off' | undefined;
  /**
   * For the pong; then close 1001. A client that has vanished is found after `pingInterval` and
   * this together.
   *
   * @default 20s
   */
  readonly pongTimeout?: Duration | undefined;
  /**
   * Without a message; then close 1001. Ping and pong do not count as messages, so this ends
   * sessions that are alive and have nothing to say.
   *
   * @default off
   */
  readonly idleTimeout?: Duration | 'off' | undefined;
  /**
   * For the client's Close; then dropped. When both sides have sent their Close, the connection
   * ends at once.
   *
   * @default 5s
   */
  readonly closeTimeout?: Duration | undefined;
  /**
   * To send clients away at shutdown. No connection is accepted any more, and a Close with code
   * 1001 goes to all clients, spread over this time so that they do not all come back at once.
   * Who is left then is dropped. Keep it below the time your supervisor waits before SIGKILL.
   *
   * @default 10s
   */
  readonly drainTimeout?: Duration | undefined;
}
