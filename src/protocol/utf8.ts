/**
 * Incremental UTF-8 validation (RFC 3629 §4, RFC 6455 §8.1).
 *
 * Text is checked as it arrives, across frames and across reads inside one frame, and fails at the
 * first byte that makes it impossible: after F4 the byte 90 is wrong at once, although the sequence
 * is not complete. The state between two pieces is one small integer.
 */

import { isUtf8 } from 'node:buffer';

/** State at the start of a text and between two characters: the text may end here. */
export const UTF8_ACCEPT = 0;

/** The text is not UTF-8, whatever follows. */
export const UTF8_REJECT = -1;

/** From this length the native check wins over the loop, its fixed cost included. */
const MIN_BULK_BYTES = 48;

/**
 * Validates one piece of a text.
 *
 * @param state what the call for the piece before returned, {@link UTF8_ACCEPT} at first
 * @returns the state after the piece, or {@link UTF8_REJECT}
 */
export function validateUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  let current = state;
  if (end - start >= MIN_BULK_BYTES) {
    for (; current > UTF8_ACCEPT; position++) current = step(current, bytes[position]!);
    const bulkEnd = lastBoundary(bytes, position, end);
    if (current === UTF8_REJECT || !isUtf8(bytes.subarray(position, bulkEnd))) return UTF8_REJECT;
    position = bulkEnd;
  }
  for (; position < end && current !== UTF8_REJECT; position++) {
    const byte = bytes[position]!;
    if (current !== UTF8_ACCEPT || byte > 0x7f) current = step(current, byte);
  }
  return current;
}

/** Where the first byte is that makes a text impossible; `end` when there is none. Slow: for failures. */
export function findImpossibleByte(
  state: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let current = state;
  for (let position = start; position < end; position++) {
    current = validateUtf8(current, bytes, position, position + 1);
    if (current === UTF8_REJECT) return position;
  }
  return end;
}

/**
 * Takes one byte of a character that is not ASCII. Inside it the state is
 * `missing | lowest << 8 | highest << 16`: how many bytes are missing and the range of the next one
 * (RFC 3629 §4, table of well-formed sequences).
 */
function step(state: number, byte: number): number {
  if (state !== UTF8_ACCEPT) {
    if (byte < ((state >> 8) & 0xff) || byte > state >> 16) return UTF8_REJECT;
    const missing = (state & 0xff) - 1;
    return missing === 0 ? UTF8_ACCEPT : missing | 0x80_00 | 0xbf_00_00;
  }
  if (byte < 0xc2) return UTF8_REJECT; // a stray continuation byte, or C0 and C1: only overlong forms
  if (byte < 0xe0) return 1 | 0x80_00 | 0xbf_00_00;
  if (byte === 0xe0) return 2 | 0xa0_00 | 0xbf_00_00; // below A0: overlong
  if (byte === 0xed) return 2 | 0x80_00 | 0x9f_00_00; // above 9F: surrogates
  if (byte < 0xf0) return 2 | 0x80_00 | 0xbf_00_00;
  if (byte === 0xf0) return 3 | 0x90_00 | 0xbf_00_00; // below 90: overlong
  if (byte < 0xf4) return 3 | 0x80_00 | 0xbf_00_00;
  if (byte === 0xf4) return 3 | 0x80_00 | 0x8f_00_00; // above 8F: beyond U+10FFFF
  return UTF8_REJECT;
}

/** Where the character that may be cut off at `end` begins; `end` itself when none is. */
function lastBoundary(bytes: Uint8Array, start: number, end: number): number {
  const lowest = Math.max(start, end - 3);
  for (let position = end - 1; position >= lowest; position--) {
    const byte = bytes[position]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return position;
  }
  return end;
}
