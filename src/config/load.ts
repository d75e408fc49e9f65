import { readConfigFile, type ReadFile } from './config-file.js';
import { withoutYieldingModes } from './chosen-modes.js';
import { doubtsAbout } from './doubts.js';
import { readEnvironment, readPresets, strayVariables, type Environment } from './environment.js';
import { readFlags, type Flags } from './flags.js';
import { settingsOf, valuesInForce } from './in-force.js';
import { loopbackWarning } from './loopback-warning.js';
import { checkNeeds } from './needs.js';
import { OPTIONS } from './options/options.js';
import { checkRelations } from './relations.js';
import type { Provided, ProvidedSettings, Settings } from './settings.js';

/** Where values come from, beside the defaults. */
export interface Sources {
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
 * @throws {ConfigError} with one sentence on the first fault; its `cause` is the {@link Source} at fault
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
  const warnings = [
    ...strayVariables(OPTIONS, environment),
    ...checkNeeds(values),
    ...doubtsAbout(values),
  ];
  const presetListen = presets.get('listen') as ProvidedSettings['listen'] | undefined;
  const unreachable = loopbackWarning(values.listen, presetListen);
  if (unreachable !== null) warnings.push(unreachable);
  const settings = settingsOf(values) as unknown as Settings;
  return { settings, values, warnings };
}

function isNamed(path: Provided | undefined): path is Provided<string> {
  return typeof path?.value === 'string';
}
