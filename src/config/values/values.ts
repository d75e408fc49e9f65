import * as z from 'zod';
import {
  DURATION_PATTERN,
  SIZE_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
} from './units.js';

/** A value as it stands in a configuration file. */
export type Json = boolean | number | string | readonly string[] | Readonly<Record<string, string>>;

/**
 * The type of an option's value. The schema is the only judge: text from a flag or the environment is
 * first brought into its JSON form, so that all sources have one meaning. Every issue the schema
 * raises ends the sentence "X cannot be Y: ...".
 */
export interface ValueType<Value> {
  /** What takes the value's place in help, `SIZE`; empty for a switch, which needs no value. */
  readonly valueName: string;
  /** What may be given, as a clause: "give true or false". */
  readonly clause: string;
  readonly schema: z.ZodType<Value>;
  /** The JSON form as a TypeScript type, for the options of the library. */
  readonly typeText: string;
  /** Whether the flag may be repeated; its values are then one JSON array. */
  readonly isRepeatable: boolean;
  /** What a number stands for in a call of the library, where a file must have text. */
  readonly fromNumber?: (given: number) => string;
  /** Brings text into the JSON form, without judging it. */
  fromText(text: string): unknown;
  /** The value in the user's units; {@link fromText} and the schema read it back as the same value. */
  toText(value: Value): string;
  /** The value as a configuration file would have it. */
  toJson(value: Value): Json;
}

/** The largest size of any option: Node cannot make a text of more than about half of this. */
const MAX_SIZE_BYTES = 1024 ** 3;

/** The longest duration: what a Node timer can count. */
const MAX_DURATION_MS = 2 ** 31 - 1;

interface Range {
  readonly min: number;
  readonly max: number;
  /** Whether `off` is allowed; its value is 0. */
  readonly canBeOff?: boolean;
}

/** A size in bytes: a whole number, in JSON and text alike, or text with k, m or g. */
export function size({
  min,
  max = MAX_SIZE_BYTES,
}: {
  min: number;
  max?: number;
}): ValueType<number> {
  const range = { min, max };
  const least = min % 1024 === 0 ? formatSize(min) : `${min} bytes`;
  const clause = `give a size from ${least} to ${formatSize(max)}, such as ${max < MAX_SIZE_BYTES ? '4k or 64k' : '64k or 16m'}`;
  const schema = z
    .union(
      [
        z.int(clause).min(min, clause).max(max, clause),
        z.string(clause).regex(SIZE_PATTERN, clause),
      ],
      clause,
    )
    .transform((value, context) => amount(value, parseSize, range, clause, context));
  return numeric('SIZE', 'Size', clause, schema, range, formatSize, formatSize);
}

/** A duration in milliseconds: text with its unit. */
export function duration({ canBeOff = false }: { canBeOff?: boolean } = {}): ValueType<number> {
  const range = { min: 1, max: MAX_DURATION_MS, canBeOff };
  const clause = orOff(
    `give a duration such as 500ms, 30s, 5m or 2h, at most ${MAX_DURATION_MS}ms (24 days)`,
    range,
  );
  const text = z.string(clause).regex(DURATION_PATTERN, clause);
  const schema = (canBeOff ? z.union([text, z.literal('off', clause)], clause) : text).transform(
    (value, context) => amount(value, parseDuration, range, clause, context),
  );
  return {
    ...numeric('DURATION', 'Duration', clause, schema, range, formatDuration, formatDuration),
    fromNumber: (ms) => `${ms}ms`,
  };
}

/** A whole number of things. */
export function count(range: Range): ValueType<number> {
  const { min, max, canBeOff = false } = range;
  const clause = orOff(`give a whole number from ${min} to ${max}`, range);
  const text = z.string(clause).regex(/^(0|[1-9]\d*)$/, clause);
  const number = z.int(clause).min(min, clause).max(max, clause);
  const schema = (
    canBeOff
      ? z.union([number, text, z.literal('off', clause)], clause)
      : z.union([number, text], clause)
  ).transform((value, context) => amount(value, Number, range, clause, context));
  return numeric('N', 'number', clause, schema, range, String, (value) => value);
}

/** A switch: on when its flag is there. */
export function toggle(): ValueType<boolean> {
  const clause = 'give true or false';
  return {
    valueName: '',
    clause,
    schema: z.boolean(clause),
    typeText: 'boolean',
    isRepeatable: false,
    fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    toText: String,
    toJson: (value) => value,
  };
}

/** A switch that decides by itself unless it is set. */
export function toggleOrAuto(): ValueType<boolean | 'auto'> {
  const clause = 'give true, false or auto';
  return {
    valueName: '',
    clause,
    schema: z.union([z.boolean(clause), z.literal('auto', clause)], clause),
    typeText: "boolean | 'auto'",
    isRepeatable: false,
    fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    toText: String,
    toJson: (value) => value,
  };
}

/** One of a few words. */
export function choice<const Word extends string>(
  valueName: string,
  words: readonly Word[],
): ValueType<Word> {
  const clause = `choose ${words.slice(0, -1).join(', ')} or ${words.slice(-1).join('')}`;
  return {
    valueName,
    clause,
    schema: z.enum(words, clause),
    typeText: words.map((word) => `'${word}'`).join(' | '),
    isRepeatable: false,
    fromText: (text) => text,
    toText: (value) => value,
    toJson: (value) => value,
  };
}

/** The path of a file, or `off` (null) for none. */
export function file(): ValueType<string | null> {
  return textOrOff('FILE', 'give the path of a file, or off');
}

/** The path of a directory, or `off` (null) for none. */
export function directory(): ValueType<string | null> {
  return textOrOff('DIR', 'give the path of a directory, or off');
}

/** The path of a file or a directory of such files, or `off` (null) for none. */
export function fileOrDirectory(): ValueType<string | null> {
  return textOrOff('PATH', 'give the path of a file or a directory, or off');
}

/** Any text but an empty one, or `off` (null). */
export function textOrOff(valueName: string, clause: string): ValueType<string | null> {
  return {
    valueName,
    clause,
    schema: z
      .string(clause)
      .min(1, clause)
      .transform((text) => (text === 'off' ? null : text)),
    typeText: 'string',
    isRepeatable: false,
    fromText: (text) => text,
    toText: (value) => value ?? 'off',
    toJson: (value) => value ?? 'off',
  };
}

/** @returns the number that `value` means, or an issue when it is out of range */
function amount(
  value: number | string,
  parse: (text: string) => number | null,
  { min, max, canBeOff = false }: Range,
  clause: string,
  context: z.RefinementCtx,
): number {
  if (canBeOff && value === 'off') return 0;
  const result = typeof value === 'number' ? value : parse(value);
  if (result !== null && result >= min && result <= max) return result;
  context.addIssue(clause);
  return z.NEVER;
}

function orOff(clause: string, { canBeOff = false }: Range): string {
  return canBeOff ? `${clause}, or off` : clause;
}

function numeric(
  valueName: string,
  typeText: string,
  clause: string,
  schema: z.ZodType<number>,
  { canBeOff = false }: Range,
  toText: (value: number) => string,
  toJson: (value: number) => Json,
): ValueType<number> {
  const isOff = (value: number): boolean => canBeOff && value === 0;
  return {
    valueName,
    clause,
    schema,
    typeText: canBeOff ? `${typeText} | 'off'` : typeText,
    isRepeatable: false,
    fromText: (text) => text,
    toText: (value) => (isOff(value) ? 'off' : toText(value)),
    toJson: (value) => (isOff(value) ? 'off' : toJson(value)),
  };
}
