/**
 * Which hosts a request may be for. A page from elsewhere can have its own name resolved to an address of
 * this machine (DNS rebinding), and is then of the same origin as we are. What it cannot change is the name:
 * it stays its own, and no address.
 */
import { HandshakeError } from '../errors.js';
import { isIpLiteral, parseHost } from './host.js';
import { loggable } from './redaction/loggable.js';
import { matchesName } from './name-pattern.js';
import type { HostPolicy, Way } from './policy.js';

/** In a list: `localhost` and names below it (RFC 6761 §6.3), and every address. */
const LOCAL = 'local';
const LOCAL_LIST: readonly string[] = [LOCAL];

/** Whose requests are not looked at: a proxy in front has its own names, and no page reaches a Unix socket. */
const EXEMPT: readonly Way[] = ['unix', 'proxy', 'proxy-protocol'];

/**
 * Checks the host that a request is for.
 *
 * @param policy `auto` is `local` on a listener that only this machine reaches, and `any` elsewhere
 * @param host as it was written; empty when the request has none, as no browser's request does
 * @throws {HandshakeError} `host-not-allowed`
 */
export function checkHost(policy: HostPolicy, host: string, way: Way): void {
  const isFree = policy === 'any' || (policy === 'auto' && way !== 'loopback');
  if (isFree || host === '' || EXEMPT.includes(way)) return;
  const list = policy === 'auto' ? LOCAL_LIST : policy;
  if (!list.some((allowed) => isAllowed(allowed, host)))
    throw new HandshakeError('host-not-allowed', {}, { host: loggable(host) });
}

function isAllowed(allowed: string, hostText: string): boolean {
  const host = parseHost(hostText);
  if (host === null) return false;
  // The root of all names, which may stand behind each of them, says nothing.
  const name = host.name.endsWith('.') ? host.name.slice(0, -1) : host.name;
  if (allowed === LOCAL)
    return name === 'localhost' || matchesName('*.localhost', name) || isIpLiteral(name);
  const wanted = parseHost(allowed);
  if (wanted === null) return false;
  return matchesName(wanted.name, name) && (wanted.port === null || wanted.port === host.port);
}
