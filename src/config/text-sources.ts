/** Values that are given as text: by flags and by environment variables. */
import { configError, deepestFault, show, valueAt } from './messages.js';
import {
  type Option,
  type OptionTable,
  environmentNameOf,
  flagOf,
  negativeFlagOf,
  presetNameOf,
} from './options/option.js';
import type { Provided, Source } from './settings.js';
import { readValue } from './values/values.js';
import { RENAMED, habitOf, nearestName } from './suggestions.js';

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
    const value = typeof given === 'string' ? option.type.fromText(given) : given;
    provided.set(key, readTextValue(option, flag, value, 'flag'));
  }
  return provided;
}

/** The variables of a process, as Node has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the values that `TWIST_*` variables give.
 * @throws {ConfigError} when one is not allowed
 */
export function readEnvironment(
  table: OptionTable,
  environment: Environment,
): Map<string, Provided> {
  return readVariables(table, environment, environmentNameOf, 'environment');
}

/**
 * Reads the values that `TWIST_DEFAULT_*` variables give: those that replace defaults.
 * @throws {ConfigError} when one is not allowed
 */
export function readPresets(table: OptionTable, environment: Environment): Map<string, Provided> {
  return readVariables(table, environment, presetNameOf, 'preset');
}

function readVariables(
  table: OptionTable,
  environment: Environment,
  nameOf: (key: string) => string,
  source: 'environment' | 'preset',
): Map<string, Provided> {
  // Names are made for those who have some: it takes a millisecond.
  if (!Object.keys(environment).some(isOfTwist)) return new Map();
  for (const [oldKey, key] of RENAMED) {
    // The server would start without what the variable says, and a warning is easily missed.
    if (environment[nameOf(oldKey)] !== undefined && table[key] !== undefined)
      throw configError(`${nameOf(oldKey)} is called ${nameOf(key)} now`, source);
  }
  const provided = new Map<string, Provided>();
  for (const [key, option] of Object.entries(table)) {
    const name = nameOf(key);
    const text = environment[name];
    if (text === undefined) continue;
    provided.set(key, readTextValue(option, name, option.type.fromText(text), source));
  }
  return provided;
}

/**
 * Names the `TWIST_*` variables that are no option. They are no errors: the environment is shared,
 * and not all of it is written for us.
 * @returns one sentence for each
 */
export function strayVariables(table: OptionTable, environment: Environment): string[] {
  const given = Object.keys(environment).filter(isOfTwist);
  if (given.length === 0) return [];
  const names = Object.keys(table).flatMap((key) => [environmentNameOf(key), presetNameOf(key)]);
  return given
    .filter((name) => !names.includes(name))
    .filter((name) => !isServiceLink(name, environment[name] ?? ''))
    .sort()
    .map((name) => `${name} is not an option of twist and has no effect${suggestion(name, names)}`);
}

function isOfTwist(name: string): boolean {
  return name.startsWith('TWIST_');
}

/** What all names begin with makes none of them alike. */
function suggestion(name: string, names: readonly string[]): string {
  const habit = habitOf(name.slice('TWIST_'.length).toLowerCase());
  if (habit !== null)
    return 'clause' in habit
      ? `: ${habit.clause}`
      : `; did you mean ${environmentNameOf(habit.key)}?`;
  const nearest = nearestName(
    name.slice('TWIST_'.length),
    names.map((each) => each.slice('TWIST_'.length)),
  );
  return nearest === null ? '' : `; did you mean TWIST_${nearest}?`;
}

/**
 * Kubernetes puts the address of each service into the environment of each pod: a service named
 * twist makes `TWIST_SERVICE_HOST`, `TWIST_PORT=tcp://10.0.0.1:9001`, `TWIST_PORT_9001_TCP_ADDR` and
 * more. No user wrote them, so there is no warning.
 */
function isServiceLink(name: string, text: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_.+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text))
  );
}

/**
 * Reads a value that a flag or an environment variable gives.
 * @param name as the user wrote it: `--listen` or `TWIST_LISTEN`
 * @param given the JSON form of the value, not yet judged
 * @throws {ConfigError} when it is not allowed
 */
function readTextValue(option: Option, name: string, given: unknown, source: Source): Provided {
  const result = readValue(option.type, given);
  if (result.success) return { value: result.data, source, from: name };
  const { path, clause } = deepestFault(result.error.issues, given);
  // Each repeated flag holds one item; a variable holds them all.
  const verb = source !== 'flag' && path.length > 0 ? 'cannot contain' : 'cannot be';
  const shown = show(valueAt(given, path), option.isSecret);
  throw configError(`${name} ${verb} ${shown}: ${clause}`, source);
}
