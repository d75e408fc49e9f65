import { environmentNameOf, fileKeyOf, flagOf, presetNameOf, type Option } from './option.js';
import { OPTIONS } from './options.js';
import type { Provided } from '../settings.js';

/** The key of an option in the table. */
export type OptionKey = keyof typeof OPTIONS;

/**
 * How messages speak of an option: as the user wrote it, `--listen`, `TWIST_LISTEN` or
 * `listen in twist.json`.
 * @param other the source of the option that it is named together with: one that stands at its default
 *   is named in that manner
 */
export function optionName(
  key: OptionKey,
  { source, from }: Provided,
  other: Provided['source'] = source,
): string {
  const manner = source === 'default' ? other : source;
  if (manner === 'flag') return flagOf(key);
  if (manner === 'environment') return environmentNameOf(key);
  if (manner === 'preset') return presetNameOf(key);
  const row: Option = OPTIONS[key];
  const fileKey = fileKeyOf(key, row);
  return source === 'file' ? `${fileKey} in ${from}` : fileKey;
}
