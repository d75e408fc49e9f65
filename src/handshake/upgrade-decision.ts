import { HandshakeError } from '../errors.js';
import { parseHost } from './host.js';
import type { OriginPolicy, SubprotocolPolicy } from './policy.js';
import type { UpgradeRequest } from './upgrade-request.js';

/** The default ports of the schemes that a web page can come from. */
const DEFAULT_PORTS = [
  ['http://', 80],
  ['https://', 443],
] as const;

/**
 * Checks the Origin header (RFC 6455 §4.2.2, §10.2).
 *
 * A request without one is let through by every policy: it does not come from a browser, and a
 * client that is none can write whatever it likes into it.
 *
 * - `any` lets everything through.
 * - `same` wants the origin to have the host and port of the request's Host header. A Host without
 *   a port means the default port of the origin's scheme: we cannot know which of the two it was
 *   for, since TLS may have ended before us. `null` and origins other than http and https, those of
 *   browser extensions for instance, are never the same.
 * - A list wants one of its members, as browsers write them (RFC 6454 §6.2: no path, no default
 *   port), without regard to case.
 *
 * @throws {HandshakeError} `origin` when it is refused
 */
export function checkOrigin(policy: OriginPolicy, request: UpgradeRequest): void {
  const { origin, host } = request;
  if (policy === 'any' || origin === null) return;
  const isAllowed =
    policy === 'same'
      ? isSameHost(origin, host)
      : policy.some((allowed) => allowed.toLowerCase() === origin.toLowerCase());
  if (!isAllowed) throw new HandshakeError('origin');
}

function isSameHost(origin: string, hostHeader: string): boolean {
  const host = parseHost(hostHeader);
  for (const [scheme, defaultPort] of DEFAULT_PORTS) {
    if (!origin.toLowerCase().startsWith(scheme)) continue;
    const source = parseHost(origin.slice(scheme.length));
    if (source === null || host === null) return false;
    return source.name === host.name && (source.port ?? defaultPort) === (host.port ?? defaultPort);
  }
  return false;
}

/**
 * Selects a subprotocol out of those the client offered (RFC 6455 §4.2.2). Names are compared with
 * regard to case.
 *
 * @param policy `first`: the client's favourite; `none`: no subprotocol; a list: the first of the
 *   list, in its own order, that is on offer
 * @param unsupported those that whoever serves the request cannot speak
 * @throws {HandshakeError} `subprotocol-unsupported` when the client offers no others
 * @returns null when none is selected: the answer then has no Sec-WebSocket-Protocol header
 */
export function selectSubprotocol(
  policy: SubprotocolPolicy,
  offered: readonly string[],
  unsupported: readonly string[] = [],
): string | null {
  const candidates = offered.filter((subprotocol) => !unsupported.includes(subprotocol));
  if (candidates.length === 0 && offered.length > 0)
    throw new HandshakeError('subprotocol-unsupported');
  if (policy === 'none') return null;
  if (policy === 'first') return candidates[0] ?? null;
  return policy.find((subprotocol) => candidates.includes(subprotocol)) ?? null;
}
