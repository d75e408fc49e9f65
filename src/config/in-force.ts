import { defaultValue, type OptionTable } from './options/option.js';
import type { Provided } from './settings.js';

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
