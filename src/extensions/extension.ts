/**
 * The page an extension author reads: what a per-message extension is (RFC 6455 §9, RFC 7692 §5).
 *
 * An `Extension` is a name and a way to make one `ExtensionSession` for each connection that offers
 * it. A session has three sides, one interface each:
 *
 * - `FromHeader`: it is shown what the client offers, and accepts or declines;
 * - `IntoResponse`: it says what the server answers;
 * - `PerMessage`: it transforms every message, and gives back what it holds when the connection ends.
 *
 * These are types only: an extension imports nothing at run time. An error says whose
 * fault it is by its `closeCode`, and a declined offer by its name (see the `throws` lines).
 */
import type { DataOpcode } from '../protocol/frame.js';
import type { ExtensionOffer } from './header.js';

/** A whole message on its way through the chain. */
export interface Message {
  /** 1 for text, 2 for binary (RFC 6455 §5.2). */
  readonly opcode: DataOpcode;
  /** Reserved bits of its first frame: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv: number;
  /** See `ExtensionSession.keepsPayload` for how long it is valid; it is not to be changed. */
  readonly payload: Uint8Array;
}

export interface FromHeader {
  /**
   * Looks at all offers of this extension's own name, in the client's order of preference, and
   * accepts the first that it can honor (RFC 7692 §5.1). An extension that can honor none leaves `enabled` false,
   * or throws: the extension is declined, and the handshake goes on.
   *
   * @throws NegotiationError, or any error of that name; another one is logged as the extension's fault
   */
  init(offers: readonly ExtensionOffer[]): void;
  /** True once an offer was accepted. */
  readonly enabled: boolean;
}

export interface IntoResponse {
  /** The element of the response header, name and parameters; null when not enabled. */
  response(): string | null;
}

export interface PerMessage {
  /**
   * Takes the reserved bits that this extension sets on the first frame of a message.
   *
   * @param reserved bits that extensions before it in the chain have taken
   * @returns its own bits; 0 when it needs none. Text without a reserved bit must be UTF-8 on the wire:
   *   an extension that turns text into something else needs a bit to say so.
   * @throws any error when a bit that it needs is taken: it is disabled, nothing else is
   */
  reserveRsv(reserved: number): number;
  /**
   * Undoes what the peer's side of this extension did. The message that is returned has the
   * extension's own bits cleared; a message without them is returned as it is.
   *
   * @param maxBytes the largest payload that may come out
   * @throws InvalidPayloadError, or any error with `closeCode` 1007, for a payload that cannot be undone
   * @throws MessageTooBigError, or any error with `closeCode` 1009, for one that would be over
   *   `maxBytes`; every other error is the extension's own fault, and ends the connection with 1011.
   *   A promise may reject with the same.
   */
  decode(message: Message, maxBytes: number): Message | PromiseLike<Message>;
  /** Does its work on a message that goes out, and sets its bits on it if it did any. */
  encode(message: Message): Message | PromiseLike<Message>;
  /** The connection is over, however it ended: everything is given back. Called once. */
  close(): void;
}

export interface ExtensionSession extends FromHeader, IntoResponse, PerMessage {
  /**
   * False for a session that has done with a payload when `decode` or `encode` returns, and whose
   * own payload is valid until its next call in the same direction, and after a promise until the next
   * turn of the event loop. Everybody else, and that is the default, gets payloads that stay as they
   * are: they cost a copy.
   */
  readonly keepsPayload?: boolean;
  /** Memory that it holds for its client, in bytes: whoever holds most is ended when memory runs out. */
  readonly heldBytes?: number;
  /** What the line at the session's end says about it, under the extension's name. */
  readonly stats?: object | null;
}

export interface Extension {
  /** The token in the header (RFC 6455 §9.1). */
  readonly name: string;
  /** Makes the session of one connection; called when the client offers the extension. */
  create(): ExtensionSession;
}
