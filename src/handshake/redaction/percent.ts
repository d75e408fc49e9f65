/** Percent-encoding (RFC 3986 §2.1) undone for a look at what is meant, not for use. */
import { HEX_DIGITS, byteTable } from '../../net/byte-table.js';

const HEX_BYTES = byteTable(HEX_DIGITS);

/** What is encoded more often than this has its last look as it then stands. */
const MAX_ROUNDS = 4;

/**
 * Decodes what can be decoded, again and again while there is more: `%2574oken` is `token`. A byte becomes
 * the character of its code, and a `%` that begins no sequence stays.
 */
export function fullyDecoded(text: string): string {
  let decoded = text;
  for (let round = 0; round < MAX_ROUNDS && decoded.includes('%'); round++) {
    const next = decodedOnce(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  return decoded;
}

function decodedOnce(text: string): string {
  const [head = '', ...rest] = text.split('%');
  const pieces = rest.map((piece) =>
    isSequence(piece)
      ? String.fromCharCode(Number.parseInt(piece.slice(0, 2), 16)) + piece.slice(2)
      : `%${piece}`,
  );
  return head + pieces.join('');
}

function isSequence(piece: string): boolean {
  return HEX_BYTES[piece.charCodeAt(0)] === 1 && HEX_BYTES[piece.charCodeAt(1)] === 1;
}
