/** Encodes records as lines of JSON. Messages are encoded without a string or an object in between. */
import { Buffer, isUtf8 } from 'node:buffer';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import { areAscii } from '../../protocol/bytes.js';
import type { RecordBuffer } from './record-buffer.js';
import type { RecordingClock } from './recording-clock.js';
import type { AnyRecord, MessageRecord } from '../format/record.js';

/** The most bytes that a record has besides its payload. */
const MAX_KEYS_BYTES = 512;

/** Up to this length, checking four bytes at a time is faster than making a view for the native check. */
const SHORT_BYTES = 512;

const WIRE = latin1(',"wire":');
const CUT = latin1(',"cut":true');
const DATA = latin1(',"data":"');
const B64 = latin1(',"b64":"');
const END = latin1('"}\n');
const PART: Readonly<Record<NonNullable<MessageRecord['part']>, Uint8Array>> = {
  first: latin1(',"part":"first"'),
  middle: latin1(',"part":"middle"'),
  last: latin1(',"part":"last"'),
};

/** What the records of one session begin with, up to the time, and how that time is made. */
export interface LineStarts {
  readonly message: Uint8Array;
  readonly control: Uint8Array;
  /** What the session adds to the monotonic clock. */
  readonly offsetMs: number;
}

export function lineStartsOf(session: string, offsetMs: number): LineStarts {
  return {
    offsetMs,
    message: latin1(`{"ev":"msg","s":"${session}","t":`),
    control: latin1(`{"ev":"ctl","s":"${session}","t":`),
  };
}

/** `,"dir":"in","op":1,"len":`, by opcode. */
const RECEIVED = keysOf('in');
const SENT = keysOf('out');

export class RecordEncoder {
  readonly #buffer: RecordBuffer;
  readonly #clock: RecordingClock;
  readonly #maxPayloadBytes: number;

  /**
   * @param maxPayloadBytes a longer payload is recorded up to this many bytes, or fewer: no character
   *   is cut
   */
  constructor(buffer: RecordBuffer, clock: RecordingClock, maxPayloadBytes: number) {
    this.#buffer = buffer;
    this.#clock = clock;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  message(
    { message, offsetMs }: LineStarts,
    isReceived: boolean,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
    wireBytes: number,
  ): void {
    const buffer = this.#buffer;
    this.#begin(message, offsetMs, isReceived, opcode, end - start);
    buffer.append(WIRE);
    buffer.appendNumber(wireBytes);
    const isWhole = isFirst && isLast;
    if (!isWhole) buffer.append(PART[isFirst ? 'first' : isLast ? 'last' : 'middle']);
    // A whole text that was received is UTF-8. A piece may begin or end inside a character, and a mode
    // may send anything.
    const isText =
      opcode === Opcode.Text && ((isReceived && isWhole) || isValidText(bytes, start, end));
    this.#payload(isText, bytes, start, end);
  }

  control(
    { control, offsetMs }: LineStarts,
    isReceived: boolean,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#begin(control, offsetMs, isReceived, opcode, end - start);
    this.#payload(false, bytes, start, end);
  }

  /** Encodes any other record: there are few of them. */
  record(record: AnyRecord): void {
    this.#buffer.appendLine(lineOf(record));
  }

  #begin(
    lineStart: Uint8Array,
    offsetMs: number,
    isReceived: boolean,
    opcode: number,
    lengthBytes: number,
  ): void {
    const buffer = this.#buffer;
    buffer.reserve(MAX_KEYS_BYTES);
    buffer.append(lineStart);
    buffer.appendMicroseconds(this.#clock.microsWith(offsetMs));
    buffer.append((isReceived ? RECEIVED : SENT)[opcode]!);
    buffer.appendNumber(lengthBytes);
  }

  #payload(isText: boolean, bytes: Uint8Array, start: number, end: number): void {
    const buffer = this.#buffer;
    let stop = end;
    if (end - start > this.#maxPayloadBytes) {
      buffer.append(CUT);
      stop = start + this.#maxPayloadBytes;
      // Do not cut inside a character: continuation bytes are 10xxxxxx.
      if (isText) while (stop > start && (bytes[stop]! & 0xc0) === 0x80) stop--;
    }
    if (!isText || !this.#text(bytes, start, stop)) {
      buffer.append(B64);
      buffer.appendBase64(bytes, start, stop);
    }
    buffer.reserve(END.length);
    buffer.append(END);
    buffer.records++;
  }

  /** @returns whether it was appended: control characters take six times as much in JSON, and then base64 is shorter */
  #text(bytes: Uint8Array, start: number, end: number): boolean {
    const buffer = this.#buffer;
    const before = buffer.bytes;
    buffer.append(DATA);
    if (buffer.appendJsonText(bytes, start, end)) return true;
    buffer.takeBack(before);
    return false;
  }
}

function isValidText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= SHORT_BYTES && areAscii(bytes, start, end)) return true;
  return isUtf8(bytes.subarray(start, end));
}

/** A record as a line, including its newline. */
export function lineOf(record: AnyRecord): Buffer {
  return Buffer.from(`${withoutControls(JSON.stringify(record))}\n`);
}

/** The same JSON, with what it allows unescaped and some readers take for line ends, some terminals for commands. */
export function withoutControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

function keysOf(direction: 'in' | 'out'): Uint8Array[] {
  return Array.from({ length: 16 }, (_, opcode) =>
    latin1(`,"dir":"${direction}","op":${opcode},"len":`),
  );
}

function latin1(text: string): Uint8Array {
  // Own array: short buffers are views of a shared one, which are slower to read.
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
