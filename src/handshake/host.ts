import { ALPHANUMERICS, HEX_DIGITS, byteTable, consistsOf } from '../net/byte-table.js';

/** A host and the port that was written with it. */
export interface Host {
  /** Registered name, IPv4 address, or IPv6 address in brackets; lowercase. */
  readonly name: string;
  /** null when none was written; the scheme's default is meant then. */
  readonly port: number | null;
}

const MAX_PORT = 65_535;
const IPV6_GROUPS = 8;

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
  const [, ...escapes] = name.split('%');
  return escapes.every((text) => text.length >= 2 && consistsOf(text.slice(0, 2), HEX_BYTES));
}

/** `IPv6address` (RFC 3986 §3.2.2). */
function isIpv6(text: string): boolean {
  const gap = text.indexOf('::');
  if (gap === -1) return countGroups(text, true) === IPV6_GROUPS;
  // The gap stands for at least one group. A second gap makes the tail malformed.
  const count = countGroups(text.slice(0, gap), false) + countGroups(text.slice(gap + 2), true);
  return count < IPV6_GROUPS;
}

/** How many 16-bit groups `text` holds; Infinity when it is malformed. */
function countGroups(text: string, canEndInIpv4: boolean): number {
  if (text === '') return 0;
  const groups = text.split(':');
  const isMixed = canEndInIpv4 && isIpv4(text.slice(text.lastIndexOf(':') + 1));
  const hexGroups = isMixed ? groups.slice(0, -1) : groups;
  const areGood = hexGroups.every(
    (group) => group !== '' && group.length <= 4 && consistsOf(group, HEX_BYTES),
  );
  if (!areGood) return Infinity;
  return hexGroups.length + (isMixed ? 2 : 0);
}

/** `IPv4address`: four numbers without leading zeros. */
function isIpv4(text: string): boolean {
  const octets = text.split('.');
  return octets.length === 4 && octets.every((octet) => isOctet(octet));
}

function isOctet(text: string): boolean {
  if (!consistsOf(text, DIGIT_BYTES) || Number(text) > 255) return false;
  return text === String(Number(text));
}
