/** Sets of characters, each looked up once by a table: nothing backtracks on peer input. */

const DIGITS = '0123456789';
const LOWERCASE = 'abcdefghijklmnopqrstuvwxyz';
const UPPERCASE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

export const ALPHANUMERICS = DIGITS + LOWERCASE + UPPERCASE;
export const HEX_DIGITS = `${DIGITS}abcdefABCDEF`;

/** What most sets have: taken one by one, V8 would load a compiler for them at each start (docs/adr/0040-start.md). */
const RANGES = [DIGITS, LOWERCASE, UPPERCASE] as const;

/** The bytes of a token, `tchar` (RFC 9110 §5.6.2). */
export const TOKEN_BYTES = byteTable(`!#$%&'*+-.^_\`|~${ALPHANUMERICS}`);

/** A set of bytes: 1 at each member's own code, 0 elsewhere. `members` is ASCII or Latin-1. */
export function byteTable(members: string): Uint8Array {
  const table = new Uint8Array(256);
  let others = members;
  for (const range of RANGES) {
    if (!others.includes(range)) continue;
    table.fill(1, range.charCodeAt(0), range.charCodeAt(range.length - 1) + 1);
    others = others.replace(range, '');
  }
  for (let index = 0; index < others.length; index += 1) table[others.charCodeAt(index)] = 1;
  return table;
}

/** Whether every character of `text` is in `table`; true of an empty text. */
export function consistsOf(text: string, table: Uint8Array): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (table[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

/** Whether `text` is a token (RFC 9110 §5.6.2): at least one character, all of them `tchar`. */
export function isToken(text: string): boolean {
  return text !== '' && consistsOf(text, TOKEN_BYTES);
}
