/** What a mode sees of a connection, and what it has to offer to one. */
import type { UpgradeRequest } from '../handshake/request.js';
import type { CloseStatus } from '../protocol/close.js';
import type { DataOpcode } from '../protocol/frame.js';

/** What happens to the target of a proxied session. */
export interface TargetEvent {
  readonly state: 'connected' | 'ended' | 'lost';
  /** As the operator named it. */
  readonly target: string;
  /** The system's name of what broke the connection. */
  readonly error?: string | undefined;
}

/** One WebSocket connection as a mode sees it: no socket, no frames. */
export interface Session {
  /** Counts up from 1 in one process. */
  readonly id: number;
  /** The peer's address, or `unix`. */
  readonly remoteAddress: string;
  /** The peer's port; 0 behind a Unix socket. */
  readonly remotePort: number;
  /** Our own address and port that the peer connected to; `unix` and 0 behind a Unix socket, or once it is gone. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Path of the request target, as it was sent, without the query. */
  readonly path: string;
  /** The subprotocol that was selected, if any. */
  readonly subprotocol: string | null;
  /** The extensions that were agreed on, as the response header has them, if any. */
  readonly extensions: string | null;
  /** Bytes sent by the mode that the peer has not read. */
  readonly waitingBytes: number;
  /** What the mode keeps with the session; nobody else looks at it. */
  context: unknown;
  /** What the mode has to say in the session's line of the log: plain values by name. */
  notes: Readonly<Record<string, unknown>>;

  /**
   * Sends a message: text (opcode 1) or binary (2) with the payload `data[start, end)`. A string is sent as
   * UTF-8, with U+FFFD for lone surrogates, and its range counts as `String.prototype.slice` does. Bytes are
   * copied, so they may be used again; only the payload that a `message` call brings must be left as it is.
   *
   * @returns false when more waits than the output pause (1 MiB by default): send nothing more until
   * `drained` is called. Who goes on sending meets the output limit, which ends the session with 1008.
   * @throws InvalidArgumentError for another opcode, for data that are neither, for a range outside of them,
   * and for text that is not UTF-8; nothing was sent then
   */
  send(opcode: DataOpcode, data: Uint8Array | string, start?: number, end?: number): boolean;

  /**
   * Sends a piece of a message as it comes, as a fragment of its own. Returns and throws as `send` does. With
   * extensions, which take whole messages, the pieces wait for the last one. A piece of text may end inside a
   * character; that of a string must not end between two surrogates.
   */
  sendPiece(
    opcode: DataOpcode,
    data: Uint8Array | string,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean;

  /** Starts the closing handshake (RFC 6455 §7.1.2). A second call does nothing. */
  close(code?: number, reason?: string): void;

  /**
   * Ends the session as a throw inside `message` does: 1011 without detail to the peer, the error in the
   * log. It is for what goes wrong later, in a timer or behind a promise. Before the handshake is answered it
   * refuses that.
   */
  fail(error: unknown): void;

  /** Tells who records the session, if anybody does, what becomes of its target. */
  reportTarget(event: TargetEvent): void;

  /** Stops reading from the peer; what one read had brought may still be delivered. */
  pauseInput(): void;
  /** Reads on. */
  resumeInput(): void;
}

/**
 * Who takes the messages of sessions; every mode is one. It is shared by all sessions of a route.
 *
 * Every call may return a promise. Whatever a call throws, at once or as a promise that rejects, ends its own
 * session as `fail` does, and no other one. Only `open` and `peerClosed` are waited for.
 */
export interface Consumer {
  /**
   * Whole messages, or pieces as they arrive, in bounded memory whatever the message's size. With
   * extensions, which take whole messages, each message is one piece.
   */
  readonly delivery: 'messages' | 'pieces';
  /**
   * Subprotocols that it cannot speak: they are never selected, and a client that offers no other one
   * is refused with 400.
   */
  readonly unsupportedSubprotocols?: readonly string[];
  /**
   * True for a consumer that is given what the peer sends after our own Close too, until the peer's
   * (RFC 6455 §5.5.1): a proxy must not lose it. Others have nothing to answer to it with.
   */
  readonly receiveAfterClose?: boolean;
  /** True for a consumer whose text is looked at before it is sent: it may send what is not UTF-8. */
  readonly isTextChecked?: boolean;
  /**
   * Called before the handshake is answered. It may take its time, and it may throw (or reject with)
   * a HandshakeError, which refuses the handshake with that status.
   */
  upgrade?(session: Session, request: UpgradeRequest): void | PromiseLike<void>;
  /** The handshake was answered: messages can be sent from here on. */
  open?(session: Session): void;
  /** With delivery `messages`: a message. The payload `bytes[start, end)` is valid during the call. */
  message?(
    session: Session,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** With delivery `pieces`: a piece of a message, valid during the call. */
  chunk?(
    session: Session,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void;
  /**
   * The peer's Close has come, behind its last message. The answer waits for the promise, and while it
   * does messages can still be sent; the close timeout bounds it.
   */
  closing?(session: Session, status: CloseStatus): void | PromiseLike<void>;
  /**
   * The peer hung up, or the handshake's time was over, before the promise of `open` was settled; `closed`
   * may follow. Not called when `open` was not, because the password was still being checked for instance.
   */
  abandoned?(session: Session): void;
  /** After `send` had returned false: the peer has read on, send again. */
  drain?(session: Session): void;
  /** The session is over, however it ended; called once for each session whose `open` succeeded. */
  close?(session: Session, summary: SessionSummary): void;
}

/** Rules that end a connection at once, whether or not the peer has read why. */
export type DropRule = 'send-timeout' | 'close-timeout' | 'shutdown';

/** How a session went, for the log. */
export interface SessionSummary {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
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
