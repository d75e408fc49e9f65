/** Makes names of sessions that are unique across all runs. */
import { randomFillSync } from 'node:crypto';

/** Crockford's base 32: no letters that look like others. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** @returns a ULID: 26 characters that sort in the order of time */
export function newSessionName(nowMs: number): string {
  let name = '';
  let rest = Math.floor(nowMs);
  for (let index = 0; index < TIME_DIGITS; index++) {
    name = DIGITS.charAt(rest % 32) + name;
    rest = Math.floor(rest / 32);
  }
  // Each byte gives five bits.
  for (const byte of randomFillSync(new Uint8Array(RANDOM_DIGITS)))
    name += DIGITS.charAt(byte & 31);
  return name;
}
