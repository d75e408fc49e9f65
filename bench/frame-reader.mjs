/** Finds the frames in what a server sends, and their payloads, wherever the reads are cut. */
import { Buffer } from 'node:buffer';

const MAX_HEADER_BYTES = 10;

export class FrameReader {
  #onFrame;
  #onPayload;
  #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerBytes = 0;
  #payloadBytes = 0;
  #missingBytes = 0;

  /**
   * @param {(first: number, payloadBytes: number, end: number) => void} onFrame called when a frame is complete, with
   *   its first byte and where it ends in the bytes that were read
   * @param {(first: number, start: number, end: number) => void} [onPayload] called for each piece of payload, with the
   *   first byte of its frame and where it lies in the bytes that were read
   */
  constructor(onFrame, onPayload = () => undefined) {
    this.#onFrame = onFrame;
    this.#onPayload = onPayload;
  }

  /**
   * @param {Buffer} bytes
   * @param {number} end
   */
  read(bytes, end) {
    let at = 0;
    while (at < end) {
      if (this.#missingBytes > 0) {
        const taken = Math.min(this.#missingBytes, end - at);
        this.#onPayload(this.#header[0] ?? 0, at, at + taken);
        at += taken;
        this.#missingBytes -= taken;
        if (this.#missingBytes > 0) return;
        this.#complete(at);
      } else {
        this.#header[this.#headerBytes++] = bytes[at++] ?? 0;
        if (!this.#isHeaderComplete()) continue;
        this.#missingBytes = this.#payloadBytes;
        if (this.#payloadBytes === 0) this.#complete(at);
      }
    }
  }

  #isHeaderComplete() {
    if (this.#headerBytes < 2) return false;
    const mark = this.#header[1] ?? 0;
    if (mark >= 128) throw new Error('the peer sent a masked frame');
    const wanted = mark < 126 ? 2 : mark === 126 ? 4 : MAX_HEADER_BYTES;
    if (this.#headerBytes < wanted) return false;
    if (mark < 126) this.#payloadBytes = mark;
    else if (mark === 126) this.#payloadBytes = this.#header.readUInt16BE(2);
    else this.#payloadBytes = Number(this.#header.readBigUInt64BE(2));
    return true;
  }

  /** @param {number} end */
  #complete(end) {
    this.#headerBytes = 0;
    this.#onFrame(this.#header[0] ?? 0, this.#payloadBytes, end);
  }
}
