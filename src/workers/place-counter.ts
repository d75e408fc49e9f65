/** Counts the connections of all workers, for limits that cover all of them. The primary has one. */
import type { PlaceLimits, PlaceRule } from '../server/server-group.js';

/** The places of one process, by the network of the client; null is for all that are counted by none. */
type Places = Map<string | null, number>;

export class PlaceCounter {
  #total = 0;
  readonly #byNetwork: Places = new Map();
  /** By the serial numbers of processes. */
  readonly #byProcess = new Map<number, Places>();

  /** How many places are taken. */
  get total(): number {
    return this.#total;
  }

  /**
   * Takes a place for a connection.
   *
   * @param network what its client is counted by; null for nothing
   * @returns why there is none; null when it has one
   */
  reserve(
    serial: number,
    network: string | null,
    { maxConnections, maxConnectionsPerAddress }: PlaceLimits,
  ): PlaceRule | null {
    if (this.#total >= maxConnections) return 'full';
    if (network !== null && (this.#byNetwork.get(network) ?? 0) >= maxConnectionsPerAddress)
      return 'too-many-connections-from-address';
    let own = this.#byProcess.get(serial);
    if (own === undefined) {
      own = new Map();
      this.#byProcess.set(serial, own);
    }
    this.#total++;
    add(own, network, 1);
    add(this.#byNetwork, network, 1);
    return null;
  }

  /** Gives a place back. Ignores one that the process does not have. */
  release(serial: number, network: string | null): void {
    const own = this.#byProcess.get(serial);
    if (own?.has(network) !== true) return;
    this.#total--;
    add(own, network, -1);
    add(this.#byNetwork, network, -1);
  }

  /** A process is gone, and its connections with it. @returns how many there were */
  forget(serial: number): number {
    const own = this.#byProcess.get(serial);
    if (own === undefined) return 0;
    this.#byProcess.delete(serial);
    let count = 0;
    for (const [network, places] of own) {
      add(this.#byNetwork, network, -places);
      count += places;
    }
    this.#total -= count;
    return count;
  }
}

function add(places: Places, network: string | null, count: number): void {
  const now = (places.get(network) ?? 0) + count;
  if (now === 0) places.delete(network);
  else places.set(network, now);
}
