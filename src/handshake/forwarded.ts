/**
 * `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto`, by which a proxy reports the client it forwards
 * for, and what that client has asked for. Only those of trusted proxies come here (ADR 31).
 */
import { splitList } from '../extensions/header.js';
import type { HeaderField } from './request-head.js';
import { parseHost } from './host.js';
import { splitRequestTarget } from './request-target.js';
import { type UpgradeRequest, valuesOf } from './request.js';
import type { WebScheme } from './upgrade.js';
import { formatUnmapped, parseIp, parseIpv6, parsePort } from '../net/ip-address.js';
import type { PeerAddress } from '../net/socket-address.js';

/** So many proxies nobody has behind each other. Looking each up costs time, whoever wrote it. */
const MAX_HOPS = 32;

/**
 * Finds the client in `X-Forwarded-For`: the last address that is no trusted proxy. Each proxy appends the
 * address it has the request from, so the list is read from the right: everything to the left of a trusted
 * proxy's own entry may be the client's invention.
 * An entry that is no address ends the search,
 * because its writer did not know the client either; so does the beginning of the list. The client is then the proxy
 * that was found last. So it is after 32 trusted ones.
 *
 * @param values of all header lines, in order
 * @param isProxy whether an address is that of a trusted proxy
 * @returns null when the last entry is no address, or there is none
 */
export function findForwardedClient(
  values: readonly string[],
  isProxy: (address: string) => boolean,
): PeerAddress | null {
  let found: PeerAddress | null = null;
  for (const entry of splitList(values).slice(-MAX_HOPS).reverse()) {
    const client = parseEntry(entry);
    if (client === null) break;
    found = client;
    if (!isProxy(client.remoteAddress)) break;
  }
  return found;
}

/** An address, with or without a port: `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
function parseEntry(text: string): PeerAddress | null {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    return named(parseIpv6(text.slice(1, close)), text.slice(close + 1));
  }
  const colon = text.indexOf(':');
  // Two colons or more make it an IPv6 address, which has a port only after brackets.
  if (colon === -1 || text.includes(':', colon + 1)) return named(parseIp(text), '');
  return named(parseIp(text.slice(0, colon)), text.slice(colon));
}

/** @param rest nothing, or a colon and the port */
function named(address: Uint8Array | null, rest: string): PeerAddress | null {
  const port = rest === '' ? 0 : rest.startsWith(':') ? parsePort(rest.slice(1)) : null;
  if (address === null || port === null) return null;
  return { remoteAddress: formatUnmapped(address), remotePort: port };
}

// ---- X-Forwarded-Host

/**
 * The host that the client asked a proxy for: the last one, which the nearest proxy has added, or has been
 * given by one in front of it. Everything to the left of it may be the client's invention.
 *
 * @returns null when there is none, or the last one is no host
 */
function forwardedHost(headers: readonly HeaderField[]): string | null {
  const host = splitList(valuesOf(headers, 'x-forwarded-host')).at(-1);
  return host === undefined || parseHost(host) === null ? null : host;
}

// ---- X-Forwarded-Proto

const SCHEMES: ReadonlyMap<string, WebScheme> = new Map([
  ['http', 'http'],
  ['ws', 'http'],
  ['https', 'https'],
  ['wss', 'https'],
]);

/** @returns the scheme that all proxies on the way agree on; null when they do not, or do not say */
export function forwardedScheme(headers: readonly HeaderField[]): WebScheme | null {
  const named = splitList(valuesOf(headers, 'x-forwarded-proto'));
  const schemes = new Set(named.map((one) => SCHEMES.get(one.toLowerCase()) ?? null));
  const [scheme = null] = schemes;
  return schemes.size === 1 ? scheme : null;
}

// ---- Both

/**
 * The request as its client has made it, by what a trusted proxy reports: its host and its scheme. What the
 * proxy does not report stays as it is.
 */
export function asClientSent(request: UpgradeRequest): UpgradeRequest {
  const { headers } = request;
  const webScheme = forwardedScheme(headers);
  return {
    ...request,
    host: forwardedHost(headers) ?? request.host,
    scheme: webScheme === null ? request.scheme : webScheme === 'https' ? 'wss' : 'ws',
  };
}

/**
 * What the client has asked for: the target as it was sent, and a whole URL where a trusted proxy reports another
 * host or scheme than the request to us has.
 */
export function requestedUrl({ target, host, scheme, headers, tls }: UpgradeRequest): string {
  const { authority, path, query } = splitRequestTarget(target);
  const ownHost = authority ?? valuesOf(headers, 'host')[0];
  if (host === ownHost && scheme === (tls === undefined ? 'ws' : 'wss')) return target;
  return `${scheme}://${host}${path}${query === '' ? '' : `?${query}`}`;
}
