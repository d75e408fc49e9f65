/**
 * Connections that may be dropped to make room: each waits for its client's request, or lingers after it
 * was refused one. They are found by age, in all and by the network that they come from.
 */

interface Entry {
  readonly sinceMs: number;
  readonly network: string | null;
}

/** Counts of connections; 0 means no limit for `maxPerNetwork`. */
export interface ExpendableLimits {
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number;
}

/**
 * So long a connection has before the limits count it: a client far away needs the time, and a burst of
 * clients who all come back at once is no flood.
 */
const GRACE_MS = 1000;

export class Expendables<Connection> {
  readonly #limits: ExpendableLimits;
  /** Oldest first. */
  readonly #entries = new Map<Connection, Entry>();
  /** The same, apart. */
  readonly #networks = new Map<string, Set<Connection>>();

  constructor(limits: ExpendableLimits) {
    this.#limits = limits;
  }

  /** @param network what its client is counted by; null if it is not counted by anything */
  add(connection: Connection, network: string | null, nowMs: number): void {
    this.#entries.set(connection, { sinceMs: nowMs, network });
    if (network === null) return;
    const known = this.#networks.get(network);
    if (known === undefined) this.#networks.set(network, new Set([connection]));
    else known.add(connection);
  }

  /** Does nothing for a connection that is not there. */
  delete(connection: Connection): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    if (entry.network === null) return;
    const known = this.#networks.get(entry.network)!;
    known.delete(connection);
    if (known.size === 0) this.#networks.delete(entry.network);
  }

  /**
   * Who makes room for a newcomer: the oldest of its own network, so that a flood from one network drowns
   * itself; else the oldest of all.
   */
  findVictim(network: string | null): Connection | null {
    const own = network === null ? undefined : this.#networks.get(network);
    const [victim = null] = own ?? this.#entries.keys();
    return victim;
  }

  /** Whoever is over a limit, and has had its time. */
  overdue(nowMs: number): Connection[] {
    const { maxHandshakes: max, maxHandshakesPerAddress: maxPerNetwork } = this.#limits;
    const found = new Set<Connection>();
    if (maxPerNetwork > 0 && this.#entries.size > maxPerNetwork) {
      for (const known of this.#networks.values())
        this.#find(known, known.size - maxPerNetwork, nowMs, found);
    }
    this.#find(this.#entries.keys(), this.#entries.size - found.size - max, nowMs, found);
    return [...found];
  }

  #find(
    oldestFirst: Iterable<Connection>,
    count: number,
    nowMs: number,
    found: Set<Connection>,
  ): void {
    if (count <= 0) return;
    let left = count;
    for (const connection of oldestFirst) {
      if (left === 0 || nowMs - this.#entries.get(connection)!.sinceMs < GRACE_MS) break;
      if (found.has(connection)) continue;
      found.add(connection);
      left--;
    }
  }
}
