/**
 * Lets some records of a recording pass. A session's name and path are in its open record alone, so
 * something is kept of each session until its close record.
 */
import { Buffer } from 'node:buffer';
import { splitRequestTarget } from '../../handshake/request-target.js';
import { parseRecord } from '../format/parse-record.js';
import type { AnyRecord, FileRecord, GapRecord, OpenRecord } from '../format/record.js';
import { type ConditionOptions, Conditions, type RecordKind } from './conditions.js';
import type { Converter } from './converter.js';

/**
 * Which records pass: those that meet all of these conditions, and with them the beginning and the end of their session. Null
 * sets no condition.
 */
export interface FilterOptions extends ConditionOptions {
  /**
   * A session: its id, the beginning or the end of the id (at least 4 characters of the end), or the
   * number in its open record.
   */
  readonly session: string | null;
  /** The path of its URL, without the query; with `*` at the end, the beginning of the path. */
  readonly path: string | null;
  /** After this many messages, or pieces of messages, nothing passes. */
  readonly maxMessages: number | null;
}

type SessionRecord = Exclude<AnyRecord, FileRecord | GapRecord | OpenRecord>;

/** What is known of a session that is not over. */
interface Known {
  /** Whether session and path are the requested ones. */
  readonly isWanted: boolean;
  /** The line of its open record, which passes together with its first record that does. */
  held: Uint8Array | null;
  /** Something of the session has passed. */
  hasPassed: boolean;
}

/** Sessions whose server was killed have no close record, so the oldest ones are eventually forgotten. */
const MAX_KNOWN_BYTES = 64 * 1024 ** 2;

/** What a session takes besides its name and its open record, approximately. */
const KNOWN_BYTES = 200;

/** A converter that passes records on. */
export class RecordFilter implements Converter {
  /** How many records have passed, not counting headers of files. */
  passedRecords = 0;
  /** The maximum number of messages has passed. */
  isFull = false;
  /**
   * How many records were left out because nothing tells their session's path or number: its beginning
   * is missing.
   */
  strayRecords = 0;

  readonly #next: Converter;
  readonly #options: FilterOptions;
  readonly #conditions: Conditions;
  /** Payloads decide, so what has none passes beside those only. */
  readonly #isAboutPayloads: boolean;
  readonly #maxKnownBytes: number;
  /** Sessions in the order in which they began. */
  readonly #sessions = new Map<string, Known>();
  #knownBytes = 0;
  #passedMessages = 0;

  constructor(next: Converter, options: FilterOptions, maxKnownBytes = MAX_KNOWN_BYTES) {
    this.#next = next;
    this.#options = options;
    this.#conditions = new Conditions(options);
    const { minLength, maxLength, payload } = options;
    this.#isAboutPayloads = minLength !== null || maxLength !== null || payload !== null;
    this.#maxKnownBytes = maxKnownBytes;
  }

  convert(record: AnyRecord, line: Uint8Array): Promise<void> | undefined {
    switch (record.ev) {
      case 'file':
        return this.#next.convert(record, line);
      case 'gap':
        return this.#isInTime(record) && this.#isKind('gap') ? this.#pass(record, line) : undefined;
      case 'open':
        return this.#open(record, line);
      case 'close': {
        const done = this.#sessionRecord(record, line);
        this.#forget(record.s);
        return done;
      }
      case 'msg':
      case 'ctl':
      case 'frame':
      case 'count':
      case 'target':
        return this.#sessionRecord(record, line);
    }
  }

  get givenUp(): number | undefined {
    return this.#next.givenUp;
  }

  async flush(): Promise<void> {
    await this.#next.flush?.();
  }

  finish(): Promise<void> {
    return this.#next.finish();
  }

  #open(record: OpenRecord, line: Uint8Array): Promise<void> | undefined {
    this.#forget(record.s);
    const isWanted = this.#isSession(record.s, record.id) && this.#isPath(record.url);
    const isNow = this.#isKind('open') && !this.#isAboutPayloads && this.#isInTime(record);
    const isHeld = isWanted && !isNow;
    const held = isHeld ? new Uint8Array(line) : null;
    this.#learn(record.s, { isWanted, held, hasPassed: isWanted && !isHeld });
    return isWanted && !isHeld ? this.#pass(record, line) : undefined;
  }

  #sessionRecord(record: SessionRecord, line: Uint8Array): Promise<void> | undefined {
    let known = this.#sessions.get(record.s);
    if (known === undefined) {
      const isWanted = this.#isWantedStray(record.s);
      if (isWanted === null) {
        this.strayRecords++;
        return undefined;
      }
      known = { isWanted, held: null, hasPassed: false };
      this.#learn(record.s, known);
    }
    if (!known.isWanted || !this.#isInTime(record) || !this.#matches(record, known)) {
      return undefined;
    }
    known.hasPassed = true;
    const { held } = known;
    if (held === null) return this.#pass(record, line);
    known.held = null;
    this.#knownBytes -= held.length;
    const opened = this.#pass(openRecordIn(held), held);
    if (opened === undefined) return this.#pass(record, line);
    return opened.then(() => this.#pass(record, line));
  }

  #pass(record: AnyRecord, line: Uint8Array): Promise<void> | undefined {
    if (this.isFull) return undefined;
    this.passedRecords++;
    if (record.ev === 'msg') {
      this.#passedMessages++;
      this.isFull = this.#passedMessages === this.#options.maxMessages;
    }
    return this.#next.convert(record, line);
  }

  #isInTime({ t }: AnyRecord): boolean {
    return this.#conditions.isInTime(t);
  }

  /** Whether a kind is wanted, by name or because none is named. */
  #isKind(kind: RecordKind): boolean {
    return this.#options.kinds?.has(kind) ?? true;
  }

  /** Checks the conditions on the record itself. */
  #matches(record: SessionRecord, { hasPassed }: Known): boolean {
    switch (record.ev) {
      case 'msg':
      case 'ctl':
      case 'frame':
      case 'count':
        return this.#conditions.isMet(record);
      case 'target':
        return this.#isKind('target') && (hasPassed || !this.#isAboutPayloads);
      case 'close':
        return hasPassed || (this.#isKind('end') && !this.#isAboutPayloads);
    }
  }

  /** @returns null if only the open record could tell */
  #isWantedStray(name: string): boolean | null {
    const { session, path } = this.#options;
    if (path !== null) return null;
    if (this.#isSession(name, null)) return true;
    return session !== null && isNumber(session) ? null : false;
  }

  #isSession(name: string, id: number | null): boolean {
    const { session } = this.#options;
    if (session === null) return true;
    if (isNumber(session) && id === Number(session)) return true;
    const part = session.toUpperCase();
    const own = name.toUpperCase();
    return own.startsWith(part) || (part.length >= 4 && own.endsWith(part));
  }

  #isPath(url: string): boolean {
    const { path } = this.#options;
    if (path === null) return true;
    const own = splitRequestTarget(url).path;
    return path.endsWith('*') ? own.startsWith(path.slice(0, -1)) : own === path;
  }

  #learn(name: string, known: Known): void {
    this.#sessions.set(name, known);
    this.#knownBytes += bytesOf(name, known);
    for (const oldest of this.#sessions.keys()) {
      if (this.#knownBytes <= this.#maxKnownBytes || oldest === name) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const known = this.#sessions.get(name);
    if (known === undefined) return;
    this.#sessions.delete(name);
    this.#knownBytes -= bytesOf(name, known);
  }
}

function isNumber(session: string): boolean {
  return /^[1-9]\d*$/.test(session);
}

function bytesOf(name: string, { held }: Known): number {
  return KNOWN_BYTES + 2 * name.length + (held?.length ?? 0);
}

/** The line was parsed before, so it parses again. */
function openRecordIn(line: Uint8Array): AnyRecord {
  return parseRecord(
    Buffer.from(line.buffer, line.byteOffset, line.length).toString(),
  ) as AnyRecord;
}
