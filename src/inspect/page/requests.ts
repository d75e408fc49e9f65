/** Reads what a page asks. It comes from a browser, so each key is checked, and has a bound. */
import { isSendableCloseCode } from '../../protocol/close.js';
import type { PageRequest, RowFilter, RowKind } from '../page-protocol.js';
import { KINDS } from '../store/line-scan.js';

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
    return requestOf(new Reader(fields), id);
  } catch (error) {
    throw new RequestFault((error as Error).message, id);
  }
}

function requestOf(read: Reader, id: number): PageRequest {
  const view = (): number => read.whole('view');
  const gone = (): { gone?: number } => optional('gone', read.wholeOrNone('gone'));
  const ask = read.oneOf('ask', ASKS);
  switch (ask) {
    case 'view':
      return {
        ask,
        id,
        filter: filterOf(read.object('filter')),
        ...optional('instead', read.wholeOrNone('instead')),
      };
    case 'forget':
      return { ask, id, view: view() };
    case 'rows':
      return {
        ask,
        id,
        view: view(),
        from: read.whole('from'),
        count: read.whole('count', MAX_ROWS),
        ...gone(),
      };
    case 'place': {
      const place = {
        ...optional('t', read.numberOrNone('t')),
        ...optional('n', read.wholeOrNone('n')),
      };
      if (place.t === undefined && place.n === undefined)
        throw new Error('"t" or "n" must be given');
      return { ask, id, view: view(), ...place };
    }
    case 'find': {
      const search = searchIn(read);
      if (search.text === undefined && search.pattern === undefined) {
        throw new Error('"text" or "pattern" must be given');
      }
      const from = read.wholeOrNone('from', -1);
      if (from === undefined) throw new Error('"from" must be a whole number from -1 on');
      return {
        ask,
        id,
        view: view(),
        ...search,
        from,
        ...optional('isBackwards', read.booleanOrNone('isBackwards')),
        ...gone(),
      };
    }
    case 'record':
      return { ask, id, n: read.whole('n') };
    case 'strip':
      return {
        ask,
        id,
        buckets: Math.max(1, read.whole('buckets', MAX_BUCKETS)),
        ...optional('session', read.textOrNone('session')),
        ...optional('since', read.numberOrNone('since')),
        ...optional('until', read.numberOrNone('until')),
      };
    case 'export':
      return {
        ask,
        id,
        view: view(),
        format: read.oneOf('format', FORMATS),
        ...optional('records', read.wholesOrNone('records')),
      };
    case 'end':
      return { ask, id, session: read.text('session'), ...closeOf(read) };
  }
}

const ASKS = [
  'view',
  'forget',
  'rows',
  'place',
  'find',
  'record',
  'strip',
  'export',
  'end',
] as const;

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
  if (!isSendableCloseCode(code)) {
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

  whole(key: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[key];
    if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max)
      return value as number;
    const bound = max === Number.MAX_SAFE_INTEGER ? 'on' : `to ${max}`;
    throw new Error(`"${key}" must be a whole number from 0 ${bound}`);
  }

  wholeOrNone(key: string, min = 0): number | undefined {
    const value = this.#fields[key];
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= min) return value as number;
    throw new Error(`"${key}" must be a whole number from ${min} on`);
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
      Array.isArray(value) && value.every((kind) => (KINDS as readonly unknown[]).includes(kind));
    if (isRight) return value as readonly RowKind[];
    throw new Error(`"${key}" must be a list of ${KINDS.join(', ')}`);
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
): { readonly [Name in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [Name in Key]: Value });
}

function isUint32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}
