/** The addresses that targets may have. */
import { BlockList } from 'node:net';
import { formatIp, parseIp, unmapped } from '../../handshake/ip-address.js';

/** Bits that stand before an IPv4 address which is mapped into IPv6 (RFC 4291 §2.5.5.2). */
const MAPPED_BITS = 96;

/**
 * Ranges of addresses. An IPv4 address is looked for in the IPv4 ranges however it is written, so that
 * `::ffff:10.0.0.1` is what `10.0.0.1` is; an IPv6 address in the others.
 */
export class AllowList {
  // A BlockList is but a list; two of them, because one takes `::/0` for all of IPv4 too.
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();

  /** @param ranges in CIDR notation, each with its prefix length: `10.0.0.0/8`, `::1/128` */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [text = '', length] = range.split('/');
      const written = parseIp(text)!;
      const bits = Number(length);
      const address = unmapped(written);
      // `::ffff:10.0.0.0/8` is more than the IPv4 addresses, and hardly meant to be all of them.
      if (address === written || bits < MAPPED_BITS) this.#add(written, bits);
      else this.#add(address, bits - MAPPED_BITS);
    }
  }

  #add(address: Uint8Array, bits: number): void {
    if (address.length === 4) this.#ipv4.addSubnet(formatIp(address), bits, 'ipv4');
    else this.#ipv6.addSubnet(formatIp(address), bits, 'ipv6');
  }

  /** Whether an address is in one of the ranges; its zone (`%eth0`) does not matter. */
  has(address: string): boolean {
    const bytes = parseIp(address.replace(/%.*/, ''));
    if (bytes === null) return false;
    const plain = unmapped(bytes);
    return plain.length === 4
      ? this.#ipv4.check(formatIp(plain), 'ipv4')
      : this.#ipv6.check(formatIp(plain), 'ipv6');
  }
}
