import type * as z from 'zod';
import { type Zod, zod } from '../zod.js';
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
  /** Words that may be given, where there are some, perhaps beside other values. */
  readonly words?: readonly string[];
  /** Whether the flag may be repeated; its values are then one JSON array. */
  readonly isRepeatable: boolean;
  /** What a number stands for in a call of the library, where a file must have text. */
  readonly fromNumber?: (given: number) => string;
  /**
   * Reads the forms that are usual without the schema, which takes longer to make than all else at a start. It has the
   * schema's own value for each, and undefined for what only the schema can judge.
   */
  shortcut(given: unknown): Value | undefined;
  /** Brings text into the JSON form, without judging it. */
  fromText(text: string): unknown;
  /** The value in the user's units; {@link fromText} and the schema read it back as the same value. */
  toText(value: Value): string;
  /** The value as a configuration file would have it. */
  toJson(value: Value): Json;
}

/** A type before it has its schema. */
type ValueForm<Value> = Omit<ValueType<Value>, 'schema'>;

/** @param makeSchema is called when something first asks for it */
export function withSchema<Value>(
  type: ValueForm<Value>,
  makeSchema: (z: Zod) => z.ZodType<Value>,
): ValueType<Value> {
  let made: z.ZodType<Value> | null = null;
  return {
    ...type,
    get schema() {
      return (made ??= makeSchema(zod()));
    },
  };
}

/** What the option's type makes of a value in its JSON form. */
export function readValue<Value>(
  type: ValueType<Value>,
  given: unknown,
): z.ZodSafeParseResult<Value> {
  const data = type.shortcut(given);
  return data === undefined ? type.schema.safeParse(given) : { success: true, data };
}

/** Ends a schema's `transform` with an issue, or several. */
export function refuse(context: z.RefinementCtx, ...clauses: readonly string[]): never {
  for (const clause of clauses) context.addIssue(clause);
  // What the transform would have returned does not count any more.
  return undefined as never;
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
  canBeOff = false,
}: {
  min: number;
  max?: number;
  canBeOff?: boolean;
}): ValueType<number> {
  const range = { min, max, canBeOff };
  const least = min % 1024 === 0 ? formatSize(min) : `${min} bytes`;
  const clause = orOff(
    `give a size from ${least} to ${formatSize(max)}, such as ${max < MAX_SIZE_BYTES ? '4k or 64k' : '64k or 16m'}`,
    range,
  );
  const makeSchema = (z: Zod): z.ZodType<number> => {
    const number = z.int(clause).min(min, clause).max(max, clause);
    const text = z.string(clause).regex(SIZE_PATTERN, clause);
    return (
      canBeOff
        ? z.union([number, text, z.literal('off', clause)], clause)
        : z.union([number, text], clause)
    ).transform((value, context) => amount(value, parseSize, range, clause, context));
  };
  const forms = { parse: parseSize, toText: formatSize, toJson: formatSize };
  return withSchema(numeric('SIZE', 'Size', clause, range, forms), makeSchema);
}

/** A duration in milliseconds: text with its unit. */
export function duration({ canBeOff = false }: { canBeOff?: boolean } = {}): ValueType<number> {
  const range = { min: 1, max: MAX_DURATION_MS, canBeOff };
  const clause = orOff(
    `give a duration such as 500ms, 30s, 5m or 2h, at most ${MAX_DURATION_MS}ms (24 days)`,
    range,
  );
  const makeSchema = (z: Zod): z.ZodType<number> => {
    const text = z.string(clause).regex(DURATION_PATTERN, clause);
    return (canBeOff ? z.union([text, z.literal('off', clause)], clause) : text).transform(
      (value, context) => amount(value, parseDuration, range, clause, context),
    );
  };
  const forms = { parse: parseDuration, toText: formatDuration, toJson: formatDuration };
  const type = numeric('DURATION', 'Duration', clause, range, forms);
  return withSchema({ ...type, fromNumber: (ms) => `${ms}ms` }, makeSchema);
}

const COUNT_PATTERN = /^(0|[1-9]\d*)$/;

/** A whole number of things. */
export function count(range: Range): ValueType<number> {
  const { min, max, canBeOff = false } = range;
  const clause = orOff(`give a whole number from ${min} to ${max}`, range);
  const makeSchema = (z: Zod): z.ZodType<number> => {
    const text = z.string(clause).regex(COUNT_PATTERN, clause);
    const number = z.int(clause).min(min, clause).max(max, clause);
    return (
      canBeOff
        ? z.union([number, text, z.literal('off', clause)], clause)
        : z.union([number, text], clause)
    ).transform((value, context) => amount(value, Number, range, clause, context));
  };
  const parse = (text: string): number | null => (COUNT_PATTERN.test(text) ? Number(text) : null);
  const forms = { parse, toText: String, toJson: (value: number) => value };
  return withSchema(numeric('N', 'number', clause, range, forms), makeSchema);
}

/** A switch: on when its flag is there. */
export function toggle(): ValueType<boolean> {
  const clause = 'give true or false';
  return withSchema<boolean>(
    {
      valueName: '',
      clause,
      typeText: 'boolean',
      isRepeatable: false,
      shortcut: (given) => (typeof given === 'boolean' ? given : undefined),
      fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
      toText: String,
      toJson: (value) => value,
    },
    (z) => z.boolean(clause),
  );
}

/** A switch that decides by itself unless it is set. */
export function toggleOrAuto(): ValueType<boolean | 'auto'> {
  const clause = 'give true, false or auto';
  return withSchema<boolean | 'auto'>(
    {
      valueName: '',
      clause,
      typeText: "boolean | 'auto'",
      isRepeatable: false,
      shortcut: (given) => (typeof given === 'boolean' || given === 'auto' ? given : undefined),
      fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
      toText: String,
      toJson: (value) => value,
    },
    (z) => z.union([z.boolean(clause), z.literal('auto', clause)], clause),
  );
}

/** One of a few words. */
export function choice<const Word extends string>(
  valueName: string,
  words: readonly Word[],
): ValueType<Word> {
  const clause = `choose ${words.slice(0, -1).join(', ')} or ${words.slice(-1).join('')}`;
  return withSchema<Word>(
    {
      valueName,
      clause,
      words,
      typeText: words.map((word) => `'${word}'`).join(' | '),
      isRepeatable: false,
      shortcut: (given) => words.find((word) => word === given),
      fromText: (text) => text,
      toText: (value) => value,
      toJson: (value) => value,
    },
    (z) => z.enum(words, clause),
  );
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
  const read = (text: string): string | null => (text === 'off' ? null : text);
  return withSchema<string | null>(
    {
      valueName,
      clause,
      typeText: 'string',
      isRepeatable: false,
      shortcut: (given) => (typeof given === 'string' && given !== '' ? read(given) : undefined),
      fromText: (text) => text,
      toText: (value) => value ?? 'off',
      toJson: (value) => value ?? 'off',
    },
    (z) => z.string(clause).min(1, clause).transform(read),
  );
}

/** @returns the number that `value` means, or an issue when it is out of range */
function amount(
  value: number | string,
  parse: (text: string) => number | null,
  range: Range,
  clause: string,
  context: z.RefinementCtx,
): number {
  const result = typeof value === 'number' ? value : amountOf(value, parse, range);
  if (result !== undefined) return result;
  return refuse(context, clause);
}

/** @returns undefined for what is none, or out of range */
function amountOf(
  text: string,
  parse: (text: string) => number | null,
  { min, max, canBeOff = false }: Range,
): number | undefined {
  if (canBeOff && text === 'off') return 0;
  const result = parse(text);
  return result !== null && result >= min && result <= max ? result : undefined;
}

function orOff(clause: string, { canBeOff = false }: Range): string {
  return canBeOff ? `${clause}, or off` : clause;
}

/** How numbers of a kind are written. */
interface Forms {
  readonly parse: (text: string) => number | null;
  readonly toText: (value: number) => string;
  readonly toJson: (value: number) => Json;
}

function numeric(
  valueName: string,
  typeText: string,
  clause: string,
  range: Range,
  { parse, toText, toJson }: Forms,
): ValueForm<number> {
  const { canBeOff = false } = range;
  const isOff = (value: number): boolean => canBeOff && value === 0;
  return {
    valueName,
    clause,
    typeText: canBeOff ? `${typeText} | 'off'` : typeText,
    isRepeatable: false,
    shortcut: (given) => (typeof given === 'string' ? amountOf(given, parse, range) : undefined),
    fromText: (text) => text,
    toText: (value) => (isOff(value) ? 'off' : toText(value)),
    toJson: (value) => (isOff(value) ? 'off' : toJson(value)),
  };
}
