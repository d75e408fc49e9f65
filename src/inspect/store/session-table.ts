/**
 * What is known of each session: a row of the page's list, and what the index needs to find pairs. Open sessions are kept,
 * and those of which records are there; of all others the latest.
 */
import type { Buffer } from 'node:buffer';
import { printable } from '../../printable.js';
import { ownBeginning } from '../own-beginning.js';
import type { CloseRecord, OpenRecord } from '../../recording/format/record.js';
import type { SessionRow } from '../page-protocol.js';
import { closeOf } from '../views/explain.js';
import type { LineScan } from './line-scan.js';
import { Way } from './line-scan.js';

export const NONE = -1;

/** What an entry takes besides its texts, about. */
const ENTRY_BYTES = 900;

/** The most characters of a text in a row. */
const MAX_TEXT = 2048;

/** An `open` record of a worker has its number beside what all have. */
type WorkerOpen = OpenRecord & { readonly worker?: unknown };

/** What a row shows of the handshake. */
type Handshake = Pick<
  SessionRow,
  'id' | 'remote' | 'url' | 'mode' | 'subprotocol' | 'extensions' | 'tls'
>;

const UNKNOWN: Handshake = {
  id: 0,
  remote: '',
  url: '',
  mode: '',
  subprotocol: null,
  extensions: null,
  tls: null,
};

/** What bounds a table, in sessions. */
export interface TableLimits {
  /** Sessions that are over, and of which no record is there. */
  readonly maxEnded: number;
  /** All of them. */
  readonly maxSessions: number;
  /** Records leave, so that a session is needed until the last of its records has left. */
  readonly areRecordsLeaving: boolean;
}

export class SessionEntry {
  readonly name: string;
  /** The session in the index. */
  readonly slot: number;
  handshake = UNKNOWN;
  worker: number | null = null;
  opened: number;
  last: number;
  close: SessionRow['close'] = undefined;
  /** Messages and bytes by direction. */
  msgs = [0, 0, 0];
  bytes = [0, 0, 0];
  /** How many of its records are there. */
  records = 0;
  /** Some of its records are not there. */
  isPartial = false;
  /** The numbers of some records of it. */
  firstRecord = NONE;
  openRecord = NONE;
  closeRecord = NONE;
  lastTraffic = NONE;
  /** The line of its `open` record, once that has left the memory for lines. */
  openLine: Buffer | null = null;
  /** Messages so far by direction, and whether one is unfinished. */
  readonly ordinals = [0, 0, 0];
  readonly isInside = [false, false, false];
  /** Messages that have no partner yet, all of one direction: a chain in the index. */
  unpairedHead = NONE;
  unpairedTail = NONE;
  unpairedOrdinal = 0;
  /** Since when its messages are counted without a gap; differs from the table's after one. */
  epoch = NONE;
  /** It is in no list any more. */
  isRemoved = false;
  /** What the table counts it with. */
  heldBytes = 0;

  // ---- Its place among those that have changed
  stamp = 0;
  before: SessionEntry | null = null;
  after: SessionEntry | null = null;

  constructor(name: string, slot: number, time: number) {
    this.name = name;
    this.slot = slot;
    this.opened = this.last = time;
  }

  get isOpen(): boolean {
    return this.close === undefined;
  }

  row(): SessionRow {
    const { worker, close } = this;
    return {
      s: this.name,
      ...this.handshake,
      ...(worker === null ? {} : { worker }),
      opened: this.opened,
      last: this.last,
      in: { msgs: this.msgs[Way.In]!, bytes: this.bytes[Way.In]! },
      out: { msgs: this.msgs[Way.Out]!, bytes: this.bytes[Way.Out]! },
      ...(close === undefined ? {} : { close }),
      ...(this.isPartial ? { isPartial: true as const } : {}),
      ...(this.openRecord === NONE ? {} : { openRecord: this.openRecord }),
    };
  }
}

export class SessionTable {
  /** Changes with every gap: what was counted before it does not go on. */
  epoch = 0;
  /** Called with the names of sessions that are not kept any more. */
  readonly onGone = new Set<(name: string) => void>();

  readonly #limits: TableLimits;
  readonly #byName = new Map<string, SessionEntry>();
  readonly #slots: (SessionEntry | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Those that are over and have no records, the first to go in front. */
  readonly #ended = new Set<SessionEntry>();
  #bytes = 0;
  #openCount = 0;
  /** The changed ones, from the first to the last that has changed. */
  #first: SessionEntry | null = null;
  #last: SessionEntry | null = null;
  #stamp = 0;
  /** Up to where somebody has seen changes: what changes after that is a new change. */
  #seen = 0;

  constructor(limits: TableLimits) {
    this.#limits = limits;
  }

  /** What all sessions take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#byName.size;
  }

  get openCount(): number {
    return this.#openCount;
  }

  find(name: string): SessionEntry | undefined {
    return this.#byName.get(name);
  }

  /** The session in a slot of the index; undefined once nothing of it is kept. */
  at(slot: number): SessionEntry | undefined {
    return this.#slots[slot];
  }

  values(): Iterable<SessionEntry> {
    return this.#byName.values();
  }

  /** The session of a record: a new one, if it is not known. */
  of(name: string, time: number): SessionEntry {
    return this.#byName.get(name) ?? this.#add(name, time);
  }

  /** A session begins. One with the same name that was there is over, or was read before: it goes. */
  opened(record: WorkerOpen): SessionEntry {
    const before = this.#byName.get(record.s);
    if (before !== undefined) this.#remove(before);
    const entry = this.#add(record.s, record.t);
    entry.isPartial = false;
    entry.epoch = this.epoch;
    const { worker } = record;
    entry.worker = typeof worker === 'number' && Number.isSafeInteger(worker) ? worker : null;
    entry.handshake = handshakeOf(record);
    this.#hold(entry, textBytes(entry.handshake));
    return entry;
  }

  /** Its last record has come. */
  closed(entry: SessionEntry, record: CloseRecord): void {
    entry.msgs = [0, record.in.msgs, record.out.msgs];
    entry.bytes = [0, record.in.bytes, record.out.bytes];
    this.#end(entry, closeOf(record));
  }

  /** A worker has died, and its sessions with it. */
  workerDied(worker: number, time: number): void {
    for (const entry of this.#byName.values()) {
      if (!entry.isOpen || entry.worker !== worker) continue;
      const reason = `worker ${worker} has died`;
      this.#end(entry, closeOf({ t: time, by: 'lost', code: 1006, reason }));
      this.changed(entry);
    }
  }

  /** A record of it was appended. */
  counted(
    entry: SessionEntry,
    { way, length, time }: LineScan,
    isNewMessage: boolean,
    isMessage: boolean,
  ): void {
    if (isNewMessage) entry.msgs[way]!++;
    if (isMessage) entry.bytes[way]! += length;
    entry.last = time;
  }

  /** A row has changed. */
  changed(entry: SessionEntry): void {
    // It is in the list already, where nobody has looked yet.
    if (entry.stamp > this.#seen || entry.isRemoved) return;
    this.#unlink(entry);
    entry.stamp = ++this.#stamp;
    entry.before = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.after = entry;
    this.#last = entry;
  }

  /**
   * Sessions that have changed, those first that have waited for longest.
   *
   * @param since what an earlier call said; 0 for all
   * @returns the sessions, at most so many, and what to ask with next
   */
  changedSince(since: number, max: number): { entries: SessionEntry[]; stamp: number } {
    let entry = this.#last;
    if (entry === null || entry.stamp <= since) return { entries: [], stamp: since };
    while (entry.before !== null && entry.before.stamp > since) entry = entry.before;
    const entries: SessionEntry[] = [];
    for (let next: SessionEntry | null = entry; next !== null && entries.length < max;) {
      entries.push(next);
      next = next.after;
    }
    const { stamp } = entries.at(-1)!;
    this.#seen = Math.max(this.#seen, stamp);
    return { entries, stamp };
  }

  /** A record of a session in this slot has left. */
  forgotRecord(slot: number): void {
    const entry = this.#slots[slot]!;
    entry.records--;
    if (!entry.isPartial) {
      entry.isPartial = true;
      this.changed(entry);
    }
    if (entry.records > 0) return;
    if (entry.isRemoved) this.#freeSlot(entry);
    else if (!entry.isOpen) this.#rest(entry);
  }

  /** Keeps the line of an `open` record that leaves. */
  keepOpenLine(entry: SessionEntry, line: Buffer): void {
    entry.openLine = line;
    this.#hold(entry, line.length);
  }

  /** Whether more sessions are there than may be: those that are over go first. */
  #bound(newest: SessionEntry): void {
    if (this.#byName.size <= this.#limits.maxSessions) return;
    for (const entry of this.#ended) {
      this.#remove(entry);
      return;
    }
    // A session that is over goes before one that is not. What is in front has begun first.
    let oldest: SessionEntry | null = null;
    let looked = 0;
    for (const entry of this.#byName.values()) {
      if (entry !== newest) oldest ??= entry;
      if (!entry.isOpen) {
        oldest = entry;
        break;
      }
      if (++looked > 64) break;
    }
    if (oldest !== null) this.#remove(oldest);
  }

  #add(name: string, time: number): SessionEntry {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const entry = new SessionEntry(name, slot, time);
    entry.isPartial = true;
    this.#slots[slot] = entry;
    this.#byName.set(name, entry);
    this.#openCount++;
    this.#hold(entry, ENTRY_BYTES + 2 * name.length);
    this.#bound(entry);
    this.changed(entry);
    return entry;
  }

  #end(entry: SessionEntry, close: NonNullable<SessionRow['close']>): void {
    if (entry.isOpen) this.#openCount--;
    entry.close = close;
  }

  /** It is over and has no records: it stays as long as there are few. */
  #rest(entry: SessionEntry): void {
    this.#ended.add(entry);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= this.#limits.maxEnded) break;
      this.#remove(oldest);
    }
  }

  #remove(entry: SessionEntry): void {
    if (entry.isOpen) this.#openCount--;
    entry.isRemoved = true;
    this.#byName.delete(entry.name);
    this.#ended.delete(entry);
    this.#unlink(entry);
    // What is still needed, for the records that are there, takes nearly as much.
    if (entry.records === 0) this.#freeSlot(entry);
    else if (!this.#limits.areRecordsLeaving) {
      this.#slots[entry.slot] = undefined;
      this.#bytes -= entry.heldBytes;
    }
    for (const tell of this.onGone) tell(entry.name);
  }

  #freeSlot(entry: SessionEntry): void {
    this.#slots[entry.slot] = undefined;
    this.#freeSlots.push(entry.slot);
    this.#bytes -= entry.heldBytes;
  }

  #hold(entry: SessionEntry, bytes: number): void {
    entry.heldBytes += bytes;
    this.#bytes += bytes;
  }

  #unlink(entry: SessionEntry): void {
    const { before, after } = entry;
    if (before !== null) before.after = after;
    else if (this.#first === entry) this.#first = after;
    if (after !== null) after.before = before;
    else if (this.#last === entry) this.#last = before;
    entry.before = entry.after = null;
  }
}

/** A text that may be anything, in a recording from anywhere. */
function shown(text: string): string {
  const beginning = ownBeginning(text, MAX_TEXT);
  return beginning === text ? printable(text) : `${printable(beginning)}…`;
}

function handshakeOf(record: OpenRecord): Handshake {
  const orNull = (value: string | null): string | null => (value === null ? null : shown(value));
  return {
    id: record.id,
    remote: shown(record.remote),
    url: shown(record.url),
    mode: shown(record.mode),
    subprotocol: orNull(record.subprotocol),
    extensions: orNull(record.extensions),
    tls: orNull(record.tls),
  };
}

function textBytes(handshake: Handshake): number {
  return Object.values(handshake).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? 2 * value.length : 0),
    0,
  );
}
