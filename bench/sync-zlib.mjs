/**
 * zlib with a context that is kept, in the calling thread: what compression costs when nothing else is done. It calls
 * the stream's handle as twist does, because Node has no public interface for it, but shares no code with twist.
 */
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

/** What a flush ends with; a message leaves it out (RFC 7692 §7.2.1). */
export const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * @typedef {object} Internals
 * @property {Uint32Array} _writeState output bytes left, input bytes left
 * @property {object} _handle
 * @property {(flush: number, input: Uint8Array, start: number, length: number, output: Uint8Array, outputStart: number, outputLength: number) => void} _handle.writeSync
 * @property {() => void} _handle.reset
 * @property {(message: string) => void} _handle.onerror
 */

/** Both directions of zlib, with the memory level that Node has by default. */
export class SyncZlib {
  #stream;
  /** @type {string | null} */
  #error = null;

  /** @param {unknown} stream of node:zlib */
  constructor(stream) {
    this.#stream = /** @type {Internals} */ (stream);
    this.#stream._handle.onerror = (message) => (this.#error = message);
  }

  /**
   * @param {number} level
   * @param {number} windowBits
   */
  static deflater(level, windowBits) {
    return new SyncZlib(createDeflateRaw({ level, windowBits, memLevel: 8, chunkSize: 64 }));
  }

  static inflater() {
    return new SyncZlib(createInflateRaw({ windowBits: 15, chunkSize: 64 }));
  }

  /**
   * Works off one message and flushes.
   * @param {Uint8Array} input
   * @param {number} length of it that counts
   * @param {Uint8Array} output large enough, with at least one byte to spare
   * @returns {number} bytes in `output`
   */
  run(input, length, output) {
    const { _handle, _writeState } = this.#stream;
    _handle.writeSync(constants.Z_SYNC_FLUSH, input, 0, length, output, 0, output.length);
    if (this.#error !== null) throw new Error(this.#error);
    const [outputLeft = 0, inputLeft = 0] = _writeState;
    if (outputLeft === 0 || inputLeft > 0)
      throw new Error('the output of zlib is larger than expected');
    return output.length - outputLeft;
  }

  /** Forgets the history. */
  reset() {
    this.#stream._handle.reset();
  }
}
