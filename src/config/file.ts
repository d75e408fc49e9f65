import { systemReason } from '../system-reason.js';
import { configError } from './messages.js';
import type { OptionTable } from './options/option.js';
import { readObject } from './read-object.js';
import type { Provided } from './settings.js';

/** Reads a whole file as UTF-8 text; throws what `node:fs` throws. */
export type ReadFile = (path: string) => string;

/**
 * Reads the values that a configuration file gives.
 * @param path provided by `--config` or `TWIST_CONFIG`
 * @throws {ConfigError} when the file cannot be read, is not JSON, or holds what is not allowed
 */
export function readConfigFile(
  table: OptionTable,
  path: Provided<string>,
  readFile: ReadFile,
): Map<string, Provided> {
  const json = parseJson(path.value, readText(path, readFile));
  const help = 'twist config print lists the known ones';
  return readObject(table, json, { source: 'file', from: path.value, help });
}

/** Why a file cannot be read, as a clause. @param error what `node:fs` threw */
export function readFault(error: unknown): string {
  return systemReason(error, { EACCES: 'permission to read it is denied' });
}

function readText(path: Provided<string>, readFile: ReadFile): string {
  try {
    return readFile(path.value);
  } catch (error) {
    const sentence = `${path.from} cannot be ${JSON.stringify(path.value)}: ${readFault(error)}`;
    throw configError(sentence, 'file');
  }
}

function parseJson(path: string, text: string): unknown {
  // Some editors put a byte order mark in front, which JSON does not know.
  const json = text.replace(/^\uFEFF/, '');
  const fault = findJsonFault(json);
  if (fault === null) return JSON.parse(json);
  throw configError(
    `${path}, line ${fault.line}, column ${fault.column}: ${fault.problem}`,
    'file',
  );
}

/** What is wrong with a text that should be one JSON object, and where. */
export interface JsonFault {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;
  /** "expected a comma or }, not "x"" */
  readonly problem: string;
}

/** What may come next; the text stands in the message. */
const Expected = {
  Value: 'a value',
  FirstItem: 'a value or ]',
  Key: 'a key in double quotes',
  FirstKey: 'a key in double quotes or }',
  Colon: 'a colon',
  NextItem: 'a comma or ]',
  NextKey: 'a comma or }',
  End: 'nothing more',
} as const;

type Expected = (typeof Expected)[keyof typeof Expected];

const BLANKS = /[ \t\r\n]*/y;
// A character class of everything below U+0020 is what JSON forbids in a string.
// eslint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/**
 * Finds the first place where `text` is not JSON (RFC 8259), or where a key of the outermost object
 * is repeated, which `JSON.parse` lets pass. The positions in the messages of `JSON.parse` differ from
 * one version of Node to the next, and some have none; this has them always. What it finds no fault
 * with, `JSON.parse` reads.
 */
export function findJsonFault(text: string): JsonFault | null {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  readonly #open: ('{' | '[')[] = [];
  readonly #keys = new Set<string>();
  #index = 0;
  #expected: Expected = Expected.Value;
  #repeatedKey: string | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): JsonFault | null {
    for (;;) {
      this.#match(BLANKS);
      if (this.#index === this.#text.length && this.#expected === Expected.End) return null;
      const start = this.#index;
      if (!this.#step()) return this.#fault(start, this.#unexpected(start));
      if (this.#repeatedKey !== null)
        return this.#fault(start, `the key ${this.#repeatedKey} is there twice`);
    }
  }

  /** Takes one token. @returns false when it is not one that may come here */
  #step(): boolean {
    switch (this.#expected) {
      case Expected.Value:
        return this.#value();
      case Expected.FirstItem:
        return this.#closes(']') || this.#value();
      case Expected.Key:
        return this.#key();
      case Expected.FirstKey:
        return this.#closes('}') || this.#key();
      case Expected.Colon:
        return this.#take(':', Expected.Value);
      case Expected.NextItem:
        return this.#closes(']') || this.#take(',', Expected.Value);
      case Expected.NextKey:
        return this.#closes('}') || this.#take(',', Expected.Key);
      case Expected.End:
        return false;
    }
  }

  #value(): boolean {
    if (this.#opens('{', Expected.FirstKey) || this.#opens('[', Expected.FirstItem)) return true;
    if (this.#match(STRING) === '' && this.#match(SCALAR) === '') return false;
    this.#afterValue();
    return true;
  }

  #key(): boolean {
    const token = this.#match(STRING);
    if (token === '') return false;
    if (this.#open.length === 1) {
      const key = JSON.stringify(JSON.parse(token));
      if (this.#keys.has(key)) this.#repeatedKey = key;
      this.#keys.add(key);
    }
    this.#expected = Expected.Colon;
    return true;
  }

  #opens(mark: '{' | '[', next: Expected): boolean {
    if (!this.#take(mark, next)) return false;
    this.#open.push(mark);
    return true;
  }

  #closes(mark: '}' | ']'): boolean {
    if (!this.#take(mark, this.#expected)) return false;
    this.#open.pop();
    this.#afterValue();
    return true;
  }

  #afterValue(): void {
    const outer = this.#open.at(-1);
    if (outer === undefined) this.#expected = Expected.End;
    else this.#expected = outer === '{' ? Expected.NextKey : Expected.NextItem;
  }

  #take(mark: string, next: Expected): boolean {
    if (this.#text[this.#index] !== mark) return false;
    this.#index += 1;
    this.#expected = next;
    return true;
  }

  /** @returns the text that matches here, past which it moves; empty when none does */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#index;
    const token = pattern.exec(this.#text)?.[0] ?? '';
    this.#index += token.length;
    return token;
  }

  #unexpected(index: number): string {
    const rest = this.#text.slice(index);
    if (rest === '') return `expected ${this.#expected}, not the end of the file`;
    if (/^(\/[/*]|#)/.test(rest)) return 'JSON has no comments';
    this.#index = index;
    const string = this.#match(STRING);
    if (string !== '') return `expected ${this.#expected}, not ${string}`;
    if (rest.startsWith('"'))
      return 'a text in double quotes that does not end, or holds a wrong escape';
    const found = rest.replace(/^([\w.+-]+|[^]).*$/su, '$1');
    return `expected ${this.#expected}, not ${JSON.stringify(found)}`;
  }

  #fault(index: number, problem: string): JsonFault {
    const before = this.#text.slice(0, index);
    const line = before.split('\n').length;
    return { line, column: index - before.lastIndexOf('\n'), problem };
  }
}
