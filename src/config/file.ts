import { systemReason } from '../system-reason.js';
import { type JsonFault, parseJson } from './json.js';
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
  const json = readJson(path.value, readText(path, readFile));
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

function readJson(path: string, text: string): unknown {
  try {
    // Some editors put a byte order mark in front, which JSON does not know.
    return parseJson(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const { line, column, message } = error as JsonFault;
    throw configError(`${path}, line ${line}, column ${column}: ${message}`, 'file');
  }
}
