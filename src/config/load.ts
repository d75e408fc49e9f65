import { withoutYieldingModes } from './chosen-modes.js';
import { type ReadFile, readConfigFile } from './file.js';
import { checkNeeds } from './needs.js';
import { type OptionTable, defaultValue } from './options/option.js';
import { OPTIONS } from './options/options.js';
import { checkRelations, doubtsAbout } from './relations.js';
import type { Provided, ProvidedSettings, Settings } from './settings.js';
import {
  type Environment,
  type Flags,
  readEnvironment,
  readFlags,
  readPresets,
  strayVariables,
} from './text-sources.js';

/** Where values come from, beside the defaults. */
interface Sources {
  readonly flags: Flags;
  readonly environment: Environment;
  /** Is called for the configuration file and only if one is named. */
  readonly readFile: ReadFile;
}

/** The settings in force, and how they came about. */
export interface Loaded {
  readonly settings: Settings;
  /** Each value with its source. */
  readonly values: ProvidedSettings;
  /** One sentence for each `TWIST_*` variable that is no option, and each value that has no effect or is seldom meant. */
  readonly warnings: readonly string[];
}

/**
 * Brings all sources together: flag before environment before configuration file before
 * `TWIST_DEFAULT_*` variables before default.
 * @throws {ConfigError} with one sentence on the first fault; its `source` is at fault
 */
export function load({ flags, environment, readFile }: Sources): Loaded {
  const fromFlags = readFlags(OPTIONS, flags);
  const fromEnvironment = readEnvironment(OPTIONS, environment);
  const presets = readPresets(OPTIONS, environment);
  const path = fromFlags.get('config') ?? fromEnvironment.get('config') ?? presets.get('config');
  const fromFile = isNamed(path)
    ? readConfigFile(OPTIONS, path, readFile)
    : new Map<string, Provided>();
  const sources = [fromFlags, fromEnvironment, fromFile, presets];
  const given = valuesInForce(OPTIONS, sources) as unknown as ProvidedSettings;
  const values = withoutYieldingModes(given);
  checkRelations(values);
  const presetListen = presets.get('listen') as ProvidedSettings['listen'] | undefined;
  const warnings = [
    ...strayVariables(OPTIONS, environment),
    ...checkNeeds(values),
    ...doubtsAbout(values, presetListen),
  ];
  const settings = settingsOf(values) as unknown as Settings;
  return { settings, values, warnings };
}

/**
 * The value of every option of the table: that of the first source that gives one, else its default.
 * @param sources the strongest first
 */
export function valuesInForce(
  table: OptionTable,
  sources: readonly ReadonlyMap<string, Provided>[],
): Record<string, Provided> {
  const entries = Object.entries(table).map(([key, option]): [string, Provided] => {
    const given = sources.find((source) => source.has(key))?.get(key);
    return [key, given ?? { value: defaultValue(option), source: 'default', from: 'default' }];
  });
  return Object.fromEntries(entries);
}

/** The values alone, without where they come from. */
export function settingsOf(values: Readonly<Record<string, Provided>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value]));
}

function isNamed(path: Provided | undefined): path is Provided<string> {
  return typeof path?.value === 'string';
}
