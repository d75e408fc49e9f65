/**
 * What the header fields of the opening handshake are made of: tokens and comma lists (RFC 9110
 * §5.6). Everything here looks at each character once, by table; nothing backtracks.
 */
import { ALPHANUMERICS, byteTable, consistsOf } from '../net/byte-table.js';

/** The bytes of a token, `tchar` (RFC 9110 §5.6.2). */
export const TOKEN_BYTES = byteTable(`!#$%&'*+-.^_\`|~${ALPHANUMERICS}`);

/** Optional white space, `OWS` (RFC 9110 §5.6.3). */
export const WHITESPACE_BYTES = byteTable(' \t');

/** Whether `text` is a token (RFC 9110 §5.6.2): at least one character, all of them `tchar`. */
export function isToken(text: string): boolean {
  return text !== '' && consistsOf(text, TOKEN_BYTES);
}

/**
 * The elements of a comma list whose elements hold no quoted strings, without the white space
 * around them. Several header lines count as one list (RFC 9110 §5.3).
 *
 * Empty elements are left out, as RFC 9110 §5.6.1.2 and, before it, RFC 2616 §2.1 ask of every
 * recipient. Any number of them is "reasonable" here: the head has a size limit and each costs the
 * same as another byte. A caller whose rule is `1#element` refuses an empty result.
 */
export function splitList(values: readonly string[]): string[] {
  const elements: string[] = [];
  for (const value of values) {
    let start = 0;
    while (start <= value.length) {
      const comma = value.indexOf(',', start);
      const end = comma === -1 ? value.length : comma;
      const element = trimWhitespace(value.slice(start, end));
      if (element !== '') elements.push(element);
      start = end + 1;
    }
  }
  return elements;
}

function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && WHITESPACE_BYTES[text.charCodeAt(start)] === 1) start += 1;
  while (end > start && WHITESPACE_BYTES[text.charCodeAt(end - 1)] === 1) end -= 1;
  return text.slice(start, end);
}
