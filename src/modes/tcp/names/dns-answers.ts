/** Asks DNS for the IPv6 and IPv4 addresses of a name, both at once. */

/** The part of Node's `dns.Resolver` that is used. It waits on sockets, not in a thread. */
export interface DnsClient {
  resolve4(name: string, callback: DnsCallback): void;
  resolve6(name: string, callback: DnsCallback): void;
}

type DnsCallback = (error: NodeJS.ErrnoException | null, addresses: string[]) => void;

/**
 * How long the addresses of one family wait for those of the other. Some name servers never answer for
 * IPv6 (RFC 4074). RFC 8305 §3 suggests 50 ms and adds late addresses to the race; we do not.
 */
const FAMILY_WAIT_MS = 500;

/** The name exists, but has no address of this family. */
export const NO_DATA = 'ENODATA';
/** The name does not exist. */
export const NOT_FOUND = 'ENOTFOUND';

/**
 * Finds all addresses of exactly this name, IPv6 first.
 *
 * @throws NodeJS.ErrnoException as a rejection if there is none: with the name `ENOTFOUND`, `ENODATA`,
 *   or what kept the name server from answering
 */
export function askDns(dns: DnsClient, name: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const found: [ipv6: string[], ipv4: string[]] = [[], []];
    const errors: NodeJS.ErrnoException[] = [];
    let answers = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      const all = found.flat();
      if (all.length > 0) resolve(all);
      else reject(mostTelling(errors));
    };
    const take =
      (family: 0 | 1): DnsCallback =>
      (error, addresses) => {
        answers += 1;
        if (error === null) found[family] = addresses;
        else errors.push(error);
        if (answers === 2) finish();
        else if (error === null) timer = setTimeout(finish, FAMILY_WAIT_MS);
      };
    dns.resolve6(name, take(0));
    dns.resolve4(name, take(1));
  });
}

/**
 * A name that does not exist has no address of either family; a missing address of one family says the
 * least.
 */
function mostTelling(errors: readonly NodeJS.ErrnoException[]): Error {
  const error =
    errors.find(({ code }) => code === NOT_FOUND) ??
    errors.find(({ code }) => code !== NO_DATA) ??
    errors[0];
  return error ?? Object.assign(new Error(NO_DATA), { code: NO_DATA });
}
