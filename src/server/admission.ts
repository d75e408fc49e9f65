/** Who is let in: from which addresses, how many in all and per address, and none while the server drains. */
import type { PeerAddress } from '../connection/connection-host.js';
import { HandshakeError } from '../errors.js';
import { AddressList } from '../connection/address-list.js';

/** Counts of connections; 0 means no limit for `maxConnectionsPerAddress`. */
export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Which clients may connect. A client on a Unix socket has no address, and always may. */
export interface AddressRules {
  /** An empty list lets in everybody. */
  readonly allow: AddressList;
  /** Comes before `allow`. */
  readonly deny: AddressList;
}

const EVERYBODY: AddressRules = { allow: new AddressList([]), deny: new AddressList([]) };

/** Room above the limit in which connections are refused politely, over HTTP. */
const MIN_HEADROOM = 64;
const HEADROOM_SHARE = 10;

export class Admission {
  /** True once the server stops: every handshake gets 503. */
  isDraining = false;

  readonly #limits: AdmissionLimits;
  readonly #addresses: AddressRules;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(limits: AdmissionLimits, addresses: AddressRules = EVERYBODY) {
    this.#limits = limits;
    this.#addresses = addresses;
  }

  /** The number of connections above which not even a refusal is sent. */
  get hardLimit(): number {
    const { maxConnections } = this.#limits;
    return maxConnections + Math.max(MIN_HEADROOM, Math.ceil(maxConnections / HEADROOM_SHARE));
  }

  add({ remoteAddress }: PeerAddress): void {
    this.#count++;
    if (this.#limits.maxConnectionsPerAddress === 0) return;
    this.#byAddress.set(remoteAddress, (this.#byAddress.get(remoteAddress) ?? 0) + 1);
  }

  remove({ remoteAddress }: PeerAddress): void {
    this.#count--;
    const left = (this.#byAddress.get(remoteAddress) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(remoteAddress, left);
    else this.#byAddress.delete(remoteAddress);
  }

  /** Why a connection, already counted, is not let in; null when it is. */
  findRefusal({ remoteAddress }: PeerAddress): HandshakeError | null {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    // First: who may not connect is told nothing else.
    if (!this.#isAllowed(remoteAddress)) return new HandshakeError('address');
    if (this.isDraining) return new HandshakeError('draining');
    if (this.#count > maxConnections) return new HandshakeError('full');
    if (
      maxConnectionsPerAddress > 0 &&
      this.#byAddress.get(remoteAddress)! > maxConnectionsPerAddress
    ) {
      return new HandshakeError('too-many-connections-from-address');
    }
    return null;
  }

  #isAllowed(address: string): boolean {
    const { allow, deny } = this.#addresses;
    if (address === 'unix') return true;
    return !deny.has(address) && (allow.isEmpty || allow.has(address));
  }
}
