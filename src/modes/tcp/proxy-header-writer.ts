/**
 * The header that tells a target who the client is (haproxy.org, "The PROXY protocol", versions 1 and 2).
 *
 * An address that cannot be told is declared unknown; a wrong header would be believed.
 */
import { formatIp, parseIp, unmapped } from '../../net/ip-address.js';

/** The two ends of a client's connection to us. Text that is no address, such as `unix`, means unknown. */
export interface ClientEnds {
  readonly remoteAddress: string;
  /** 0 if unknown: `X-Forwarded-For` has no ports. */
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Two addresses of one family: 4 bytes each, or 16. */
interface Addresses {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** The prefix of an IPv4 address mapped to IPv6 (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** PROXY protocol §2.2: twelve bytes that no other protocol begins with. */
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2 in the high half, the command in the low half. */
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
/** Address family in the high half, STREAM in the low half. */
const V2_UNSPECIFIED = 0x00;
const V2_TCP4 = 0x11;
const V2_TCP6 = 0x21;

/**
 * Writes the header that precedes the first byte to a target.
 *
 * Version 1 is a line of at most 107 bytes, version 2 is binary. If the client's address is unknown,
 * the header is `PROXY UNKNOWN` or the command LOCAL, and the target takes us for the client. If the
 * two addresses are of different families, both are written as IPv6.
 */
export function proxyHeader(version: 1 | 2, ends: ClientEnds): Uint8Array {
  const addresses = addressesOf(ends);
  return version === 1 ? writeLine(addresses, ends) : writeBinary(addresses, ends);
}

function addressesOf({ remoteAddress, localAddress }: ClientEnds): Addresses | null {
  const source = bytesOf(remoteAddress);
  if (source === null) return null;
  // A proxy that names its client may itself be connected by a Unix socket. Then only our end has no
  // address; the unspecified address says so.
  const destination = bytesOf(localAddress) ?? new Uint8Array(source.length);
  if (source.length === destination.length) return { source, destination };
  return { source: mapped(source), destination: mapped(destination) };
}

/**
 * An IPv4 address has 4 bytes even if it came mapped; a zone (`%eth0`) means nothing on another
 * machine.
 */
function bytesOf(address: string): Uint8Array | null {
  const bytes = parseIp(address.replace(/%.*/, ''));
  return bytes === null ? null : unmapped(bytes);
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 4 ? Buffer.concat([MAPPED_PREFIX, bytes]) : bytes;
}

/** PROXY protocol §2.1. */
function writeLine(addresses: Addresses | null, { remotePort, localPort }: ClientEnds): Uint8Array {
  if (addresses === null) return Buffer.from('PROXY UNKNOWN\r\n');
  const { source, destination } = addresses;
  const family = source.length === 4 ? 'TCP4' : 'TCP6';
  const fields = [family, textOf(source), textOf(destination), remotePort, localPort];
  return Buffer.from(`PROXY ${fields.join(' ')}\r\n`);
}

/** The address as text, without dots in an IPv6 address: PROXY protocol §2.1 allows none there. */
function textOf(bytes: Uint8Array): string {
  const ipv4 = unmapped(bytes);
  if (ipv4 === bytes) return formatIp(bytes);
  const [a, b, c, d] = ipv4 as unknown as readonly [number, number, number, number];
  return `::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** PROXY protocol §2.2. */
function writeBinary(
  addresses: Addresses | null,
  { remotePort, localPort }: ClientEnds,
): Uint8Array {
  // "When a sender presents a LOCAL connection, it should not present any address."
  if (addresses === null)
    return Buffer.concat([V2_SIGNATURE, Uint8Array.of(V2_LOCAL, V2_UNSPECIFIED), twoBytes(0)]);
  const { source, destination } = addresses;
  const family = source.length === 4 ? V2_TCP4 : V2_TCP6;
  const block = [source, destination, twoBytes(remotePort), twoBytes(localPort)];
  const blockBytes = 2 * source.length + 4;
  const start = Uint8Array.of(V2_PROXY, family);
  return Buffer.concat([V2_SIGNATURE, start, twoBytes(blockBytes), ...block]);
}

/** In network byte order. */
function twoBytes(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
