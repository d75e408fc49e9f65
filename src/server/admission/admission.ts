/** Which clients are let in: from which addresses, how many in all and per address, and none while the server drains. */
import { type ArrivalLimits, ArrivalRates } from '../../budget/arrival-rates.js';
import { MemoryAccount } from '../../budget/memory-account.js';
import type { PeerAddress } from '../../net/socket-address.js';
import { HandshakeError } from '../../errors.js';
import { AddressList } from '../../net/address-range.js';
import { networkOf } from '../../net/ip-address.js';

/** Counts of connections, and how fast they may come; but for `maxConnections`, 0 means no limit. */
export interface AdmissionLimits extends ArrivalLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Which clients may connect. */
export interface AddressRules {
  /** An empty list lets in everybody. */
  readonly allow: AddressList;
  /** Comes before `allow`. */
  readonly deny: AddressList;
  /**
   * Whether those who connect by a Unix socket name the client that they do it for. One that they do not
   * name has an address that we do not know, and is on no list. Otherwise clients by a Unix socket have no
   * address, and always may connect.
   */
  readonly hasUnixProxy?: boolean;
}

const EVERYBODY: AddressRules = { allow: new AddressList([]), deny: new AddressList([]) };

/** Room beside the limit for connections that are refused politely, over HTTP. */
const MIN_REFUSED = 64;
const REFUSED_SHARE = 10;

export class Admission {
  /** True once the server stops: every handshake gets 503. */
  isDraining = false;

  #limits: AdmissionLimits;
  #addresses: AddressRules;
  readonly #memory: MemoryAccount;
  readonly #byNetwork = new Map<string, number>();
  readonly #rates: ArrivalRates;
  readonly #exactMs: () => number;
  #count = 0;

  /**
   * @param exactMs the time of a clock that never goes back, in milliseconds
   * @param memory nobody is let in while it is scarce; by default it has no limit
   */
  constructor(
    limits: AdmissionLimits,
    addresses: AddressRules = EVERYBODY,
    exactMs = (): number => performance.now(),
    memory = new MemoryAccount(),
  ) {
    this.#limits = limits;
    this.#memory = memory;
    this.#rates = new ArrivalRates(limits);
    this.#exactMs = exactMs;
    this.#addresses = addresses;
  }

  /** From now on these hold, for those who come. */
  change(maxConnections: number, addresses: AddressRules): void {
    this.#limits = { ...this.#limits, maxConnections };
    this.#addresses = addresses;
  }

  /** The most connections that there may be now. */
  get limits(): AdmissionLimits {
    return this.#limits;
  }

  /** How many refused connections may be there beside, until each has its answer. */
  get maxRefused(): number {
    // Nobody gets a place any more, and whoever was in the queue of the system gets an answer.
    if (this.isDraining) return this.#limits.maxConnections;
    return Math.max(MIN_REFUSED, Math.ceil(this.#limits.maxConnections / REFUSED_SHARE));
  }

  /** Whether all places are taken. */
  get isFull(): boolean {
    return this.#count >= this.#limits.maxConnections;
  }

  /** Whether all places are taken, but for those of so many that only ask this. */
  isFullBeside(askers: number): boolean {
    return this.#count - askers >= this.#limits.maxConnections;
  }

  /** Counts a connection that has a place. */
  add({ remoteAddress }: PeerAddress): void {
    this.#count++;
    const network = this.networkOf(remoteAddress);
    if (network !== null) this.#byNetwork.set(network, this.#countOf(network) + 1);
  }

  remove({ remoteAddress }: PeerAddress): void {
    this.#count--;
    const network = this.networkOf(remoteAddress);
    if (network === null) return;
    const left = this.#countOf(network) - 1;
    if (left > 0) this.#byNetwork.set(network, left);
    else this.#byNetwork.delete(network);
  }

  /**
   * Why a connection that was just accepted, and is not counted, gets no place; null when it gets one.
   *
   * @param isProxy whether it comes from a trusted proxy, whose client is not known yet: only what holds
   *   for all is asked then
   */
  findRefusalAtAccept(peer: PeerAddress, isProxy: boolean): HandshakeError | null {
    if (isProxy) return this.#findCommonRefusal(this.isFull);
    return this.#findRefusal(peer, this.isFull, 1);
  }

  /** A new connection is counted, of a client that is known. @returns why it comes too early, or null */
  findConnectionRefusal({ remoteAddress }: PeerAddress): HandshakeError | null {
    if (this.#rates.areUnlimited) return null;
    const network = remoteAddress === 'unix' ? null : networkOf(remoteAddress);
    return tooEarly('connection-rate', this.#rates.connect(network, this.#exactMs()));
  }

  /** An opening handshake is counted. @returns why it comes too early, or null */
  findHandshakeRefusal(): HandshakeError | null {
    if (this.#rates.areUnlimited) return null;
    return tooEarly('handshake-rate', this.#rates.shakeHands(this.#exactMs()));
  }

  /** Why a connection that is counted is not let in; null when it is. */
  findRefusal(client: PeerAddress): HandshakeError | null {
    return this.#findRefusal(client, false, 0);
  }

  #findRefusal(
    { remoteAddress }: PeerAddress,
    isFull: boolean,
    newcomers: 0 | 1,
  ): HandshakeError | null {
    // First: a client that may not connect learns nothing else.
    if (!this.isAllowed(remoteAddress)) return new HandshakeError('address');
    const refusal = this.#findCommonRefusal(isFull);
    if (refusal !== null) return refusal;
    const network = this.networkOf(remoteAddress);
    const { maxConnectionsPerAddress: most } = this.#limits;
    if (network === null || most === 0 || this.#countOf(network) + newcomers <= most) return null;
    return new HandshakeError('too-many-connections-from-address');
  }

  #findCommonRefusal(isFull: boolean): HandshakeError | null {
    if (this.isDraining) return new HandshakeError('draining');
    if (this.#memory.isNear) return new HandshakeError('memory');
    return isFull ? new HandshakeError('full') : null;
  }

  /** What clients are counted by; null for those that are not counted by anything. */
  networkOf(address: string): string | null {
    const { maxConnectionsPerAddress, maxConnectionRate = 0 } = this.#limits;
    const isCounted = maxConnectionsPerAddress + maxConnectionRate > 0 && address !== 'unix';
    return isCounted ? networkOf(address) : null;
  }

  #countOf(network: string): number {
    return this.#byNetwork.get(network) ?? 0;
  }

  /** Whether clients from there may connect. */
  isAllowed(address: string): boolean {
    const { allow, deny, hasUnixProxy = false } = this.#addresses;
    if (address === 'unix') return !hasUnixProxy || allow.isEmpty;
    return !deny.has(address) && (allow.isEmpty || allow.has(address));
  }
}

/** @param waitMs when it would not be too early; 0 for now */
export function tooEarly(
  rule: 'connection-rate' | 'handshake-rate',
  waitMs: number,
): HandshakeError | null {
  if (waitMs === 0) return null;
  return new HandshakeError(rule, { 'Retry-After': String(Math.ceil(waitMs / 1000)) });
}
