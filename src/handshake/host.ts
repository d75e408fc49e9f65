/** The host that a request is for (RFC 9110 §7.2), and which hosts are allowed. */
import { HandshakeError } from '../errors.js';
import type { HostPolicy, Way } from './policy.js';
import { loggable } from './redaction/loggable.js';
import { ALPHANUMERICS, byteTable, consistsOf, HEX_DIGITS } from '../net/byte-table.js';
import { isIpv4, parseIpv6 } from '../net/ip-address.js';

/** A host and the port that was written with it. */
export interface Host {
  /** Registered name, IPv4 address, or IPv6 address in brackets; lowercase. */
  readonly name: string;
  /** null when none was written; the scheme's default is meant then. */
  readonly port: number | null;
}

const MAX_PORT = 65_535;

/** `unreserved`, `sub-delims` and `%` (RFC 3986 §3.2.2). */
const NAME_BYTES = byteTable(`${ALPHANUMERICS}-._~!$&'()*+,;=%`);
const HEX_BYTES = byteTable(HEX_DIGITS);
const DIGIT_BYTES = byteTable('0123456789');

/**
 * Parses `uri-host [ ":" port ]`, the value of a Host header (RFC 9110 §7.2).
 *
 * An empty host is refused: it is only meant for targets without an authority, which a WebSocket
 * URL cannot be. So are IPvFuture literals, and IPv6 zones, which mean something to the client's machine
 * alone (RFC 6874 §4 asks clients to leave them out).
 *
 * @returns null when the text is malformed
 */
export function parseHost(text: string): Host | null {
  // Each request is looked at twice, and the clients of a server nearly all ask for the same host.
  if (text === lastText) return lastHost;
  const host = readHost(text);
  lastText = text;
  lastHost = host;
  return host;
}

let lastText = '';
let lastHost: Host | null = null;

function readHost(text: string): Host | null {
  const isLiteral = text.startsWith('[');
  // Without a closing bracket the name becomes empty, which no address is.
  const nameLength = isLiteral ? text.indexOf(']') + 1 : indexOrEnd(text, ':');
  const name = text.slice(0, nameLength);
  if (isLiteral ? !isIpv6(name.slice(1, -1)) : !isRegisteredName(name)) return null;

  const rest = text.slice(nameLength);
  const digits = rest.slice(1);
  if (rest !== '' && !rest.startsWith(':')) return null;
  if (!consistsOf(digits, DIGIT_BYTES) || Number(digits) > MAX_PORT) return null;
  return { name: name.toLowerCase(), port: digits === '' ? null : Number(digits) };
}

/** The rule that a malformed host breaks: where clients are known to go wrong, one that says what is right. */
export function hostFault(text: string): 'host' | 'host-zone' | 'host-brackets' {
  const close = text.indexOf(']');
  const zone = text.indexOf('%');
  if (text.startsWith('[') && zone !== -1 && zone < close && isIpv6(text.slice(1, zone)))
    return 'host-zone';
  const address = zone === -1 ? text : text.slice(0, zone);
  // The port may be taken for a part of the address, or be too much for one.
  const isAddress = isIpv6(address) || isIpv6(address.slice(0, address.lastIndexOf(':')));
  return isAddress && address.includes(':') ? 'host-brackets' : 'host';
}

/** Whether a host's name is an address: an IPv4 one, or an IPv6 one in its brackets. */
export function isIpLiteral(name: string): boolean {
  return name.startsWith('[') || isIpv4(name);
}

function indexOrEnd(text: string, mark: string): number {
  const index = text.indexOf(mark);
  return index === -1 ? text.length : index;
}

/** `reg-name`, not empty; an IPv4 address is one as well (RFC 3986 §3.2.2). */
function isRegisteredName(name: string): boolean {
  if (name === '' || !consistsOf(name, NAME_BYTES)) return false;
  if (!name.includes('%')) return true;
  const [, ...escapes] = name.split('%');
  return escapes.every((text) => text.length >= 2 && consistsOf(text.slice(0, 2), HEX_BYTES));
}

/** `IPv6address` (RFC 3986 §3.2.2). */
function isIpv6(text: string): boolean {
  return parseIpv6(text) !== null;
}

// ---- Patterns of names, in the lists of origins and of hosts

const ANY_LABELS = '*.';

/**
 * Whether a name is the one meant: itself, or with `*.` in front any name below the rest, by whole labels:
 * `*.example.com` is `a.example.com` and `a.b.example.com`, and neither `example.com` nor `badexample.com`.
 *
 * @param pattern in lower case, as the name
 */
export function matchesName(pattern: string, name: string): boolean {
  if (!pattern.startsWith(ANY_LABELS)) return name === pattern;
  const parent = pattern.slice(ANY_LABELS.length - 1);
  return name.endsWith(parent) && name.length > parent.length;
}

// ---- Allowed hosts
//
// A foreign page can have its own name resolved to an address of this machine (DNS rebinding), and then
// has the same origin as the server. It cannot change the name itself: the request still carries the
// page's own name, not an address.

/** In a list: `localhost` and names below it (RFC 6761 §6.3), and every address. */
const LOCAL = 'local';
const LOCAL_LIST: readonly string[] = [LOCAL];

/** Ways whose requests are not checked: a proxy in front has its own names, and no page reaches a Unix socket. */
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
  const asked = parseHost(host);
  if (asked === null || !list.some((allowed) => isAllowed(allowed, asked)))
    throw new HandshakeError('host-not-allowed', {}, { host: loggable(host) });
}

function isAllowed(allowed: string, host: Host): boolean {
  // A dot at the end, the root of all names, makes no difference.
  const name = host.name.endsWith('.') ? host.name.slice(0, -1) : host.name;
  if (allowed === LOCAL)
    return name === 'localhost' || matchesName('*.localhost', name) || isIpLiteral(name);
  // Not by `parseHost`, whose last host is that of the requests.
  const wanted = readHost(allowed);
  if (wanted === null) return false;
  return matchesName(wanted.name, name) && (wanted.port === null || wanted.port === host.port);
}
