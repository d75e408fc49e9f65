/** A session as a mode sees it, and its summary for the log. */
import type { ClientCertificate } from '../net/tls-peer.js';
import type { DataOpcode } from '../protocol/frame.js';

/** What happens to the target of a proxied session. */
export interface TargetEvent {
  readonly state: 'connected' | 'ended' | 'lost';
  /** As the operator named it. */
  readonly target: string;
  /** The system's name of what broke the connection. */
  readonly error?: string | undefined;
}

/**
 * What became of a message:
 *
 * - `sent`: accepted.
 * - `wait`: accepted, and more waits for the client than the output pause (1 MiB by default). Send no more
 *   until `drain` is called: a mode that goes on meets the output limit, which ends the session with 1008.
 * - `closed`: not sent, because the session is closing or closed.
 */
export type SendResult = 'sent' | 'wait' | 'closed';

/**
 * One WebSocket connection as a mode sees it: no socket, no frames.
 *
 * @typeParam Data what the mode keeps in `session.data`
 */
export interface Session<Data = unknown> {
  /** Counts up from 1 in one process. */
  readonly id: number;
  /** The client's address, or `unix`. */
  readonly remoteAddress: string;
  /** The client's port; 0 on a Unix socket. */
  readonly remotePort: number;
  /** Our own address that the client connected to; `unix` on a Unix socket, or once the connection is gone. */
  readonly localAddress: string;
  /** Our own port; 0 on a Unix socket, or once the connection is gone. */
  readonly localPort: number;
  /** The client's certificate, if it came to us by TLS and has one that a CA of ours has signed; else null. */
  readonly clientCertificate: ClientCertificate | null;
  /** The user whose password was right; null where no password is asked for. */
  readonly user: string | null;
  /** Path of the request target, as it was sent, without the query. */
  readonly path: string;
  /** The subprotocol that was selected, if any. */
  readonly subprotocol: string | null;
  /** The extensions that were agreed on, as the response header has them, if any. */
  readonly extensions: string | null;
  /** Bytes sent that the client has not read. */
  readonly bufferedAmount: number;
  /** What the mode keeps with the session; the server never looks at it. Null until the mode sets it. */
  data: Data;
  /** What the mode adds to the session's line of the log: plain values by name. */
  notes: Readonly<Record<string, unknown>>;

  /**
   * Sends a message. A string is sent as UTF-8, with U+FFFD for lone surrogates. Bytes are copied, so the
   * caller may change them afterwards; only the payload of a `message` call must stay as it is.
   *
   * @param isBinary by default a string is a text message, and bytes are a binary one
   * @throws InvalidArgumentError for data that are neither, and for text that is not UTF-8 (RFC 6455 §8.1);
   *   nothing was sent then
   * @throws InvalidStateError before the handshake is answered, and between the chunks of a message
   */
  send(data: Uint8Array | string, isBinary?: boolean): SendResult;

  /**
   * Sends a chunk of a message at once, as a fragment of its own (RFC 6455 §5.4). With extensions, which take
   * whole messages, the chunks wait for the last one. A chunk of text may end inside a character if it is given
   * as bytes; a string must not end between two surrogates.
   *
   * @throws as `send`, and InvalidStateError when `isFirst` or `isBinary` does not fit the chunk before
   */
  sendChunk(
    data: Uint8Array | string,
    isBinary: boolean,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult;

  /**
   * Sends a Ping (RFC 6455 §5.5.2). The mode's `pong` is called with the same payload when the client answers.
   *
   * @returns false when the session is closing or closed
   * @throws InvalidArgumentError for a payload of more than 125 bytes
   */
  ping(data?: Uint8Array | string): boolean;

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). Without a code the Close has none (RFC 6455 §5.5.1).
   * A second call does nothing.
   *
   * @param reason at most 123 bytes of UTF-8; a longer one is cut between two characters
   * @throws InvalidStateError for a code that must not be sent (RFC 6455 §7.4)
   * @throws InvalidArgumentError for a reason without a code
   */
  close(code?: number, reason?: string): void;

  /** Ends the connection at once, without a Close: the client sees 1006. */
  drop(): void;

  /**
   * Ends the session as a throw inside `message` does: the client gets 1011 without detail, the log gets the
   * error. It is for what goes wrong later, in a timer or after a promise. Before the handshake is answered it
   * refuses that.
   */
  fail(error: unknown): void;

  /** Stops reading from the client; messages that one read has already brought may still be delivered. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/**
 * A session as the built-in modes see it: payloads are ranges of larger arrays, so that none is cut out or
 * copied on its way.
 */
export interface ModeSession extends Session {
  /** Sends the message `bytes[start, end)`. Text must be UTF-8: it is not looked at. */
  sendRange(opcode: DataOpcode, bytes: Uint8Array, start?: number, end?: number): SendResult;
  /** Sends the chunk `bytes[start, end)` of a message, as `sendChunk` does. Text is not looked at. */
  sendChunkRange(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult;
  /** Tells the recording of the session, if there is one, what becomes of its target. */
  reportTarget(event: TargetEvent): void;
}

/** Rules that end a connection at once, whether or not the peer has read why. */
export type DropRule = 'send-timeout' | 'close-timeout' | 'shutdown' | 'memory' | 'dropped-by-mode';

/** How a session went, for the log. */
export interface SessionSummary {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The client's certificate; absent when it has none. */
  readonly clientCertificate?: ClientCertificate;
  /** The user whose password was right; absent where no password is asked for. */
  readonly user?: string;
  readonly path: string;
  /** Name of the mode that served it. */
  readonly mode: string;
  readonly subprotocol: string | null;
  /** The extensions that were agreed on, as the response header had them. */
  readonly extensions: string | null;
  /** What each of them has to say, by its name. */
  readonly extensionStats: Readonly<Record<string, object>>;
  /** What the mode has to say. */
  readonly notes: Readonly<Record<string, unknown>>;
  readonly messagesIn: number;
  /** Payload bytes of the messages received. */
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
  /** How long it was open, with microseconds; the wall clock has no part in it. */
  readonly durationMs: number;
  /** The close code: 1005 for a Close without a code, 1006 when the connection was lost (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  readonly closeReason: string;
  /** Who closed first; `lost` when nobody sent a Close. */
  readonly closedBy: 'client' | 'server' | 'lost';
  /** The rule that the peer broke, or that made us drop it. */
  readonly rule: string | null;
  /** What went wrong on our own side, or the system's name of what broke the connection. */
  readonly error: Error | string | null;
}
