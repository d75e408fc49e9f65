/**
 * The options that `serve` of the library shares with the configuration file: same names, units,
 * meanings and defaults.
 *
 * Written by docs/generate.mjs from src/config/options/options.ts. Change that file, then run `npm run docs`.
 */

/** Whole bytes, as a number or as text: `64k`, `16m` and `1g` are powers of 1024. */
export type Size = number | `${number}${'' | 'k' | 'm' | 'g'}`;

/** A whole number with its unit: `500ms`, `30s`, `5m` or `2h`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h'}`;

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
  readonly listen?: string | readonly string[] | undefined;
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
