import { isIPv4, isIPv6 } from 'node:net';

/** A prefix length: a whole number without leading zeros. */
const PREFIX = /^(0|[1-9]\d{0,2})$/;

/**
 * Reads a range of addresses, `10.0.0.0/8` or `fd00::/8`, or one address alone.
 * @returns address and prefix length, `127.0.0.1/32`; null when `text` is neither
 */
export function parseCidr(text: string): string | null {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = addressBits(address);
  if (bits === null || rest.length > 0) return null;
  if (prefix === undefined) return `${address}/${bits}`;
  return PREFIX.test(prefix) && Number(prefix) <= bits ? text : null;
}

/** How many bits an address has; null for what is none. A zone (`%eth0`) is no part of a range. */
function addressBits(address: string): number | null {
  if (isIPv4(address)) return 32;
  return isIPv6(address) && !address.includes('%') ? 128 : null;
}
