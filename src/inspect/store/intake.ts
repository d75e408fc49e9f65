/** Takes lines into the index: scans them, parses those that it must, and follows sessions. */
import type { Buffer } from 'node:buffer';
import { isUtf8 } from 'node:buffer';
import { OpenRedaction } from '../../recording/format/open-redaction.js';
import type { AnyRecord, FileRecord, GapRecord } from '../../recording/format/record.js';
import { LineScan, parseLine } from './line-scan.js';
import type { RecordIndex } from './record-index.js';
import type { SessionEntry, SessionTable } from './session-table.js';

/** What the error of a gap begins with when the inspector is at fault, and nothing is missing in the recording. */
const INSPECTOR_GAP = 'inspector-';

/** The error of a gap that ends all sessions of a worker, whose number is in the record. */
const WORKER_DIED = 'worker-died';

/** The longest name of a session that is taken, in characters. */
const MAX_NAME = 256;

/** Sessions that were seen last, by the end of their names. */
const CACHE_SIZE = 256;

export class Intake {
  lost = 0;
  damaged = 0;
  /** Lines that files begin with, which have no index. */
  headers = 0;

  readonly #index: RecordIndex;
  readonly #sessions: SessionTable;
  readonly #isForeign: boolean;
  readonly #redaction = new OpenRedaction();
  readonly #scan = new LineScan();
  readonly #cache = new Array<SessionEntry | undefined>(CACHE_SIZE).fill(undefined);

  /** @param isForeign others may have written the lines: all of each is checked, and secrets are looked for */
  constructor(index: RecordIndex, isForeign: boolean) {
    this.#index = index;
    this.#sessions = index.sessions;
    this.#isForeign = isForeign;
  }

  /**
   * Takes whole lines.
   *
   * @param position of the first of them in the store
   */
  lines(bytes: Buffer, position: number): void {
    const isText = !this.#isForeign || isUtf8(bytes);
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline === -1 ? bytes.length : newline;
      if (end > start) this.#line(bytes, start, end, position, isText);
      start = end + 1;
    }
  }

  #line(bytes: Buffer, start: number, end: number, position: number, isText: boolean): void {
    const scan = this.#scan;
    const at = position + start;
    const length = end + 1 - start;
    if (isText && scan.scan(bytes, start, end, this.#isForeign)) {
      this.#index.append(scan, at, length, this.#entryOf(bytes));
      return;
    }
    const line = bytes.subarray(start, end);
    const record = parseLine(line);
    if (typeof record === 'string' || hasLongName(record)) this.damaged++;
    else if (record !== null) this.#record(record, line, at, length);
  }

  #record(record: AnyRecord, line: Buffer, at: number, length: number): void {
    const { record: shown, bytes } = this.#isForeign
      ? this.#redaction.apply({ record, bytes: line })
      : { record, bytes: line };
    if (shown.ev === 'file') {
      this.headers++;
      return;
    }
    const entry = shown.ev === 'gap' ? null : this.#entryOfRecord(shown);
    if (shown.ev === 'gap') this.#gap(shown);
    this.#scan.take(shown);
    const n = this.#index.append(this.#scan, at, length, entry, bytes !== line);
    // It may be large, and nothing may come after it.
    this.#scan.record = null;
    if (entry === null) return;
    if (shown.ev === 'open') entry.openRecord = n;
    if (shown.ev !== 'close') return;
    entry.closeRecord = n;
    this.#sessions.closed(entry, shown);
  }

  #entryOfRecord(record: Exclude<AnyRecord, FileRecord | GapRecord>): SessionEntry {
    return record.ev === 'open'
      ? this.#sessions.opened(record)
      : this.#sessions.of(record.s, record.t);
  }

  /** The session whose name was scanned. */
  #entryOf(bytes: Buffer): SessionEntry {
    const { nameStart, nameEnd, time } = this.#scan;
    // The last two characters of our names are random.
    const place = (bytes[nameEnd - 1]! + bytes[nameEnd - 2]! * 37) % CACHE_SIZE;
    const cached = this.#cache[place];
    if (cached !== undefined && isNamed(cached, bytes, nameStart, nameEnd)) return cached;
    const entry = this.#sessions.of(bytes.toString('latin1', nameStart, nameEnd), time);
    this.#cache[place] = entry;
    return entry;
  }

  #gap(record: GapRecord & { readonly worker?: unknown }): void {
    const { records, error, worker, t } = record;
    if (error.startsWith(INSPECTOR_GAP)) this.lost += records;
    // Nobody knows whose messages are missing.
    if (records > 0) this.#sessions.epoch++;
    if (error === WORKER_DIED && typeof worker === 'number') this.#sessions.workerDied(worker, t);
  }
}

function isNamed(
  { name, isRemoved }: SessionEntry,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  if (isRemoved || name.length !== end - start) return false;
  for (let at = name.length - 1; at >= 0; at--)
    if (name.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}

/** A name is kept with its session, and none of ours is longer than 26 characters. */
function hasLongName(record: AnyRecord | null): boolean {
  // Records of a recording itself are of no session, whatever somebody has written into them.
  const name: unknown = record !== null && 's' in record ? record.s : null;
  return typeof name === 'string' && name.length > MAX_NAME;
}
