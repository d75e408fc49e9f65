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
   * Where to listen, repeatable; PORT alone means this machine only, :PORT every address. A bare
   * port listens on 127.0.0.1, `:PORT` on every IPv4 and IPv6 address. With a certificate
   * (`tlsCert`) an address speaks TLS; `ws://` before it is the exception, such as
   * `ws://127.0.0.1:9001` beside `wss://:9443`. Without one every address is plain, and `wss://`
   * is an error. A Unix socket is always plain. Port 0 takes a free port; the log names it. A
   * Unix socket is `unix:PATH`: a stale one is removed, a live one is refused. `systemd` takes
   * the sockets that systemd (or whatever speaks its protocol, `LISTEN_FDS`) has opened for this
   * process, `systemd:NAME` those with that `FileDescriptorName=`: see docs/install.md. The flag
   * is repeated for more addresses; the environment variable separates them by commas; the file
   * takes one text or an array.
   *
   * @default 127.0.0.1:9001
   */
  readonly listen?: number | string | readonly (number | string)[] | undefined;
  /**
   * Permissions of Unix sockets, such as 0660. Octal, for all Unix sockets of `listen`; `umask`
   * leaves them to the umask of the process. Whoever may write to a socket may connect. With
   * `0660` that is the user of twist and its group: put the proxy in front into that group.
   * Until it has its permissions nobody but the user of twist can connect. A JSON file has it as
   * text, since JSON has no octal numbers.
   *
   * @default umask
   */
  readonly unixMode?: number | string | undefined;
  /**
   * Certificate in PEM, with its chain; repeatable, for several names. With it every address of
   * `listen` speaks TLS (1.2 and 1.3), except `ws://` ones and Unix sockets. The server's own
   * certificate comes first in the file, then those that lead to the root. It needs `tlsKey`. If
   * there are several, a client gets the one whose subjectAltName matches the name that it asks
   * for (SNI), exactly or by a wildcard, else the first one. twist checks the files every two
   * seconds, and on SIGHUP: new handshakes get the new certificate, sessions stay, and files
   * that cannot be used change nothing; the log says why. A certificate that expires within 14
   * days gets a warning at start and once a day.
   *
   * @default none
   */
  readonly tlsCert?: string | readonly string[] | undefined;
  /**
   * Key of the certificate, in PEM; repeatable in the same order. One for each `tlsCert`, in the
   * same order. Nobody else should be able to read it. If it is encrypted,
   * `TWIST_TLS_KEY_PASSPHRASE` or `tlsKeyPassphraseFile` decrypts it.
   *
   * @default none
   */
  readonly tlsKey?: string | readonly string[] | undefined;
  /**
   * Decrypts the keys. Decrypts all keys of `tlsKey` that are encrypted. It can only be set in
   * the environment, because every user of the machine can read a command line. It is never
   * shown.
   *
   * @default off
   */
  readonly tlsKeyPassphrase?: string | undefined;
  /**
   * File of the passphrase (or TWIST_TLS_KEY_PASSPHRASE). The text of the file, without the line
   * feed at its end, decrypts the keys of `tlsKey`.
   *
   * @default off
   */
  readonly tlsKeyPassphraseFile?: string | undefined;
  /**
   * Certificate authorities that sign clients' certificates, in PEM. Clients must or may
   * (`tlsClientAuth`) show a certificate that one of these has signed. Its subject and its
   * fingerprint (SHA-256) are in the session's line of the log and in the recording, and modes
   * find them in `session.clientCertificate`.
   *
   * @default off
   */
  readonly tlsClientCa?: string | undefined;
  /**
   * Whether clients must have a certificate (require) or may (request). `require` ends the
   * connection of a client without a good certificate before it can send a request. With
   * `request` every client is served; a mode can look at `session.clientCertificate`.
   *
   * @default require
   */
  readonly tlsClientAuth?: 'require' | 'request' | undefined;
  /**
   * Append the secrets of TLS sessions to this file, for Wireshark. In the NSS Key Log Format
   * (`SSLKEYLOGFILE`). Anybody who has the file can decrypt captured traffic: use it to find
   * faults. Only its owner can read it, and a warning at start says that it is on.
   *
   * @default off
   */
  readonly tlsKeylog?: string | undefined;
  /**
   * Send every message back to its sender. Each message goes back as it came, text as text and
   * binary as binary, and nothing else is sent: no greeting. `--no-echo` turns off what the file
   * or the environment turned on. `twist serve` needs a mode or a route.
   *
   * @default false
   */
  readonly echo?: boolean | undefined;
  /**
   * Show browsers a page to try an echo server with, and others their request as JSON. A GET or
   * HEAD request that asks for no upgrade, on a path that is echoed: a browser gets a page that
   * connects, sends and measures, anything else, such as curl, its own request as JSON. Files of
   * `static` come first, and all rules of access hold. With `--no-page`, and on every path with
   * another mode, such a request gets 426. A request with an `Upgrade` header or one that begins
   * with `Sec-WebSocket-` is never answered so: it is told what is wrong with it. See
   * `docs/echo.md`.
   *
   * @default true
   */
  readonly page?: boolean | undefined;
  /**
   * What clients are told of their own request: hidden values as in a recording, or full. For
   * the JSON that an echo server answers a request without an upgrade with, and for what the
   * control `info` of `echoControls` sends. `hidden` shows the values of headers and parameters
   * whose names are known to be harmless, and of all others the length, as in a recording.
   * `full` shows everything, cookies and passwords too: to whoever sent them, and to whatever
   * proxies and logs are in between.
   *
   * @default hidden
   */
  readonly echoRequest?: 'hidden' | 'full' | undefined;
  /**
   * Let clients of the echo ask by query for delays, ends and broken rules. For whoever tests a
   * client, by the query: `?delay=200ms&close&after=3`. `twist help echo-controls` lists all
   * controls, and the rules of the protocol that the server breaks on request; the guide is
   * `docs/echo.md`, and `docs/clients.md` says what some clients do about each. Every control is
   * bounded. A wrong one gets 400, and parameters that are none are left alone. It is no option
   * for a server that strangers reach: they can make it send what breaks their own clients, and
   * hold connections and memory within the limits. Sessions without a control cost what they
   * cost without the option.
   *
   * @default false
   */
  readonly echoControls?: boolean | undefined;
  /**
   * Proxy to HOST:PORT, tls://HOST:PORT or unix:PATH. Each client gets a connection of its own
   * to the target, made before the handshake is answered: 502 when the target refuses it, 504
   * when it does not answer within `targetConnectTimeout`. A name is looked up for each
   * connection. The bytes of messages, text or binary, go to the target as they arrive; what the
   * target sends comes back in binary messages, or in text with `tcpText`. `docs/tcp.md` says
   * how a connection ends and what it costs.
   *
   * @default off
   */
  readonly tcp?: string | undefined;
  /**
   * Proxy to the target that ?token= in the URL names, by a list or a module. A file with one
   * `TOKEN: TARGET` in each line, as websockify reads it, or a directory of such files. It is
   * read again when it changes. A file that ends in .mjs, .js or .cjs is a module with a
   * function `findTarget` that finds the target of a request, within `targetConnectTimeout`: see
   * `docs/tokens.md`. An unknown token gets 404; the target of a token is treated as that of
   * `tcp`. Tokens are never logged. It serves every path, unless a route has the mode `token`:
   * then it serves those routes only.
   *
   * @default off
   */
  readonly tokenFile?: string | undefined;
  /**
   * Where to find the token: query, path or host. `query` is `?token=TOKEN`. `path` is the last
   * segment of the path, `/websockify/TOKEN`; a route `/websockify=token` then serves the paths
   * one segment below it too. `host` is the first label of the host, `TOKEN.example.com`, or
   * else the whole name, in any case; a proxy named by `trustProxy` may report it in
   * `X-Forwarded-Host`. On a loopback address name the hosts in `allowedHosts`. A token in the
   * path or the host is hidden in the log and in recordings. With `host`, upper and lower case
   * are the same.
   *
   * @default query
   */
  readonly tokenFrom?: 'query' | 'path' | 'host' | undefined;
  /**
   * A mode of your own, a JavaScript module. An ES module or CommonJS, by its path from the
   * working directory. Its default export is a mode: `{ name, message }` and whatever else the
   * type `Mode` of the package has, with `delivery` `messages` unless it says `chunks`. A
   * mistake in it is reported when the server starts, and by `twist config check`. The guide is
   * `docs/modes.md`.
   *
   * @default off
   */
  readonly mode?: string | undefined;
  /**
   * Serve one path, repeatable: echo, tcp:TARGET, token, mode:FILE or replay:FILE. Paths are
   * compared byte by byte with what clients send, without the query; repeated slashes count as
   * one, and a slash at the end does not count. A path that has no route is served by `--echo`,
   * `--tcp`, `--token-file`, `--mode` or `--replay`, and is 404 without one of them. The mode
   * `token` takes its targets from `tokenFile`. The flag is repeated for more routes, such as
   * `--route /echo=echo --route /vnc=tcp:localhost:5900`; the environment variable separates
   * them by commas; the file takes an object such as `{ "/vnc": "tcp:localhost:5900" }`, or an
   * array of the texts that flags have. As with every list, routes of the command line replace
   * those of the file.
   *
   * @default none
   */
  readonly routes?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
  /**
   * Serve the files of a directory to browsers, noVNC for instance. A GET or HEAD request that
   * asks for no upgrade gets a file from this directory, and `index.html` for a directory.
   * Nothing outside of it is served, no name that begins with a dot, and no listing. HTTP/1.0 is
   * accepted. It needs a mode or a route beside it, on the same addresses, and the same access
   * rules hold. Without it such a request gets 426, or what `page` says. OPTIONS gets 204 in any
   * case and needs no password: load balancers use it to see whether a server is there.
   *
   * @default off
   */
  readonly static?: string | undefined;
  /**
   * Play back what a server sent in a recording, as a mock server. Each client gets the first
   * session of the recording that was on its path, or see `replaySession`; a path without one is
   * 404. What the server sent then is sent again, in the same order and at the same pace, after
   * the same messages of the client. The file is scanned once at start and then read as needed,
   * so it may be larger than memory. The guide is `docs/replay.md`.
   *
   * @default off
   */
  readonly replay?: string | undefined;
  /**
   * The session of the recording that all clients get. Its id in the recording (`s`), a
   * beginning of it that is unique, or its number in the log (`id`). It is then served on every
   * path. Numbers start again with each server, so one may be ambiguous in a recording of
   * several runs.
   *
   * @default off
   */
  readonly replaySession?: string | number | undefined;
  /**
   * How much faster than recorded; 0 means at once. Pauses last as long as in the recording,
   * divided by this: 2 is twice as fast, 0.5 half as fast, 0 waits for nothing but the client.
   * The time that the client takes does not count.
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
   * Write all traffic to a file as NDJSON; without a mode, accept messages and answer none.
   * Every message of every session, in order, decompressed, with its time, and the facts about
   * each session. Records are appended; only the owner can read the file. `%Y`, `%m`, `%d`,
   * `%H`, `%M`, `%S`, `%j` and `%s` in the name stand for parts of the time in UTC, and a new
   * file begins when the name changes; `%w` is the number of the process, which `workers` needs.
   * Headers and parameters that may hold credentials are recorded by name and length only: see
   * `recordHeaders` and `recordQuery`. `-` is standard output. A file belongs to one server: a
   * second one is refused. `docs/recording.md` has the format and its costs; `twist convert`
   * reads it.
   *
   * @default off
   */
  readonly record?: string | undefined;
  /**
   * How much of each payload to record: full, none or a size. Of a longer payload the beginning
   * is recorded, and always its length. `none` records only that there was a message, and when.
   *
   * @default full
   */
  readonly recordPayload?: 'full' | 'none' | Size | undefined;
  /**
   * Headers to record with their values, or * for all. Values are recorded only for headers
   * known to be harmless, such as `User-Agent`; of all others the name and the length are. Name
   * here those that you know to be harmless in your service; case does not matter.
   * `sec-websocket-protocol` also records unknown subprotocols. `*` records every header,
   * credentials too. The log is not affected.
   *
   * @default none
   */
  readonly recordHeaders?: string | readonly string[] | undefined;
  /**
   * Parameters of URLs to record with their values, or * for all. The same for the parameters of
   * a URL, after its `?` or in its path (`/room;id=7`), and of URLs in headers such as
   * `Referer`. Names are compared decoded; case does not matter. `*` records every parameter,
   * those without a name, and segments of paths that look like a token.
   *
   * @default none
   */
  readonly recordQuery?: string | readonly string[] | undefined;
  /**
   * Also write a record for each frame. With FIN, the reserved bits, opcode, masking and
   * lengths, for debugging a WebSocket implementation. A record of a frame costs more than that
   * of a message.
   *
   * @default false
   */
  readonly recordFrames?: boolean | undefined;
  /**
   * When to force records to disk: none, interval or always. Records are written within 50 ms in
   * any case, so a crash of the process costs no more than that. `interval` forces them to disk
   * once a second, in case the whole machine goes down; `none` leaves that to the system. With
   * `always` nothing is sent to a client before the records up to it are on disk; all clients
   * share these writes, and each message waits for one.
   *
   * @default interval
   */
  readonly recordSync?: 'none' | 'interval' | 'always' | undefined;
  /**
   * When the file cannot be written: stop serving or drop records. A full disk, for instance.
   * `stop` closes the sessions with 1013, answers new ones with 503, and goes on once the file
   * can be written again; no message is lost. `drop` goes on serving; how many records are
   * missing is in the log and in the file.
   *
   * @default stop
   */
  readonly recordFull?: 'stop' | 'drop' | undefined;
  /**
   * Begin a new file at this size. The time is appended to the name of the full file,
   * `traffic.ndjson.20261123T043105.123Z`, and a new one begins. Old files are kept, unless
   * `recordKeep` says otherwise. For logrotate leave it off: SIGHUP reopens the file.
   *
   * @default off
   */
  readonly recordRotate?: 'off' | Size | undefined;
  /**
   * How many old files of the recording to keep. Beside the current one. When a file begins, the
   * oldest that are too many are deleted: those that `recordRotate` has renamed, those of other
   * times when the name contains the time, and those that had failed. Only regular files that
   * begin like a recording and that no process records to are deleted, and nothing that
   * logrotate has renamed. Each process (`%w`) keeps so many of its own.
   *
   * @default off
   */
  readonly recordKeep?: number | 'off' | undefined;
  /**
   * The most bytes of all files of the recording together. The current file, and those beside it
   * that `recordKeep` would count. No byte more is written, as if the disk were full: what
   * happens then, `recordFull` says. It goes on when files are moved away or deleted, also by
   * `recordKeep` when a file is rotated. With `workers` each process has an equal part. What
   * goes to a pipe does not count.
   *
   * @default off
   */
  readonly recordMaxTotal?: 'off' | Size | undefined;
  /**
   * How much may wait for the disk. Bytes of records. When the disk does not keep up and this
   * much waits, clients are not read until half of it is written. One read of each client, and
   * one message, come on top.
   *
   * @default 8m
   */
  readonly recordQueue?: Size | undefined;
  /**
   * Send text messages to clients instead of binary ones. For targets that speak UTF-8 in lines,
   * and clients that want text. A character is never cut, however it arrives; if the target
   * sends anything but UTF-8, the connection ends with 1011. Every byte is checked for it.
   *
   * @default false
   */
  readonly tcpText?: boolean | undefined;
  /**
   * Time to connect to a target; then 504. From the lookup of the name to the end of the TLS
   * handshake, for all addresses of the name together. `handshakeTimeout` bounds it too, with
   * 408.
   *
   * @default 5s
   */
  readonly targetConnectTimeout?: Duration | undefined;
  /**
   * Silence before TCP probes a target. After this silence the system probes the target, which
   * finds one that has vanished without a word; the client is then closed with 1011. For clients
   * there is `pingInterval`.
   *
   * @default 1m
   */
  readonly targetKeepalive?: Duration | 'off' | undefined;
  /**
   * Addresses that targets may have, repeatable; any other gets 502. The address that a name
   * resolves to is checked right before the connection, so a name cannot lead elsewhere. Unix
   * sockets are always allowed. The flag is repeated for more ranges; the environment variable
   * separates them by commas; the file takes one text or an array.
   *
   * @default any
   */
  readonly targetAllow?: string | readonly string[] | undefined;
  /**
   * Certificate authorities for tls:// targets, in PEM. It replaces the certificate authorities
   * that Node knows. The certificate of a target is always verified, unless `targetInsecure`
   * says otherwise.
   *
   * @default off
   */
  readonly targetCa?: string | undefined;
  /**
   * Our own certificate for tls:// targets, in PEM. For targets that ask for one, with its
   * intermediate certificates. It needs `targetKey`.
   *
   * @default off
   */
  readonly targetCert?: string | undefined;
  /**
   * Private key of that certificate, in PEM. The private key of `targetCert`, not encrypted.
   *
   * @default off
   */
  readonly targetKey?: string | undefined;
  /**
   * Name that the certificate of a tls:// target must have. It is sent to the target (SNI) and
   * checked against its certificate, in place of the host of the target: for targets that are
   * reached by address, for instance.
   *
   * @default off
   */
  readonly targetServername?: string | undefined;
  /**
   * Accept any certificate of a tls:// target. Anybody on the way to the target can then read
   * and change what is sent. Use it to try things out; for a target with a certificate of its
   * own use `targetCa`.
   *
   * @default false
   */
  readonly targetInsecure?: boolean | undefined;
  /**
   * Send targets a PROXY header of this version. The target first gets a PROXY protocol header
   * with the client's address and port, text for version 1 and binary for 2. Only for targets
   * that expect it. If a proxy is in front of twist, see `trustProxy`.
   *
   * @default off
   */
  readonly proxyProtocol?: 'off' | '1' | '2' | 1 | 2 | undefined;
  /**
   * Host names that requests may be for, else 421. For handshakes and `static`. It stops DNS
   * rebinding: a foreign page can have its own name resolved to an address of this machine, but
   * its requests still carry that name. `auto` is `local` where twist listens on a loopback
   * address, and `any` elsewhere. `local` stands for `localhost`, names below it, and all
   * addresses. A list has names such as `desk.example.com`, or `*.example.com` for all names
   * below one, and `local`; a port counts where one is given. Requests that come from a proxy
   * named by `trustProxy`, or on a Unix socket, may be for any host: the proxy has its own list.
   * A request without a host does not come from a browser and is let in.
   *
   * @default auto
   */
  readonly allowedHosts?: string | readonly string[] | undefined;
  /**
   * Web pages that may connect, else 403. `auto` is `same` for the proxy (`tcp`, `token`), and
   * for every mode with passwords, because a browser sends those it knows with any page's
   * request; otherwise it is `any`. `same` takes pages from the host and port that the request
   * is for, which a proxy named by `trustProxy` may report in `X-Forwarded-Host` (the last one
   * counts), and of the same scheme if it reports that in `X-Forwarded-Proto`. A list takes
   * exactly its origins, such as `https://example.com` or `http://localhost:3000`: scheme and
   * host in lower case, no path, no default port. `https://*.example.com` is every name below
   * `example.com`, by whole labels. `same` may stand in a list. `null` in it stands for local
   * files and sandboxed pages, `file://` for pages of programs such as Electron's. A client that
   * sends no `Origin` is not a browser and is always let in.
   *
   * @default auto
   */
  readonly origin?: string | readonly string[] | undefined;
  /**
   * Addresses that may connect, repeatable; others get 403. Ranges of IPv4 and IPv6 addresses.
   * `deny` comes first. Behind a proxy named by `trustProxy` the client's own address counts.
   * Clients on a Unix socket have no address and are always let in, unless `trustProxy` has
   * `unix`. The flag is repeated for more ranges; the environment variable separates them by
   * commas; the file takes one text or an array.
   *
   * @default any
   */
  readonly allow?: string | readonly string[] | undefined;
  /**
   * Addresses that may not connect, repeatable; they get 403. Ranges of IPv4 and IPv6 addresses,
   * for exceptions from `allow` or by itself. The flag is repeated for more ranges; the
   * environment variable separates them by commas; the file takes one text or an array.
   *
   * @default none
   */
  readonly deny?: string | readonly string[] | undefined;
  /**
   * Sessions that a reload would not let in again: keep or end. With `end` a reload (SIGHUP)
   * closes with 1008 the sessions that could not open again: `allow` and `deny` no longer let
   * their address in, nothing or something else serves their path, or their token is gone or
   * leads to another target. Passwords are not checked again. `keep` closes none.
   *
   * @default keep
   */
  readonly recheck?: 'keep' | 'end' | undefined;
  /**
   * Trusted proxies: believe the client address they report, repeatable. Addresses of your own
   * reverse proxies or load balancers; `unix` stands for those that connect by a Unix socket.
   * The client address that they report is used for the log, `allow`, `deny`,
   * `maxConnectionsPerAddress` and `proxyProtocol`; that of any other peer is ignored. When a
   * proxy reports none, the client has the address of the proxy, and by a Unix socket none: then
   * `allow` lets it in only if it is `any`, and no limit counts it. Everything that can connect
   * to a trusted Unix socket can claim any address: see `unixMode`. Guide: `docs/proxies.md`.
   * The flag is repeated for more ranges; the environment variable separates them by commas; the
   * file takes one text or an array.
   *
   * @default none
   */
  readonly trustProxy?: string | readonly string[] | undefined;
  /**
   * How trusted proxies report it: x-forwarded-for or proxy-protocol. `x-forwarded-for` is the
   * header of that name: the client is its last address that is not a trusted proxy. With
   * `proxy-protocol` every connection from a trusted proxy must begin with a PROXY protocol
   * header, version 1 or 2, else it gets 400; connections from elsewhere must not. It needs
   * `trustProxy`.
   *
   * @default x-forwarded-for
   */
  readonly trustProxyHeader?: 'x-forwarded-for' | 'proxy-protocol' | undefined;
  /**
   * Users and password hashes (or TWIST_AUTH=user:password); else 401. HTTP Basic authentication
   * (RFC 7617) of the handshake, and of `static`. One `user:hash` in each line, as `htpasswd -B`
   * writes it (bcrypt, of a cost from 4 to 14). It is read again when it changes. Verifying a
   * password takes a tenth of a second or more, after which it is remembered for a minute.
   * Passwords travel in clear text: use TLS. For one user `TWIST_AUTH` is enough; both together
   * are an error.
   *
   * @default off
   */
  readonly authFile?: string | undefined;
  /**
   * Most failed logins in a minute from one address; one more gets 429. So many wrong passwords
   * may come at once, and as many again over each minute. Beyond it no password from that
   * address is looked at, right or wrong, until `Retry-After` has passed. Users whose password
   * was right in the last day are counted apart at the address that they came from: strangers
   * behind the same NAT do not lock them out. In IPv6 a /64 network counts as one address;
   * clients by a Unix socket are not counted. Behind a proxy set `trustProxy`, else all clients
   * are one address. Each process counts for itself (`workers`).
   *
   * @default 60
   */
  readonly maxLoginFailures?: number | 'off' | undefined;
  /**
   * User and password that clients must give; else 401. HTTP Basic authentication like
   * `authFile`, for one user. It is in the environment only, because a command line can be read
   * by every user of the machine. It is never shown.
   *
   * @default off
   */
  readonly auth?: string | undefined;
  /**
   * Which offered subprotocol to select. `first` selects the first one that the client offers,
   * skipping tokens (`bearer.TOKEN`, or what follows `access_token`) while there is another;
   * `none` selects none, and a list selects the first of its names that the client offers, in
   * the order of the list. When none is selected the handshake still succeeds, without a
   * subprotocol; a browser that offered some then closes the connection itself.
   *
   * @default first
   */
  readonly subprotocol?: string | readonly string[] | undefined;
  /**
   * Compress for clients that offer it; off for tcp. `permessage-deflate` (RFC 7692), which
   * browsers and most libraries offer. A connection whose client does not offer it is not
   * compressed. `auto` compresses in every mode but `tcp`: VNC, SSH and TLS traffic is
   * compressed or encrypted already, and compression next to a secret can give it away (RFC 7692
   * section 8). With compression, a proxied message is assembled first, so `maxMessage` bounds
   * it.
   *
   * @default auto
   */
  readonly deflate?: boolean | 'auto' | undefined;
  /**
   * Compression level, 1 (fast) to 9 (small). For what twist sends. Each level costs more
   * processor time than the one before, and saves less.
   *
   * @default 3
   */
  readonly deflateLevel?: number | undefined;
  /**
   * Smallest message that is compressed. Messages with fewer bytes of payload are sent as they
   * are, in a deflate block that takes 6 bytes more, while there is no history that would make
   * them small: that takes no processor time and no memory. After a larger message they are
   * compressed as well, if history is kept. Every message is marked as compressed: the client of
   * libwebsockets 4.1 reads an unmarked one in an endless loop.
   *
   * @default 32
   */
  readonly deflateThreshold?: Size | undefined;
  /**
   * Largest window that twist compresses with. The window has 2 to the power of this many bytes
   * of history. A smaller one takes less memory for each connection that sends, and compresses
   * less. A client that asks for a smaller one gets it.
   *
   * @default 15
   */
  readonly deflateWindowBits?: number | undefined;
  /**
   * Largest window that clients may compress with. The window of a client is memory that twist
   * holds to decompress. Only clients that offer `client_max_window_bits` can be asked for less
   * than 15.
   *
   * @default 15
   */
  readonly deflateClientWindowBits?: number | undefined;
  /**
   * Disable context takeover for: server, client or none. Without context takeover each message
   * is compressed by itself: that compresses less, above all small messages, but takes no memory
   * between messages. `server` is for what twist sends, `client` tells clients to do it. A
   * client may ask for both in any case.
   *
   * @default none
   */
  readonly deflateNoContextTakeover?:
    'none' | 'server' | 'client' | readonly ('server' | 'client')[] | undefined;
  /**
   * Memory that idle compressors may keep. Bytes that the compressors of all connections may
   * hold between messages. Beyond it the least recently used ones are freed; one that was not
   * used for 15 to 30 s is freed in any case. Clients do not notice: the next message is
   * compressed without history.
   *
   * @default 128m
   */
  readonly deflateMemory?: Size | undefined;
  /**
   * Largest ratio of inflated to compressed size; beyond it close 1009. How many bytes may come
   * out of one byte of a compressed message. Only messages over 1 MiB are checked, and
   * `maxMessage` bounds all of them anyway. Innocent text that repeats itself reaches 100 and
   * more; the format allows 1032.
   *
   * @default off
   */
  readonly deflateMaxRatio?: number | 'off' | undefined;
  /**
   * An extension of your own, a JavaScript module, repeatable. An ES module or CommonJS, by its
   * path from the working directory. Its default export is an extension: `{ name, create }`, see
   * the type `Extension` of the package. The offers of a client decide the order of several
   * extensions. A mistake is reported when the server starts, and by `twist config check`. The
   * guide is `docs/extensions.md`. The flag is repeated for more files; the environment variable
   * separates them by commas; the file takes one text or an array.
   *
   * @default none
   */
  readonly extension?: string | readonly string[] | undefined;
  /**
   * Longest request line; a longer one gets 414. Bytes of the first line of the handshake, which
   * holds the URL. Not above `maxHead`.
   *
   * @default 8k
   */
  readonly maxRequestLine?: Size | undefined;
  /**
   * Longest header line; a longer one gets 431. Bytes of one header line. Usually it is large
   * cookies that reach it. Not above `maxHead`.
   *
   * @default 8k
   */
  readonly maxHeaderLine?: Size | undefined;
  /**
   * Largest request head; a larger one gets 431. Bytes of the request line and all headers. Each
   * unfinished handshake can hold this much memory.
   *
   * @default 16k
   */
  readonly maxHead?: Size | undefined;
  /**
   * Most headers; one more gets 431. A handshake needs 5: Host, Upgrade, Connection,
   * Sec-WebSocket-Key and Sec-WebSocket-Version.
   *
   * @default 100
   */
  readonly maxHeaders?: number | undefined;
  /**
   * Largest message; a larger one closes with 1009. Bytes of the payload of one message, all its
   * fragments together; a message of exactly this size is accepted. It is checked against the
   * declared length, before anything is stored. For a compressed message the inflated size
   * counts; on the wire it may be a quarter larger, plus 16 bytes for each fragment and 64 in
   * all. Each connection can hold this much memory; `maxMemory` bounds all of them together.
   *
   * @default 16m
   */
  readonly maxMessage?: Size | undefined;
  /**
   * Most fragments in a message; one more closes with 1008. Frames of one message, empty ones
   * included. Fragments cost time rather than memory: they are put together as they arrive.
   *
   * @default 262144
   */
  readonly maxFragments?: number | undefined;
  /**
   * Most connections; one more gets 503. For all listeners together. Each connection takes a
   * file descriptor, a proxied one and one that gets a file two. Where the process may not open
   * as many (`ulimit -n`), fewer connections are taken, and the log says so at the start;
   * several workers do not start then. When it is reached, a newcomer takes the place of a
   * connection that has not sent its request yet; without one it gets 503. Refused connections
   * do not count: up to a tenth of this number, and at least 64, may wait for their answer in
   * addition.
   *
   * @default 10000
   */
  readonly maxConnections?: number | undefined;
  /**
   * Most connections from one address; one more gets 429. Clients behind one proxy or one NAT
   * share an address, so it is off unless you set it. In IPv6 a /64 network counts as one
   * address. Unix sockets have no address and are not counted, unless a proxy that `trustProxy`
   * names as `unix` reports the client.
   *
   * @default off
   */
  readonly maxConnectionsPerAddress?: number | 'off' | undefined;
  /**
   * Most unfinished handshakes; beyond it the oldest are dropped. Connections that have sent no
   * complete request a second after they were accepted, and idle ones between two requests for
   * files. A client that has begun a request gets 408. `handshakeTimeout` ends the rest.
   *
   * @default 1000
   */
  readonly maxHandshakes?: number | undefined;
  /**
   * Most unfinished handshakes from one address. In IPv6 a /64 network counts as one address.
   * Proxies that `trustProxy` names and Unix sockets are not counted here; clients are, from the
   * moment that a PROXY header names them.
   *
   * @default 100
   */
  readonly maxHandshakesPerAddress?: number | 'off' | undefined;
  /**
   * Most new connections a second from one address; one more gets 429. As many may come at once.
   * Clients behind one NAT share an address, so it is off unless you set it. In IPv6 a /64
   * network counts as one address. A client that a proxy named by `trustProxy` reports is
   * counted by its own address, and Unix sockets are not counted. With `workers` it holds for
   * all of them together.
   *
   * @default off
   */
  readonly maxConnectionRate?: number | 'off' | undefined;
  /**
   * Most opening handshakes a second, in all; one more gets 503. As many may come at once. It
   * keeps sessions that are open well while all clients come back at the same time, and is asked
   * before passwords are verified. Requests for files do not count. With `workers` it holds for
   * all of them together.
   *
   * @default off
   */
  readonly maxHandshakeRate?: number | 'off' | undefined;
  /**
   * Unsent output that pauses its source. Bytes that may wait for one client before their source
   * is paused; it goes on when they have been sent. More helps fast clients on long lines; each
   * slow client can hold this much memory. Not above `outputLimit`.
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
   * Most that is held for all clients together; 1013 for whoever holds most. Bytes that one
   * process holds for its clients: messages that are not complete, output that waits, work of
   * extensions, lines for the recording, and something for each connection. From 80 % on
   * newcomers get 503, and whoever holds more than 64k is not read from; at 100 % those who hold
   * most are closed with 1013 until there is room, and so they are when nothing is given back
   * for a second. It is over below 75 %. `auto` is a quarter of the memory that the machine has,
   * or that its control group may use if that is less, and at most 512m. What a process takes by
   * itself, some 60 MiB, comes on top, and so does what Node has not given back yet. At least
   * four times `maxMessage`: a message, what it inflates to, its answer, and room beside it.
   *
   * @default auto
   */
  readonly maxMemory?: Size | 'auto' | undefined;
  /**
   * Messages a second that one client may send; more wait. Of each connection; pings and pongs
   * count as messages. As many as come in a second may come at once. A client that sends more is
   * not read until its rate allows it: nothing is lost, and it is not closed. What one read has
   * brought is delivered at once, so the rate holds on average.
   *
   * @default off
   */
  readonly maxMessageRate?: number | 'off' | undefined;
  /**
   * Bytes a second that one client may send; more wait. Of each connection, as they are on the
   * wire, without TLS. It works as `maxMessageRate` does. While a client is not read its pings
   * are not answered, and its Close is not seen: a rate far below what a client needs for a
   * message makes it look dead to itself.
   *
   * @default off
   */
  readonly maxByteRate?: Size | 'off' | undefined;
  /**
   * Bytes a second that keep a message from its timeout. While the bytes of a message come at
   * this rate or faster, it may take as long as it needs, however large it is. One that comes
   * more slowly uses up its `messageTimeout`, and one that stops does so at once. With `off` a
   * message has `messageTimeout` and no more.
   *
   * @default 1k
   */
  readonly minDataRate?: Size | 'off' | undefined;
  /**
   * Time for the opening handshake; then 408. Counted from the moment a connection is accepted,
   * whatever the client sends meanwhile.
   *
   * @default 10s
   */
  readonly handshakeTimeout?: Duration | undefined;
  /**
   * Time for one message to arrive; then close 1008. Keeps a client from holding the memory of a
   * half-sent message. What comes at `minDataRate` or faster does not count, and neither does
   * the time in which the server itself does not read. It is for messages that are put together:
   * a proxied one is passed on as it comes.
   *
   * @default 30s
   */
  readonly messageTimeout?: Duration | 'off' | undefined;
  /**
   * Time that output may stall; then close 1008. A client that reads nothing for this long,
   * while output waits for it, is gone or might as well be. On Linux a byte that its system
   * acknowledges is read; elsewhere, and on Unix sockets, a third of the send buffer is. As
   * looks are a second apart, it may get up to three seconds more, and then closeTimeout to read
   * the Close.
   *
   * @default 30s
   */
  readonly sendTimeout?: Duration | undefined;
  /**
   * Silence before a ping is sent. A client that has sent nothing for this long gets a ping.
   * Most proxies and load balancers cut a silent connection after 60 s, so stay well below that.
   *
   * @default 25s
   */
  readonly pingInterval?: Duration | 'off' | undefined;
  /**
   * Time to wait for the pong; then close 1001. A client that has vanished is found after
   * `pingInterval` plus this.
   *
   * @default 20s
   */
  readonly pongTimeout?: Duration | undefined;
  /**
   * Time without a message; then close 1001. Ping and pong do not count as messages, so this
   * ends sessions that are alive but silent.
   *
   * @default off
   */
  readonly idleTimeout?: Duration | 'off' | undefined;
  /**
   * Longest life of a session; then close 1001. Clients that stay connected for days never find
   * a backend that was added since; this makes them connect again. Each session gets its own
   * time, up to a tenth more or less at random, so that clients that came together do not leave
   * together. The client gets 1001.
   *
   * @default off
   */
  readonly maxLifetime?: Duration | 'off' | undefined;
  /**
   * Time to wait for the client's Close; then it is dropped. When both sides have sent their
   * Close, the connection ends at once.
   *
   * @default 5s
   */
  readonly closeTimeout?: Duration | undefined;
  /**
   * Time to serve on after SIGTERM, so that proxies look elsewhere first. On SIGTERM the server
   * says at once that it is not ready (`/readyz`, `health`), and serves on for this time: new
   * handshakes still get 101. Set it a little longer than a load balancer needs to notice: the
   * interval of its checks times the failures it counts. `drainTimeout` begins afterwards. A
   * second signal ends it.
   *
   * @default off
   */
  readonly drainDelay?: Duration | 'off' | undefined;
  /**
   * Time to close all clients at shutdown. The server accepts no more connections and sends all
   * clients a Close with 1001: at most 100 a second while there is time, so that they do not all
   * come back at once. The last one still has `closeTimeout` to answer, or half of this time if
   * that is less. Clients still connected after that are dropped. Keep it and `drainDelay`
   * together below the time your supervisor waits before SIGKILL.
   *
   * @default 10s
   */
  readonly drainTimeout?: Duration | undefined;
  /**
   * Address of /livez, /readyz and /metrics. A separate HTTP endpoint for probes and Prometheus:
   * see docs/operations.md. A bare port listens on 127.0.0.1, `:PORT` on every address; port 0
   * takes a free one, which the log names. `/livez` and `/readyz` answer everybody who reaches
   * the port, `allow` and `deny` or not: probes have no password. With `tlsCert` any address but
   * a loopback one speaks HTTPS. There `/metrics` asks for the password of `authFile` or
   * `TWIST_AUTH` and for the certificate that `tlsClientAuth` requires; on a loopback address it
   * asks for neither.
   *
   * @default off
   */
  readonly admin?: number | string | undefined;
  /**
   * Path that answers load balancers with 200 or 503. For load balancers that know one port
   * only, on every address of `listen`: 200 when clients may be sent here, else 503, like
   * `/readyz` of `admin`, but without the reason. GET, HEAD and OPTIONS are answered, also by
   * HTTP/1.0 without a host, and before `allow`, `deny`, `allowedHosts` and passwords. Such a
   * request is not a session, and has no line in the log. A route cannot have the same path; a
   * WebSocket handshake on it goes to the mode that serves all other paths.
   *
   * @default off
   */
  readonly health?: string | undefined;
  /**
   * Use WebAssembly where it is faster. Messages are unmasked, and echoed where nothing else is
   * to be done with them, 16 bytes at a time. It changes nothing but the speed, and is not used
   * where it does not work; switch it off to find out whether something is its fault.
   * docs/performance.md has what it gains.
   *
   * @default true
   */
  readonly wasm?: boolean | undefined;
  /**
   * Most lines a second that clients cause; the rest is counted. Sessions that end, handshakes
   * that are refused and so on make lines, as many as clients like. Each level has this many a
   * second for itself, and ten seconds' worth at once; one address has a tenth of it, and one
   * second's worth at once. The first line of its kind in ten seconds is always written. What is
   * left out is counted, and told every ten seconds: how many lines of each kind, and from which
   * addresses. Lines about the server itself are not counted. With `workers` they have it
   * together, a part each.
   *
   * @default 100
   */
  readonly maxLogRate?: number | 'off' | undefined;
}
