/** Names of sessions that no other session of any run has. */
import { randomFillSync } from 'node:crypto';

/** Without letters that look like others (Crockford's base 32). */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** @returns a ULID: 26 characters, in the order of time when they are sorted */
export function newSessionName(nowMs: number): string {
  let name = '';
  let rest = Math.floor(nowMs);
  for (let index = 0; index < TIME_DIGITS; index++) {
    name = DIGITS.charAt(rest % 32) + name;
    rest = Math.floor(rest / 32);
  }
  // Of each byte five bits are used.
  for (const byte of randomFillSync(new Uint8Array(RANDOM_DIGITS)))
    name += DIGITS.charAt(byte & 31);
  return name;
}
