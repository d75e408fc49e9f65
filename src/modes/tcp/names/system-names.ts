/**
 * Looks names up as the system does, by all that /etc/nsswitch.conf names: multicast DNS, LDAP, the
 * machine's own name. `getaddrinfo` holds a thread until it is done, and Node lends it two. So there is
 * one lookup at a time, and the other thread is left for everything else in this process.
 */
import { lookup } from 'node:dns';

/** The signature of `dns.lookup` with `all`. */
export type SystemLookup = (
  name: string,
  options: { readonly all: true },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string }[],
  ) => void,
) => void;

/** The most names that may wait for the one being looked up. */
const MAX_WAITING = 64;

interface Waiting {
  readonly name: string;
  readonly isWanted: () => boolean;
  readonly resolve: (addresses: string[]) => void;
  readonly reject: (error: Error) => void;
}

/** There is no free place for another lookup. */
export class LookupOverloadError extends Error {
  readonly code = 'EBUSY';

  constructor() {
    super('EBUSY: too many names are being looked up');
  }
}

/** Nobody waits for the answer any more. */
export class LookupForgottenError extends Error {
  readonly code = 'ECANCELED';
}

export class SystemNames {
  readonly #lookup: SystemLookup;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(systemLookup: SystemLookup = lookup) {
    this.#lookup = systemLookup;
  }

  /**
   * Finds the addresses of a name, once earlier requests have been answered.
   *
   * @param isWanted whether anybody still waits for the name when its turn comes
   * @throws Error as a rejection: `LookupOverloadError`, `LookupForgottenError`, or the system's
   */
  find(name: string, isWanted: () => boolean): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING) {
        reject(new LookupOverloadError());
        return;
      }
      this.#waiting.push({ name, isWanted, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#isBusy) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    if (!next.isWanted()) {
      next.reject(new LookupForgottenError());
      this.#next();
      return;
    }
    this.#isBusy = true;
    this.#lookup(next.name, { all: true }, (error, found) => {
      this.#isBusy = false;
      if (error === null) next.resolve(found.map(({ address }) => address));
      else next.reject(error);
      this.#next();
    });
  }
}
