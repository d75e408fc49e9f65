/**
 * A view, or some records of it, as a file: the converters of `twist convert` get their lines. Beginnings and ends of the
 * sessions come along, so that a HAR or a capture is whole.
 */
import { Buffer } from 'node:buffer';
import type { ConvertOutput, Converter } from '../../recording/convert/converter.js';
import { harConverter } from '../../recording/convert/har/har.js';
import { ndjsonConverter } from '../../recording/convert/ndjson.js';
import { pcapngConverter } from '../../recording/convert/pcapng/pcapng.js';
import {
  RECORDING_VERSION,
  type AnyRecord,
  type FileRecord,
} from '../../recording/format/record.js';
import { lineOf } from '../../recording/write/record-encoder.js';
import type { ExportFormat } from '../page-protocol.js';
import { Kind, parseLine } from '../store/line-scan.js';
import { BLOCK_RECORDS } from '../store/page-pool.js';
import { kindIn } from '../store/record-index.js';
import type { RecordStore } from '../store/record-store.js';
import { NONE, type SessionEntry } from '../store/session-table.js';
import type { View } from './view.js';

/** How long it works before others have a turn. */
const SLICE_MS = 10;

/** What is sent at a time. */
const PIECE_BYTES = 64 * 1024;

/** Records that are passed over between two looks at the clock. */
const STEP = 4096;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'application/x-ndjson',
  har: 'application/json',
  pcapng: 'application/vnd.tcpdump.pcap',
};

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Only these, in rising order; null for the whole view. */
  readonly records: readonly number[] | null;
  /** The program: `twist/1.0.0`. */
  readonly tool: string;
  /** A directory for what does not fit into memory. */
  readonly spoolDir: string;
  readonly nowMs: () => number;
}

/** Where the file goes. */
export interface ExportTarget {
  /** It is of no use to anybody any more. */
  readonly isGone: boolean;
  /** @returns a promise if no more should come for now */
  write(bytes: Uint8Array): Promise<void> | undefined;
}

export interface Exported {
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  readonly records: number;
  readonly note: string | null;
}

/** @returns null if the target has gone */
export async function exportView(
  store: RecordStore,
  view: View,
  options: ExportOptions,
  target: ExportTarget,
): Promise<Exported | null> {
  const work = new Export(store, view, options, target);
  return await work.run();
}

class Export {
  readonly #store: RecordStore;
  readonly #selection: Selection;
  readonly #options: ExportOptions;
  readonly #target: ExportTarget;
  readonly #output: ExportOutput;
  readonly #converter: Converter;
  /** The sessions of which something was exported. */
  readonly #sessions = new Set<SessionEntry>();
  #records = 0;
  /** Lines that cannot be read any more. */
  #unreadable = 0;
  /** Sessions without a beginning. */
  #beheaded = 0;
  #sliceEndMs = 0;

  constructor(store: RecordStore, view: View, options: ExportOptions, target: ExportTarget) {
    this.#store = store;
    const { records } = options;
    this.#selection = records === null ? new ViewRows(view) : new GivenRows(records);
    this.#options = options;
    this.#target = target;
    this.#output = new ExportOutput(target);
    this.#converter = converterOf(this.#output, options);
  }

  async run(): Promise<Exported | null> {
    const { format, nowMs } = this.#options;
    this.#sliceEndMs = performance.now() + SLICE_MS;
    try {
      await this.#convert(this.#header());
      await this.#rows();
    } catch (error) {
      await this.#converter.finish().catch(() => undefined);
      throw error;
    }
    // What the converter has in temporary files is given back, whoever still wants it.
    await this.#converter.finish();
    await this.#output.flush();
    if (this.#target.isGone) return null;
    const stamp = new Date(nowMs()).toISOString().slice(0, 19).replaceAll(':', '-');
    return {
      name: `twist-${stamp}.${format}`,
      type: TYPES[format],
      bytes: this.#output.bytes,
      records: this.#records,
      note: this.#note(),
    };
  }

  /** Ends early if the target has gone. */
  async #rows(): Promise<void> {
    const { index } = this.#store;
    const { end } = index;
    // All records are passed, for the ends of sessions are perhaps not among the rows.
    for (let n = index.first; n < end; n++) {
      if (n % STEP === 0 && !(await this.#pause())) return;
      // What has left meanwhile is passed by.
      n = Math.max(n, index.first);
      if (!this.#selection.takes(n) && !this.#isEnd(n)) continue;
      const wait = this.#record(n);
      if (wait !== undefined) await wait;
      if (!(await this.#pause())) return;
    }
  }

  /** Whether it is the end of a session that is exported. */
  #isEnd(n: number): boolean {
    const { index, sessions } = this.#store;
    const block = index.blockOf(n);
    const at = n % BLOCK_RECORDS;
    if (kindIn(block.flags[at]!) !== Kind.End) return false;
    const entry = sessions.at(block.sessions[at]!);
    return entry !== undefined && this.#sessions.has(entry);
  }

  #record(n: number): Promise<void> | undefined {
    const { index, sessions } = this.#store;
    const { slot, flags } = index.get(n);
    const entry = sessions.at(slot);
    if (entry === undefined || this.#sessions.has(entry)) return this.#line(this.#store.line(n));
    this.#sessions.add(entry);
    if (kindIn(flags) === Kind.Open) return this.#line(this.#store.line(n));
    // It may have left when the converter goes on.
    const line = Buffer.from(this.#store.line(n));
    return this.#begin(entry)?.then(() => this.#line(line)) ?? this.#line(line);
  }

  /** The `open` record of a session, wherever it is. */
  #begin(entry: SessionEntry): Promise<void> | undefined {
    if (entry.openRecord !== NONE) return this.#line(this.#store.line(entry.openRecord));
    if (entry.openLine !== null) return this.#line(entry.openLine);
    this.#beheaded++;
    return undefined;
  }

  #line(line: Buffer): Promise<void> | undefined {
    const record = parseLine(line);
    // The file has changed meanwhile.
    if (record === null || typeof record === 'string') {
      this.#unreadable++;
      return undefined;
    }
    this.#records++;
    // The line is only valid until something else is read, and the converter may have to wait.
    return this.#converter.convert(record, Buffer.from(line));
  }

  #convert(record: AnyRecord): Promise<void> | undefined {
    return this.#converter.convert(record, lineOf(record).subarray(0, -1));
  }

  /** What is here was redacted when it was recorded, or when it was read. */
  #header(): FileRecord {
    const { tool, nowMs } = this.#options;
    return { v: RECORDING_VERSION, ev: 'file', tool, t: nowMs() / 1000, redacted: true };
  }

  /** Lets others have their turn. @returns false if the target has gone */
  async #pause(): Promise<boolean> {
    if (this.#target.isGone) return false;
    if (performance.now() < this.#sliceEndMs) return true;
    await new Promise(setImmediate);
    this.#sliceEndMs = performance.now() + SLICE_MS;
    return !this.#target.isGone;
  }

  #note(): string | null {
    const notes = [];
    if (this.#beheaded > 0) {
      const what =
        this.#beheaded === 1
          ? 'The beginning of a session is'
          : `The beginnings of ${this.#beheaded} sessions are`;
      notes.push(`${what} not in memory any more, so addresses and headers are missing.`);
    }
    const left = this.#selection.left + this.#unreadable;
    if (left > 0) {
      const what = left === 1 ? 'A record has' : `${left} records have`;
      notes.push(`${what} left the memory before being exported.`);
    }
    return notes.length === 0 ? null : notes.join(' ');
  }
}

/** Which records are exported; it is asked in the order of their numbers. */
interface Selection {
  /** Whether a record is among them. */
  takes(n: number): boolean;
  /** How many were among them and have left before it was their turn. */
  readonly left: number;
}

class ViewRows implements Selection {
  left = 0;
  readonly #view: View;
  #place = 0;
  #gone: number;

  constructor(view: View) {
    this.#view = view;
    this.#gone = view.gone;
  }

  takes(n: number): boolean {
    const view = this.#view;
    const gone = view.gone - this.#gone;
    this.#gone += gone;
    this.left += Math.max(0, gone - this.#place);
    this.#place = Math.max(0, this.#place - gone);
    if (this.#place >= view.total || view.at(this.#place) !== n) return false;
    this.#place++;
    return true;
  }
}

class GivenRows implements Selection {
  readonly #numbers: readonly number[];
  #place = 0;
  #taken = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get left(): number {
    return this.#numbers.length - this.#taken;
  }

  takes(n: number): boolean {
    while (this.#place < this.#numbers.length && this.#numbers[this.#place]! < n) this.#place++;
    if (this.#numbers[this.#place] !== n) return false;
    this.#taken++;
    return true;
  }
}

/** Collects what a converter writes into larger pieces. */
class ExportOutput implements ConvertOutput {
  bytes = 0;
  readonly #target: ExportTarget;
  #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #length = 0;

  constructor(target: ExportTarget) {
    this.#target = target;
  }

  write(piece: string | Uint8Array): Promise<void> | undefined {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (this.#target.isGone) return undefined;
    if (bytes.length <= PIECE_BYTES - this.#length) {
      this.#piece.set(bytes, this.#length);
      this.#length += bytes.length;
      return undefined;
    }
    return this.#writeLong(bytes);
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const piece = this.#piece.subarray(0, this.#length);
    this.#length = 0;
    await this.#send(piece);
  }

  async #writeLong(bytes: Uint8Array): Promise<void> {
    await this.flush();
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      await this.#send(bytes.subarray(at, at + PIECE_BYTES));
  }

  async #send(piece: Uint8Array): Promise<void> {
    this.bytes += piece.length;
    if (!this.#target.isGone) await this.#target.write(piece);
  }
}

function converterOf(output: ConvertOutput, { format, tool, spoolDir }: ExportOptions): Converter {
  switch (format) {
    case 'ndjson':
      return ndjsonConverter(output);
    case 'har':
      return harConverter(output, { tool, spoolDir });
    case 'pcapng':
      return pcapngConverter(output);
  }
}
