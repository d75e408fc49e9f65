/** JSON as a tree of rows, of which those below what is closed are left out: what is shown is a list. */

import { spelledOut } from './misleading.js';

/** A number whose digits a JavaScript number does not hold, such as an id of 64 bits. */
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | ExactNumber
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface JsonRow {
  /** Where it is: keys and indexes from the root, which has none. */
  readonly path: string;
  readonly depth: number;
  /** Its name in an object, as it is shown; its index in an array; null for the root. */
  readonly key: string | number | null;
  readonly kind: 'object' | 'array' | 'string' | 'number' | 'word' | 'more';
  /** Its value; of what is closed, its beginning; of what is open, its bracket. */
  readonly text: string;
  /** Whether what is in it is shown; null where there is nothing in it. */
  readonly isOpen: boolean | null;
  /** How many are beside it, itself too, and which one it is, from 1. */
  readonly siblings: number;
  readonly position: number;
}

/** What can be opened at once has at most so many rows; the last one says how many are left out. */
const MAX_CHILDREN = 2000;

/** What is closed shows so many characters of what is in it. */
const MAX_SUMMARY = 80;

/** What one row shows of a text or a number: browsers take long to lay out a line of a megabyte. */
const MAX_TEXT = 2000;

/** A JavaScript number holds so many decimal digits, whichever they are. */
const MAX_EXACT_DIGITS = 15;

/** A tree of fewer values is shown open. */
const OPEN_VALUES = 200;

/** @returns undefined when it is not JSON */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text, keepDigits) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Browsers tell a reviver how a value is written; what a number loses is kept. */
export function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined) return value;
  return isExact(value, source) ? value : new ExactNumber(source);
}

function isExact(value: number, source: string): boolean {
  if (String(value) === source) return true;
  // 1.0 and 1e3 are only written in another way; what has more digits than a double may be another number.
  const [digits = ''] = source.replace(/[-.]/g, '').split(/e/i);
  return significant(digits) <= MAX_EXACT_DIGITS && Number.isFinite(value);
}

/** How many digits are left without the zeros at both ends. A number may be as long as its message: no expression that goes back. */
function significant(digits: string): number {
  let [start, end] = [0, digits.length];
  while (digits[start] === '0') start++;
  while (end > start && digits[end - 1] === '0') end--;
  return end - start;
}

export class JsonTree {
  readonly #root: JsonValue;
  /** The paths of what is open. */
  readonly #open = new Set<string>();
  #rows: readonly JsonRow[] | null = null;

  constructor(root: JsonValue) {
    this.#root = root;
    if (countValues(root, OPEN_VALUES) < OPEN_VALUES) this.openAll();
    else this.#open.add('');
  }

  get rows(): readonly JsonRow[] {
    return (this.#rows ??= this.#flatten());
  }

  toggle(path: string): void {
    if (!this.#open.delete(path)) this.#open.add(path);
    this.#rows = null;
  }

  openAll(): void {
    const visit = (value: JsonValue, path: string): void => {
      const children = childrenOf(value);
      if (children === null) return;
      this.#open.add(path);
      for (const [key, child] of children.slice(0, MAX_CHILDREN)) visit(child, pathOf(path, key));
    };
    visit(this.#root, '');
    this.#rows = null;
  }

  closeAll(): void {
    this.#open.clear();
    this.#rows = null;
  }

  /** The place of what holds the row at a place; the same place for the root. */
  parentOf(place: number): number {
    const depth = this.rows[place]?.depth ?? 0;
    const above = this.rows.slice(0, place).findLastIndex((row) => row.depth < depth);
    return above === -1 ? place : above;
  }

  #flatten(): JsonRow[] {
    const rows: JsonRow[] = [];
    const add = (
      value: JsonValue,
      key: string | number | null,
      path: string,
      depth: number,
      position: number,
      siblings: number,
    ): void => {
      const children = childrenOf(value) ?? [];
      const isOpen = children.length === 0 ? null : this.#open.has(path);
      rows.push({
        path,
        depth,
        key: typeof key === 'string' ? rowText(key) : key,
        kind: kindOf(value),
        text: isOpen === true ? bracketOf(value, children.length) : rowText(summaryOf(value)),
        isOpen,
        siblings,
        position,
      });
      if (isOpen !== true) return;
      const shown = Math.min(children.length, MAX_CHILDREN);
      const count = shown < children.length ? shown + 1 : shown;
      for (const [index, [childKey, child]] of children.slice(0, shown).entries())
        add(child, childKey, pathOf(path, childKey), depth + 1, index + 1, count);
      if (shown < children.length)
        rows.push({
          path: `${path}/…`,
          depth: depth + 1,
          key: null,
          kind: 'more',
          text: `${children.length - shown} more are in the text`,
          isOpen: null,
          siblings: count,
          position: count,
        });
    };
    add(this.#root, null, '', 0, 1, 1);
    return rows;
  }
}

function childrenOf(value: JsonValue): readonly (readonly [string | number, JsonValue])[] | null {
  if (Array.isArray(value))
    return (value as readonly JsonValue[]).map((one, index) => [index, one]);
  return value === null || typeof value !== 'object' || value instanceof ExactNumber
    ? null
    : Object.entries(value);
}

/** As in a JSON pointer (RFC 6901). */
function pathOf(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Stops at the limit. */
function countValues(value: JsonValue, limit: number): number {
  let count = 1;
  for (const [, child] of childrenOf(value) ?? []) {
    if (count >= limit) break;
    count += countValues(child, limit - count);
  }
  return count;
}

function kindOf(value: JsonValue): JsonRow['kind'] {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number' || value instanceof ExactNumber) return 'number';
  return value === null || typeof value === 'boolean' ? 'word' : 'object';
}

function bracketOf(value: JsonValue, count: number): string {
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}

/** Text as a row shows it. */
function rowText(text: string): string {
  const beginning = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return spelledOut(beginning);
}

/** Its beginning, with as little looked at as that takes. */
function summaryOf(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_TEXT + 1));
  let text = '';
  const write = (one: JsonValue): void => {
    const children = childrenOf(one);
    if (children === null) {
      text += scalarText(one);
      return;
    }
    const isArray = Array.isArray(one);
    text += isArray ? '[' : '{';
    for (const [index, [key, child]] of children.entries()) {
      if (text.length > MAX_SUMMARY) return;
      if (index > 0) text += ', ';
      if (!isArray) text += `${String(key)}: `;
      write(child);
    }
    text += isArray ? ']' : '}';
  };
  write(value);
  return text.length > MAX_SUMMARY && childrenOf(value) !== null
    ? `${text.slice(0, MAX_SUMMARY)}…`
    : text;
}

function scalarText(value: JsonValue): string {
  if (value instanceof ExactNumber) return value.digits;
  // Of a long text its beginning is enough.
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 2 * MAX_SUMMARY) : value);
}
