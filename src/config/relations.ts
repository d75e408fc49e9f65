/** What options have to do with each other. */
import { isLoopbackHost } from '../net/address-range.js';
import { type ListenAddress, formatListenAddress } from '../net/socket-address.js';
import { configError, optionName, show } from './messages.js';
import { OPTIONS } from './options/options.js';
import type { Provided, ProvidedServerSettings, ProvidedSettings, Source } from './settings.js';
import type { AdminAddress } from './values/operation-values.js';
import { formatSize } from './values/units.js';
import { formatRouteMode, isSamePath } from './values/route-text.js';

/** The options that are compared by their size. */
type RelatedKey = 'outputPause' | 'outputLimit' | 'maxRequestLine' | 'maxHeaderLine' | 'maxHead';

/** Options of which the first must not be above the second. */
const ORDERED: readonly (readonly [low: RelatedKey, high: RelatedKey])[] = [
  ['outputPause', 'outputLimit'],
  ['maxRequestLine', 'maxHead'],
  ['maxHeaderLine', 'maxHead'],
];

/** Sources by their strength: the strongest one is what the user set last. */
export const STRENGTH: Readonly<Record<Source, number>> = {
  flag: 4,
  environment: 3,
  file: 2,
  call: 2,
  preset: 1,
  default: 0,
};

/**
 * Checks options that others bound, need or exclude.
 * @throws {ConfigError} that names both options and blames the one the user set last
 */
export function checkRelations(
  values: ProvidedServerSettings &
    Partial<Pick<ProvidedSettings, 'workers' | 'once' | 'idleExit' | 'inspect' | 'inspectToken'>>,
): void {
  for (const [low, high] of ORDERED) {
    if (values[low].value <= values[high].value) continue;
    const isLowToBlame = STRENGTH[values[low].source] > STRENGTH[values[high].source];
    const [blamed, other] = isLowToBlame ? [low, high] : [high, low];
    const { source } = values[blamed];
    const name = optionName(blamed, values[blamed]);
    const otherName = optionName(other, values[other], source);
    const bound = `it must be at ${isLowToBlame ? 'most' : 'least'} ${otherName}, which is ${text(other, values)}`;
    throw configError(
      `${name} cannot be ${show(text(blamed, values))}: ${bound}${byDefault(values[other])}`,
      source,
    );
  }
  checkMemory(values);
  const { trustProxy, trustProxyHeader } = values;
  // Without a trusted proxy nobody sends that header.
  if (trustProxyHeader.value === 'proxy-protocol' && trustProxy.value.length === 0) {
    const proxies = optionName('trustProxy', trustProxy, trustProxyHeader.source);
    refuse('trustProxyHeader', trustProxyHeader, `${proxies} must name the proxies that send it`);
  }
  checkPair('targetCert', 'targetKey', values);
  checkPair('targetKey', 'targetCert', values);
  checkTls(values);
  checkTokenRoutes(values);
  checkHealth(values);
  checkPort('admin', values.admin, 'listen', values.listen, values.listen.value);
  if (values.inspect !== undefined && values.inspectToken !== undefined)
    checkInspect(values.inspect, values.inspectToken, values);
  if (values.workers !== undefined) {
    checkWorkers(values.workers, values);
    checkAlone('once', values.once, values.workers);
    checkAlone('idleExit', values.idleExit, values.workers);
  }
  const { auth, authFile } = values;
  if (auth.value !== null && authFile.value !== null)
    refuse('authFile', authFile, `${optionName('auth', auth)} is set as well; choose one`);
}

/**
 * How many of the largest messages must fit: one as it came, what it inflates to, and its answer take three
 * and a quarter, and from 80 % of the limit on nothing is read.
 */
export const MESSAGES_IN_MEMORY = 4;

/** A client alone must be able to send the largest message. What `auto` is depends on the machine, which says so itself. */
function checkMemory({ maxMemory, maxMessage }: ProvidedServerSettings): void {
  if (maxMemory.value === 'auto') return;
  if (maxMemory.value >= MESSAGES_IN_MEMORY * maxMessage.value) return;
  const isMemoryToBlame = STRENGTH[maxMemory.source] >= STRENGTH[maxMessage.source];
  const [key, blamed, otherKey, other] = isMemoryToBlame
    ? (['maxMemory', maxMemory, 'maxMessage', maxMessage] as const)
    : (['maxMessage', maxMessage, 'maxMemory', maxMemory] as const);
  const otherName = optionName(otherKey, other, blamed.source);
  const bound = isMemoryToBlame
    ? `at least four times ${otherName}`
    : `at most a quarter of ${otherName}`;
  throw configError(
    `${optionName(key, blamed)} cannot be ${show(formatSize(blamed.value as number))}: it must be ${bound}, ` +
      `which is ${formatSize(other.value as number)}${byDefault(other)}`,
    blamed.source,
  );
}

/** Of two options that belong together the one that is given asks for the other one. */
function checkPair(
  key: 'targetCert' | 'targetKey',
  otherKey: 'targetCert' | 'targetKey',
  values: ProvidedServerSettings,
): void {
  const { [key]: given, [otherKey]: other } = values;
  if (given.value === null || other.value !== null) return;
  refuse(key, given, `${optionName(otherKey, other, given.source)} must be given with it`);
}

/** Each process writes a file of its own. That `auto` may be one process does not count: it depends on the machine. */
function checkWorkers(
  workers: ProvidedSettings['workers'],
  { record }: ProvidedServerSettings,
): void {
  if (workers.value === 1 || record.value === null) return;
  if (record.value.replaceAll('%%', '').includes('%w')) return;
  const { source } = record;
  const name = record.value === '-' ? 'traffic.ndjson' : record.value;
  const dot = name.lastIndexOf('.');
  const end = dot > name.lastIndexOf('/') + 1 ? dot : name.length;
  throw configError(
    `${optionName('record', record)} cannot be ${show(record.value)}: ${optionName('workers', workers)} is ${workers.value}, so ` +
      `each process writes a file of its own; put its number, %w, into the name, such as ${show(`${name.slice(0, end)}-%w${name.slice(end)}`)}`,
    STRENGTH[workers.source] > STRENGTH[source] ? workers.source : source,
  );
}

/** Only a single process can end by itself: each of several would count its own sessions. */
function checkAlone(
  key: 'once' | 'idleExit',
  given: Provided<boolean | number> | undefined,
  workers: ProvidedSettings['workers'],
): void {
  if (given === undefined || given.value === false || given.value === 0) return;
  if (workers.value === 1) return;
  const source = STRENGTH[workers.source] > STRENGTH[given.source] ? workers.source : given.source;
  throw configError(
    `${optionName(key, given)} cannot be set while ${optionName('workers', workers)} is ${workers.value}: ` +
      `only a server of one process ends by itself`,
    source,
  );
}

/** A certificate has a key, and an address of TLS has a certificate. */
function checkTls({
  listen,
  tlsCert,
  tlsKey,
  tlsKeyPassphrase,
  ...rest
}: ProvidedServerSettings): void {
  const [certs, keys] = [tlsCert.value.length, tlsKey.value.length];
  if (certs !== keys) {
    const [key, more, otherKey, less] =
      certs > keys
        ? (['tlsCert', tlsCert, 'tlsKey', tlsKey] as const)
        : (['tlsKey', tlsKey, 'tlsCert', tlsCert] as const);
    const other = optionName(otherKey, less, more.source);
    const clause =
      less.value.length === 0
        ? `${other} must be given with it`
        : `give as many ${other}, in the same order; there ${less.value.length === 1 ? 'is' : 'are'} ${less.value.length}`;
    refuse(key, { ...more, value: more.value.join(',') }, clause);
  }
  const { tlsKeyPassphraseFile } = rest;
  if (tlsKeyPassphrase.value !== null && tlsKeyPassphraseFile.value !== null)
    refuse(
      'tlsKeyPassphraseFile',
      tlsKeyPassphraseFile,
      `${optionName('tlsKeyPassphrase', tlsKeyPassphrase)} is set as well; choose one`,
    );
  const secure = listen.value.find((address) => address.kind !== 'unix' && address.tls === true);
  if (secure !== undefined && certs === 0)
    refuse(
      'listen',
      { ...listen, value: formatListenAddress(secure) },
      `${optionName('tlsCert', tlsCert, listen.source)} must be given with it`,
    );
}

function checkTokenRoutes({ route, tokenFile }: ProvidedServerSettings): void {
  const found = route.value.find(({ mode }) => mode.kind === 'token');
  if (found === undefined || tokenFile.value !== null) return;
  const name = optionName('route', route);
  const tokens = optionName('tokenFile', tokenFile, route.source);
  const shown = show(`${found.path}=${formatRouteMode(found.mode)}`);
  throw configError(
    `${name} cannot ${route.source === 'flag' ? 'be' : 'contain'} ${shown}: ${tokens} must name the file of the tokens`,
    route.source,
  );
}

/** One path cannot be a route and say whether the server is well. */
function checkHealth({ health, route }: ProvidedServerSettings): void {
  const { value } = health;
  if (value === null || !route.value.some(({ path }) => isSamePath(path, value))) return;
  refuse('health', health, `${optionName('route', route, health.source)} has a route of that path`);
}

/** Two listeners cannot share a port. Every address overlaps each single one. */
function checkPort(
  key: 'admin' | 'inspect',
  given: Provided<AdminAddress | null>,
  otherKey: 'listen' | 'admin',
  other: Provided,
  addresses: readonly ListenAddress[],
): void {
  const { value } = given;
  if (value === null || value.port === 0) return;
  const isTaken = addresses.some(
    (address) =>
      address.kind === 'tcp' &&
      address.port === value.port &&
      (address.host === value.host || address.host === null || value.host === null),
  );
  if (!isTaken) return;
  refuse(
    key,
    shownAddress(given, value),
    `${optionName(otherKey, other, given.source)} has that port${byDefault(other)}; choose another one`,
  );
}

/** The page shows all traffic: nobody else may see it. */
function checkInspect(
  inspect: ProvidedSettings['inspect'],
  inspectToken: ProvidedSettings['inspectToken'],
  { listen, admin, auth, authFile }: ProvidedServerSettings,
): void {
  const { value, source } = inspect;
  if (value === null) return;
  checkPort('inspect', inspect, 'listen', listen, listen.value);
  checkPort('inspect', inspect, 'admin', admin, tcpAddresses(admin.value));
  const isProtected = [auth, authFile, inspectToken].some((one) => one.value !== null);
  if (isProtected || isLoopbackHost(value.host)) return;
  const names = [
    optionName('authFile', authFile, source),
    optionName('inspectToken', inspectToken, source),
  ];
  refuse(
    'inspect',
    shownAddress(inspect, value),
    `others than this machine can reach it, so give ${names.join(' or ')} (or TWIST_AUTH) too`,
  );
}

function tcpAddresses(address: AdminAddress | null): ListenAddress[] {
  return address === null ? [] : [{ kind: 'tcp', ...address }];
}

function shownAddress({ source, from }: Provided, value: AdminAddress): Provided<string> {
  return { value: formatListenAddress({ kind: 'tcp', ...value }), source, from };
}

function byDefault({ source }: Provided): string {
  return source === 'default' ? ' by default' : '';
}

/** @throws {ConfigError} that names the option as the user wrote it, with its value */
function refuse(
  key:
    | 'trustProxyHeader'
    | 'targetCert'
    | 'targetKey'
    | 'authFile'
    | 'admin'
    | 'inspect'
    | 'health'
    | 'listen'
    | 'tlsCert'
    | 'tlsKey'
    | 'tlsKeyPassphraseFile',
  { value, source, from }: Provided<string | null>,
  clause: string,
): never {
  throw configError(
    `${optionName(key, { value, source, from })} cannot be ${show(value)}: ${clause}`,
    source,
  );
}

function text(key: RelatedKey, values: Readonly<Record<RelatedKey, Provided<number>>>): string {
  return OPTIONS[key].type.toText(values[key].value);
}

/**
 * What is allowed and yet seldom meant: the operator is told at start.
 * @param presetListen what `TWIST_DEFAULT_LISTEN` says, if it is given
 * @returns sentences without an end
 */
export function doubtsAbout(
  values: Pick<
    ProvidedServerSettings,
    'deflate' | 'deflateClientWindowBits' | 'listen' | 'trustProxy'
  >,
  presetListen?: Listen,
): string[] {
  const doubts = [
    smallWindowDoubt(values),
    loopbackDoubt(values.listen, presetListen),
    unixProxyDoubt(values),
  ];
  return doubts.filter((sentence) => sentence !== null);
}

type Listen = Provided<readonly ListenAddress[]>;

function smallWindowDoubt({
  deflate,
  deflateClientWindowBits,
}: Pick<ProvidedServerSettings, 'deflate' | 'deflateClientWindowBits'>): string | null {
  if (deflateClientWindowBits.value !== 8 || deflate.value === false) return null;
  const name = optionName('deflateClientWindowBits', deflateClientWindowBits);
  return (
    `${name} is 8: clients that offer client_max_window_bits and whose zlib has no such window, ` +
    "Python's websockets for one, do not connect; 9 suits them"
  );
}

/**
 * In an image that presets an address reachable from outside, `--listen 9001` listens where nothing but
 * the container itself can connect.
 */
function loopbackDoubt(listen: Listen, preset: Listen | undefined): string | null {
  if (preset === undefined || listen.source === 'preset') return null;
  if (!listen.value.every(isLoopback) || preset.value.every(isLoopback)) return null;
  return (
    `${optionName('listen', listen)} is ${listen.value.map(formatListenAddress).join(',')}, which nothing outside of ` +
    `this machine or container can reach; :PORT is every address`
  );
}

/** A proxy that connects by a Unix socket needs one to connect to. */
function unixProxyDoubt({
  listen,
  trustProxy,
}: Pick<ProvidedServerSettings, 'listen' | 'trustProxy'>): string | null {
  // Those of systemd may be Unix sockets.
  if (!trustProxy.value.includes('unix') || listen.value.some(({ kind }) => kind !== 'tcp'))
    return null;
  const name = optionName('listen', listen, trustProxy.source);
  return `${optionName('trustProxy', trustProxy)} has unix, but ${name} has no unix:PATH`;
}

function isLoopback(address: ListenAddress): boolean {
  // A socket in the file system may be shared with another container.
  const host = address.kind === 'tcp' ? (address.host ?? '') : '';
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
