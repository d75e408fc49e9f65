/** Traffic over time, in buckets, from the index alone. */
import type { Bucket } from '../page-protocol.js';
import { parseLine, Kind, Way } from '../store/line-scan.js';
import { BLOCK_RECORDS } from '../store/page-pool.js';
import { kindIn, partIn, wayIn } from '../store/record-index.js';
import type { RecordStore } from '../store/record-store.js';
import { NONE, type SessionEntry } from '../store/session-table.js';
import type { Work } from '../store/work-queue.js';
import { spans } from './record-filter.js';

/** What a strip shows. */
export interface StripRange {
  readonly session: SessionEntry | null;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly buckets: number;
}

export interface Strip {
  readonly since: number;
  readonly until: number;
  readonly buckets: readonly Bucket[];
}

/** How many records are looked at between two looks at the clock. */
const STEP = 8192;

type Counts = { -readonly [Key in keyof Bucket]: Bucket[Key] };

export class StripWork implements Work {
  readonly #store: RecordStore;
  readonly #session: SessionEntry | null;
  readonly #since: number;
  readonly #until: number;
  readonly #buckets: Counts[];
  readonly #done: (strip: Strip) => void;
  #next: number;
  readonly #end: number;

  constructor(store: RecordStore, range: StripRange, done: (strip: Strip) => void) {
    const { session } = range;
    this.#store = store;
    this.#session = session;
    const [first, last] = session === null ? timesOf(store) : [session.opened, session.last];
    this.#since = range.since ?? first;
    this.#until = Math.max(this.#since, range.until ?? last);
    this.#buckets = Array.from({ length: range.buckets }, () => ({
      inBytes: 0,
      outBytes: 0,
      inMsgs: 0,
      outMsgs: 0,
      controls: 0,
    }));
    this.#done = done;
    // Nothing of a session is before its first record.
    this.#next = Math.max(store.index.first, session === null ? NONE : session.firstRecord);
    this.#end = store.index.end;
  }

  work(isOver: () => boolean): boolean {
    const { index } = this.#store;
    this.#next = Math.max(this.#next, index.first);
    while (this.#next < this.#end) {
      const block = index.blockOf(this.#next);
      const base = this.#next - (this.#next % BLOCK_RECORDS);
      const end = Math.min(this.#end, base + BLOCK_RECORDS);
      const isNear = block.maxTime >= this.#since && block.minTime <= this.#until;
      const stop = isNear ? Math.min(end, this.#next + STEP) : end;
      if (isNear) for (let n = this.#next; n < stop; n++) this.#add(n);
      this.#next = stop;
      if (isOver() && stop < this.#end) return false;
    }
    this.#done({ since: this.#since, until: this.#until, buckets: this.#buckets });
    return true;
  }

  #add(n: number): void {
    const block = this.#store.index.blockOf(n);
    const at = n % BLOCK_RECORDS;
    const flags = block.flags[at]!;
    const kind = kindIn(flags);
    const session = this.#session;
    if (kind === Kind.Gap) {
      if (session === null || spans(session, n)) this.#addGap(n);
      return;
    }
    if (kind > Kind.Close || (session !== null && block.sessions[at] !== session.slot)) return;
    const bucket = this.#buckets[this.#placeOf(block.times[at]!)];
    if (bucket === undefined) return;
    if (kind > Kind.Binary) {
      bucket.controls++;
      return;
    }
    // The pieces of a message are one.
    const messages = partIn(flags) <= 1 ? 1 : 0;
    if (wayIn(flags) === Way.In) {
      bucket.inBytes += block.lengths[at]!;
      bucket.inMsgs += messages;
    } else {
      bucket.outBytes += block.lengths[at]!;
      bucket.outMsgs += messages;
    }
  }

  #addGap(n: number): void {
    const record = parseLine(this.#store.line(n));
    if (record === null || typeof record === 'string' || record.ev !== 'gap') return;
    if (record.t < this.#since || record.since > this.#until) return;
    const from = this.#placeOf(Math.max(record.since, this.#since));
    const to = this.#placeOf(Math.min(record.t, this.#until));
    for (let place = from; place <= to; place++) this.#buckets[place]!.hasGap = true;
  }

  /** @returns the bucket of a time, or -1 */
  #placeOf(time: number): number {
    if (time < this.#since || time > this.#until) return NONE;
    const width = (this.#until - this.#since) / this.#buckets.length;
    if (width === 0) return 0;
    return Math.min(this.#buckets.length - 1, Math.floor((time - this.#since) / width));
  }
}

/** The times of the first and the last record that are there, whichever they are. */
function timesOf({ index }: RecordStore): readonly [first: number, last: number] {
  let [first, last] = [Infinity, -Infinity];
  for (
    let n = index.first;
    n < index.end;
    n = (Math.floor(n / BLOCK_RECORDS) + 1) * BLOCK_RECORDS
  ) {
    const { minTime, maxTime } = index.blockOf(n);
    first = Math.min(first, minTime);
    last = Math.max(last, maxTime);
  }
  return first > last ? [0, 0] : [first, last];
}
