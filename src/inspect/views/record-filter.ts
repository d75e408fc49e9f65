/** A filter of the page, ready to be asked: first of the index alone, then of the payload where it asks for that. */
import { RECORD_KINDS, literalExpression } from '../../recording/convert/conditions.js';
import type { RowFilter, RowKind } from '../page-protocol.js';
import { Kind, Way } from '../store/line-scan.js';
import { type IndexBlock, kindIn, wayIn } from '../store/record-index.js';
import type { RecordStore } from '../store/record-store.js';
import { NONE, type SessionEntry } from '../store/session-table.js';
import { patternOf } from './pattern-guard.js';

const ALL_KINDS = 2 ** RECORD_KINDS.length - 1;

/** Kinds of records that have a payload of their own, which is searched. */
const WITH_PAYLOAD = 2 ** (Kind.Close + 1) - 1;

/** Those that have a length. */
const WITH_LENGTH = WITH_PAYLOAD | (1 << Kind.Frame) | (1 << Kind.Count);

/** What a payload must match. */
export interface Search {
  readonly pattern: RegExp;
  /** Somebody has typed it: it may take for ever. */
  readonly isGuarded: boolean;
}

/** @returns the search, null if it asks for nothing, or a sentence that says what is wrong */
export function searchOf({
  text = '',
  pattern = '',
  isCaseSensitive = false,
}: Pick<RowFilter, 'text' | 'pattern' | 'isCaseSensitive'>): Search | string | null {
  if (pattern === '') {
    return text === ''
      ? null
      : { pattern: literalExpression(text, isCaseSensitive), isGuarded: false };
  }
  const expression = patternOf(pattern, isCaseSensitive);
  return typeof expression === 'string'
    ? `${JSON.stringify(pattern)} is not a regular expression: ${expression}`
    : { pattern: expression, isGuarded: true };
}

export class RecordFilter {
  /** All records pass. */
  readonly isAll: boolean;
  readonly search: Search | null;
  readonly since: number;
  readonly until: number;

  readonly #session: SessionEntry | null;
  readonly #way: number;
  readonly #kinds: number;
  readonly #minLength: number;
  readonly #maxLength: number;

  private constructor(filter: RowFilter, session: SessionEntry | null, search: Search | null) {
    const { direction, minLength, maxLength, since, until } = filter;
    this.search = search;
    this.#session = session;
    this.since = since ?? -Infinity;
    this.until = until ?? Infinity;
    this.#way = direction === undefined ? Way.None : direction === 'in' ? Way.In : Way.Out;
    this.#minLength = minLength ?? -Infinity;
    this.#maxLength = maxLength ?? Infinity;
    this.#kinds = kindsOf(filter, search !== null);
    this.isAll =
      session === null &&
      this.#way === Way.None &&
      this.#kinds === ALL_KINDS &&
      this.since === -Infinity &&
      this.until === Infinity;
  }

  /** @returns the filter, or a sentence that says what is wrong with it */
  static of(filter: RowFilter, store: RecordStore): RecordFilter | string {
    const search = searchOf(filter);
    if (typeof search === 'string') return search;
    const session = filter.session === undefined ? null : store.sessions.find(filter.session);
    if (session === undefined) return 'that session is not kept any more';
    return new RecordFilter(filter, session, search);
  }

  /** Whether a block may have something that passes. */
  mayPass(block: IndexBlock): boolean {
    return block.maxTime >= this.since && block.minTime <= this.until;
  }

  /** What the index says of a record, against all conditions but the one on the payload. */
  passes(block: IndexBlock, at: number, n: number): boolean {
    const flags = block.flags[at]!;
    const kind = kindIn(flags);
    if (((this.#kinds >> kind) & 1) === 0) return false;
    if (this.#way !== Way.None && wayIn(flags) !== this.#way) return false;
    const length = block.lengths[at]!;
    if (length < this.#minLength || length > this.#maxLength) return false;
    const time = block.times[at]!;
    if (time < this.since || time > this.until) return false;
    return this.#session === null || this.#isOf(this.#session, block.sessions[at]!, kind, n);
  }

  #isOf(session: SessionEntry, slot: number, kind: number, n: number): boolean {
    // A gap is nobody's: whoever was there may miss something.
    if (kind === Kind.Gap) return spans(session, n);
    // Its place may be another one's since.
    return slot === session.slot && (!session.isRemoved || session.records > 0);
  }
}

/** The kinds that can pass, as bits. */
function kindsOf({ kinds, minLength, maxLength }: RowFilter, isSearch: boolean): number {
  const hasLength = minLength !== undefined || maxLength !== undefined;
  const wanted =
    kinds === undefined ? ALL_KINDS : kinds.reduce((mask, kind) => mask | maskOf(kind), 0);
  return wanted & (isSearch ? WITH_PAYLOAD : ALL_KINDS) & (hasLength ? WITH_LENGTH : ALL_KINDS);
}

function maskOf(kind: RowKind): number {
  return 1 << RECORD_KINDS.indexOf(kind);
}

/** Whether a session was there when a record came that is of none: a gap concerns all. */
export function spans({ firstRecord, closeRecord }: SessionEntry, n: number): boolean {
  return firstRecord !== NONE && n > firstRecord && (closeRecord === NONE || n < closeRecord);
}
