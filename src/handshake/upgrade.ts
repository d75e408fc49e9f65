import { HandshakeError } from '../errors.js';
import { type Host, matchesName, parseHost } from './host.js';
import { loggable } from './redaction/loggable.js';
import type { OriginPolicy, SubprotocolPolicy } from './policy.js';
import { favouriteOf } from './redaction/subprotocols.js';
import type { UpgradeRequest } from './request.js';

/** The schemes that a web page can come from, and their default ports. */
const WEB_SCHEMES = [
  ['http', 80],
  ['https', 443],
] as const;

/** The scheme of the page's own host, where it is known: TLS may have ended before us. */
export type WebScheme = (typeof WEB_SCHEMES)[number][0];

/**
 * Checks the Origin header (RFC 6455 §4.2.2, §10.2).
 *
 * Every policy accepts a request without one: it does not come from a browser, and any other client can
 * write whatever it likes into it.
 *
 * - `any` accepts everything.
 * - `same` wants the origin to have the host and port that the request is for, and the scheme where that
 *   is known. A host without a port means the default port of the origin's scheme. `null` and origins
 *   other than http and https, those of browser extensions for instance, are never the same.
 * - A list wants one of its members, as browsers write them (RFC 6454 §6.2: no path, no default
 *   port), without regard to case. `same` in it means the above.
 *
 * @param scheme by which the page that the request is for is served; null when it is not known
 * @throws {HandshakeError} `origin` when it is refused; its notes have the two that were compared
 */
export function checkOrigin(
  policy: OriginPolicy,
  { origin, host }: Pick<UpgradeRequest, 'origin' | 'host'>,
  scheme: WebScheme | null,
): void {
  if (policy === 'any' || origin === null) return;
  const list: readonly string[] = policy === 'same' ? [policy] : policy;
  const isAllowed = list.some((allowed) =>
    allowed === 'same' ? isSame(origin, host, scheme) : isOrigin(allowed, origin),
  );
  if (isAllowed) return;
  const notes = { origin: loggable(origin), host: loggable(host) };
  throw new HandshakeError('origin', {}, scheme === null ? notes : { ...notes, scheme });
}

function isSame(origin: string, hostText: string, ownScheme: WebScheme | null): boolean {
  const host = parseHost(hostText);
  const [originScheme, source] = splitOrigin(origin);
  for (const [scheme, defaultPort] of WEB_SCHEMES) {
    if (originScheme !== scheme) continue;
    if (source === null || host === null || (ownScheme ?? scheme) !== scheme) return false;
    return source.name === host.name && (source.port ?? defaultPort) === (host.port ?? defaultPort);
  }
  return false;
}

/** Whether an origin is the one of a list; there `*.` in front of a name stands for what is below it. */
function isOrigin(allowed: string, origin: string): boolean {
  if (!allowed.includes('://*.')) return allowed.toLowerCase() === origin.toLowerCase();
  const [scheme, pattern] = splitOrigin(allowed);
  const [originScheme, source] = splitOrigin(origin);
  if (pattern === null || source === null || scheme !== originScheme) return false;
  return matchesName(pattern.name, source.name) && pattern.port === source.port;
}

/** Scheme and host of an origin; null for a host that is none. */
function splitOrigin(origin: string): [scheme: string, host: Host | null] {
  const mark = origin.indexOf('://');
  if (mark === -1) return ['', null];
  return [origin.slice(0, mark).toLowerCase(), parseHost(origin.slice(mark + 3))];
}

/**
 * Selects a subprotocol out of those the client offered (RFC 6455 §4.2.2). Names are compared with
 * regard to case.
 *
 * @param policy `first`: the client's favourite, but no token; `none`: no subprotocol; a list: the first of the
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
  if (offered.length === 0) return null;
  const candidates = offered.filter((subprotocol) => !unsupported.includes(subprotocol));
  if (candidates.length === 0) throw new HandshakeError('subprotocol-unsupported');
  if (policy === 'none') return null;
  if (policy === 'first') return favouriteOf(candidates);
  return policy.find((subprotocol) => candidates.includes(subprotocol)) ?? null;
}
