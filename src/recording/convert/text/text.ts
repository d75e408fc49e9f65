/**
 * A recording as readable text: a line for each record, in columns.
 *
 *     14:13:20.000137 42DW → text         5  hello
 */
import { Buffer } from 'node:buffer';
import { printable, printablePieces } from '../../../printable.js';
import { Opcode } from '../../../protocol/frame.js';
import { payloadOf, textOf } from '../../format/payload.js';
import type {
  AnyRecord,
  CloseRecord,
  ControlRecord,
  CountRecord,
  Direction,
  FrameRecord,
  MessageRecord,
  OpenRecord,
  TargetRecord,
  Traffic,
} from '../../format/record.js';
import { ClockText, durationText } from './clock-text.js';
import type { ConvertOutput, Converter } from '../converter.js';
import { beginningOf, decoded, hexPieces, hexPreview } from './one-line.js';
import { BOLD, DIM, RED, SESSION_COLORS, inColor } from './colors.js';

/**
 * The time that a line begins with: the wall clock, since the first record, or since the message
 * before.
 */
export type TextTimes = 'clock' | 'relative' | 'delta';

export interface TextOptions {
  readonly hasColor: boolean;
  /** The most characters of a text that are shown; Infinity for all. */
  readonly maxCharacters: number;
  /** The same for binary payloads, in bytes. */
  readonly maxBytes: number;
  readonly times: TextTimes;
}

/** `-123456.789012`: as wide as a time of day. */
const SECONDS_COLUMNS = 15;

/** How much of a payload is made text of at a time, in characters or bytes. */
const PIECE_LENGTH = 8192;

/** The most characters of what is no payload: no server that this comes from takes more in a header. */
const MAX_SHOWN_LENGTH = 16_384;

const KIND_COLUMNS = 8;
const LENGTH_COLUMNS = 7;

/** The padding of a number with this many digits. */
const BLANKS = Array.from({ length: LENGTH_COLUMNS }, (_, digits) =>
  ' '.repeat(LENGTH_COLUMNS - digits),
);

/** Arrows and kinds, padded. There are few kinds. */
const HEADINGS: Readonly<Record<Direction, Map<string, string>>> = {
  in: new Map(),
  out: new Map(),
};

const KINDS: Readonly<Record<number, string>> = {
  [Opcode.Continuation]: 'more',
  [Opcode.Text]: 'text',
  [Opcode.Binary]: 'binary',
  [Opcode.Close]: 'close',
  [Opcode.Ping]: 'ping',
  [Opcode.Pong]: 'pong',
};

export function textConverter(output: ConvertOutput, options: TextOptions): Converter {
  return new TextConverter(output, options);
}

class TextConverter implements Converter {
  readonly #output: ConvertOutput;
  readonly #hasColor: boolean;
  readonly #maxCharacters: number;
  readonly #maxBytes: number;
  readonly #times: TextTimes;
  readonly #clock = new ClockText();
  #day = -1;
  /** Where relative times are counted from. */
  #startTime: number | null = null;

  constructor(output: ConvertOutput, options: TextOptions) {
    const { hasColor, maxCharacters, maxBytes, times } = options;
    this.#output = output;
    this.#hasColor = hasColor;
    this.#maxCharacters = maxCharacters;
    this.#maxBytes = maxBytes;
    this.#times = times;
  }

  convert(record: AnyRecord): Promise<void> | undefined {
    if (this.#isLong(record)) return this.#writeLong(record);
    return this.#output.write(`${this.#dateLine(record.t)}${this.#line(record)}\n`);
  }

  /** Whether what is shown of a payload is too much for one string. */
  #isLong(record: AnyRecord): record is MessageRecord {
    if (record.ev !== 'msg') return false;
    const { length } = record.data ?? record.b64!;
    return Math.min(length, Math.max(this.#maxCharacters, this.#maxBytes)) > PIECE_LENGTH;
  }

  async #writeLong(record: MessageRecord): Promise<void> {
    await this.#output.write(`${this.#dateLine(record.t)}${this.#start(record)}`);
    for (const piece of this.#longPayload(record)) await this.#output.write(piece);
    await this.#output.write('\n');
  }

  *#longPayload(record: MessageRecord): Generator<string> {
    const { b64, len, cut } = record;
    const data = textOf(record);
    if (data === null) {
      const bytes = decoded(b64!, this.#maxBytes);
      yield* hexPieces(bytes, PIECE_LENGTH);
      yield this.#rest(len - bytes.length, cut);
    } else {
      const beginning = beginningOf(data, this.#maxCharacters);
      yield* printablePieces(beginning, PIECE_LENGTH);
      yield this.#rest(len - Buffer.byteLength(beginning), cut);
    }
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  #line(record: AnyRecord): string {
    const time = this.#styled(DIM, this.#time(record));
    if (record.ev === 'file') {
      return `${time} ${this.#styled(DIM, `──── recorded by ${shown(record.tool)}`)}`;
    }
    if (record.ev === 'gap') {
      const { records, since, error } = record;
      const text = `──── ${count(records, 'record')} missing since ${this.#clock.time(since)} (${shown(error)})`;
      return `${time} ${this.#styled(RED, text)}`;
    }
    return `${time} ${this.#session(record.s)} ${this.#event(record)}`;
  }

  /** What a message's line has before its payload. */
  #start(record: MessageRecord): string {
    const time = this.#styled(DIM, this.#time(record));
    return `${time} ${this.#session(record.s)} ${this.#messageColumns(record)}`;
  }

  #messageColumns(record: MessageRecord): string {
    return this.#columns(record.dir, messageKind(record), record.len);
  }

  #time({ ev, t }: AnyRecord): string {
    if (this.#times === 'clock') return this.#clock.time(t);
    this.#startTime ??= t;
    const seconds = Math.round((t - this.#startTime) * 1e6) / 1e6;
    if (this.#times === 'delta' && ev === 'msg') this.#startTime = t;
    return seconds.toFixed(6).padStart(SECONDS_COLUMNS);
  }

  #event(record: Exclude<AnyRecord, { ev: 'file' | 'gap' }>): string {
    switch (record.ev) {
      case 'msg':
        return `${this.#messageColumns(record)}${this.#payload(record)}`;
      case 'ctl':
        return this.#control(record);
      case 'frame':
        return this.#frame(record);
      case 'count':
        return this.#count(record);
      case 'open':
        return this.#open(record);
      case 'target':
        return this.#target(record);
      case 'close':
        return this.#close(record);
    }
  }

  /** `→ text         5  `; the right is toward the server. */
  #columns(dir: Direction, kind: string, length: number): string {
    let heading = HEADINGS[dir].get(kind);
    if (heading === undefined) {
      heading = `${dir === 'in' ? '→' : '←'} ${kind.padEnd(KIND_COLUMNS)} `;
      HEADINGS[dir].set(kind, heading);
    }
    const digits = String(length);
    return `${heading}${BLANKS[digits.length] ?? ''}${digits}  `;
  }

  #payload(record: MessageRecord | ControlRecord): string {
    const { b64, len, cut } = record;
    if (len === 0) return '';
    const data = textOf(record);
    if (data === null) {
      const { text, bytes } = hexPreview(b64!, this.#maxBytes);
      return `${text}${this.#rest(len - bytes, cut)}`;
    }
    if (data.length <= this.#maxCharacters && cut === undefined) return printable(data);
    const beginning = beginningOf(data, this.#maxCharacters);
    return `${printable(beginning)}${this.#rest(len - Buffer.byteLength(beginning), cut)}`;
  }

  #rest(bytes: number, cut: true | undefined): string {
    if (bytes <= 0) return '';
    const what = cut === true ? ', not all recorded' : '';
    return this.#styled(DIM, `… (+${count(bytes, 'byte')}${what})`);
  }

  #control(record: ControlRecord): string {
    const columns = this.#columns(record.dir, KINDS[record.op]!, record.len);
    if (record.op !== Opcode.Close) return `${columns}${this.#payload(record)}`;
    const payload = payloadOf(record);
    if (payload.length < 2) return `${columns}no code`;
    const reason = shown(payload.toString('utf8', 2));
    return `${columns}${payload.readUInt16BE(0)} ${reason}`.trimEnd();
  }

  #frame({ dir, fin, rsv, op, masked, len, wire }: FrameRecord): string {
    const marks = [
      KINDS[op] ?? `opcode ${op}`,
      ...(fin ? ['fin'] : []),
      ...[4, 2, 1].flatMap((bit, index) => ((rsv & bit) === 0 ? [] : [`rsv${index + 1}`])),
      ...(masked ? ['masked'] : []),
      `${wire} on the wire`,
    ];
    return this.#styled(DIM, `${this.#columns(dir, 'frame', len)}${marks.join(' ')}`);
  }

  #count({ dir, of, n, len, since }: CountRecord): string {
    const from = dir === 'in' ? 'from the client' : 'to the client';
    const text = `${count(n, `more ${of}`)} ${from} since ${this.#clock.time(since)}, ${count(len, 'byte')}`;
    return `${this.#heading('count')} ${text}`;
  }

  #open(record: OpenRecord): string {
    const { s, id, remote, url, mode, subprotocol, extensions, tls } = record;
    const words = [
      shown(remote),
      shown(url),
      shown(mode),
      ...(subprotocol === null ? [] : [`subprotocol ${shown(subprotocol)}`]),
      ...(extensions === null ? [] : [shown(extensions)]),
      ...(tls === null ? [] : [shown(tls)]),
    ];
    const name = this.#styled(DIM, `#${id} ${shown(s)}`);
    return `${this.#heading('open')} ${words.join('  ')}  ${name}`;
  }

  #target({ state, target, error }: TargetRecord): string {
    const reason = error === undefined ? '' : ` (${shown(error)})`;
    const text = `${state} ${shown(target)}${reason}`;
    return `${this.#heading('target')} ${state === 'lost' ? this.#styled(RED, text) : text}`;
  }

  #close(record: CloseRecord): string {
    const { by, code, reason, rule, dur } = record;
    const words = [
      by === 'lost' ? `lost ${code}` : `by ${by} ${code}`,
      ...(reason === '' ? [] : [shown(reason)]),
      ...(rule === undefined ? [] : [`rule ${shown(rule)}`]),
    ].join(' ');
    const isFault = by === 'lost' || rule !== undefined;
    const ending = isFault ? this.#styled(RED, words) : words;
    const traffic = `→ ${trafficText(record.in)}  ← ${trafficText(record.out)}`;
    return `${this.#heading('over')} ${ending}  ${traffic}  ${durationText(dur)}`;
  }

  /** Lines that are not traffic begin in the same column as the kinds. */
  #heading(kind: string): string {
    return this.#styled(BOLD, `• ${kind.padEnd(KIND_COLUMNS)}`);
  }

  /** A session by the end of its name: the beginning is the time, which many sessions share. */
  #session(name: string): string {
    const short = name.slice(-4);
    const label = printable(short).padStart(4);
    if (!this.#hasColor) return label;
    let sum = 0;
    for (let at = 0; at < short.length; at++) sum += short.charCodeAt(at);
    return this.#styled(SESSION_COLORS[sum % SESSION_COLORS.length]!, label);
  }

  /** A line with the date, before the first record of each day. */
  #dateLine(time: number): string {
    const day = this.#clock.day(time);
    if (day === this.#day) return '';
    this.#day = day;
    return `${this.#styled(BOLD, `──── ${this.#clock.date(time)} UTC`)}\n`;
  }

  #styled(style: number, text: string): string {
    return inColor(style, text, this.#hasColor);
  }
}

/** `text`; for pieces `text…`, `…text…` and `…text`. */
function messageKind({ op, part }: MessageRecord): string {
  const kind = op === Opcode.Text ? 'text' : 'binary';
  if (part === undefined) return kind;
  return `${part === 'first' ? '' : '…'}${kind}${part === 'last' ? '' : '…'}`;
}

function trafficText({ msgs, bytes }: Traffic): string {
  return `${count(msgs, 'message')} ${count(bytes, 'byte')}`;
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}

/** A text that may be anything, in a recording from anywhere. */
function shown(text: string): string {
  const beginning = beginningOf(text, MAX_SHOWN_LENGTH);
  return beginning === text ? printable(text) : `${printable(beginning)}…`;
}
