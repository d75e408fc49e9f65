/** Reads the configuration again while the server runs, and applies what can be changed: all of it or nothing. */
import type { Loaded } from '../../config/load.js';
import { type Option, fileKeyOf } from '../../config/options/option.js';
import { OPTIONS } from '../../config/options/options.js';
import { checkRelations } from '../../config/relations.js';
import type { ProvidedServerSettings, ServerSettings } from '../../config/settings.js';
import { ConfigError } from '../../errors.js';
import type { Log } from '../../log.js';
import type { Files } from '../../modes/built-in.js';
import type { Reloadable } from '../../reloadable.js';
import { modeProblem } from '../mode-choice.js';
import { permissionWarnings } from '../resources/given-files.js';
import { type Resources, rereadResources } from '../resources/resources.js';

/** How the configuration of a server is read again. */
export interface Rereading {
  /** Brings all sources together once more. @throws {ConfigError} with one sentence on the first fault */
  load(): { readonly values: ProvidedServerSettings } & Pick<Loaded, 'warnings'>;
  readonly files: Files;
}

/** What changes for a running server. */
export interface Change {
  readonly resources: Resources;
  /** Whether modes that were made with the same words still do what they are to. */
  readonly keepsModes: boolean;
}

type Key = keyof ProvidedServerSettings;

/** Options that choose modes, as opposed to those that say what a mode does. */
const CHOICES: readonly string[] = ['echo', 'tcp', 'mode', 'route', 'replay'];
/** Groups of options that say what modes do. */
const OF_MODES: readonly string[] = ['Mode', 'Proxy', 'Recording'];

export class Configuration implements Reloadable {
  readonly what = 'configuration';

  readonly #rereading: Rereading;
  readonly #apply: (change: Change) => void;
  readonly #log: Log;
  #resources: Resources;

  /** @param apply puts a change in force; it is not called for a configuration that has a fault */
  constructor(
    resources: Resources,
    rereading: Rereading,
    apply: (change: Change) => void,
    log: Log,
  ) {
    this.#resources = resources;
    this.#rereading = rereading;
    this.#apply = apply;
    this.#log = log;
  }

  async reload(): Promise<string | null> {
    const { values: wanted, warnings } = this.#rereading.load();
    const { values } = this.#resources;
    const changed = changedKeys(values, wanted);
    const now = changed.filter(canReload);
    const later = changed.filter((key) => !canReload(key));
    if (now.length > 0) await this.#change(merged(values, wanted, now), now);
    if (changed.length === 0) return null;
    for (const warning of [...warnings, ...permissionWarnings(this.#resources.values)])
      this.#log.warn({}, warning);
    return phraseOf(now, later);
  }

  async #change(values: ProvidedServerSettings, keys: readonly Key[]): Promise<void> {
    checkRelations(values);
    const problem = modeProblem(values);
    if (problem !== null) throw new ConfigError(problem);
    const settings = { ...this.#resources.settings, ...settingsIn(values, keys) };
    const ofModes = keys.filter((key) => OF_MODES.includes(OPTIONS[key].group));
    const before = this.#resources;
    const resources =
      ofModes.length === 0
        ? { ...before, settings, values }
        : await rereadResources(before, { settings, values }, this.#rereading.files, this.#log);
    const keepsModes = ofModes.every((key) => CHOICES.includes(key));
    this.#apply({ resources, keepsModes });
    this.#resources = resources;
  }
}

/**
 * @param before as a server was started
 * @param wanted as the configuration was when it was read again
 * @returns as the server is after that reload: for another one that is to be like it
 */
export function reloaded<All extends Pick<Resources, 'settings' | 'values'>>(
  before: All,
  wanted: ProvidedServerSettings,
): All {
  const keys = changedKeys(before.values, wanted).filter(canReload);
  const values = merged(before.values, wanted, keys);
  return { ...before, values, settings: { ...before.settings, ...settingsIn(values, keys) } };
}

/** @returns the options whose value has changed */
function changedKeys(
  before: ProvidedServerSettings,
  wanted: Readonly<Record<Key, { readonly value: unknown }>>,
): Key[] {
  return (Object.keys(before) as Key[]).filter(
    (key) => textOf(key, before[key].value) !== textOf(key, wanted[key].value),
  );
}

function textOf(key: Key, value: unknown): string {
  const option: Option = OPTIONS[key];
  return option.type.toText(value);
}

function canReload(key: Key): boolean {
  const option: Option = OPTIONS[key];
  return option.isReloadable === true;
}

/** What was, with what has changed in these options. */
function merged(
  before: ProvidedServerSettings,
  wanted: ProvidedServerSettings,
  keys: readonly Key[],
): ProvidedServerSettings {
  return { ...before, ...Object.fromEntries(keys.map((key) => [key, wanted[key]])) };
}

function settingsIn(values: ProvidedServerSettings, keys: readonly Key[]): Partial<ServerSettings> {
  return Object.fromEntries(keys.map((key) => [key, values[key].value]));
}

/** `routes, allow; listen, recordSync need a restart` */
function phraseOf(now: readonly Key[], later: readonly Key[]): string {
  const need = later.length === 1 ? 'needs a restart' : 'need a restart';
  const parts = [
    now.map(nameOf).join(', '),
    later.length === 0 ? '' : `${later.map(nameOf).join(', ')} ${need}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function nameOf(key: Key): string {
  return fileKeyOf(key, OPTIONS[key]);
}
