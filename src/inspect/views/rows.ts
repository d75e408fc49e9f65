/** Records as the page shows them: a row in a list, or one whole. */
import type { Buffer } from 'node:buffer';
import { Opcode } from '../../protocol/frame.js';
import { beginningOf } from '../../recording/convert/text/one-line.js';
import { RECORD_KINDS } from '../../recording/convert/conditions.js';
import { payloadOf } from '../../recording/format/payload.js';
import type { ControlRecord, MessageRecord } from '../../recording/format/record.js';
import type { Row } from '../page-protocol.js';
import { Kind, LineScan, Way, parseLine } from '../store/line-scan.js';
import {
  type IndexedRecord,
  isCutIn,
  isScannedIn,
  kindIn,
  partIn,
  wayIn,
} from '../store/record-index.js';
import type { RecordStore } from '../store/record-store.js';
import { NONE } from '../store/session-table.js';
import {
  JsonBudget,
  type Preview,
  bytesPreview,
  isJson,
  isJsonIn,
  previewOf,
  textPreview,
} from './preview.js';
import { type ToldRecord, sentenceOf } from './sentence.js';

/** The most of a payload that one answer has, in bytes. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

const PARTS = [undefined, 'first', 'middle', 'last'] as const;

const OPCODES: Readonly<Record<number, number>> = {
  [Kind.Text]: Opcode.Text,
  [Kind.Binary]: Opcode.Binary,
  [Kind.Ping]: Opcode.Ping,
  [Kind.Pong]: Opcode.Pong,
  [Kind.Close]: Opcode.Close,
};

/** What only the line says. */
type FromLine = Pick<Row, 's' | 'preview'> &
  Partial<Pick<Row, 'wire' | 'op' | 'isLonger' | 'isJson'>>;

const scan = new LineScan();

export class Rows {
  readonly #store: RecordStore;

  constructor(store: RecordStore) {
    this.#store = store;
  }

  row(n: number, budget = new JsonBudget()): Row {
    const { index } = this.#store;
    const record = index.get(n);
    const { time: t, flags, length, ordinal, pair, previous } = record;
    const kind = kindIn(flags);
    const way = wayIn(flags);
    const part = PARTS[partIn(flags)];
    const op = OPCODES[kind];
    const row: Row = {
      n,
      t,
      kind: RECORD_KINDS[kind]!,
      ...(way === Way.None ? {} : { dir: way === Way.In ? 'in' : 'out', len: length }),
      ...(op === undefined ? {} : { op }),
      ...(part === undefined ? {} : { part }),
      ...(isCutIn(flags) ? { isCut: true as const } : {}),
      ...(previous === NONE ? {} : { gap: seconds(t - index.get(previous).time) }),
      ...(ordinal === 0 ? {} : { ordinal }),
      ...(pair === NONE
        ? {}
        : { pair: { n: pair, seconds: seconds(Math.abs(t - index.get(pair).time)) } }),
      ...this.#fromLine(n, record, budget),
    };
    return row;
  }

  /** @returns the record in the line; an empty one if the line cannot be read any more */
  record(n: number): { record: Readonly<Record<string, unknown>>; isShortened: boolean } {
    const record = parseLine(this.#store.line(n));
    if (record === null || typeof record === 'string') return { record: {}, isShortened: false };
    if (record.ev !== 'msg' && record.ev !== 'ctl')
      return { record: { ...record }, isShortened: false };
    return shortened(record);
  }

  #fromLine(n: number, { slot, flags }: IndexedRecord, budget: JsonBudget): FromLine {
    const line = this.#store.line(n);
    const isScanned = isScannedIn(flags) && scan.scan(line, 0, line.length, false);
    if (!isScanned) return this.#fromRecord(line, slot, budget);
    const { text, isLonger } = previewOf(line, scan);
    const isText = scan.kind === Kind.Text && partIn(flags) === 0 && !scan.isCut;
    return {
      s: line.toString('latin1', scan.nameStart, scan.nameEnd),
      ...(scan.wire === 0 ? {} : { wire: scan.wire }),
      preview: text,
      ...(isLonger ? { isLonger: true as const } : {}),
      ...(isText && isJsonIn(line, scan, budget) ? { isJson: true as const } : {}),
    };
  }

  /** A record that had to be parsed, as others write them, or one without a payload. */
  #fromRecord(line: Buffer, slot: number, budget: JsonBudget): FromLine {
    const record = parseLine(line);
    if (record === null || typeof record === 'string' || record.ev === 'file') {
      const s = this.#store.sessions.at(slot)?.name ?? '';
      return { s, preview: 'the file has changed: this record cannot be read any more' };
    }
    if (record.ev === 'msg' || record.ev === 'ctl') return fromPayload(record, budget);
    return {
      s: record.ev === 'gap' ? '' : record.s,
      ...('wire' in record ? { wire: record.wire, op: record.op } : {}),
      preview: sentenceOf(record satisfies ToldRecord),
    };
  }
}

function fromPayload(record: MessageRecord | ControlRecord, budget: JsonBudget): FromLine {
  scan.take(record);
  // It may be large, and this scan lives on.
  scan.record = null;
  const { text, isLonger } = payloadPreview(record);
  const isText = record.ev === 'msg' && record.data !== undefined && record.cut === undefined;
  return {
    s: record.s,
    ...(record.ev === 'msg' ? { wire: record.wire } : {}),
    preview: text,
    ...(isLonger ? { isLonger: true as const } : {}),
    ...(isText && record.part === undefined && isJson(record.data, budget)
      ? { isJson: true as const }
      : {}),
  };
}

function payloadPreview(record: MessageRecord | ControlRecord): Preview {
  if (record.data === undefined) return bytesPreview(payloadOf(record), scan.kind, false);
  if (record.ev === 'msg') return textPreview(record.data, false);
  return bytesPreview(payloadOf(record), scan.kind, false);
}

/** The record, with no more of its payload than one answer has. */
function shortened(record: MessageRecord | ControlRecord): {
  record: Readonly<Record<string, unknown>>;
  isShortened: boolean;
} {
  const { data, b64 } = record;
  if (b64 !== undefined && b64.length > MAX_BASE64) {
    return { record: { ...record, b64: b64.slice(0, MAX_BASE64) }, isShortened: true };
  }
  if (data !== undefined && data.length > MAX_PAYLOAD_BYTES) {
    const beginning = beginningOf(data, MAX_PAYLOAD_BYTES);
    return { record: { ...record, data: beginning }, isShortened: true };
  }
  return { record: { ...record }, isShortened: false };
}

/** Whole groups of four characters. */
const MAX_BASE64 = 4 * Math.floor(MAX_PAYLOAD_BYTES / 3);

/** Times have microseconds; the difference of two has no more. */
function seconds(difference: number): number {
  return Math.round(difference * 1e6) / 1e6;
}
