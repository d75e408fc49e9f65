/**
 * The rules of a server: who may connect and how many, which paths lead where, and what the log may show. All of it can
 * change while the server runs.
 */
import type { MemoryAccount } from '../budget/memory-account.js';
import { Redaction } from '../handshake/redaction/redaction.js';
import type { PageRules, PageTerms } from '../http/page-source.js';
import { PrivateFiles, type PrivatePaths } from '../http/private-files.js';
import { AddressList } from '../net/address-range.js';
import type { Mode } from '../session/mode.js';
import { type AddressRules, Admission } from './admission/admission.js';
import { ClientAddress } from './admission/client-address.js';
import type { Rules } from './recheck.js';
import { Router } from './router.js';
import type { ServerCounters } from './server-counters.js';
import type { AccessOptions, ServerOptions } from './server-options.js';

const NO_PATHS: PrivatePaths = { files: [], recording: null };

const EVERYBODY: AccessOptions = {
  allowedHosts: 'any',
  allow: [],
  deny: [],
  trustProxy: [],
  trustProxyHeader: 'x-forwarded-for',
};

export class ServerRules implements Rules, PageRules {
  readonly admission: Admission;
  readonly privateFiles: PrivateFiles;
  /** Those in force. */
  options: ServerOptions;
  /** They are not those of the start any more. */
  hasChanged = false;
  router: Router;
  clientAddress: ClientAddress;
  redaction: Redaction;

  readonly #counters: ServerCounters;
  #mostConnections = Number.MAX_SAFE_INTEGER;

  constructor(options: ServerOptions, memory: MemoryAccount, counters: ServerCounters) {
    this.#counters = counters;
    this.options = options;
    this.privateFiles = new PrivateFiles(options.privatePaths ?? NO_PATHS);
    this.redaction = redactionOf(options);
    this.router = this.#makeRouter();
    this.clientAddress = this.#makeClientAddress();
    const { admission } = options;
    this.admission = new Admission(admission, this.#addresses, undefined, memory);
  }

  /** From now on these hold, as far as they may change; sessions and handshakes that are decided on go on. */
  change(options: ServerOptions): void {
    const { served, subprotocol, access, admission, drainDelay, drainTimeout } = options;
    this.options = {
      ...this.options,
      ...{ served, subprotocol, access: access ?? EVERYBODY, admission, drainTimeout },
      ...(drainDelay !== undefined && { drainDelay }),
    };
    this.hasChanged = true;
    this.privateFiles.replace(options.privatePaths ?? NO_PATHS);
    this.redaction = redactionOf(options);
    this.router = this.#makeRouter();
    this.clientAddress = this.#makeClientAddress();
    this.#changeAdmission();
  }

  /** Takes no more connections than so many, whatever the options say. */
  limitConnections(most: number): void {
    this.#mostConnections = most;
    this.#changeAdmission();
  }

  /** How many connections it takes at most. */
  get maxConnections(): number {
    return Math.min(this.options.admission.maxConnections, this.#mostConnections);
  }

  get access(): AccessOptions {
    return this.options.access ?? EVERYBODY;
  }

  isAllowed(address: string): boolean {
    return this.admission.isAllowed(address);
  }

  findMode(path: string): Mode | null {
    return this.router.lookUp(path)?.mode ?? null;
  }

  findPage(path: string): PageTerms | null {
    return this.router.lookUp(path)?.page ?? null;
  }

  #changeAdmission(): void {
    this.admission.change(this.maxConnections, this.#addresses);
  }

  get #addresses(): AddressRules {
    const { allow, deny } = this.access;
    const hasUnixProxy = this.clientAddress.trustsUnix;
    return { allow: new AddressList(allow), deny: new AddressList(deny), hasUnixProxy };
  }

  #makeClientAddress(): ClientAddress {
    const { trustProxy, trustProxyHeader } = this.access;
    return new ClientAddress(trustProxy, trustProxyHeader);
  }

  #makeRouter(): Router {
    const { served } = this.options;
    return new Router(served, (mode, path) => this.#counters.sessionsOf(mode, path));
  }
}

/** What the operator has written is no secret of a client's. */
function redactionOf({ served, subprotocol, tokensIn = null }: ServerOptions): Redaction {
  return new Redaction({
    tokensIn,
    subprotocols: typeof subprotocol === 'string' ? [] : subprotocol,
    paths: served.flatMap(({ path }) => path ?? []),
  });
}
