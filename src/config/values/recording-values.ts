/** Types of values that recordings and their replay have. */
import { EACH_ONCE, NONE, itemsOf, parsed } from './list-values.js';
import { SIZE_PATTERN, formatSize, parseSize } from './units.js';
import { type ValueType, refuse, withSchema } from './values.js';

/** Words that stand for a size, and which. */
type SizeWords = Readonly<Record<string, number>>;

interface WordOrSize {
  readonly words: SizeWords;
  readonly min: number;
  readonly max: number;
}

/** How much of each payload: `full` (Infinity), `none` (0), or a size in bytes. */
export function payloadShare(): ValueType<number> {
  return wordOrSize({ words: { full: Infinity, none: 0 }, min: 1, max: 1024 ** 3 });
}

/** When to begin a new file: a size in bytes, or `off` (0) for never. */
export function fileSize(): ValueType<number> {
  return wordOrSize({ words: { off: 0 }, min: 64 * 1024, max: 1024 ** 4 });
}

/** What is recorded as it is: `*` for all, or names, whose case does not count. */
type ShownNames = typeof ALL | readonly string[];

const ALL = '*';

/** Names of headers. */
export function headerNames(): ValueType<ShownNames> {
  return shownNames(
    /^[!#$%&'+\-.^_`|~0-9a-z]+$/,
    'give none, * for all of them, or names of headers separated by commas, such as x-room,x-client-version',
  );
}

/** Names of parameters of a URL's query, decoded. */
export function queryNames(): ValueType<ShownNames> {
  return shownNames(
    /^[^\s,&;=#*]+$/u,
    'give none, * for all of them, or names of parameters separated by commas, such as room,client',
  );
}

function shownNames(pattern: RegExp, clause: string): ValueType<ShownNames> {
  const parseName = (text: string): string | null => {
    const lowercase = text.toLowerCase();
    return lowercase !== NONE && pattern.test(lowercase) ? lowercase : null;
  };
  return withSchema<ShownNames>(
    {
      valueName: 'LIST',
      clause,
      typeText: 'string | readonly string[]',
      isRepeatable: false,
      shortcut: (given) => (given === ALL ? ALL : given === NONE ? [] : undefined),
      fromText: (value) => value,
      toText: (names) => (names === ALL ? ALL : names.length === 0 ? NONE : names.join(',')),
      toJson: (names) => (names.length === 0 ? NONE : names),
    },
    (z) => {
      const list = z
        .array(parsed(z, parseName, clause), clause)
        .refine((names) => new Set(names).size === names.length, EACH_ONCE);
      const text = z.string(clause).transform((value, context): ShownNames => {
        if (value === ALL) return ALL;
        return itemsOf(list, value === NONE ? [] : value.split(','), context);
      });
      return z.union([text, list], clause);
    },
  );
}

function wordOrSize({ words, min, max }: WordOrSize): ValueType<number> {
  const least = min % 1024 === 0 ? formatSize(min) : `${min} byte`;
  const names = Object.keys(words);
  const clause = `give ${names.join(', ')} or a size from ${least} to ${formatSize(max)}, such as ${formatSize(min * 1024)}`;
  const sizeOf = (text: string): number | undefined => {
    if (names.includes(text)) return words[text];
    const bytes = parseSize(text);
    return bytes !== null && bytes >= min && bytes <= max ? bytes : undefined;
  };
  const toText = (bytes: number): string =>
    names.find((name) => words[name] === bytes) ?? formatSize(bytes);
  return withSchema<number>(
    {
      valueName: 'SIZE',
      clause,
      typeText: [...names.map((name) => `'${name}'`), 'Size'].join(' | '),
      isRepeatable: false,
      shortcut: (given) => (typeof given === 'string' ? sizeOf(given) : undefined),
      fromText: (text) => text,
      toText,
      toJson: toText,
    },
    (z) =>
      z
        .union(
          [
            z.int(clause).min(min, clause).max(max, clause),
            z.enum(names, clause),
            z.string(clause).regex(SIZE_PATTERN, clause),
          ],
          clause,
        )
        .transform((value, context) =>
          typeof value === 'number' ? value : (sizeOf(value) ?? refuse(context, clause)),
        ),
  );
}

const OFF = 'off';

/** Beside 0. A smaller one would be written as `1e-7`. */
const MIN_FACTOR = 0.001;
const MAX_FACTOR = 1_000_000;

/** How much faster something is: a number, decimals allowed; 0 has a meaning of its own. */
export function factor(): ValueType<number> {
  const clause = `give 0, or a number from ${MIN_FACTOR} to ${MAX_FACTOR} such as 0.5 or 10`;
  return withSchema<number>(
    {
      valueName: 'FACTOR',
      clause,
      typeText: 'number',
      isRepeatable: false,
      shortcut: (given) => (given === '1' ? 1 : undefined),
      fromText: (given) => given,
      toText: String,
      toJson: (value) => value,
    },
    (z) => {
      const text = z.string(clause).regex(/^(0|[1-9]\d*)(\.\d+)?$/, clause);
      return z
        .union([z.number(clause), text], clause)
        .transform(Number)
        .refine((value) => value === 0 || (value >= MIN_FACTOR && value <= MAX_FACTOR), clause);
    },
  );
}

/** Which session of a recording: an id, the beginning of one, or a number; `off` (null) for none. */
export function recordedSession(): ValueType<string | null> {
  const clause = 'give the id of a session, the beginning of it or its number, or off';
  return withSchema<string | null>(
    {
      valueName: 'SESSION',
      clause,
      typeText: 'string | number',
      isRepeatable: false,
      shortcut: (given) => (given === OFF ? null : undefined),
      fromText: (given) => given,
      toText: (value) => value ?? OFF,
      toJson: (value) => value ?? OFF,
    },
    (z) => {
      const text = z.string(clause).min(1, clause);
      return z
        .union([z.int(clause).min(1, clause), text], clause)
        .transform((given) => (given === OFF ? null : String(given)));
    },
  );
}
