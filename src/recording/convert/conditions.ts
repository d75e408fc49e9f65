/**
 * Which records somebody wants to see, told by each record alone. `twist convert` and the inspector ask the same conditions, so
 * that one shows what the other does.
 */
import { Opcode } from '../../protocol/frame.js';
import { payloadOf, textOf } from '../format/payload.js';
import type { AnyRecord, Direction, FileRecord, RecordTime } from '../format/record.js';

/** Everything but the header of a file. */
export type ShownRecord = Exclude<AnyRecord, FileRecord>;

/** What kinds of records there are, in the words that people choose them by. A piece of a message has the kind of its message. */
export const RECORD_KINDS = [
  ...(['text', 'binary', 'ping', 'pong', 'close', 'frame', 'count', 'target'] as const),
  ...(['open', 'end', 'gap'] as const),
] as const;

export type RecordKind = (typeof RECORD_KINDS)[number];

/** What is known of a record without its payload: enough for most conditions, and quickly compared. */
export interface RecordFacts {
  readonly kind: RecordKind;
  readonly t: RecordTime;
  /** Null for what goes in none: the beginning and the end of a session, its target, a gap. */
  readonly direction: Direction | null;
  /** Bytes of the payload, of all payloads in a count; null for what has none. */
  readonly length: number | null;
}

/** Which records are wanted: those that meet all of these. Null sets no condition; bounds are inclusive. */
export interface ConditionOptions {
  readonly direction: Direction | null;
  readonly kinds: ReadonlySet<RecordKind> | null;
  /** Bytes of the payload. */
  readonly minLength: number | null;
  readonly maxLength: number | null;
  /** Seconds since 1970. */
  readonly sinceTime: number | null;
  readonly untilTime: number | null;
  /** What a payload must match; in a binary payload each byte is a character. */
  readonly payload: RegExp | null;
}

const KINDS_BY_OPCODE: Readonly<Record<number, RecordKind>> = {
  [Opcode.Text]: 'text',
  [Opcode.Binary]: 'binary',
  [Opcode.Close]: 'close',
  [Opcode.Ping]: 'ping',
  [Opcode.Pong]: 'pong',
};

export function kindOf(record: ShownRecord): RecordKind {
  switch (record.ev) {
    case 'msg':
    case 'ctl':
      // parseRecord knows no other opcodes in these.
      return KINDS_BY_OPCODE[record.op]!;
    case 'close':
      // A Close is a frame, this is the end of the connection.
      return 'end';
    case 'frame':
    case 'count':
    case 'target':
    case 'open':
    case 'gap':
      return record.ev;
  }
}

export function factsOf(record: ShownRecord): RecordFacts {
  const hasPayload = 'len' in record;
  return {
    kind: kindOf(record),
    t: record.t,
    direction: hasPayload ? record.dir : null,
    length: hasPayload ? record.len : null,
  };
}

/** The expression for a part of a text, word for word. */
export function literalExpression(text: string, isCaseSensitive: boolean): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), isCaseSensitive ? '' : 'i');
}

export class Conditions {
  /** A payload has to be looked at: the facts alone do not decide. */
  readonly asksPayload: boolean;
  readonly #options: ConditionOptions;

  constructor(options: ConditionOptions) {
    this.#options = options;
    this.asksPayload = options.payload !== null;
  }

  /** All conditions but the one on the payload. What has no direction, or no length, does not meet one on that. */
  meets({ kind, t, direction, length }: RecordFacts): boolean {
    const { direction: wanted, kinds, minLength, maxLength } = this.#options;
    return (
      (kinds === null || kinds.has(kind)) &&
      (wanted === null || direction === wanted) &&
      (minLength === null || (length !== null && length >= minLength)) &&
      (maxLength === null || (length !== null && length <= maxLength)) &&
      this.isInTime(t)
    );
  }

  isInTime(t: RecordTime): boolean {
    const { sinceTime, untilTime } = this.#options;
    return (sinceTime === null || t >= sinceTime) && (untilTime === null || t <= untilTime);
  }

  /** The condition on the payload: what has none, as the header of a frame, does not meet it. */
  meetsPayload(record: ShownRecord): boolean {
    const { payload } = this.#options;
    if (payload === null) return true;
    if (record.ev !== 'msg' && record.ev !== 'ctl') return false;
    // `search` starts at the beginning, whatever the flags.
    return (textOf(record) ?? payloadOf(record).toString('latin1')).search(payload) >= 0;
  }

  isMet(record: ShownRecord): boolean {
    return this.meets(factsOf(record)) && this.meetsPayload(record);
  }
}
