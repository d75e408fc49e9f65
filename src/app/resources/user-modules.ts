/** A user's own modes and extensions, which are loaded from files. */
import { configError, optionName } from '../../config/messages.js';
import type { Provided, ProvidedServerSettings } from '../../config/settings.js';
import type { Extension } from '../../extensions/extension.js';
import type { Files } from '../../modes/built-in.js';
import { type Refuse, defaultOf, importModule } from '../../modes/user-module.js';
import type { Mode } from '../../session/mode.js';
import { readExtension } from '../user-extension.js';
import { readMode } from '../user-mode.js';

export interface UserModules {
  /** Modes by the paths of their files, as the options `mode` and `route` name them. */
  readonly modes: ReadonlyMap<string, Mode>;
  readonly extensions: readonly Extension[];
}

/** Words that a user may give in place of a file: they are options of their own. */
const BUILT_IN = ['echo', 'tcp', 'record', 'replay'] as const;

const UNGIVEN: Provided = { value: null, source: 'default', from: 'default' };

/**
 * Loads the modules that the options `mode`, `route` and `extension` name.
 *
 * @param inPlace what a program has given, which is there already
 * @throws {ConfigError} with one sentence, when a file cannot be loaded or is not what it should be
 */
export async function loadUserModules(
  {
    mode,
    route,
    extension,
    deflate,
  }: Pick<ProvidedServerSettings, 'mode' | 'route' | 'extension' | 'deflate'>,
  files: Files,
  inPlace: UserModules = { modes: new Map(), extensions: [] },
): Promise<UserModules> {
  const extensions = [...inPlace.extensions];
  for (const [index, path] of extension.value.entries()) {
    const refuse = refusalOf(nameOf('extension', extension, index), path, extension);
    const { loaded } = await loadDefault(path, '{ name, create }', files, refuse);
    extensions.push(readExtension(loaded, extensions, deflate.value !== false, refuse));
  }
  const modes = new Map(inPlace.modes);
  const loadMode = async (path: string, refuse: Refuse): Promise<void> => {
    // One module is one mode, however many paths it serves: its sessions may know each other.
    if (modes.has(path)) return;
    const { loaded } = await loadDefault(path, '{ name, message }', files, refuse);
    modes.set(path, readMode(loaded, refuse));
  };
  if (mode.value !== null) {
    const refuse = refusalOf(nameOf('mode', mode), mode.value, mode);
    const word = BUILT_IN.find((key) => key === mode.value);
    await loadMode(mode.value, (clause) =>
      refuse(
        word === undefined
          ? clause
          : `${clause}; the built-in mode is ${optionName(word, UNGIVEN, mode.source)}`,
      ),
    );
  }
  for (const { path, mode: served } of route.value) {
    if (served.kind !== 'mode') continue;
    const isObject = route.source === 'file' || route.source === 'call';
    const place = route.source === 'file' ? ` in ${route.from}` : '';
    const name = isObject
      ? `routes[${JSON.stringify(path)}]${place} cannot be`
      : nameOf('route', route);
    const text = `mode:${served.file}`;
    await loadMode(served.file, refusalOf(name, isObject ? text : `${path}=${text}`, route));
  }
  return { modes, extensions };
}

/** The option as the user wrote it, up to the value: `--mode cannot be`. */
function nameOf(key: string, { value, source, from }: Provided, index = 0): string {
  const isOneOfMany = Array.isArray(value) && value.length > 1;
  const item = isOneOfMany ? `[${index}]` : '';
  if (source === 'file') return `${key}${item} in ${from} cannot be`;
  if (source === 'call') return `${key}${item} cannot be`;
  return `${from} cannot ${source === 'environment' && isOneOfMany ? 'contain' : 'be'}`;
}

function refusalOf(name: string, path: string, { source }: Provided): Refuse {
  return (clause) => {
    throw configError(`${name} ${JSON.stringify(path)}: ${clause}`, source);
  };
}

/** @returns the default export of the module in a file, in an object of its own: no promise asks it for a `then` */
async function loadDefault(
  path: string,
  shape: string,
  files: Files,
  refuse: Refuse,
): Promise<{ readonly loaded: unknown }> {
  const { module } = await importModule(path, files, refuse);
  const loaded = defaultOf(module);
  if (loaded === undefined) refuse(`it has no default export; write export default ${shape}`);
  return { loaded };
}
