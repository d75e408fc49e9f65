/**
 * Tells the tap of one session. What it tells is put together from what is seen at three places: frames at the endpoint,
 * received messages once the extensions are undone, and sent ones before they are applied.
 */
import type { Message } from '../../extensions/extension.js';
import { copyPayload } from '../../protocol/bytes.js';
import type { FrameWatcher } from '../../protocol/endpoint-events.js';
import { Fifo } from '../../protocol/fifo.js';
import { type DataOpcode, Opcode, frameHeaderBytes } from '../../protocol/frame.js';
import type { SessionSummary } from '../session.js';
import type { SessionTap } from './tap.js';

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
