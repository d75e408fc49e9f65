/** What a server serves: at most one mode for every path, and at least that or a route. */
import { MODES, chosenModes } from '../config/chosen-modes.js';
import { configError, optionName } from '../config/messages.js';
import { type Option, fileKeyOf, flagOf } from '../config/options/option.js';
import { OPTIONS } from '../config/options/options.js';
import { STRENGTH } from '../config/relations.js';
import type { ProvidedServerSettings } from '../config/settings.js';
import type { RouteMode } from '../config/values/route-text.js';

/** The mode that serves every path that has no route; null when none is chosen. */
export function chosenMode(values: ProvidedServerSettings): RouteMode | null {
  const [chosen] = Object.values(chosenModes(values));
  if (chosen !== undefined) return chosen;
  // Recording and no mode: everything is to be recorded.
  const isCollector = values.record.value !== null && values.route.value.length === 0;
  return isCollector ? { kind: 'record' } : null;
}

/**
 * Checks that no two modes are to serve every path.
 * @throws {ConfigError} that names all of them; its `source` is that of the one that was set last
 */
export function checkModes(values: ProvidedServerSettings): void {
  const modes = chosenModes(values);
  const chosen = MODES.filter((key) => modes[key] !== undefined);
  if (chosen.length <= 1) return;
  const names = chosen.map((key) => optionName(key, values[key]));
  const source = chosen
    .map((key) => values[key].source)
    .reduce((one, other) => (STRENGTH[other] > STRENGTH[one] ? other : one));
  throw configError(`choose one mode, not ${names.join(' and ')} together`, source);
}

/**
 * @param source how options are named
 * @returns what to say when nothing is chosen to be served; null when something is
 */
export function modeProblem(
  values: ProvidedServerSettings,
  source: 'flag' | 'call' = 'flag',
): string | null {
  if (values.route.value.length > 0 || chosenMode(values) !== null) return null;
  const names = [...MODES, 'record' as const, 'route' as const].map((key) => {
    const option: Option = OPTIONS[key];
    return source === 'call'
      ? fileKeyOf(key, option)
      : `${flagOf(key)} ${option.type.valueName}`.trim();
  });
  return `choose a mode: ${names.slice(0, -1).join(', ')} or ${String(names.at(-1))}`;
}
