import { environmentNameOf, flagOf, type OptionTable } from '../config/option.js';
import type { Provided } from '../config/settings.js';

/**
 * Looks whether exactly one mode is chosen.
 * @returns what to tell the user, or null when all is well
 */
export function modeProblem(
  table: OptionTable,
  values: Readonly<Record<string, Provided>>,
): string | null {
  const modes = Object.entries(table).filter(([, { group }]) => group === 'Mode');
  const chosen = modes.filter(
    ([key, option]) => option.kind.toText(values[key]?.value) !== option.default,
  );
  if (chosen.length === 1) return null;
  if (chosen.length === 0) {
    const flags = modes.map(([key, { kind }]) => `${flagOf(key)} ${kind.valueName}`.trim());
    return `choose a mode: ${flags.join(' or ')}`;
  }
  const names = chosen.map(([key]) => nameOf(key, values[key]));
  return `choose one mode, not ${names.join(' and ')} together`;
}

/** The option as the user wrote it. */
function nameOf(key: string, provided: Provided | undefined): string {
  if (provided?.source === 'file') return `${key} in ${provided.from}`;
  return provided?.source === 'environment' ? environmentNameOf(key) : flagOf(key);
}
