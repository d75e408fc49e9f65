/** The options of the library's `serve`, read as settings. */
import { settingsOf, valuesInForce } from '../config/load.js';
import { checkNeeds } from '../config/needs.js';
import { type OptionTable, fileRows, libraryOptions } from '../config/options/option.js';
import { OPTIONS } from '../config/options/options.js';
import { readObject } from '../config/read-object.js';
import { checkRelations, doubtsAbout } from '../config/relations.js';
import type { ProvidedServerSettings, ServerSettings } from '../config/settings.js';
import { EACH_ONCE } from '../config/values/list-values.js';
import { ROUTE_CLAUSES } from '../config/values/proxy-values.js';
import { isRoutePath, pathIdentity } from '../config/values/route-text.js';
import { ConfigError } from '../errors.js';
import type { Mode } from '../session/mode.js';
import type { SettingOptions } from './setting-options.js';
import type { Refuse } from '../modes/user-module.js';
import { type UserMode, readMode } from './user-mode.js';

/** The settings of a call, with modes in place. */
export interface ModeOptions extends Omit<SettingOptions, 'mode' | 'routes'> {
  /** What serves every path that has no route: a mode, the path of its module, or `echo`. */
  readonly mode?: UserMode | string | undefined;
  /**
   * What serves a path: a mode, or `echo`, `tcp:TARGET`, `token`, `mode:FILE` or `replay:FILE`. Every other
   * path is served by `mode`, `echo`, `tcp`, `tokenFile` or `replay`, and is 404 without one of them.
   */
  readonly routes?:
    string | readonly string[] | Readonly<Record<string, UserMode | string>> | undefined;
}

/** What a call says. */
interface ReadOptions {
  readonly settings: ServerSettings;
  readonly values: ProvidedServerSettings;
  /** One sentence for each value that is seldom meant. */
  readonly warnings: readonly string[];
  /** The modes in place, by the names that stand for files in the settings. */
  readonly modes: ReadonlyMap<string, Mode>;
}

const TABLE = libraryOptions(OPTIONS);

/** How messages speak of the options. */
const PLACE = {
  source: 'call',
  from: 'serve(options)',
  help: 'the type ServeOptions lists the known ones',
} as const;

/** Stands for the file of the mode that was given in place. */
const MODE_IN_PLACE = 'mode of serve(options)';

/**
 * Reads the options that are settings; those not given have their defaults.
 * @throws {ConfigError} with one sentence on the first fault
 */
export function readOptions({ mode, routes, ...options }: ModeOptions): ReadOptions {
  const modes = new Map<string, Mode>();
  const given: Record<string, unknown> = { ...options };
  if (mode === 'echo') given['echo'] = true;
  else if (typeof mode === 'string') given['mode'] = mode;
  else if (mode !== undefined) modes.set(MODE_IN_PLACE, readMode(mode, refusalOf('mode')));
  const [texts, inPlace] = splitRoutes(routes);
  if (texts !== undefined) given['routes'] = texts;

  const provided = readObject(TABLE, numbersAsText(TABLE, given), PLACE);
  const values = valuesInForce(TABLE, [provided]) as unknown as ProvidedServerSettings;
  const all = withModes(values, modes, inPlace);
  checkRelations(all);
  const warnings = [...checkNeeds(all), ...doubtsAbout(all)];
  const settings = settingsOf(all) as unknown as ServerSettings;
  return { settings, values: all, warnings, modes };
}

/** @returns a function that says of an option of a call why it cannot be used */
export function refusalOf(option: string): Refuse {
  return (clause) => {
    throw new ConfigError(`${option} cannot be used: ${clause}`, { source: 'call' });
  };
}

type GivenRoutes = NonNullable<ModeOptions['routes']>;

/** Parts the routes that are text, which have a form in every source, from the modes in place. */
function splitRoutes(
  routes: GivenRoutes | undefined,
): [texts: unknown, inPlace: readonly (readonly [path: string, mode: UserMode])[]] {
  if (typeof routes !== 'object' || Array.isArray(routes)) return [routes, []];
  const entries = Object.entries(routes as Readonly<Record<string, UserMode | string>>);
  const inPlace = entries.flatMap(([path, mode]) =>
    typeof mode === 'object' ? [[path, mode] as const] : [],
  );
  return [Object.fromEntries(entries.filter(([, mode]) => typeof mode !== 'object')), inPlace];
}

/** A number of milliseconds or a port is text in every other source. */
function numbersAsText(table: OptionTable, given: Readonly<Record<string, unknown>>): object {
  const rows = new Map(fileRows(table).map(([key, { type }]) => [key, type]));
  const asText = (key: string, value: unknown): unknown => {
    const { fromNumber } = rows.get(key) ?? {};
    if (fromNumber === undefined) return value;
    if (Array.isArray(value)) return value.map((one: unknown) => asText(key, one));
    return typeof value === 'number' ? fromNumber(value) : value;
  };
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, asText(key, value)]));
}

/** Adds the modes in place, each under a name that stands for the file of a mode. */
function withModes(
  values: ProvidedServerSettings,
  modes: Map<string, Mode>,
  inPlace: readonly (readonly [path: string, mode: UserMode])[],
): ProvidedServerSettings {
  const { source, from } = PLACE;
  const routes = [...values.route.value];
  const files = new Map<unknown, string>();
  const seen = new Set(routes.map((route) => pathIdentity(route.path)));
  for (const [path, mode] of inPlace) {
    const name = `routes[${JSON.stringify(path)}]`;
    const refuse = refusalOf(name);
    if (!isRoutePath(path)) refuse(ROUTE_CLAUSES.path);
    if (seen.has(pathIdentity(path))) refuse(`${EACH_ONCE}, by its path`);
    seen.add(pathIdentity(path));
    // One object is one mode, however many paths it serves: its sessions may know each other.
    const file = files.get(mode) ?? name;
    if (!files.has(mode)) modes.set(file, readMode(mode, refuse));
    files.set(mode, file);
    routes.push({ path, mode: { kind: 'mode', file } });
  }
  return {
    ...values,
    ...(modes.has(MODE_IN_PLACE) && { mode: { value: MODE_IN_PLACE, source, from } }),
    ...(inPlace.length > 0 && { route: { value: routes, source, from } }),
  };
}
