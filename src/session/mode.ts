/**
 * The interface of a mode inside the server. Payloads are ranges of larger arrays. Authors of modes implement the simpler
 * `UserMode` (app/user-mode.ts, docs/modes.md), which is adapted to this one. */
import type { Extension } from '../extensions/extension.js';
import type { OriginPolicy } from '../handshake/policy.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { UpgradeResponse } from '../handshake/upgrade-response.js';
import type { CloseStatus } from '../protocol/close.js';
import type { DataOpcode } from '../protocol/frame.js';
import type { RawOutput } from './raw-output.js';
import type { ModeSession, SessionSummary } from './session.js';

/** The mode that serves one request. */
export interface Chosen {
  readonly mode: Mode;
  /** What clients may negotiate, in order of preference. */
  readonly extensions: readonly Extension[];
}

/**
 * Decides what happens to the messages of sessions: echoes them, relays them. All sessions of a route share it.
 *
 * Every call may return a promise. Whatever a call throws, at once or as a promise that rejects, ends its own
 * session as `fail` does, and no other one. Only `upgrade` and `closing` are waited for, and `close` when the server stops.
 */
export interface Mode {
  /** As it stands in the log, for instance `echo`. */
  readonly name: string;
  /**
   * Whole messages, or chunks as they arrive, in bounded memory whatever the message's size. With
   * extensions, which take whole messages, each message is one chunk.
   */
  readonly delivery: 'messages' | 'chunks';
  /** What holds for it unless the operator says otherwise; without it every origin, and compression. */
  readonly defaults?: { readonly origin?: OriginPolicy; readonly deflate?: boolean };
  /**
   * Subprotocols that it cannot speak: they are never selected, and a client that offers no other one
   * is refused with 400.
   */
  readonly unsupportedSubprotocols?: readonly string[];
  /**
   * True for a mode that also gets what the client sends after our own Close, until the client's
   * (RFC 6455 §5.5.1): a proxy must not lose it. Others have nothing to answer to it with.
   */
  readonly receiveAfterClose?: boolean;
  /**
   * True for a mode that sends every message back as it came, and does nothing else with it: sessions may then do so
   * by themselves, for many messages at a time, without a call of `message`.
   */
  readonly echoes?: boolean;
  /**
   * For built-in modes alone: which mode serves a request, by what it asks for, and whether extensions may be
   * negotiated for it; null for this one. Its name is the same.
   *
   * @throws HandshakeError when the request is to be refused
   */
  choose?(request: UpgradeRequest, extensions: readonly Extension[]): Chosen | null;
  /**
   * For the one mode that breaks rules on purpose: changes the answer to the handshake, which is whole.
   *
   * @returns the head that leaves
   */
  changeAnswer?(head: Uint8Array, request: UpgradeRequest): Uint8Array;
  /** For that mode as well: called after `open`, with the way out past the rules of the endpoint. */
  openRaw?(session: ModeSession, raw: RawOutput): void;
  /**
   * Called before the handshake is answered. It may take its time, and it may throw (or reject with)
   * a HandshakeError, which refuses the handshake with that status. Headers can be added to the response.
   */
  upgrade?(
    session: ModeSession,
    request: UpgradeRequest,
    response: UpgradeResponse,
  ): void | PromiseLike<void>;
  /** The handshake was answered: messages can be sent from here on. */
  open?(session: ModeSession): void;
  /** With delivery `messages`: a message. The payload `bytes[start, end)` is valid during the call. */
  message?(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** With delivery `chunks`: a chunk of a message, valid during the call. */
  chunk?(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void;
  /**
   * The client's Close has come, after its last message. The answer waits for the promise, and while it
   * does messages can still be sent; the close timeout bounds it.
   */
  closing?(session: ModeSession, status: CloseStatus): void | PromiseLike<void>;
  /**
   * The client left, the handshake timed out, or the server stops, before the promise of `upgrade` was settled; `close`
   * may follow. Not called when `upgrade` was not, because the password was still being checked for instance.
   */
  abandoned?(session: ModeSession): void;
  /** A Ping has come; its Pong is already queued (RFC 6455 §5.5.2). `bytes[start, end)` is valid during the call. */
  ping?(session: ModeSession, bytes: Uint8Array, start: number, end: number): void;
  /** A Pong has come, asked for or not (RFC 6455 §5.5.3). `bytes[start, end)` is valid during the call. */
  pong?(session: ModeSession, bytes: Uint8Array, start: number, end: number): void;
  /** Whether a session would be served again as it is: asked after a reload of the configuration. */
  stillServes?(session: ModeSession): boolean;
  /** After `send` had returned `wait`: the client has read on, send again. */
  drain?(session: ModeSession): void;
  /** The memory that it holds for the session and has charged to the account of the process, in bytes. */
  heldBytes?(session: ModeSession): number;
  /** The session is over, however it ended; called once for each session whose `upgrade` succeeded. A server that stops waits for the promise. */
  close?(session: ModeSession, summary: SessionSummary): unknown;
}
