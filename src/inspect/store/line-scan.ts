/**
 * Finds in a line what the index keeps of its record, without making an object of it. twist writes the keys of messages and
 * control frames in one order, without spaces; for any other line it says so, and the line is parsed.
 */
import { type Buffer, isAscii, isUtf8 } from 'node:buffer';
import { Opcode } from '../../protocol/frame.js';
import { RECORD_KINDS, kindOf } from '../../recording/convert/conditions.js';
import { parseRecord } from '../../recording/format/parse-record.js';
import { CHECKED_BYTES, shapeFault } from '../../recording/format/line-shape.js';
import type { AnyRecord } from '../../recording/format/record.js';

/** The places of kinds in `RECORD_KINDS`, which are their numbers in the index. */
export const Kind = {
  Text: 0,
  Binary: 1,
  Ping: 2,
  Pong: 3,
  Close: 4,
  Frame: 5,
  Count: 6,
  Target: 7,
  Open: 8,
  End: 9,
  Gap: 10,
} as const;

/** Which way a record went; the server sees it. */
export const Way = { None: 0, In: 1, Out: 2 } as const;

/** Which piece of its message a record is. */
export const Part = { Whole: 0, First: 1, Middle: 2, Last: 3 } as const;

/** By opcode of a control frame, from 8 on. */
const CONTROL_KINDS = [Kind.Close, Kind.Ping, Kind.Pong];

const PARTS: readonly (readonly [piece: Uint8Array, part: number])[] = [
  [bytesOf(',"part":"first"'), Part.First],
  [bytesOf(',"part":"middle"'), Part.Middle],
  [bytesOf(',"part":"last"'), Part.Last],
];

const MESSAGE = bytesOf('{"ev":"msg","s":"');
const CONTROL = bytesOf('{"ev":"ctl","s":"');
const TIME = bytesOf('","t":');
const IN = bytesOf(',"dir":"in","op":');
const OUT = bytesOf(',"dir":"out","op":');
const LENGTH = bytesOf(',"len":');
const WIRE = bytesOf(',"wire":');
const CUT = bytesOf(',"cut":true');
const DATA = bytesOf(',"data":"');
const B64 = bytesOf(',"b64":"');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
const DOT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;
const NOT_FOUND = -1;

/** A name that is longer is left to the parser. */
const MAX_NAME_BYTES = 64;
/** Of the seconds of a time, and of any other number: both stay exact. */
const MAX_SECONDS_DIGITS = 10;
const FRACTION_DIGITS = 6;
const MAX_DIGITS = 15;
/** The most characters that the payload of a control frame has: those of 125 bytes in base64. */
const MAX_CONTROL_CHARACTERS = 168;

/** Bytes that names of sessions are of, in lines that need no parser: no escapes, and one character each. */
const IS_NAME = new Uint8Array(256);
for (const byte of bytesOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_'))
  IS_NAME[byte] = 1;

/** What may follow a backslash in JSON, and hexadecimal digits. */
const IS_ESCAPE = new Uint8Array(256);
for (const byte of bytesOf('"\\/bfnrtu')) IS_ESCAPE[byte] = 1;
const IS_HEX = new Uint8Array(256);
for (const byte of bytesOf('0123456789ABCDEFabcdef')) IS_HEX[byte] = 1;

/** What a line says, but for its payload. One object is used for all lines. */
export class LineScan {
  kind = 0;
  way: number = Way.None;
  /** Seconds since 1970. */
  time = 0;
  /** Bytes of the payload; 0 where there is none. */
  length = 0;
  wire = 0;
  part: number = Part.Whole;
  isCut = false;
  /** The name of the session; empty for a gap. Where `nameStart` is not negative it is in the bytes of the line. */
  name = '';
  nameStart = NOT_FOUND;
  nameEnd = NOT_FOUND;
  /** The characters of the payload as they stand in the line, without quotes; negative for a record without. */
  payloadStart = NOT_FOUND;
  payloadEnd = NOT_FOUND;
  isBase64 = false;
  /** The record, where the line had to be parsed. */
  record: AnyRecord | null = null;

  /** Where the scan is, and the last number that it read. */
  #at = 0;
  #number = 0;

  /**
   * Looks at a line.
   *
   * @param isChecked the payload is checked as well: others have written it, who may write what is no JSON
   * @returns false if it has to be parsed
   */
  scan(bytes: Buffer, start: number, end: number, isChecked: boolean): boolean {
    this.record = null;
    this.#at = start;
    const isMessage = this.#takes(bytes, MESSAGE);
    if (!isMessage && !this.#takes(bytes, CONTROL)) return false;
    return (
      this.#name(bytes) &&
      this.#time(bytes) &&
      this.#opcode(bytes, isMessage) &&
      this.#lengths(bytes, isMessage) &&
      this.#payload(bytes, end, isMessage, isChecked)
    );
  }

  /** Takes what is known of a record that was parsed. Headers of files are none of the records that have an index. */
  take(record: Exclude<AnyRecord, { ev: 'file' }>): void {
    this.record = record;
    this.time = record.t;
    this.name = record.ev === 'gap' ? '' : record.s;
    this.nameStart = this.payloadStart = this.payloadEnd = NOT_FOUND;
    this.way = 'dir' in record ? (record.dir === 'in' ? Way.In : Way.Out) : Way.None;
    this.length = 'len' in record ? record.len : 0;
    this.wire = 'wire' in record ? record.wire : 0;
    const part = record.ev === 'msg' ? record.part : undefined;
    this.part = part === undefined ? Part.Whole : 1 + ['first', 'middle', 'last'].indexOf(part);
    this.isCut = 'cut' in record;
    this.kind = RECORD_KINDS.indexOf(kindOf(record));
  }

  #name(bytes: Buffer): boolean {
    const start = this.#at;
    let at = start;
    while (IS_NAME[bytes[at]!] === 1) at++;
    if (at === start || at - start > MAX_NAME_BYTES) return false;
    this.nameStart = start;
    this.nameEnd = at;
    this.#at = at;
    return this.#takes(bytes, TIME);
  }

  #time(bytes: Buffer): boolean {
    if (!this.#digits(bytes, MAX_SECONDS_DIGITS) || bytes[this.#at] !== DOT) return false;
    const seconds = this.#number;
    let micros = 0;
    for (let digit = 1; digit <= FRACTION_DIGITS; digit++) {
      const value = bytes[this.#at + digit]! - ZERO;
      if (!(value >= 0 && value <= 9)) return false;
      micros = micros * 10 + value;
    }
    this.#at += 1 + FRACTION_DIGITS;
    // Both are whole and exact, so the quotient is the number that a parser makes of the digits.
    this.time = (seconds * 1e6 + micros) / 1e6;
    return true;
  }

  #opcode(bytes: Buffer, isMessage: boolean): boolean {
    const isReceived = this.#takes(bytes, IN);
    if (!isReceived && !this.#takes(bytes, OUT)) return false;
    this.way = isReceived ? Way.In : Way.Out;
    if (!this.#digits(bytes, MAX_DIGITS)) return false;
    const opcode = this.#number;
    const kind = isMessage
      ? opcode === Opcode.Text
        ? Kind.Text
        : opcode === Opcode.Binary
          ? Kind.Binary
          : undefined
      : CONTROL_KINDS[opcode - Opcode.Close];
    if (kind === undefined) return false;
    this.kind = kind;
    return true;
  }

  #lengths(bytes: Buffer, isMessage: boolean): boolean {
    if (!this.#takes(bytes, LENGTH) || !this.#digits(bytes, MAX_DIGITS)) return false;
    this.length = this.#number;
    this.wire = 0;
    this.part = Part.Whole;
    if (isMessage) {
      if (!this.#takes(bytes, WIRE) || !this.#digits(bytes, MAX_DIGITS)) return false;
      this.wire = this.#number;
      for (const [piece, part] of PARTS) {
        if (!this.#takes(bytes, piece)) continue;
        this.part = part;
        break;
      }
    }
    this.isCut = this.#takes(bytes, CUT);
    return true;
  }

  #payload(bytes: Buffer, end: number, isMessage: boolean, isChecked: boolean): boolean {
    this.isBase64 = this.#takes(bytes, B64);
    if (!this.isBase64 && !this.#takes(bytes, DATA)) return false;
    const start = this.#at;
    const stop = end - 2;
    if (stop < start || bytes[stop] !== QUOTE || bytes[stop + 1] !== BRACE) return false;
    if (!isMessage && stop - start > MAX_CONTROL_CHARACTERS) return false;
    this.payloadStart = start;
    this.payloadEnd = stop;
    return !isChecked || isJsonText(bytes, start, stop);
  }

  /** Goes on if this comes next. */
  #takes(bytes: Buffer, piece: Uint8Array): boolean {
    const at = this.#at;
    for (let index = 0; index < piece.length; index++)
      if (bytes[at + index] !== piece[index]) return false;
    this.#at = at + piece.length;
    return true;
  }

  /** Reads a whole number as JSON has it: without zeros in front. */
  #digits(bytes: Buffer, maxDigits: number): boolean {
    const start = this.#at;
    let at = start;
    let number = 0;
    for (; ; at++) {
      const value = bytes[at]! - ZERO;
      if (!(value >= 0 && value <= 9)) break;
      number = number * 10 + value;
      if (at - start === maxDigits) return false;
    }
    if (at === start || (bytes[start] === ZERO && at > start + 1)) return false;
    this.#at = at;
    this.#number = number;
    return true;
  }
}

/** Whether this is what may stand between the quotes of a text in JSON. Whether it is UTF-8 is looked at elsewhere. */
function isJsonText(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 || byte === QUOTE) return false;
    if (byte !== BACKSLASH) continue;
    const escape = bytes[++at]!;
    // A backslash at the end would take the closing quote.
    if (at >= end || IS_ESCAPE[escape] !== 1) return false;
    if (escape !== LETTER_U) continue;
    for (let digit = 1; digit <= 4; digit++) if (IS_HEX[bytes[at + digit]!] !== 1) return false;
    at += 4;
  }
  return true;
}

/**
 * Parses a line, which anybody may have written.
 *
 * @returns the record; null if this version does not know its kind; else what is wrong with it
 */
export function parseLine(line: Buffer): AnyRecord | string | null {
  if (!isAscii(line) && !isUtf8(line)) return 'it is not UTF-8';
  const fault = line.length < CHECKED_BYTES ? null : shapeFault(line);
  return fault ?? parseRecord(line.toString());
}

function bytesOf(text: string): Uint8Array {
  // Own array: short buffers are views of a shared one, which are slower to read.
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
