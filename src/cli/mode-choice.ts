import { flagOf, type OptionTable } from '../config/option.js';
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
  const flags = (chosen.length === 0 ? modes : chosen).map(([key]) => flagOf(key));
  return chosen.length === 0
    ? `choose a mode: ${flags.join(' or ')}`
    : `choose one mode, not ${flags.join(' and ')} together`;
}
