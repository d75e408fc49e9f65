/**
 * Connections that may be dropped to make room: each waits for its client's request, or lingers after it
 * was refused one. They are found by age, in all and by the network that they come from.
 */
import { AgeMap } from '../../budget/age-map.js';

interface Entry<Connection> {
  readonly sinceMs: number;
  readonly network: Network<Connection> | null;
}

interface Network<Connection> {
  readonly name: string;
  /** Oldest first, but for those whose network was told later. */
  readonly entries: Entries<Connection>;
}

type Entries<Connection> = AgeMap<Connection, Entry<Connection>>;

/** Counts of connections; 0 means no limit for `maxPerNetwork`. */
export interface ExpendableLimits {
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number;
}

/**
 * So long a connection has before the limits count it: a client far away needs the time, and a burst of
 * clients that all come back at once is no flood.
 */
const GRACE_MS = 1000;

export class Expendables<Connection> {
  readonly #limits: ExpendableLimits;
  /** Oldest first. */
  readonly #entries: Entries<Connection> = new AgeMap();
  /** The same, apart. */
  readonly #networks = new Map<string, Network<Connection>>();

  constructor(limits: ExpendableLimits) {
    this.#limits = limits;
  }

  /** @param network what its client is counted by; null if it is not counted by anything */
  add(connection: Connection, network: string | null, nowMs: number): void {
    const entry = { sinceMs: nowMs, network: network === null ? null : this.#networkOf(network) };
    this.#entries.set(connection, entry);
    entry.network?.entries.set(connection, entry);
  }

  /** Tells which network a connection really came from; does nothing for one that is not there. */
  identify(connection: Connection, network: string | null): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    // Its age stays, and its place among all.
    this.#leaveNetwork(connection, entry);
    const known = {
      sinceMs: entry.sinceMs,
      network: network === null ? null : this.#networkOf(network),
    };
    this.#entries.set(connection, known);
    known.network?.entries.set(connection, known);
  }

  #networkOf(name: string): Network<Connection> {
    let network = this.#networks.get(name);
    if (network === undefined) {
      network = { name, entries: new AgeMap() };
      this.#networks.set(name, network);
    }
    return network;
  }

  /** Does nothing for a connection that is not there. */
  delete(connection: Connection): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    this.#leaveNetwork(connection, entry);
  }

  #leaveNetwork(connection: Connection, { network }: Entry<Connection>): void {
    if (network === null) return;
    network.entries.delete(connection);
    if (network.entries.size === 0) this.#networks.delete(network.name);
  }

  /**
   * The connection that makes room for a newcomer: the oldest of its own network, so that a flood from one network drowns
   * itself; else the oldest of all.
   */
  findVictim(network: string | null): Connection | null {
    const own = network === null ? undefined : this.#networks.get(network);
    return (own?.entries ?? this.#entries).oldest?.key ?? null;
  }

  /** Whoever is over a limit, and has had its time. */
  overdue(nowMs: number): Connection[] {
    const { maxHandshakes: max, maxHandshakesPerAddress: maxPerNetwork } = this.#limits;
    const found = new Set<Connection>();
    if (maxPerNetwork > 0 && this.#entries.size > maxPerNetwork) {
      for (const { entries } of this.#networks.values())
        this.#find(entries, entries.size - maxPerNetwork, nowMs, found);
    }
    this.#find(this.#entries, this.#entries.size - found.size - max, nowMs, found);
    return [...found];
  }

  #find(
    oldestFirst: Entries<Connection>,
    count: number,
    nowMs: number,
    found: Set<Connection>,
  ): void {
    if (count <= 0) return;
    let left = count;
    for (const { key, value } of oldestFirst) {
      if (left === 0 || nowMs - value.sinceMs < GRACE_MS) break;
      if (found.has(key)) continue;
      found.add(key);
      left--;
    }
  }
}
