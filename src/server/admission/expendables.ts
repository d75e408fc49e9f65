/**
 * Connections that may be dropped to make room: each waits for its client's request, or lingers after it
 * was refused one. They are found by age, in all and by the network that they come from.
 */
import { AgeList, type Aged } from '../../budget/age-list.js';
import { AgeMap } from '../../budget/age-map.js';

/** A connection, in the list of its network. */
interface Entry<Connection> extends Aged<Entry<Connection>> {
  readonly connection: Connection;
  readonly sinceMs: number;
  readonly network: Network<Connection> | null;
}

interface Network<Connection> {
  readonly name: string;
  /** Oldest first, but for those whose network was told later. */
  readonly entries: AgeList<Entry<Connection>>;
}

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
  readonly #entries = new AgeMap<Connection, Entry<Connection>>();
  /** The same, apart. */
  readonly #networks = new Map<string, Network<Connection>>();

  constructor(limits: ExpendableLimits) {
    this.#limits = limits;
  }

  /** @param network what its client is counted by; null if it is not counted by anything */
  add(connection: Connection, network: string | null, nowMs: number): void {
    const entry: Entry<Connection> = {
      connection,
      sinceMs: nowMs,
      network: network === null ? null : this.#networkOf(network),
      older: null,
      newer: null,
    };
    this.#entries.set(connection, entry);
    entry.network?.entries.add(entry);
  }

  /** Tells which network a connection really came from; does nothing for one that is not there. */
  identify(connection: Connection, network: string | null): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#leaveNetwork(entry);
    // Its age stays, and its place among all.
    this.add(connection, network, entry.sinceMs);
  }

  #networkOf(name: string): Network<Connection> {
    let network = this.#networks.get(name);
    if (network === undefined) {
      network = { name, entries: new AgeList() };
      this.#networks.set(name, network);
    }
    return network;
  }

  /** Does nothing for a connection that is not there. */
  delete(connection: Connection): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    this.#leaveNetwork(entry);
  }

  #leaveNetwork(entry: Entry<Connection>): void {
    const { network } = entry;
    if (network === null) return;
    network.entries.delete(entry);
    if (network.entries.size === 0) this.#networks.delete(network.name);
  }

  /**
   * The connection that makes room for a newcomer: the oldest of its own network, so that a flood from one network drowns
   * itself; else the oldest of all.
   */
  findVictim(network: string | null): Connection | null {
    const own = network === null ? undefined : this.#networks.get(network);
    return own?.entries.oldest?.connection ?? this.#entries.oldest?.key ?? null;
  }

  /** Whoever is over a limit, and has had its time. */
  overdue(nowMs: number): Connection[] {
    const { maxHandshakes: max, maxHandshakesPerAddress: maxPerNetwork } = this.#limits;
    const found = new Set<Connection>();
    if (maxPerNetwork > 0 && this.#entries.size > maxPerNetwork) {
      for (const { entries } of this.#networks.values())
        this.#find(entries, entries.size - maxPerNetwork, nowMs, found);
    }
    this.#find(this.#all(), this.#entries.size - found.size - max, nowMs, found);
    return [...found];
  }

  *#all(): Generator<Entry<Connection>, void> {
    for (const { value } of this.#entries) yield value;
  }

  #find(
    oldestFirst: Iterable<Entry<Connection>>,
    count: number,
    nowMs: number,
    found: Set<Connection>,
  ): void {
    if (count <= 0) return;
    let left = count;
    for (const { connection, sinceMs } of oldestFirst) {
      if (left === 0 || nowMs - sinceMs < GRACE_MS) break;
      if (found.has(connection)) continue;
      found.add(connection);
      left--;
    }
  }
}
