/**
 * What an observer of a session is told, put together from what is seen at three places: frames at the
 * endpoint, messages behind the extensions on their way in, and before them on their way out.
 */
import type { Message } from '../extensions/extension.js';
import { copyPayload } from '../extensions/payload-copy.js';
import type { FrameWatcher } from '../protocol/endpoint-events.js';
import { frameHeaderBytes } from '../protocol/frame-encoder.js';
import { type DataOpcode, Opcode } from '../protocol/opcode.js';
import type { SessionObserver } from './session-observer.js';

export class SessionObservation implements FrameWatcher {
  readonly observer: SessionObserver;
  /** On the wire, of the messages that are on their way in and out: since the last one that was told of. */
  #wireIn = 0;
  #wireOut = 0;
  /** The same of messages that the extensions have not decoded yet. */
  readonly #undecoded: number[] = [];
  /** The message that the extensions are given right now; null once they have encoded it. */
  #encoding: Message | null = null;
  /** Copies of those that they have not encoded yet. */
  readonly #unencoded: Message[] = [];

  constructor(observer: SessionObserver) {
    this.observer = observer;
  }

  // ---- Frames

  frameReceived(first: number, isMasked: boolean, payloadBytes: number): void {
    const wireBytes = frameHeaderBytes(payloadBytes, isMasked) + payloadBytes;
    if (!isControl(first)) this.#wireIn += wireBytes;
    if (!this.observer.watchesFrames) return;
    this.observer.frame(true, first, isMasked, payloadBytes, wireBytes);
  }

  controlReceived(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.observer.control(true, opcode, bytes, start, end);
  }

  frameSent(first: number, isMasked: boolean, bytes: Uint8Array, start: number, end: number): void {
    const wireBytes = frameHeaderBytes(end - start, isMasked) + end - start;
    if (this.observer.watchesFrames)
      this.observer.frame(false, first, isMasked, end - start, wireBytes);
    if (isControl(first)) this.observer.control(false, first & 0x0f, bytes, start, end);
    else this.#wireOut += wireBytes;
  }

  // ---- Messages on their way in

  /** The extensions are about to get a message. */
  decoding(): void {
    this.#undecoded.push(this.#takeWireIn());
  }

  /** They are through with the first of those. */
  decoded({ opcode, payload }: Message): void {
    const wireBytes = this.#undecoded.shift() ?? 0;
    this.observer.message(true, opcode, payload, 0, payload.length, true, true, wireBytes);
  }

  /** A message, or a piece, that no extension has to do with. */
  received(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    const wireBytes = this.#takeWireIn();
    this.observer.message(true, opcode, bytes, start, end, isFirst, isLast, wireBytes);
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

  /** A message, or a piece, whose frame is in the output. */
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
    this.observer.message(false, opcode, bytes, start, end, isFirst, isLast, wireBytes);
  }

  #takeWireIn(): number {
    const wireBytes = this.#wireIn;
    this.#wireIn = 0;
    return wireBytes;
  }
}

/** The opcodes from 8 on are those of control frames (RFC 6455 §5.5). */
function isControl(first: number): boolean {
  return (first & 0x0f) >= Opcode.Close;
}
