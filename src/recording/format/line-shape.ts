/**
 * Looks at a long line before it is parsed. `JSON.parse` makes an object of every two bytes of `[],[]`, and thirty to
 * eighty bytes of memory with it; a line that twist has written is long by its payload, which is one text.
 */
import type { Buffer } from 'node:buffer';

/** Shorter lines are parsed unseen: whatever is in them takes little memory. */
export const CHECKED_BYTES = 4096;

/** A record, its headers, the values of one, and one level that a later version may have. */
const MAX_DEPTH = 4;

/** Keys, numbers, and what separates them; what is between quotes does not count. */
const MAX_OUTSIDE_BYTES = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{`, and what closes them; the other two of these bits are no JSON. */
const OPENING = 0x5b;
const CLOSING = 0x5d;
const BRACE_BIT = 0x20;

/** @returns why it cannot be a record; null if it may be one */
export function shapeFault(line: Buffer): string | null {
  let depth = 0;
  let outside = 0;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at]!;
    if (++outside > MAX_OUTSIDE_BYTES) return 'it has more in it than a record has';
    if (byte === QUOTE) at = endOfText(line, at + 1);
    else if ((byte | BRACE_BIT) === (OPENING | BRACE_BIT)) depth++;
    else if ((byte | BRACE_BIT) === (CLOSING | BRACE_BIT)) depth--;
    if (depth > MAX_DEPTH) return 'it is nested deeper than a record is';
  }
  return null;
}

/** @returns where the closing quote is, or the end of the line */
function endOfText(line: Buffer, start: number): number {
  const quote = line.indexOf(QUOTE, start);
  if (quote === -1) return line.length;
  if (line[quote - 1] !== BACKSLASH) return quote;
  let at = start;
  while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
  return at;
}
