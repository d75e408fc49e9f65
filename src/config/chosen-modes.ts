/** Which of the options that say what is served are in force. */
import { defaultValue, type Option } from './options/option.js';
import { OPTIONS } from './options/options.js';
import type { RouteMode } from './values/route-text.js';
import type { Provided, ProvidedServerSettings, ProvidedSettings } from './settings.js';

/** The options that each are a mode for every path that has no route. */
export const MODES = ['echo', 'tcp', 'tokenFile', 'mode', 'replay'] as const;

type ModeKey = (typeof MODES)[number];

/** Whoever gives one of these has said what is to be served. */
const CHOICES = [...MODES, 'route', 'record'] as const;

/** Of {@link MODES} those that are given, with the mode that each of them means. */
export function chosenModes({
  echo,
  tcp,
  tokenFile,
  mode,
  replay,
  route,
}: ProvidedServerSettings): Partial<Record<ModeKey, RouteMode>> {
  // Tokens that routes use are not meant for all other paths.
  const hasTokenRoute = route.value.some((one) => one.mode.kind === 'token');
  return {
    ...(echo.value && { echo: { kind: 'echo' } }),
    ...(tcp.value !== null && { tcp: { kind: 'tcp', target: tcp.value } }),
    ...(tokenFile.value !== null && !hasTokenRoute && { tokenFile: { kind: 'token' } }),
    ...(mode.value !== null && { mode: { kind: 'mode', file: mode.value } }),
    ...(replay.value !== null && { replay: { kind: 'replay', file: replay.value } }),
  };
}

/** Everything that serves some path. */
export function servedModes(values: ProvidedServerSettings): RouteMode[] {
  return [...values.route.value.map(({ mode }) => mode), ...Object.values(chosenModes(values))];
}

/**
 * A mode that is only preset gives way to anything that a user chose: an image that serves echo by
 * itself can be given a target, a route or a recording without being told to stop echoing.
 */
export function withoutYieldingModes(values: ProvidedSettings): ProvidedSettings {
  const isChosen = CHOICES.some((key) => isGiven(OPTIONS[key], values[key]));
  if (!isChosen) return values;
  const unset = MODES.filter((key) => values[key].source === 'preset').map((key) => [
    key,
    { value: defaultValue<unknown>(OPTIONS[key]), source: 'default', from: 'default' },
  ]);
  return { ...values, ...(Object.fromEntries(unset) as Partial<ProvidedSettings>) };
}

function isGiven({ type, default: unchosen }: Option, { value, source }: Provided): boolean {
  return source !== 'preset' && source !== 'default' && type.toText(value) !== unchosen;
}
