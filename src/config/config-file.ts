import { configError } from './messages.js';
import { findJsonFault } from './json-fault.js';
import { readObject } from './values/object-values.js';
import type { OptionTable } from './options/option.js';
import type { Provided } from './settings.js';

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
  const help = 'twist config print lists the known ones';
  return readObject(table, json, { source: 'file', from: path.value, help });
}

/** Why a file cannot be read, as a clause. @param error what `node:fs` threw */
export function readFault(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return READ_FAULTS[code] ?? message;
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
