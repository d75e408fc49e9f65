/** The beginnings of payloads, as a row shows them, in time that does not depend on their lengths. */
import { Buffer, isUtf8 } from 'node:buffer';
import { printable } from '../../printable.js';
import { ownBeginning } from '../own-beginning.js';
import { Kind, type LineScan } from '../store/line-scan.js';

/** The most characters and bytes that are shown. */
const MAX_CHARACTERS = 256;
const MAX_BYTES = 64;

/** The most bytes of a text that a preview can need: a character has three, of UTF-16. */
const MAX_TEXT_BYTES = 4 * MAX_CHARACTERS;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** An incomplete character at the end of bytes has fewer bytes than this. */
const MAX_CHARACTER_BYTES = 4;

const PRINTABLE = /^[\x20-\x7e]*$/;

export interface Preview {
  readonly text: string;
  readonly isLonger: boolean;
}

/** Of the payload that a scan has found in a line. */
export function previewOf(line: Buffer, scan: LineScan): Preview {
  const { payloadStart: start, payloadEnd: end, kind } = scan;
  if (!scan.isBase64) {
    const text = jsonBeginning(line, start, end);
    return textPreview(text, text.length > MAX_CHARACTERS);
  }
  const wanted = kind === Kind.Text ? MAX_TEXT_BYTES : MAX_BYTES + 2;
  // Four characters hold three bytes.
  const stop = Math.min(end, start + 4 * Math.ceil(wanted / 3));
  const bytes = Buffer.from(line.toString('latin1', start, stop), 'base64');
  return bytesPreview(bytes, kind, stop < end);
}

/** @param isMore there is more of the payload than these bytes */
export function bytesPreview(bytes: Buffer, kind: number, isMore: boolean): Preview {
  if (kind === Kind.Close) return closePreview(bytes);
  if (kind === Kind.Text) {
    const whole = isMore ? withoutHalf(bytes) : bytes;
    if (isUtf8(whole)) return textPreview(whole.toString('utf8'), isMore);
  } else if (kind !== Kind.Binary) {
    const text = bytes.toString('latin1');
    if (PRINTABLE.test(text)) return { text, isLonger: false };
  }
  const shown = bytes.subarray(0, MAX_BYTES);
  const pairs = shown.toString('hex').replace(/..(?=.)/g, '$& ');
  return { text: pairs, isLonger: isMore || bytes.length > MAX_BYTES };
}

export function textPreview(text: string, isMore: boolean): Preview {
  const beginning = ownBeginning(text, MAX_CHARACTERS);
  return { text: printable(beginning), isLonger: isMore || beginning !== text };
}

/** What a Close says (RFC 6455 §5.5.1). */
function closePreview(bytes: Buffer): Preview {
  if (bytes.length < 2) return { text: 'no code', isLonger: false };
  const reason = printable(bytes.toString('utf8', 2));
  return { text: `${bytes.readUInt16BE(0)} ${reason}`.trimEnd(), isLonger: false };
}

/** The beginning of a text that stands in JSON, one character longer than what is shown if it is longer. */
function jsonBeginning(line: Buffer, start: number, end: number): string {
  let at = start;
  for (let units = 0; units <= MAX_CHARACTERS + 1 && at < end; units++) {
    const byte = line[at]!;
    if (byte === BACKSLASH) at += line[at + 1] === LETTER_U ? 6 : 2;
    else if (byte < 0x80) at++;
    else {
      at++;
      while (at < end && (line[at]! & 0xc0) === 0x80) at++;
    }
  }
  const stop = Math.min(at, end);
  const escape = line.indexOf(BACKSLASH, start);
  if (escape === -1 || escape >= stop) return line.toString('utf8', start, stop);
  const text = line.toString('utf8', start, stop);
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    // Only in a file that somebody has changed since.
    return text;
  }
}

/** Without the beginning of a character at the end. */
function withoutHalf(bytes: Buffer): Buffer {
  for (let back = 1; back <= MAX_CHARACTER_BYTES && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return bytes.subarray(0, bytes.length - back);
  }
  return bytes;
}

/** How long a text may be that is parsed to know whether it is JSON, in characters of the line. */
const MAX_PARSED = 64 * 1024;

/** Texts that were parsed for one answer: beyond so many characters, beginning and end have to do. */
export class JsonBudget {
  left = 1024 * 1024;

  /** @returns whether a text of this length may be parsed, which is then counted */
  takes(length: number): boolean {
    if (length > MAX_PARSED || length > this.left) return false;
    this.left -= length;
    return true;
  }
}

const OPENING = /^\s*[[{]/;
const CLOSING = /[\]}]\s*$/;

/** Whether a text payload is an object or an array of JSON; a long one is believed by its beginning and its end. */
export function isJsonIn(
  line: Buffer,
  { payloadStart, payloadEnd, isBase64 }: LineScan,
  budget: JsonBudget,
): boolean {
  // Text that is in base64 is full of control characters, or no text.
  if (isBase64) return false;
  const length = payloadEnd - payloadStart;
  const edge = Math.min(length, MAX_CHARACTERS);
  const beginning = line.toString('latin1', payloadStart, payloadStart + edge);
  if (!OPENING.test(beginning.replaceAll(/\\[tnr]/g, ' '))) return false;
  if (!budget.takes(length))
    return CLOSING.test(line.toString('latin1', payloadEnd - edge, payloadEnd));
  try {
    JSON.parse(JSON.parse(line.toString('utf8', payloadStart - 1, payloadEnd + 1)) as string);
    return line[payloadEnd] === QUOTE;
  } catch {
    return false;
  }
}

/** The same of a text that was read already. */
export function isJson(text: string, budget: JsonBudget): boolean {
  if (!OPENING.test(text.slice(0, MAX_CHARACTERS))) return false;
  if (!budget.takes(text.length)) return CLOSING.test(text.slice(-MAX_CHARACTERS));
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
