/** Decides which addresses of a name are tried first. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * Puts IPv6 addresses first if this machine has an address of the same kind to connect from. This is
 * what the rules of RFC 6724 §6 amount to, by which the C library sorts. Many machines have addresses
 * for their own network only, and a route on which packets for others are silently lost.
 */
export function inOrder(
  addresses: readonly string[],
  interfaces: () => Interfaces = networkInterfaces,
): string[] {
  const ipv6 = addresses.filter((address) => isIPv6(address));
  if (ipv6.length === 0 || ipv6.length === addresses.length) return [...addresses];
  const own = Object.values(interfaces()).flatMap((all = []) => all.map(({ address }) => address));
  const kinds = new Set(own.filter((address) => isIPv6(address)).map(kindOf));
  const first = ipv6.filter((address) => kinds.has(kindOf(address)));
  const ipv4 = addresses.filter((address) => !isIPv6(address));
  return [...first, ...ipv4, ...ipv6.filter((address) => !first.includes(address))];
}

/** How widely an IPv6 address is valid (RFC 4291 §2.4, RFC 4193). */
function kindOf(address: string): string {
  if (address === '::1') return 'loopback';
  if (/^[23]/.test(address)) return 'global';
  return /^f[cd]/i.test(address) ? 'unique local' : 'other';
}
