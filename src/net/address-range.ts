/** Ranges of addresses, and whether an address is in one of them. */
import { isIP } from 'node:net';
import { parseIp, unmapped } from './ip-address.js';

/** An IPv4-mapped address such as `::ffff:10.0.0.1` has this many bits before those of the IPv4 address. */
const MAPPED_BITS = 96;

/** A prefix length: a whole number without leading zeros. */
const PREFIX = /^(0|[1-9]\d{0,2})$/;

/**
 * Reads a range of addresses, `10.0.0.0/8` or `fd00::/8`, or one address alone. A zone (`%eth0`) is not
 * part of a range.
 *
 * @returns address and prefix length, `127.0.0.1/32`; null when `text` is neither
 */
export function parseCidr(text: string): string | null {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = parseIp(address);
  if (bytes === null || rest.length > 0) return null;
  const bits = bytes.length * 8;
  if (prefix === undefined) return `${address}/${bits}`;
  return PREFIX.test(prefix) && Number(prefix) <= bits ? text : null;
}

interface Range {
  /** 4 or 16 of them. */
  readonly address: Uint8Array;
  readonly prefix: number;
}

export class AddressList {
  readonly isEmpty: boolean;
  readonly #ranges: readonly Range[];

  /** @param ranges as {@link parseCidr} returns them: `10.0.0.0/8`, `::1/128` */
  constructor(ranges: readonly string[]) {
    this.isEmpty = ranges.length === 0;
    this.#ranges = ranges.map(readRange);
  }

  /**
   * Whether an address is in the list. An IPv4-mapped one counts as IPv4; `unix`, and anything else that
   * is not an address, is in no list.
   */
  has(address: string): boolean {
    if (this.isEmpty) return false;
    // Node appends the interface to a link-local address: `fe80::1%eth0`.
    const [withoutZone = ''] = address.split('%', 1);
    const given = parseIp(withoutZone);
    if (given === null) return false;
    const bytes = unmapped(given);
    return this.#ranges.some((range) => isWithin(bytes, range));
  }
}

function readRange(text: string): Range {
  const slash = text.indexOf('/');
  const given = parseIp(text.slice(0, slash))!;
  const prefix = Number(text.slice(slash + 1));
  const address = unmapped(given);
  // A range that is larger than all mapped addresses is one of IPv6.
  return address === given || prefix < MAPPED_BITS
    ? { address: given, prefix }
    : { address, prefix: prefix - MAPPED_BITS };
}

/** No IPv4 address is in a range of IPv6, not even in `::/0`. */
function isWithin(bytes: Uint8Array, { address, prefix }: Range): boolean {
  if (bytes.length !== address.length) return false;
  const wholes = prefix >> 3;
  for (let at = 0; at < wholes; at++) if (bytes[at] !== address[at]) return false;
  const rest = prefix & 7;
  return rest === 0 || (bytes[wholes]! ^ address[wholes]!) >> (8 - rest) === 0;
}

/** What only this machine reaches. */
export const LOOPBACK_ADDRESSES = new AddressList(['127.0.0.0/8', '::1/128']);

/** Whether only this machine reaches an address, as far as its text says so; null, every address, is reached from elsewhere. */
export function isLoopbackHost(host: string | null): boolean {
  if (host === null) return false;
  return host === 'localhost' || (isIP(host) !== 0 && LOOPBACK_ADDRESSES.has(host));
}
