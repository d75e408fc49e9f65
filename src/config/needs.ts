/**
 * Options that have no effect without another one. On a command line, or in a call, that is a mistake
 * of the moment, and an error. The environment and the file are shared by many starts, of which one may
 * well turn off what another one needs: there it is a warning.
 */
import { servedModes } from './chosen-modes.js';
import { configError } from './messages.js';
import { negativeFlagOf, type Need, type Option } from './options/option.js';
import { optionName, type OptionKey } from './options/option-name.js';
import { OPTIONS } from './options/options.js';
import type { RouteMode } from './values/route-text.js';
import type { Provided, ProvidedServerSettings, ProvidedSettings, Source } from './settings.js';

/** What is missing, as a clause that names options as `source` does; null when nothing is. */
type Lack<Values> = (values: Values, source: Source) => string | null;

/** What every server has, however it is started. */
const SERVER_LACKS = {
  deflate: ({ deflate }, source) => {
    if (deflate.value !== false) return null;
    if (deflate.source === 'flag') return `with ${negativeFlagOf('deflate')}`;
    return `while ${optionName('deflate', deflate, source)} is false`;
  },
  pings: ({ pingInterval }, source) =>
    pingInterval.value === 0
      ? `while ${optionName('pingInterval', pingInterval, source)} is off`
      : null,
} as const satisfies Partial<Record<Need, Lack<ProvidedServerSettings>>>;

const LACKS: Readonly<Record<Need, Lack<ProvidedSettings>>> = {
  ...SERVER_LACKS,
  deflate: (values, source) => {
    const isForProxies = values.deflate.value === 'auto' && servesOnly(values, isProxy);
    return isForProxies
      ? `for TCP targets without ${optionName('deflate', values.deflate, source)}`
      : SERVER_LACKS.deflate(values, source);
  },
  record: ({ record }, source) =>
    record.value === null ? `without ${optionName('record', record, source)}` : null,
  replay: (values, source) =>
    servedModes(values).some(({ kind }) => kind === 'replay')
      ? null
      : `without ${optionName('replay', values.replay, source)}`,
  target: (values, source) =>
    servesOnly(values, (mode) => !isProxy(mode))
      ? `without a TCP target, such as ${optionName('tcp', values.tcp, source)} gives`
      : null,
  tls: (values) =>
    servesOnly(values, (mode) => !canUseTls(mode)) ? 'without a tls:// target' : null,
};

/**
 * Checks the options that every server has.
 * @throws {ConfigError} for the first one that has no effect
 */
export function checkServerNeeds(values: ProvidedServerSettings): void {
  const lacks: Partial<Record<Need, Lack<ProvidedServerSettings>>> = SERVER_LACKS;
  findIdle(values, (need, source) => lacks[need]?.(values, source) ?? null);
}

/**
 * Checks all options.
 * @returns one sentence for each that has no effect and comes from where that is no mistake
 * @throws {ConfigError} for the first one that has none on the command line
 */
export function checkNeeds(values: ProvidedSettings): string[] {
  return findIdle(values, (need, source) => LACKS[need](values, source));
}

function findIdle(
  values: Readonly<Partial<Record<OptionKey, Provided>>>,
  lackOf: (need: Need, source: Source) => string | null,
): string[] {
  const warnings: string[] = [];
  for (const [key, option] of Object.entries(OPTIONS) as [OptionKey, Option][]) {
    const { needs } = option;
    const given = values[key];
    if (needs === undefined || given === undefined || !asks(option, given)) continue;
    const lack = lackOf(needs, given.source);
    if (lack === null) continue;
    const sentence = `${optionName(key, given)} has no effect ${lack}`;
    if (given.source === 'flag' || given.source === 'call')
      throw configError(sentence, given.source);
    warnings.push(sentence);
  }
  return warnings;
}

/** Who gives a default asks for nothing: a file in its full form does. A preset is for any start. */
function asks({ kind, default: unasked }: Option, { value, source }: Provided): boolean {
  return source !== 'preset' && kind.toText(value) !== unasked;
}

/** Whether all that is served is so; false when nobody has chosen yet what is. */
function servesOnly(values: ProvidedSettings, is: (mode: RouteMode) => boolean): boolean {
  const modes = servedModes(values);
  if (modes.length === 0 && values.record.value !== null) return is({ kind: 'record' });
  return modes.length > 0 && modes.every(is);
}

function isProxy({ kind }: RouteMode): boolean {
  return kind === 'tcp' || kind === 'token';
}

/** A token may lead anywhere. */
function canUseTls(mode: RouteMode): boolean {
  return mode.kind === 'token' || (mode.kind === 'tcp' && mode.target.kind === 'tls');
}
