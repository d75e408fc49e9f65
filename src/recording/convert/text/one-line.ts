/** Shortened payloads on one line of a terminal. */
import { Buffer } from 'node:buffer';

const GROUP_BYTES = 4;

/** A byte in hexadecimal, and as a character that a terminal shows. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const ASCII = HEX.map((_, byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));

/** The beginning of a text: at most this many characters, none of them cut in two. */
export function beginningOf(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const last = text.charCodeAt(maxCharacters - 1);
  const isPairCut = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, isPairCut ? maxCharacters - 1 : maxCharacters);
}

/**
 * The first bytes, or all, in hexadecimal and as ASCII: `48690d0a 00 |Hi...|`.
 *
 * @returns the text, and how many bytes it shows
 */
export function hexPreview(
  base64: string,
  maxBytes: number,
): { readonly text: string; readonly bytes: number } {
  const bytes = decoded(base64, maxBytes);
  return { text: [...hexPieces(bytes, Infinity)].join(''), bytes: bytes.length };
}

/** The first bytes of a payload, or all of it. */
export function decoded(base64: string, maxBytes: number): Uint8Array {
  // Four characters hold three bytes.
  const all = Buffer.from(base64.slice(0, 4 * Math.ceil(maxBytes / 3)), 'base64');
  return all.subarray(0, Math.min(all.length, maxBytes));
}

/** Bytes in hexadecimal and as ASCII, as {@link hexPreview} has them, in pieces of so many bytes. */
export function* hexPieces(bytes: Uint8Array, pieceBytes: number): Generator<string> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    let hex = '';
    for (let at = start; at < Math.min(bytes.length, start + pieceBytes); at++) {
      if (at > 0 && at % GROUP_BYTES === 0) hex += ' ';
      hex += HEX[bytes[at]!]!;
    }
    yield hex;
  }
  yield '  |';
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    let ascii = '';
    for (const byte of bytes.subarray(start, start + pieceBytes)) ascii += ASCII[byte]!;
    yield ascii;
  }
  yield '|';
}
