/** The data frames of one direction as they were on the wire, if a recording has them. */
import type { FrameRecord, MessageRecord } from '../../format/record.js';

/** Bytes of a frame. Together with the frame, they are its first bytes after the header. */
export interface FrameBytes {
  readonly frame: FrameRecord | null;
  readonly bytes: Buffer;
}

/** How many frames wait for their messages, in all sessions together. */
export class FrameRoom {
  /** As many as the fragments that a message may have by default. */
  left = 262_144;
}

/**
 * Puts payloads back into the frames that they came in. This works only for uncompressed messages: the
 * recording does not hold what was in the frames of a compressed one.
 */
export class FrameTrail {
  readonly #room: FrameRoom;
  /** Frames whose header has not been emitted, after those that were. */
  #frames: FrameRecord[] = [];
  #next = 0;
  /** Payload bytes of those that wait, and how many of them are not plain. */
  #waitingBytes = 0;
  #oddFrames = 0;
  /** How many bytes are missing of the frame emitted last. */
  #restBytes = 0;
  /** The rest of this message is emitted without its frames. */
  #isLost = false;

  constructor(room: FrameRoom) {
    this.#room = room;
  }

  take(frame: FrameRecord): void {
    // A message that lacks a frame has none.
    if (this.#room.left === 0) this.rest();
    if (this.#room.left === 0) return;
    this.#room.left--;
    this.#frames.push(frame);
    this.#waitingBytes += frame.len;
    if (!isPlain(frame)) this.#oddFrames++;
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
    while (this.#shift()?.fin === false);
    return null;
  }

  /** Frames that have no message: the frame that broke a rule, for instance. */
  rest(): readonly FrameRecord[] {
    const rest = this.#frames.slice(this.#next);
    this.#room.left += rest.length;
    this.#frames = [];
    this.#next = this.#waitingBytes = this.#oddFrames = 0;
    return rest;
  }

  /** The frames up to one that ends a message hold what the message holds. */
  #isWhole(payload: Buffer): boolean {
    let bytes = 0;
    for (let at = this.#next; at < this.#frames.length; at++) {
      const frame = this.#frames[at]!;
      bytes += frame.len;
      if (!isPlain(frame)) return false;
      if (frame.fin) return bytes === payload.length;
    }
    return false;
  }

  #isPiece(payload: Buffer): boolean {
    const bytes = this.#restBytes + this.#waitingBytes;
    const isAny = bytes > 0 || this.#next < this.#frames.length;
    return isAny && bytes >= payload.length && this.#oddFrames === 0;
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
      const frame = this.#shift();
      // The recording has lost the frame that ends the message.
      if (frame === undefined) break;
      const bytes = payload.subarray(at, at + frame.len);
      at += bytes.length;
      this.#restBytes = frame.len - bytes.length;
      parts.push({ frame, bytes });
    }
    return parts;
  }

  #shift(): FrameRecord | undefined {
    const frame = this.#frames[this.#next];
    if (frame === undefined) return undefined;
    this.#next++;
    this.#room.left++;
    this.#waitingBytes -= frame.len;
    if (!isPlain(frame)) this.#oddFrames--;
    // At most as many are moved as were taken since the last time.
    if (this.#next * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#next);
      this.#next = 0;
    }
    return frame;
  }
}

function isPlain({ rsv }: FrameRecord): boolean {
  return rsv === 0;
}

function endsWithFin(parts: readonly FrameBytes[]): boolean {
  const last = parts.at(-1);
  return last !== undefined && (last.frame === null || last.frame.fin);
}
