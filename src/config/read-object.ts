import type * as z from 'zod';
import type { ConfigError } from '../errors.js';
import { configError, deepestFault, show, typeAdvice, valueAt } from './messages.js';
import {
  type OptionTable,
  capitalized,
  environmentNameOf,
  fileKeyOf,
  fileRows,
  flagOf,
} from './options/option.js';
import type { Provided } from './settings.js';
import { didYouMean, habitOf } from './suggestions.js';
import { zod } from './zod.js';

/** Values by their keys in the file; options that a file does not name are absent. */
type FileSchema = z.ZodType<Readonly<Record<string, unknown>>>;

/**
 * What a configuration file may hold: the options of the table, all optional, and `$schema`, by which
 * editors find the JSON Schema. Every other key is refused.
 */
export function fileSchema(table: OptionTable): FileSchema {
  const z = zod();
  const rows = fileRows(table).map(([key, { type, help, docs }]) => {
    const description = `${capitalized(help)}. ${docs.replaceAll('`', '')}`;
    return [key, type.schema.optional().meta({ description })];
  });
  const $schema = z
    .string('give the address of a JSON Schema')
    .optional()
    .meta({ description: 'Where the JSON Schema of this file is.' });
  return z.strictObject({ $schema, ...Object.fromEntries(rows) });
}

/** Where an object comes from that holds values by their keys. */
export interface Place {
  readonly source: 'file' | 'call';
  /** How messages speak of it: the path of the file, or `serve(options)`. */
  readonly from: string;
  /** Where the known keys can be read, as a clause. */
  readonly help: string;
}

/**
 * Reads the values of an object, such as the whole of a configuration file.
 * @throws {ConfigError} when it has an unknown key or a value that is not allowed
 */
export function readObject(
  table: OptionTable,
  given: unknown,
  place: Place,
): Map<string, Provided> {
  const result = fileSchema(table).safeParse(given);
  if (!result.success) throw objectError(table, given, result.error.issues, place);
  const provided = new Map<string, Provided>();
  for (const [fileKey, , key] of fileRows(table)) {
    const value = result.data[fileKey];
    const { source, from } = place;
    if (value !== undefined) provided.set(key, { value, source, from });
  }
  return provided;
}

function objectError(
  table: OptionTable,
  given: unknown,
  issues: readonly z.core.$ZodIssue[],
  { source, from, help }: Place,
): ConfigError {
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const names = fileRows(table).map(([key]) => key);
    const [key = ''] = issue.keys;
    const hint = keyHint(table, key, source) || didYouMean(key, names) || `; ${help}`;
    return configError(`${from} has an unknown key ${JSON.stringify(key)}${hint}`, source);
  }
  const fault = deepestFault(issues.slice(0, 1), given);
  const [key] = fault.path;
  if (key === undefined) return configError(`${from} must hold one JSON object, { ... }`, source);
  const path = fault.path
    .map((part, depth) => (depth === 0 ? String(part) : `[${JSON.stringify(part)}]`))
    .join('');
  const name = source === 'file' ? `${path} in ${from}` : path;
  const row = fileRows(table).find(([fileKey]) => fileKey === key)?.[1];
  const shown = show(valueAt(given, fault.path), row?.isSecret);
  if (row === undefined || row.isSecret === true)
    return configError(`${name} cannot be ${shown}: ${fault.clause}`, source);
  const inner = { ...fault, path: fault.path.slice(1) };
  const advice = typeAdvice(row.type, valueAt(given, [key]), inner, shown);
  return configError(`${name} cannot be ${advice.shown}: ${advice.clause}`, source);
}

/** What is known of a key that no option has in such an object. */
function keyHint(table: OptionTable, key: string, source: Place['source']): string {
  if (source === 'file' && table[key]?.isFileKey === false)
    return `: it can only be given by ${environmentNameOf(key)}${table[key].isFlag === false ? '' : ` or ${flagOf(key)}`}`;
  const habit = habitOf(key);
  if (habit === null) return '';
  if ('clause' in habit) return source === 'file' ? `: ${habit.clause}` : '';
  const row = table[habit.key];
  return row === undefined ? '' : `; did you mean ${fileKeyOf(habit.key, row)}?`;
}
