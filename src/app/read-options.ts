import { settingsOf, valuesInForce } from '../config/in-force.js';
import { readObject } from '../config/values/object-values.js';
import { checkServerNeeds } from '../config/needs.js';
import { libraryOptions } from '../config/options-type.js';
import { OPTIONS } from '../config/options/options.js';
import { checkRelations } from '../config/relations.js';
import type { ProvidedServerSettings, ServerSettings } from '../config/settings.js';
import type { SettingOptions } from './setting-options.js';

const TABLE = libraryOptions(OPTIONS);

/** How messages speak of the options. */
const PLACE = {
  source: 'call',
  from: 'serve(options)',
  help: 'the type ServeOptions lists the known ones',
} as const;

/**
 * Reads the options of the library that are settings; those not given have their defaults.
 * @throws {ConfigError} with one sentence on the first fault
 */
export function readOptions(options: SettingOptions): ServerSettings {
  const provided = readObject(TABLE, options, PLACE);
  const values = valuesInForce(TABLE, [provided]) as unknown as ProvidedServerSettings;
  checkRelations(values);
  checkServerNeeds(values);
  return settingsOf(values) as unknown as ServerSettings;
}
