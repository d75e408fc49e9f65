/** `X-Forwarded-For` and `X-Forwarded-Proto`, by which a proxy reports the client it forwards for. */
import { splitList } from '../extensions/header.js';
import type { HeaderField } from './request-head.js';
import { valuesOf } from './request.js';
import type { WebScheme } from './upgrade.js';
import { formatUnmapped, parseIp, parseIpv6, parsePort } from '../net/ip-address.js';
import type { PeerAddress } from '../net/socket-address.js';

/**
 * Finds the client in `X-Forwarded-For`: the last address that is no trusted proxy. Each proxy appends the
 * address it has the request from, so the list is read from the right: everything to the left of a trusted
 * proxy's own entry may be the client's invention.
 * An entry that is no address ends the search,
 * because its writer did not know the client either; so does the beginning of the list. The client is then the proxy
 * that was found last.
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
  for (const entry of splitList(values).reverse()) {
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
