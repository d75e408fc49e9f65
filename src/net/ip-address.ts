/** IP addresses and ports as text, read strictly: no two readers may understand one text differently. */
import { HEX_DIGITS, byteTable, consistsOf } from './byte-table.js';

const DIGIT_BYTES = byteTable('0123456789');
const HEX_BYTES = byteTable(HEX_DIGITS);

const GROUPS = 8;
/** The longest form, with an IPv4 address at its end. */
const MAX_TEXT_LENGTH = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'.length;
const MAX_PORT = 65_535;
const IPV4_BYTES = 4;
const DOT = 0x2e;
const ZERO = 0x30;

/** @returns the 4 bytes of an IPv4 address, the 16 of an IPv6 address; null when `text` is neither */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Four numbers without leading zeros. @returns 4 bytes; null when `text` is something else */
export function parseIpv4(text: string): Uint8Array | null {
  const number = ipv4Number(text);
  if (number < 0) return null;
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** Whether a text is an IPv4 address; the same as {@link parseIpv4}, without the bytes. */
export function isIpv4(text: string): boolean {
  return ipv4Number(text) >= 0;
}

/** @returns the bytes as one number; -1 when `text` is something else */
function ipv4Number(text: string): number {
  // Read by each request for its host: a name ends it at its first character.
  let number = 0;
  let at = 0;
  for (let index = 0; index < IPV4_BYTES; index += 1) {
    if (index > 0 && text.charCodeAt(at++) !== DOT) return -1;
    const start = at;
    let octet = 0;
    for (let code; at < start + 3 && (code = text.charCodeAt(at) - ZERO) >= 0 && code <= 9; at += 1)
      octet = 10 * octet + code;
    const digits = at - start;
    if (digits === 0 || octet > 255 || (digits > 1 && text.charCodeAt(start) === ZERO)) return -1;
    number = 256 * number + octet;
  }
  return at === text.length ? number : -1;
}

/** `IPv6address` (RFC 3986 §3.2.2), without a zone. @returns 16 bytes; null when `text` is something else */
export function parseIpv6(text: string): Uint8Array | null {
  if (text.length > MAX_TEXT_LENGTH) return null;
  const [head = '', tail, ...more] = text.split('::');
  const before = parseGroups(head, tail === undefined);
  const after = parseGroups(tail ?? '', true);
  if (before === null || after === null || more.length > 0) return null;
  const gap = GROUPS - before.length - after.length;
  // A gap stands for at least one group.
  if (tail === undefined ? gap !== 0 : gap < 1) return null;
  const groups = [...before, ...Array.from({ length: gap }, () => 0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** @returns 16-bit numbers, none for an empty text; null when one is malformed */
function parseGroups(text: string, canEndInIpv4: boolean): number[] | null {
  const groups: number[] = [];
  if (text === '') return groups;
  const parts = text.split(':');
  const last = canEndInIpv4 ? parseIpv4(text.slice(text.lastIndexOf(':') + 1)) : null;
  if (last !== null) parts.pop();
  for (const part of parts) {
    if (part === '' || part.length > 4 || !consistsOf(part, HEX_BYTES)) return null;
    groups.push(Number.parseInt(part, 16));
  }
  if (last !== null) groups.push((last[0]! << 8) | last[1]!, (last[2]! << 8) | last[3]!);
  return groups;
}

/** A port in decimal, without leading zeros. @returns null when `text` is something else */
export function parsePort(text: string): number | null {
  return parseNumber(text, MAX_PORT);
}

function parseNumber(text: string, max: number): number | null {
  if (!consistsOf(text, DIGIT_BYTES)) return null;
  const number = Number(text);
  return number <= max && text === String(number) ? number : null;
}

/** The address of 4 or 16 bytes as text (RFC 5952 §4, and §5 for IPv4-mapped addresses). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const ipv4 = unmapped(bytes);
  if (ipv4 !== bytes) return `::ffff:${ipv4.join('.')}`;
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    ((bytes[2 * index]! << 8) | bytes[2 * index + 1]!).toString(16),
  );
  const [start, length] = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly string[]): readonly [start: number, length: number] {
  let longest: readonly [number, number] = [0, 0];
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === '0' ? length + 1 : 0;
    if (length > longest[1]) longest = [index + 1 - length, length];
  }
  return longest;
}

/** The IPv4 address in an IPv4-mapped one (RFC 4291 §2.5.5.2); any other address as it is. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  const isMapped =
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff;
  return isMapped ? bytes.subarray(12) : bytes;
}

/** The text of an address as it is counted, logged and reported: an IPv4-mapped one is the IPv4 address. */
export function formatUnmapped(bytes: Uint8Array): string {
  return formatIp(unmapped(bytes));
}

const MAPPED_START = '::ffff:';

/**
 * As {@link formatUnmapped}, for the text that the system gives: a socket on all addresses has its IPv4 peers as
 * `::ffff:192.0.2.1`.
 */
export function unmappedText(address: string): string {
  return address.startsWith(MAPPED_START) && address.includes('.')
    ? address.slice(MAPPED_START.length)
    : address;
}

const NETWORK_BYTES = 8;

/**
 * The address that a client is counted by. A client with one IPv6 address has its whole /64, so that network counts as
 * one; an IPv4 address stands for itself, mapped or not, and so does what is no address.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [withoutZone = ''] = address.split('%', 1);
  const given = parseIpv6(withoutZone);
  if (given === null) return address;
  const bytes = unmapped(given);
  if (bytes.length > 4) bytes.fill(0, NETWORK_BYTES);
  return formatIp(bytes);
}
