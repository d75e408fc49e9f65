import { flagOf, negativeFlagOf, type OptionTable } from './options/option.js';
import type { Provided } from './settings.js';
import { readTextValue } from './values/text-value.js';

/**
 * What the command line gave, by option key: the text of a value, all texts of a flag that may be
 * repeated, or whether a switch was turned on (`--echo`) or off (`--no-echo`).
 */
export type Flags = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

/**
 * Reads the values that flags give.
 * @throws {ConfigError} when one is not allowed
 */
export function readFlags(table: OptionTable, flags: Flags): Map<string, Provided> {
  const provided = new Map<string, Provided>();
  for (const [key, option] of Object.entries(table)) {
    const given = flags[key];
    if (given === undefined) continue;
    const flag = given === false ? negativeFlagOf(key) : flagOf(key);
    const value = typeof given === 'string' ? option.kind.fromText(given) : given;
    provided.set(key, readTextValue(option, flag, value, 'flag'));
  }
  return provided;
}
