/**
 * Cuts a target's bytes into texts. A read may end inside a character; a WebSocket message must not
 * (RFC 6455 §5.6).
 */
import { NO_BYTES } from '../../protocol/bytes.js';
import { findImpossibleByte, UTF8_ACCEPT, UTF8_REJECT, validateUtf8 } from '../../protocol/utf8.js';

export class TextCutter {
  /** The beginning of a character whose end has not arrived: at most three bytes. */
  #rest: Uint8Array = NO_BYTES;

  /** True between characters: the target may end here. */
  get isBetweenCharacters(): boolean {
    return this.#rest.length === 0;
  }

  /**
   * Takes the bytes of one read.
   *
   * @returns all complete characters, valid until `bytes` is used again, and whether the rest may still
   *   become a character
   */
  cut(bytes: Uint8Array): { readonly text: Uint8Array; readonly isValid: boolean } {
    const joined = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const state = validateUtf8(UTF8_ACCEPT, joined, 0, joined.length);
    const isValid = state !== UTF8_REJECT;
    const stop = isValid
      ? joined.length
      : findImpossibleByte(UTF8_ACCEPT, joined, 0, joined.length);
    const end = state === UTF8_ACCEPT ? stop : lastBoundary(joined, stop);
    this.#rest = isValid ? joined.slice(end) : NO_BYTES;
    return { text: joined.subarray(0, end), isValid };
  }
}

/** Where the last character that began before `stop` begins, or `stop` if that character is complete. */
function lastBoundary(bytes: Uint8Array, stop: number): number {
  let start = stop - 1;
  while (start >= 0 && (bytes[start]! & 0xc0) === 0x80) start--;
  if (start < 0) return 0;
  const isComplete = validateUtf8(UTF8_ACCEPT, bytes, start, stop) === UTF8_ACCEPT;
  return isComplete ? stop : start;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first, 0);
  both.set(second, first.length);
  return both;
}
