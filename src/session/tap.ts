/**
 * A tap on sessions, as a recorder is: what it is told of them, and what it can do about them.
 *
 * What it is told is put together from what is seen at three places: frames at the endpoint, received messages
 * once the extensions are undone, and sent ones before they are applied.
 */
import type { Message } from '../extensions/extension.js';
import type { UpgradeRequest } from '../handshake/request.js';
import { copyPayload } from '../protocol/bytes.js';
import type { FrameWatcher } from '../protocol/endpoint-events.js';
import { Fifo } from '../protocol/fifo.js';
import { type DataOpcode, Opcode, frameHeaderBytes } from '../protocol/frame.js';
import type { Session, SessionSummary, TargetEvent } from './session.js';

/** Watches the sessions of routes, whatever their modes are. */
export interface Tap {
  /** Asked before a handshake is accepted. @throws HandshakeError when no session may begin */
  admit(): void;
  /** A session is open, and nothing was received yet. @param mode its name, for the log */
  begin(session: Session, request: UpgradeRequest, mode: string, gate: TapGate): SessionTap;
}

/** Watches one session. Payloads are `bytes[start, end)`, valid during the call only. */
export interface SessionTap {
  /** Whether it is to be told of every frame. */
  readonly watchesFrames: boolean;
  /**
   * A message, or a chunk of one: as the mode is about to get it, or as the mode has sent it, when its
   * frame waits to be written.
   *
   * @param wireBytes what it took on the wire, frame headers included; of a chunk what came with it
   */
  message(
    isReceived: boolean,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
    wireBytes: number,
  ): void;
  /** A Ping, Pong or Close (RFC 6455 §5.5). */
  control(isReceived: boolean, opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /**
   * A frame's header, before what it belongs to.
   *
   * @param first FIN, RSV1 to RSV3 and the opcode, as on the wire
   */
  frame(
    isReceived: boolean,
    first: number,
    isMasked: boolean,
    payloadBytes: number,
    wireBytes: number,
  ): void;
  /** The mode has something to tell about its target. */
  target(event: TargetEvent): void;
  /** The connection is gone. */
  closed(summary: SessionSummary): void;
}

/** What a tap can do about a session that it watches. */
export interface TapGate {
  /** True for a session whose mode also gets what comes after our own Close. */
  readonly hearsOut: boolean;
  /** Nothing more is read from the client, and a mode that sends is told to wait. */
  pause(): void;
  resume(): void;
  /** From now on output waits until it was sealed and let go. */
  hold(): void;
  /** What waits now is what the next `letGo` lets go. */
  seal(): void;
  letGo(): void;
  /** Holds nothing any more; all that waits leaves. */
  stopHolding(): void;
  /** Ends the session with this code, after all that was sent before. */
  end(code: number, reason: string): void;
  /** Drops the output that was not let go, and ends the session with this code. */
  close(code: number, reason: string): void;
}

/** Tells the tap of one session. */
export class TapFeed implements FrameWatcher {
  readonly tap: SessionTap;
  /** Bytes of the headers that have come since the last message, or chunk, that was told of. */
  #headersIn = 0;
  /** Bytes of the frames that were sent since then. */
  #wireOut = 0;
  /** What those messages took on the wire that the extensions have not decoded yet. */
  readonly #undecoded = new Fifo<number>();
  /** The payload of the client's Close, which came after those. */
  #waitingClose: Uint8Array | null = null;
  /** The message that the extensions are given right now; null once they have encoded it. */
  #encoding: Message | null = null;
  /** Copies of those that they have not encoded yet. */
  readonly #unencoded = new Fifo<Message>();

  constructor(tap: SessionTap) {
    this.tap = tap;
  }

  // ---- Frames

  frameReceived(first: number, isMasked: boolean, payloadBytes: number): void {
    const headerBytes = frameHeaderBytes(payloadBytes, isMasked);
    if (!isControl(first)) this.#headersIn += headerBytes;
    if (!this.tap.watchesFrames) return;
    this.tap.frame(true, first, isMasked, payloadBytes, headerBytes + payloadBytes);
  }

  /**
   * A Close comes after all messages, as its answer does. A Ping is told of at once, since its Pong
   * leaves at once.
   */
  controlReceived(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.Close && this.#undecoded.length > 0)
      this.#waitingClose = copyPayload(bytes.subarray(start, end));
    else this.tap.control(true, opcode, bytes, start, end);
  }

  frameSent(first: number, isMasked: boolean, bytes: Uint8Array, start: number, end: number): void {
    const wireBytes = frameHeaderBytes(end - start, isMasked) + end - start;
    if (this.tap.watchesFrames) this.tap.frame(false, first, isMasked, end - start, wireBytes);
    if (isControl(first)) this.tap.control(false, first & 0x0f, bytes, start, end);
    else this.#wireOut += wireBytes;
  }

  // ---- Messages on their way in

  /** The extensions are about to get a message. @param bytes of its payload on the wire */
  decoding(bytes: number): void {
    this.#undecoded.push(this.#takeHeaders() + bytes);
  }

  /** They are through with the first of those. */
  decoded({ opcode, payload }: Message): void {
    const wireBytes = this.#undecoded.shift() ?? 0;
    this.tap.message(true, opcode, payload, 0, payload.length, true, true, wireBytes);
    if (this.#undecoded.length === 0) this.#tellClose();
  }

  /** Those that they are not through with are dropped. */
  undecodedDropped(): void {
    this.#undecoded.clear();
    this.#tellClose();
  }

  /** A message, or a chunk, that no extension touches. */
  received(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    const wireBytes = this.#takeHeaders() + end - start;
    this.tap.message(true, opcode, bytes, start, end, isFirst, isLast, wireBytes);
  }

  // ---- Messages on their way out

  /** The extensions are about to get a message. */
  encoding(message: Message): void {
    this.#encoding = message;
  }

  /** They have taken it: what is not encoded yet is kept, since it is recorded as the mode sent it. */
  keepUnencoded(): void {
    const message = this.#encoding;
    this.#encoding = null;
    if (message === null) return;
    this.#unencoded.push({ ...message, payload: copyPayload(message.payload) });
  }

  /** They have encoded the first that waits, and its frame is in the output. */
  encoded(): void {
    const message = this.#unencoded.shift() ?? this.#encoding;
    if (message === null) return;
    if (message === this.#encoding) this.#encoding = null;
    this.sent(message.opcode, message.payload, 0, message.payload.length, true, true);
  }

  /** A message, or a chunk, whose frame is in the output. */
  sent(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    const wireBytes = this.#wireOut;
    this.#wireOut = 0;
    this.tap.message(false, opcode, bytes, start, end, isFirst, isLast, wireBytes);
  }

  /** Those that are not encoded are dropped. */
  unencodedDropped(): void {
    this.#encoding = null;
    this.#unencoded.clear();
  }

  // ---- The end

  closed(summary: SessionSummary): void {
    this.undecodedDropped();
    this.tap.closed(summary);
  }

  #tellClose(): void {
    const payload = this.#waitingClose;
    if (payload === null) return;
    this.#waitingClose = null;
    this.tap.control(true, Opcode.Close, payload, 0, payload.length);
  }

  #takeHeaders(): number {
    const bytes = this.#headersIn;
    this.#headersIn = 0;
    return bytes;
  }
}

/** The opcodes from 8 on are those of control frames (RFC 6455 §5.5). */
function isControl(first: number): boolean {
  return (first & 0x0f) >= Opcode.Close;
}
