/** One session as it is recorded. */
import { randomFillSync } from 'node:crypto';
import type { TapGate, SessionTap } from '../../session/tap/tap.js';
import type { SessionSummary, TargetEvent } from '../../session/session.js';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import { type LineStarts, type RecordEncoder, lineStartsOf } from './record-encoder.js';
import type { RecordingClock } from './recording-clock.js';
import { RecordAllowance } from './record-allowance.js';
import type { CountRecord, Traffic } from '../format/record.js';

/** Crockford's base 32: no letters that look like others. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** What is counted when there is too much of it: by its opcode, or {@link FRAMES}. */
const FRAMES = 0;
const COUNTED: Readonly<Record<number, CountRecord['of']>> = {
  [FRAMES]: 'frame',
  [Opcode.Ping]: 'ping',
  [Opcode.Pong]: 'pong',
};
/** What was sent is counted apart from what was received. */
const SENT = 16;

/** What a recorded session needs of the recorder. */
export interface RecordedSessionHost {
  readonly encoder: RecordEncoder;
  readonly clock: RecordingClock;
  readonly watchesFrames: boolean;
  /** Asked before each record. @returns false if it must be left out */
  takes(): boolean;
  /** Asked instead before a record that a client can cause repeatedly, even after the session was ended. */
  takesEndless(session: RecordedSession): boolean;
  /** A record of the session was appended. */
  appended(session: RecordedSession): void;
  /** The session is over. */
  ended(session: RecordedSession): void;
}

export class RecordedSession implements SessionTap {
  readonly watchesFrames: boolean;
  readonly gate: TapGate;
  /** As its records have it. */
  readonly name: string;
  /** Its output waits until its records are safe. */
  isHeld = false;
  /** It has records that are not yet in a batch; only used while it is held. */
  isDirty = false;
  /** It was ended because the file cannot be written; the client's Close may still be to come. */
  isStopped = false;

  readonly #host: RecordedSessionHost;
  readonly #encoder: RecordEncoder;
  readonly #lineStarts: LineStarts;
  /** By opcode of a Ping or a Pong, and 0 for frames; twice, for received ones first. Made when they are needed. */
  readonly #allowances: (RecordAllowance | undefined)[] = [];

  /** @param offsetMs what the session adds to the host's monotonic clock for its times */
  constructor(name: string, offsetMs: number, gate: TapGate, host: RecordedSessionHost) {
    this.name = name;
    this.gate = gate;
    this.#host = host;
    this.#encoder = host.encoder;
    this.watchesFrames = host.watchesFrames;
    this.#lineStarts = lineStartsOf(name, offsetMs);
  }

  message(
    isReceived: boolean,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
    wireBytes: number,
  ): void {
    if (!this.#host.takes()) return;
    const lineStarts = this.#lineStarts;
    this.#encoder.message(
      lineStarts,
      isReceived,
      opcode,
      bytes,
      start,
      end,
      isFirst,
      isLast,
      wireBytes,
    );
    this.#host.appended(this);
  }

  control(
    isReceived: boolean,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (opcode !== Opcode.Close && !this.#allows(opcode, isReceived, end - start)) return;
    if (!this.#takes(opcode > Opcode.Close)) return;
    this.#encoder.control(this.#lineStarts, isReceived, opcode, bytes, start, end);
    this.#host.appended(this);
  }

  frame(isReceived: boolean, first: number, masked: boolean, len: number, wire: number): void {
    const opcode = first & 0x0f;
    if (!this.#allows(FRAMES, isReceived, len)) return;
    // After our Close messages are dropped, so a frame no longer has a message whose record would be
    // bounded.
    if (!this.#takes(opcode > Opcode.Close || (isReceived && opcode < Opcode.Close))) return;
    this.#encoder.record({
      ev: 'frame',
      ...this.#nameAndTime(),
      dir: isReceived ? 'in' : 'out',
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 0x07,
      op: opcode,
      masked,
      len,
      wire,
    });
    this.#host.appended(this);
  }

  target({ state, target, error }: TargetEvent): void {
    if (!this.#host.takes()) return;
    const event = { ev: 'target', ...this.#nameAndTime(), state, target } as const;
    this.#encoder.record(error === undefined ? event : { ...event, error });
    this.#host.appended(this);
  }

  closed(summary: SessionSummary): void {
    this.#host.ended(this);
    for (const allowance of this.#allowances)
      if (allowance !== undefined) this.#count(allowance, true);
    if (!this.#host.takes()) return;
    this.#encoder.record({
      ev: 'close',
      ...this.#nameAndTime(),
      by: summary.closedBy,
      code: summary.closeCode,
      reason: summary.closeReason,
      in: traffic(summary.messagesIn, summary.bytesIn),
      out: traffic(summary.messagesOut, summary.bytesOut),
      dur: Math.round(summary.durationMs * 1000) / 1e6,
      ...(summary.rule === null ? {} : { rule: summary.rule }),
    });
    this.#host.appended(this);
  }

  /** Whether one more Ping, Pong or header of a frame is recorded; if not, it is counted. */
  #allows(kind: number, isReceived: boolean, bytes: number): boolean {
    const allowance = (this.#allowances[isReceived ? kind : kind + SENT] ??= new RecordAllowance(
      COUNTED[kind]!,
      isReceived ? 'in' : 'out',
    ));
    this.#count(allowance, false);
    return allowance.take(this.#micros(), bytes);
  }

  #count(allowance: RecordAllowance, isOver: boolean): void {
    const record = allowance.counted(this.name, this.#micros(), isOver);
    if (record === null || !this.#takes(!isOver)) return;
    this.#encoder.record(record);
    this.#host.appended(this);
  }

  #micros(): number {
    return this.#host.clock.microsWith(this.#lineStarts.offsetMs);
  }

  #takes(isEndless: boolean): boolean {
    return isEndless ? this.#host.takesEndless(this) : this.#host.takes();
  }

  #nameAndTime(): { s: string; t: number } {
    return { s: this.name, t: this.#micros() / 1e6 };
  }
}

function traffic(msgs: number, bytes: number): Traffic {
  return { msgs, bytes };
}

/**
 * Makes a name that no other session of any run has.
 *
 * @returns a ULID: 26 characters that sort in the order of time
 */
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
