import { configError, deepestFault, show, valueAt } from './complaint.js';
import { findJsonFault } from './json-fault.js';
import { didYouMean } from './nearest-name.js';
import type { OptionTable } from './option.js';
import { fileKeys, fileSchema } from './schema.js';
import type { Provided } from './settings.js';
import type { ConfigError } from '../errors.js';

/** Reads a whole file as UTF-8 text; throws what `node:fs` throws. */
export type ReadFile = (path: string) => string;

/** What system errors mean, in words. */
const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission to read it is denied',
  EISDIR: 'it is a directory',
};

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
  const result = fileSchema(table).safeParse(json);
  if (!result.success) throw fileError(table, path.value, json, result.error.issues);
  const provided = new Map<string, Provided>();
  for (const [key, value] of Object.entries(result.data)) {
    if (key !== '$schema') provided.set(key, { value, source: 'file', from: path.value });
  }
  return provided;
}

function readText(path: Provided<string>, readFile: ReadFile): string {
  try {
    return readFile(path.value);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const fault = READ_FAULTS[code] ?? message;
    throw configError(`${path.from} cannot be ${JSON.stringify(path.value)}: ${fault}`, 'file');
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

function fileError(
  table: OptionTable,
  path: string,
  json: unknown,
  issues: Parameters<typeof deepestFault>[0],
): ConfigError {
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const names = fileKeys(table).map(([key]) => key);
    const [key = ''] = issue.keys;
    const help = didYouMean(key, names) || '; twist config print lists the known ones';
    return configError(`${path} has an unknown key ${JSON.stringify(key)}${help}`, 'file');
  }
  const fault = deepestFault(issues.slice(0, 1));
  const [key] = fault.path;
  if (key === undefined) return configError(`${path} must hold one JSON object, { ... }`, 'file');
  const name = fault.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : String(part)))
    .join('');
  const shown = show(valueAt(json, fault.path), table[String(key)]?.isSecret);
  return configError(`${name} in ${path} cannot be ${shown}: ${fault.clause}`, 'file');
}
