/**
 * Options that have no effect without another one. On a command line, or in a call, that is a mistake
 * of the moment, and an error. The environment and the file are shared by many starts, of which one may
 * well turn off what another one needs: there it is a warning.
 */
import { servedModes } from './chosen-modes.js';
import { configError } from './messages.js';
import { negativeFlagOf, type Need, type Option } from './options/option.js';
import { optionName, type OptionKey } from './messages.js';
import { OPTIONS } from './options/options.js';
import type { RouteMode } from './values/route-text.js';
import type { Provided, ProvidedServerSettings, ProvidedSettings, Source } from './settings.js';

/** What is missing, as a clause that names options as `source` does; null when nothing is. */
type Lack = (values: ProvidedServerSettings, source: Source) => string | null;

const LACKS: Readonly<Record<Need, Lack>> = {
  deflate: (values, source) => {
    const { deflate } = values;
    const name = optionName('deflate', deflate, source);
    if (deflate.value === false)
      return deflate.source === 'flag'
        ? `with ${negativeFlagOf('deflate')}`
        : `while ${name} is false`;
    const isForProxies = deflate.value === 'auto' && servesOnly(values, isProxy);
    return isForProxies ? `for TCP targets without ${name}` : null;
  },
  certificate: ({ tlsCert }, source) =>
    tlsCert.value.length === 0 ? `without ${optionName('tlsCert', tlsCert, source)}` : null,
  'client-ca': ({ tlsClientCa }, source) =>
    tlsClientCa.value === null ? `without ${optionName('tlsClientCa', tlsClientCa, source)}` : null,
  'secure-listener': ({ listen, admin }, source) =>
    admin.value !== null ||
    listen.value.some((address) => address.kind !== 'unix' && address.tls !== false)
      ? null
      : `while ${optionName('listen', listen, source)} has no address for TLS`,
  echo: lackOfEcho,
  passwords: ({ auth, authFile }, source) =>
    auth.value === null && authFile.value === null
      ? `without ${optionName('authFile', authFile, source)} or TWIST_AUTH`
      : null,
  page: (values, source) => {
    const { page, echoControls } = values;
    const lack = lackOfEcho(values, source);
    // The control `info` tells a client of its request, whether there is a page or not.
    if (lack !== null || page.value || echoControls.value) return lack;
    const missing =
      page.source === 'flag'
        ? `with ${negativeFlagOf('page')}`
        : `while ${optionName('page', page, source)} is false`;
    return `${missing}, without ${optionName('echoControls', echoControls, source)}`;
  },
  inspect: (values, source) => {
    // What needs it is an option of a command only, as it is itself.
    const { inspect } = values as ProvidedSettings;
    return inspect.value === null ? `without ${optionName('inspect', inspect, source)}` : null;
  },
  pings: ({ pingInterval }, source) =>
    pingInterval.value === 0
      ? `while ${optionName('pingInterval', pingInterval, source)} is off`
      : null,
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
  tokens: ({ tokenFile }, source) =>
    tokenFile.value === null ? `without ${optionName('tokenFile', tokenFile, source)}` : null,
  unix: ({ listen }, source) =>
    listen.value.some(({ kind }) => kind === 'unix')
      ? null
      : `without a Unix socket: ${optionName('listen', listen, source)} has no unix:PATH`,
};

/**
 * Checks all options.
 * @returns one sentence for each that has no effect and comes from where that is no mistake
 * @throws {ConfigError} for the first one that has none on the command line or in a call
 */
export function checkNeeds(values: ProvidedServerSettings): string[] {
  const warnings: string[] = [];
  for (const [key, option] of Object.entries(OPTIONS) as [OptionKey, Option][]) {
    const { needs } = option;
    const given = (values as Partial<Record<OptionKey, Provided>>)[key];
    if (needs === undefined || given === undefined || !asks(option, given)) continue;
    const lack = LACKS[needs](values, given.source);
    if (lack === null) continue;
    const sentence = `${optionName(key, given)} has no effect ${lack}`;
    if (given.source === 'flag' || given.source === 'call')
      throw configError(sentence, given.source);
    warnings.push(sentence);
  }
  return warnings;
}

/** A value that equals the default asks for nothing: a file in its full form has them all. A preset is for any start. */
function asks({ type, default: unasked }: Option, { value, source }: Provided): boolean {
  return source !== 'preset' && type.toText(value) !== unasked;
}

function lackOfEcho(values: ProvidedServerSettings, source: Source): string | null {
  return servesOnly(values, ({ kind }) => kind !== 'echo')
    ? `without a path that is echoed, such as ${optionName('echo', values.echo, source)} gives`
    : null;
}

/** Whether this holds for all that is served; false when no mode is chosen yet. */
function servesOnly(values: ProvidedServerSettings, is: (mode: RouteMode) => boolean): boolean {
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
