/** Bytes as rows of a hex dump, and as text that people paste. */

export interface HexRow {
  /** Eight digits, or more where there are more bytes. */
  readonly offset: string;
  /** A pair of digits for each byte. */
  readonly pairs: readonly string[];
  /** A character for each byte, a dot for those that are not printable ASCII. */
  readonly characters: string;
}

export function hexRowCount(length: number, width: number): number {
  return Math.ceil(length / width);
}

/** The row with this number, of so many bytes each. */
export function hexRow(bytes: Uint8Array, row: number, width: number): HexRow {
  const start = row * width;
  const part = bytes.subarray(start, start + width);
  return {
    offset: start.toString(16).padStart(8, '0'),
    pairs: Array.from(part, pairOf),
    characters: Array.from(part, characterOf).join(''),
  };
}

/** All of it: `48 65 6c 6c 6f`. */
export function hexText(bytes: Uint8Array, separator = ' '): string {
  return Array.from(bytes, pairOf).join(separator);
}

/**
 * Reads pairs of hex digits, with white space, commas, colons or `0x` among them.
 * @returns null when it is something else
 */
export function parseHex(text: string): Uint8Array | null {
  const digits = text.replace(/0x|[\s,:]/gi, '');
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) return null;
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

function pairOf(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function characterOf(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
}
