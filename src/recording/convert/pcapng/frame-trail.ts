/** The data frames of one direction as they were on the wire, if a recording has them. */
import type { FrameRecord, MessageRecord } from '../../format/record.js';

/** Bytes of a frame. Together with the frame, they are its first bytes after the header. */
export interface FrameBytes {
  readonly frame: FrameRecord | null;
  readonly bytes: Buffer;
}

/**
 * Puts payloads back into the frames that they came in. This works only for uncompressed messages: the
 * recording does not hold what was in the frames of a compressed one.
 */
export class FrameTrail {
  /** Frames whose header has not been emitted. */
  #waiting: FrameRecord[] = [];
  /** How many bytes are missing of the frame emitted last. */
  #restBytes = 0;
  /** The rest of this message is emitted without its frames. */
  #isLost = false;

  take(frame: FrameRecord): void {
    this.#waiting.push(frame);
  }

  /**
   * Cuts a message, or a piece of one, where its frames were cut.
   *
   * @returns null if the frames do not tell; they are forgotten then
   */
  cut(record: MessageRecord, payload: Buffer): FrameBytes[] | null {
    const { part, cut } = record;
    const isLast = part === undefined || part === 'last';
    const isTold =
      !this.#isLost &&
      cut === undefined &&
      (part === undefined ? this.#isWhole(payload) : this.#isPiece(payload));
    this.#isLost = !isTold && !isLast;
    if (isTold) return this.#split(payload, isLast);
    this.#restBytes = 0;
    const own = this.#waiting.findIndex(({ fin }) => fin);
    this.#waiting.splice(0, own === -1 ? this.#waiting.length : own + 1);
    return null;
  }

  /** Frames that have no message: the frame that broke a rule, for instance. */
  rest(): readonly FrameRecord[] {
    return this.#waiting.splice(0);
  }

  /** The frames up to one that ends a message hold what the message holds. */
  #isWhole(payload: Buffer): boolean {
    const frames = this.#waiting.slice(0, this.#waiting.findIndex(({ fin }) => fin) + 1);
    const bytes = frames.reduce((sum, { len }) => sum + len, 0);
    return frames.length > 0 && frames.every(isPlain) && bytes === payload.length;
  }

  #isPiece(payload: Buffer): boolean {
    const bytes = this.#waiting.reduce((sum, { len }) => sum + len, this.#restBytes);
    const isAny = bytes > 0 || this.#waiting.length > 0;
    return isAny && bytes >= payload.length && this.#waiting.every(isPlain);
  }

  #split(payload: Buffer, isLast: boolean): FrameBytes[] {
    const parts: FrameBytes[] = [];
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(this.#restBytes, payload.length);
      this.#restBytes -= at;
      parts.push({ frame: null, bytes: payload.subarray(0, at) });
    }
    // Frames without a byte belong to the message that they end.
    while (at < payload.length || (isLast && this.#restBytes === 0 && !endsWithFin(parts))) {
      const frame = this.#waiting.shift();
      // The recording has lost the frame that ends the message.
      if (frame === undefined) break;
      const bytes = payload.subarray(at, at + frame.len);
      at += bytes.length;
      this.#restBytes = frame.len - bytes.length;
      parts.push({ frame, bytes });
    }
    return parts;
  }
}

function isPlain({ rsv }: FrameRecord): boolean {
  return rsv === 0;
}

function endsWithFin(parts: readonly FrameBytes[]): boolean {
  const last = parts.at(-1);
  return last !== undefined && (last.frame === null || last.frame.fin);
}
