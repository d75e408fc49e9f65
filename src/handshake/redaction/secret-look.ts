/**
 * Whether a text looks like a credential. Names and path segments are shown, and a client can put a token
 * in their place: this is the second look at what an allow-list lets through, and never the only one.
 */
import { ALPHANUMERICS, HEX_DIGITS, byteTable } from '../../net/byte-table.js';

const DIGITS = byteTable('0123456789');
const LETTERS = byteTable(ALPHANUMERICS.slice(10));
const UPPERCASE = byteTable('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
const ALPHANUMERIC_BYTES = byteTable(ALPHANUMERICS);
/** The alphabet of base64url (RFC 4648 §5). */
const BASE64URL_BYTES = byteTable(`${ALPHANUMERICS}-_`);
/** What a UUID is written with (RFC 9562 §4). */
const UUID_BYTES = byteTable(`${HEX_DIGITS}-`);

/** What every JSON Web Token begins with: `{"` in base64url. */
const JWT_START = 'eyJ';

/** No word of a language is that long without a break. */
const MAX_WORD_LENGTH = 31;

/** What a run of characters has to be in order to look like a credential. */
interface Run {
  readonly bytes: Uint8Array;
  readonly minLength: number;
  /** It must have one of each. */
  readonly mixes: readonly Uint8Array[];
}

const LOWERCASE = byteTable('abcdefghijklmnopqrstuvwxyz');

const RUNS: readonly Run[] = [
  { bytes: ALPHANUMERIC_BYTES, minLength: 16, mixes: [DIGITS, LETTERS] },
  { bytes: ALPHANUMERIC_BYTES, minLength: MAX_WORD_LENGTH + 1, mixes: [] },
  { bytes: BASE64URL_BYTES, minLength: 20, mixes: [DIGITS, UPPERCASE, LOWERCASE] },
  { bytes: UUID_BYTES, minLength: 20, mixes: [DIGITS, LETTERS] },
];

/** True of a JWT, of a UUID, and of long runs that mix digits with letters. */
export function looksSecret(text: string): boolean {
  return text.startsWith(JWT_START) || RUNS.some((run) => hasRun(text, run));
}

function hasRun(text: string, { bytes, minLength, mixes }: Run): boolean {
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    // Behind the end the code is NaN, which no table has.
    if (bytes[text.charCodeAt(at)] === 1) continue;
    if (at - start >= minLength && mixes.every((mix) => hasAny(text, start, at, mix))) return true;
    start = at + 1;
  }
  return false;
}

function hasAny(text: string, start: number, end: number, bytes: Uint8Array): boolean {
  for (let at = start; at < end; at++) if (bytes[text.charCodeAt(at)] === 1) return true;
  return false;
}
