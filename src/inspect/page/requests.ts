/** Reads what a page asks. It comes from a browser, so each key is checked, and has a bound. */
import { isSendableCloseCode } from '../../protocol/close.js';
import { RECORD_KINDS } from '../../recording/convert/conditions.js';
import type { PageRequest, RowFilter, RowKind } from '../page-protocol.js';

/** The most bytes of a request. */
export const MAX_REQUEST_BYTES = 256 * 1024;

/** Rows of one answer, buckets of a strip, records that are exported by their numbers, characters of a text. */
const MAX_ROWS = 500;
const MAX_BUCKETS = 4000;
const MAX_RECORDS = 10_000;
const MAX_TEXT = 1000;
const MAX_REASON_BYTES = 123;

const FORMATS = ['ndjson', 'har', 'pcapng'] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Something is wrong with a request: one sentence, and whose answer it is. */
export class RequestFault extends Error {
  readonly id: number;

  constructor(sentence: string, id = 0) {
    super(sentence);
    this.id = id;
  }
}

/** @throws RequestFault */
export function readRequest(text: string): PageRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RequestFault('a request is JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RequestFault('a request is a JSON object');
  }
  const fields = value as Fields;
  const { id } = fields;
  if (!isUint32(id)) throw new RequestFault('"id" must be a whole number from 0 to 4294967295');
  try {
    const read = new Reader(fields);
    return ASKS[read.oneOf('ask', Object.keys(ASKS) as PageRequest['ask'][])](read, id);
  } catch (error) {
    throw new RequestFault((error as Error).message, id);
  }
}

const ASKS: Readonly<Record<PageRequest['ask'], (read: Reader, id: number) => PageRequest>> = {
  view: (read, id) => ({
    ask: 'view',
    id,
    filter: filterOf(read.object('filter')),
    ...optional('instead', read.wholeOrNone('instead')),
  }),
  forget: (read, id) => ({ ask: 'forget', id, view: read.whole('view') }),
  rows: (read, id) => ({
    ask: 'rows',
    id,
    view: read.whole('view'),
    from: read.whole('from'),
    count: read.whole('count', MAX_ROWS),
    ...optional('gone', read.wholeOrNone('gone')),
  }),
  place: (read, id) => {
    const t = read.numberOrNone('t');
    const n = read.wholeOrNone('n');
    if (t === undefined && n === undefined) throw new Error('"t" or "n" must be given');
    return { ask: 'place', id, view: read.whole('view'), ...optional('t', t), ...optional('n', n) };
  },
  find: (read, id) => {
    const search = searchIn(read);
    if (search.text === undefined && search.pattern === undefined) {
      throw new Error('"text" or "pattern" must be given');
    }
    return {
      ask: 'find',
      id,
      view: read.whole('view'),
      ...search,
      from: read.whole('from', Number.MAX_SAFE_INTEGER, -1),
      ...optional('isBackwards', read.booleanOrNone('isBackwards')),
      ...optional('gone', read.wholeOrNone('gone')),
    };
  },
  record: (read, id) => ({ ask: 'record', id, n: read.whole('n') }),
  strip: (read, id) => ({
    ask: 'strip',
    id,
    buckets: read.whole('buckets', MAX_BUCKETS, 1),
    ...optional('session', read.textOrNone('session')),
    ...optional('since', read.numberOrNone('since')),
    ...optional('until', read.numberOrNone('until')),
  }),
  export: (read, id) => ({
    ask: 'export',
    id,
    view: read.whole('view'),
    format: read.oneOf('format', FORMATS),
    ...optional('records', read.wholesOrNone('records')),
  }),
  end: (read, id) => ({ ask: 'end', id, session: read.text('session'), ...closeOf(read) }),
};

function filterOf(read: Reader): RowFilter {
  const direction = read.has('direction')
    ? read.oneOf('direction', ['in', 'out'] as const)
    : undefined;
  return {
    ...optional('session', read.textOrNone('session')),
    ...optional('direction', direction),
    ...optional('kinds', read.kindsOrNone('kinds')),
    ...optional('minLength', read.numberOrNone('minLength')),
    ...optional('maxLength', read.numberOrNone('maxLength')),
    ...searchIn(read),
    ...optional('since', read.numberOrNone('since')),
    ...optional('until', read.numberOrNone('until')),
  };
}

function searchIn(read: Reader): Pick<RowFilter, 'text' | 'pattern' | 'isCaseSensitive'> {
  return {
    ...optional('text', read.textOrNone('text')),
    ...optional('pattern', read.textOrNone('pattern')),
    ...optional('isCaseSensitive', read.booleanOrNone('isCaseSensitive')),
  };
}

/** RFC 6455 §7.4 and §5.5.1. */
function closeOf(read: Reader): { code: number; reason: string } {
  const code = read.whole('code');
  const isRight: boolean = isSendableCloseCode(code);
  if (!isRight) {
    throw new Error(`"code" cannot be ${code}: give 1000 to 1003, 1007 to 1014, or 3000 to 4999`);
  }
  const reason = read.text('reason');
  if (new TextEncoder().encode(reason).length > MAX_REASON_BYTES) {
    throw new Error(`"reason" must have at most ${MAX_REASON_BYTES} bytes`);
  }
  return { code, reason };
}

/** Reads the keys of an object. Each call throws an error with a sentence if its key is not what it must be. */
class Reader {
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined;
  }

  whole(key: string, max: number = Number.MAX_SAFE_INTEGER, min = 0): number {
    const value = this.#fields[key];
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number;
    const bound = max === Number.MAX_SAFE_INTEGER ? 'on' : `to ${max}`;
    throw new Error(`"${key}" must be a whole number from ${min} ${bound}`);
  }

  wholeOrNone(key: string): number | undefined {
    return this.has(key) ? this.whole(key) : undefined;
  }

  numberOrNone(key: string): number | undefined {
    const value = this.#fields[key];
    if (value === undefined || (typeof value === 'number' && value >= 0)) return value;
    throw new Error(`"${key}" must be a number from 0 on`);
  }

  text(key: string): string {
    const value = this.#fields[key];
    if (typeof value === 'string' && value.length <= MAX_TEXT) return value;
    throw new Error(`"${key}" must be a text of at most ${MAX_TEXT} characters`);
  }

  textOrNone(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined;
  }

  booleanOrNone(key: string): boolean | undefined {
    const value = this.#fields[key];
    if (value === undefined || typeof value === 'boolean') return value;
    throw new Error(`"${key}" must be true or false`);
  }

  oneOf<Word extends string>(key: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === this.#fields[key]);
    if (found !== undefined) return found;
    throw new Error(`"${key}" must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`);
  }

  object(key: string): Reader {
    const value = this.#fields[key];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return new Reader(value as Fields);
    throw new Error(`"${key}" must be an object`);
  }

  kindsOrNone(key: string): readonly RowKind[] | undefined {
    const value = this.#fields[key];
    if (value === undefined) return undefined;
    const isRight =
      Array.isArray(value) &&
      value.every((kind) => (RECORD_KINDS as readonly unknown[]).includes(kind));
    if (isRight) return value as readonly RowKind[];
    throw new Error(`"${key}" must be a list of ${RECORD_KINDS.join(', ')}`);
  }

  wholesOrNone(key: string): readonly number[] | undefined {
    const value = this.#fields[key];
    if (value === undefined) return undefined;
    const isRight =
      Array.isArray(value) &&
      value.length <= MAX_RECORDS &&
      value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
    if (isRight) return value as readonly number[];
    throw new Error(`"${key}" must be a list of at most ${MAX_RECORDS} whole numbers`);
  }
}

/** The property, if it has a value. */
function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Readonly<Partial<Record<Key, Value>>> {
  const properties = value === undefined ? {} : { [key]: value };
  return properties as Readonly<Partial<Record<Key, Value>>>;
}

function isUint32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}
