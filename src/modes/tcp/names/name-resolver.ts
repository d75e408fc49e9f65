/**
 * Finds where the names of targets lead, in this order:
 *
 *     a number in disguise, NAME.local ──▶ the system
 *     /etc/hosts ──▶ localhost, NAME.localhost ──▶ DNS, by the search list ──▶ the system
 *
 * Laws:
 * 1. No name delays another one, except names that only the system knows (docs/adr/0012).
 * 2. Each name has at most one lookup at a time, shared by everyone who asks meanwhile.
 * 3. A waiter may leave at any time; the lookup itself ends when DNS times out.
 * 4. Results are not kept; a failure is remembered for a second.
 */
import { Resolver } from 'node:dns';
import { inOrder } from './address-order.js';
import { type DnsClient, NOT_FOUND, NO_DATA, askDns } from './dns-answers.js';
import { addressesInHosts } from './hosts-file.js';
import { namesToAsk } from './search-list.js';
import {
  LookupForgottenError,
  LookupOverloadError,
  type SystemLookup,
  SystemNames,
} from './system-names.js';
import { WatchedFile } from './watched-file.js';

export interface NameResolverOptions {
  readonly hostsFile?: string;
  readonly resolvConf?: string;
  /** Makes a client of DNS for the name servers that resolv.conf names at that moment. */
  readonly makeDns?: () => DnsClient;
  readonly system?: SystemLookup;
}

/**
 * The most names that DNS is asked for at once. Once a server has gone silent, each question to it may
 * take a socket (c-ares 1.34.6 in Node 20), and each name is two questions.
 */
const MAX_ASKED = 256;

/** The most failures that are remembered. */
const MAX_FAILURES = 1024;

/**
 * How long a failure is remembered: a crowd that asks for a dead name causes one question to its
 * server.
 */
const FAILURE_MS = 1000;

/**
 * A name server has this long for its first answer. Then the next server is asked, or the same one
 * again, with twice the time. c-ares takes 250 ms for a server that has been fast lately. So one
 * server's silence about a name ends after 4 to 8 s, and that of all servers after 15 to 30 s, when
 * nobody waits any more.
 */
const DNS_PATIENCE = { timeout: 1000, tries: 5 } as const;

const LOOPBACK = ['::1', '127.0.0.1'] as const;

/** Text that the C library reads as an IPv4 address: `0x7f.1`, `127.1`. No domain ends in a number. */
const NUMBER_AT_END = /(^|\.)(0x[0-9a-f]*|\d+)\.?$/;

/** A name of multicast DNS (RFC 6762 §3) by the rule of nss-mdns. `db.svc.cluster.local` belongs to DNS. */
const MULTICAST_NAME = /^[^.]+\.local\.?$/;

/** When DNS fails with one of these, the system may still know: no such name, or no name server at all. */
const SILENCE = 'ETIMEOUT';

const SENTENCES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no address is known for',
  ENODATA: 'no address is known for',
  ETIMEOUT: 'no name server answered for',
  ESERVFAIL: 'the name server failed for',
  EREFUSED: 'the name server refused to answer for',
  ECONNREFUSED: 'no name server could be asked for',
  EAI_AGAIN: 'the system could not look up',
};

/** A name leads nowhere. `code` is that of DNS or of the system. */
export class NameError extends Error {
  readonly code: string;

  constructor(name: string, code: string) {
    super(`${code}: ${SENTENCES[code] ?? 'the lookup failed for'} ${name}`);
    this.code = code;
  }
}

interface Waiter {
  resolve(addresses: readonly string[]): void;
  reject(error: Error): void;
}

type Waiters = Set<Waiter>;

interface Failure {
  readonly error: Error;
  readonly untilMs: number;
}

export class NameResolver {
  readonly #hosts: WatchedFile;
  readonly #resolvConf: WatchedFile;
  readonly #makeDns: () => DnsClient;
  readonly #system: SystemNames;
  readonly #lookups = new Map<string, Waiters>();
  readonly #failures = new Map<string, Failure>();
  /** How many names DNS is being asked for. */
  #askedCount = 0;
  #dns: DnsClient | null = null;
  /** The text of resolv.conf when `#dns` was made. */
  #dnsConf = '';
  /** The text of the hosts file, and the same in lower case. */
  #hostsText = '';
  #hostsSearched = '';

  constructor(options: NameResolverOptions = {}) {
    this.#hosts = new WatchedFile(options.hostsFile ?? '/etc/hosts');
    this.#resolvConf = new WatchedFile(options.resolvConf ?? '/etc/resolv.conf');
    this.#makeDns = options.makeDns ?? ((): DnsClient => new Resolver(DNS_PATIENCE));
    this.#system = new SystemNames(options.system);
  }

  /**
   * Finds the addresses of a name, at least one, in the order in which to try them.
   *
   * @param signal aborted when the caller stops waiting; the rejection then has its reason
   * @throws NameError as a rejection when there is none, LookupOverloadError when too many names are
   *   being looked up, NodeJS.ErrnoException when the process has no more descriptors
   */
  async resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted();
    const key = name.toLowerCase();
    const failure = this.#failures.get(key);
    if (failure !== undefined && performance.now() < failure.untilMs) throw failure.error;
    let waiters = this.#lookups.get(key);
    if (waiters === undefined) {
      waiters = new Set();
      this.#lookups.set(key, waiters);
      void this.#run(key, waiters);
    }
    return await join(waiters, signal);
  }

  /** Never rejects. */
  async #run(name: string, waiters: Waiters): Promise<void> {
    this.#failures.delete(name);
    try {
      const addresses = await this.#find(name, () => waiters.size > 0);
      this.#lookups.delete(name);
      for (const waiter of waiters) waiter.resolve(addresses);
    } catch (error) {
      if (error instanceof LookupForgottenError && waiters.size > 0) {
        // Somebody began to wait at the very moment the lookup was given up.
        void this.#run(name, waiters);
        return;
      }
      this.#lookups.delete(name);
      if (error instanceof NameError) this.#remember(name, error);
      for (const waiter of waiters) waiter.reject(error as Error);
    }
  }

  async #find(name: string, isWanted: () => boolean): Promise<string[]> {
    if (NUMBER_AT_END.test(name) || MULTICAST_NAME.test(name))
      return await this.#askSystem(name, isWanted);
    const plain = name.replace(/\.$/, '');
    const listed = addressesInHosts(await this.#hostsInSmallLetters(), plain);
    if (listed.length > 0) return inOrder(listed);
    // RFC 6761 §6.3: these names must not be asked of DNS.
    if (plain === 'localhost' || plain.endsWith('.localhost')) return [...LOOPBACK];
    if (this.#askedCount >= MAX_ASKED) throw new LookupOverloadError();
    this.#askedCount += 1;
    const code = await this.#askDns(name).finally(() => {
      this.#askedCount -= 1;
    });
    if (typeof code !== 'string') return code;
    if (code === SILENCE) throw new NameError(name, code);
    return await this.#askSystem(name, isWanted, code);
  }

  async #hostsInSmallLetters(): Promise<string> {
    const text = await this.#hosts.read();
    if (text !== this.#hostsText) {
      this.#hostsText = text;
      this.#hostsSearched = text.toLowerCase();
    }
    return this.#hostsSearched;
  }

  /** Returns the addresses, or the error code if there are none. */
  async #askDns(name: string): Promise<string[] | string> {
    const conf = await this.#resolvConf.read();
    if (this.#dns === null || conf !== this.#dnsConf) {
      this.#dns = this.#makeDns();
      this.#dnsConf = conf;
    }
    const dns = this.#dns;
    let worst = NOT_FOUND;
    for (const one of namesToAsk(name, conf)) {
      try {
        return inOrder(await askDns(dns, one));
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        // A server that is silent now will be silent for the next name too.
        if (code === SILENCE) return code;
        if (code !== NOT_FOUND && code !== NO_DATA) worst = code;
      }
    }
    return worst;
  }

  /** @param dnsCode what DNS answered, if it was asked: it says more than the system does */
  async #askSystem(
    name: string,
    isWanted: () => boolean,
    dnsCode: string | null = null,
  ): Promise<string[]> {
    try {
      const addresses = await this.#system.find(name, isWanted);
      if (addresses.length > 0) return addresses;
      throw Object.assign(new Error(), { code: NOT_FOUND });
    } catch (error) {
      if (error instanceof LookupOverloadError || error instanceof LookupForgottenError)
        throw error;
      // Without free descriptors getaddrinfo reports that the name does not exist. Opening a file gives
      // the true error.
      await this.#hosts.read();
      const { code = '' } = error as NodeJS.ErrnoException;
      throw new NameError(name, dnsCode ?? code);
    }
  }

  #remember(name: string, error: NameError): void {
    const [oldest = ''] = this.#failures.keys();
    if (this.#failures.size >= MAX_FAILURES) this.#failures.delete(oldest);
    this.#failures.set(name, { error, untilMs: performance.now() + FAILURE_MS });
  }
}

/** Waits with the others until the signal is aborted. */
function join(waiters: Waiters, signal: AbortSignal): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      waiters.delete(waiter);
      reject(signal.reason as Error);
    };
    const waiter: Waiter = {
      resolve: (addresses) => {
        signal.removeEventListener('abort', leave);
        resolve(addresses);
      },
      reject: (error) => {
        signal.removeEventListener('abort', leave);
        reject(error);
      },
    };
    waiters.add(waiter);
    signal.addEventListener('abort', leave);
  });
}
