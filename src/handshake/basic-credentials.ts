/** HTTP Basic authentication (RFC 7617): what the Authorization header holds. */
import { Buffer, isUtf8 } from 'node:buffer';
import { ALPHANUMERICS, byteTable, consistsOf } from '../net/byte-table.js';
import { valuesOf } from './request.js';
import type { HeaderField } from './request-head.js';

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const SCHEME = 'basic';

/** RFC 4648 §4, padding included. */
const BASE64_BYTES = byteTable(`${ALPHANUMERICS}+/=`);

/**
 * Reads the credentials of a request: `Basic`, and user and password in base64, as UTF-8, which is what we
 * ask clients for (RFC 7617 §2.1).
 *
 * @returns null when there are none, or not exactly one header with well-formed ones
 */
export function parseBasicCredentials(headers: readonly HeaderField[]): BasicCredentials | null {
  const [value, ...more] = valuesOf(headers, 'authorization');
  if (value === undefined || more.length > 0) return null;
  // RFC 9110 §11.4: the scheme's case does not matter, and spaces follow it.
  const space = value.indexOf(' ');
  if (space === -1 || value.slice(0, space).toLowerCase() !== SCHEME) return null;
  let start = space;
  while (value.startsWith(' ', start)) start += 1;
  const base64 = value.slice(start);
  if (!consistsOf(base64, BASE64_BYTES)) return null;
  const bytes = Buffer.from(base64, 'base64');
  // Exactly one text for each sequence of bytes, padded: Node would accept others.
  if (bytes.toString('base64') !== base64 || !isUtf8(bytes)) return null;
  return splitCredentials(bytes.toString('utf8'));
}

/**
 * Splits `user:password` at the first colon: a user's name has none (RFC 7617 §2).
 *
 * @returns null without a user or a colon, or with a control character, which neither part may have
 */
export function splitCredentials(text: string): BasicCredentials | null {
  const colon = text.indexOf(':');
  if (colon < 1 || hasControls(text)) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `CTL` (RFC 5234 appendix B.1). */
function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
