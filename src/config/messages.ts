/**
 * The sentences that say what is wrong with a value: the option as the user wrote it, the value, and
 * what is allowed.
 */
import type * as z from 'zod';
import { ConfigError } from '../errors.js';
import {
  type Option,
  environmentNameOf,
  fileKeyOf,
  flagOf,
  presetNameOf,
} from './options/option.js';
import { OPTIONS } from './options/options.js';
import type { Provided, Source } from './settings.js';
import type { ValueType } from './values/values.js';

/** Zod's names of types. */
const TYPES_WANTED: ReadonlyMap<string, JsonType> = new Map([
  ['string', 'string'],
  ['number', 'number'],
  ['int', 'number'],
  ['boolean', 'boolean'],
  ['array', 'array'],
  ['record', 'object'],
]);

/** Longer values are cut in messages. */
const MAX_SHOWN_LENGTH = 80;

/** Where in a value the fault is, and the clause that says what is allowed there. */
interface Fault {
  readonly path: readonly PropertyKey[];
  readonly clause: string;
  /** Types that may stand there, when what stands there is of none of them; else empty. */
  readonly types: readonly JsonType[];
}

export type JsonType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'null' | 'other';

/**
 * A {@link ConfigError} whose `source` is at fault, by which the command line tells wrong
 * usage from bad configuration.
 */
export function configError(sentence: string, source: Source): ConfigError {
  return new ConfigError(sentence, { source });
}

/** @returns a value, usually in its JSON form, as a message may show it */
export function show(given: unknown, isSecret = false): string {
  if (isSecret) return '(a secret, not shown)';
  const text = textOf(given);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text;
}

/**
 * The one fault to speak of in a value. Of several it is the one that points furthest into the value; of those that
 * point to the same place, one that a check of ours found, which knows more than "none of these".
 */
export function deepestFault(issues: readonly z.core.$ZodIssue[], given: unknown): Fault {
  const all = issues.flatMap(withMembers);
  const worst = all.reduce((best, issue) => (weight(issue) > weight(best) ? issue : best));
  const { path, message } = worst;
  const there = all.filter((issue) => isAt(issue, path) && issue.code !== 'invalid_union');
  const type = jsonType(valueAt(given, path));
  const types = [...new Set(there.flatMap(typesWanted))];
  const isOfWrongType = !types.includes('other') && !types.includes(type);
  return { path, clause: message, types: isOfWrongType ? types : [] };
}

/** @returns the part of a JSON value that `path` leads to */
export function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, key) => (value as Readonly<Record<PropertyKey, unknown>>)[key], given);
}

function jsonType(given: unknown): JsonType {
  if (given === null) return 'null';
  if (Array.isArray(given)) return 'array';
  const type = typeof given;
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'object'
    ? type
    : 'other';
}

/** What an issue would have had in place of what it found; `other` when it is not about types. */
function typesWanted(issue: z.core.$ZodIssue): JsonType[] {
  if (issue.code === 'invalid_value') return issue.values.map(jsonType);
  if (issue.code !== 'invalid_type') return ['other'];
  return [TYPES_WANTED.get(issue.expected) ?? 'other'];
}

function isAt(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): boolean {
  return (
    issue.path.length === path.length && path.every((part, depth) => part === issue.path[depth])
  );
}

/** JSON, and something readable for what a program can pass and a file cannot hold. */
function textOf(given: unknown): string {
  if (typeof given === 'function') return 'a function';
  if (given === undefined || typeof given === 'symbol') return String(given);
  if (typeof given === 'number' || typeof given === 'bigint') return String(given);
  try {
    return JSON.stringify(given);
  } catch {
    return 'an object';
  }
}

function weight({ path, code }: z.core.$ZodIssue): number {
  return path.length + (code === 'custom' ? 0.5 : 0);
}

/** An issue, and what the members of a union, if it is about one, had to say. */
function withMembers(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const members = issue.errors.flat().flatMap(withMembers);
  return [
    issue,
    ...members.map((member) => ({ ...member, path: [...issue.path, ...member.path] })),
  ];
}

/** The key of an option in the table. */
export type OptionKey = keyof typeof OPTIONS;

/**
 * How messages speak of an option: as the user wrote it, `--listen`, `TWIST_LISTEN` or
 * `listen in twist.json`.
 * @param other the source of the option that it is named together with: one that stands at its default
 *   is named in that manner
 */
export function optionName(
  key: OptionKey,
  { source, from }: Provided,
  other: Provided['source'] = source,
): string {
  const manner = source === 'default' ? other : source;
  if (manner === 'flag') return flagOf(key);
  if (manner === 'environment') return environmentNameOf(key);
  if (manner === 'preset') return presetNameOf(key);
  const row: Option = OPTIONS[key];
  const fileKey = fileKeyOf(key, row);
  return source === 'file' ? `${fileKey} in ${from}` : fileKey;
}

interface Advice {
  /** What was given, with its type. */
  readonly shown: string;
  /** What to do, as a clause. */
  readonly clause: string;
}

/**
 * What is said of a JSON value that would do in another type. Its text alone, `9001`, looks right, so
 * its type is named, and how it is written is shown.
 * @param given the whole value of the option
 * @param fault where in it the fault is, and which types may stand there if it is that
 * @param shown what stands there, as a message may show it
 */
export function typeAdvice(
  type: ValueType<unknown>,
  given: unknown,
  { path, clause, types }: Fault,
  shown: string,
): Advice {
  const there = valueAt(given, path);
  const isTaken = (candidate: unknown): boolean =>
    type.schema.safeParse(replaced(given, path, candidate)).success;
  if (typeof there === 'string') {
    const plain = [type.fromText(there), jsonOf(there), SWITCHES.get(there.toLowerCase())].find(
      (candidate) => typeof candidate !== 'string' && isTaken(candidate),
    );
    const isSwitch = types.includes('boolean');
    return {
      shown: types.length === 0 ? shown : `the text ${shown}`,
      clause:
        plain === undefined
          ? `${clause}${isSwitch ? ', without quotes' : ''}`
          : `write ${JSON.stringify(plain)}, without quotes`,
    };
  }
  const text = textsOf(there, clause).find(isTaken);
  const isText =
    types.includes('string') && !types.includes('number') && !types.includes('boolean');
  return {
    shown: types.length > 0 && typeof there === 'number' ? `the number ${shown}` : shown,
    clause:
      text === undefined
        ? `${clause}${isText ? ', in quotes' : ''}`
        : `write ${JSON.stringify(text)}, with quotes`,
  };
}

/** Words that people use for a switch. */
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** Texts that may be what was meant; for nothing it is the word of the clause. */
function textsOf(value: unknown, clause: string): string[] {
  const isNothing = value === null || value === false || value === 0;
  const [nothing] = /\b(?:off|none)\b/.exec(clause) ?? [];
  return [
    ...(typeof value === 'number' ? [String(value)] : []),
    ...(isNothing && nothing !== undefined ? [nothing] : []),
  ];
}

/** @returns undefined for what is no JSON */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A copy of a JSON value that has another one at the end of `path`. */
function replaced(given: unknown, path: readonly PropertyKey[], value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const inner = replaced(valueAt(given, [part]), rest, value);
  if (Array.isArray(given)) return given.with(Number(part), inner);
  return { ...(given as object), [part]: inner };
}
