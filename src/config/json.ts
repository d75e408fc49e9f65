import { createRequire } from 'node:module';
import type * as jsoncParser from 'jsonc-parser';

const require = createRequire(import.meta.url);

/** Loaded when it is called: few servers have a file to read (docs/adr/0040-start.md). */
const jsonc = (): typeof jsoncParser => require('jsonc-parser') as typeof jsoncParser;

/** What is wrong with a text that should be JSON, and where. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;

  /**
   * @param problem `expected a comma or }, not "x"`
   * @param line counted from 0
   * @param column counted from 0
   */
  constructor(problem: string, line: number, column: number) {
    super(problem);
    this.line = line + 1;
    this.column = column + 1;
  }
}

/** No setting is nested deeper than 2; the parser calls itself for each level. */
const MAX_DEPTH = 100;

/** Longer words are cut in messages. */
const MAX_SHOWN_LENGTH = 80;

const FIRST_KEY = 'a key in double quotes or }';

/** Faults inside of a word, of which the grammar knows nothing. */
const WORD_FAULTS: ReadonlyMap<string, string> = new Map([
  ...['UnexpectedEndOfString', 'InvalidUnicode', 'InvalidEscapeCharacter', 'InvalidCharacter'].map(
    (code) => [code, 'a text in double quotes that does not end, or holds a wrong escape'] as const,
  ),
  ['UnexpectedEndOfComment', 'a comment that does not end'],
]);

/** What makes a number another word when it comes right after it: `16m`, `01`. */
const WORD = /[\w.+-]/;

type Container = unknown[] | Record<string, unknown>;

/**
 * Reads JSON (RFC 8259) with comments, and with a comma after the last item where there is one. A key that is
 * given twice in one object is a fault, because the one that does not count may be the one that was changed.
 * The first fault ends it, so the cost is linear in `text`.
 * @throws {JsonFault} for the first fault
 */
export function parseJson(text: string): unknown {
  const open: Container[] = [];
  let root: unknown;
  let key = '';
  let expected = 'a value';

  const afterValue = (): void => {
    const container = open.at(-1);
    if (container === undefined) expected = 'nothing more';
    else expected = Array.isArray(container) ? 'a comma or ]' : 'a comma or }';
  };
  const add = (value: unknown): void => {
    const container = open.at(-1);
    if (container === undefined) root = value;
    else if (Array.isArray(container)) container.push(value);
    else setOwn(container, key, value);
  };
  const begin = (container: Container, next: string, line: number, column: number): void => {
    if (open.length === MAX_DEPTH)
      throw new JsonFault(`it is nested deeper than ${MAX_DEPTH} levels`, line, column);
    add(container);
    open.push(container);
    expected = next;
  };
  const end = (offset: number): void => {
    // It is called at the end of the text too.
    if (offset === text.length) return;
    open.pop();
    afterValue();
  };

  jsonc().visit(
    text,
    {
      onObjectBegin: (_offset, _length, line, column) => {
        begin({}, FIRST_KEY, line, column);
      },
      onArrayBegin: (_offset, _length, line, column) => {
        begin([], 'a value or ]', line, column);
      },
      onObjectEnd: end,
      onArrayEnd: end,
      onObjectProperty: (name, _offset, _length, line, column) => {
        if (Object.hasOwn(open.at(-1) as object, name))
          throw new JsonFault(`the key ${JSON.stringify(name)} is there twice`, line, column);
        key = name;
        expected = 'a colon';
      },
      onSeparator: (mark) => {
        const isInArray = Array.isArray(open.at(-1));
        if (mark === ':') expected = 'a value';
        else expected = isInArray ? 'a value or ]' : FIRST_KEY;
      },
      onLiteralValue: (value, offset, length, line, column) => {
        if (typeof value === 'number' && WORD.test(text.charAt(offset + length)))
          throw new JsonFault(unexpected(text, offset, expected), line, column);
        add(value);
        afterValue();
      },
      onError: (code, offset, _length, line, column) => {
        const problem = problemOf(code, text, offset, expected);
        throw new JsonFault(problem, line, column);
      },
    },
    { allowTrailingComma: true },
  );
  return root;
}

function problemOf(
  code: jsoncParser.ParseErrorCode,
  text: string,
  offset: number,
  expected: string,
): string {
  return WORD_FAULTS.get(jsonc().printParseErrorCode(code)) ?? unexpected(text, offset, expected);
}

/** Says what stands at `offset` in place of what is expected. */
function unexpected(text: string, offset: number, expected: string): string {
  const rest = text.slice(offset, offset + MAX_SHOWN_LENGTH);
  if (rest === '') return `expected ${expected}, not the end of the file`;
  const found = rest.replace(/^([\w.+-]+|"(?:[^"\\]|\\.)*"|[^])[^]*$/u, '$1');
  const isText = found.length > 1 && found.startsWith('"');
  return `expected ${expected}, not ${isText ? found : JSON.stringify(found)}`;
}

/** Sets a property as JSON does: `__proto__` is a key like any other. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  else object[key] = value;
}
