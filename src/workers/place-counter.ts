/** Counts the connections of all workers, for limits that cover all of them. The primary has one. */
import { ArrivalRates } from '../budget/arrival-rates.js';
import type { PlaceLimits, PlaceRule } from '../server/server-group.js';

/** The places of one process, by the network of the client; null is for all that are counted by none. */
type Places = Map<string | null, number>;

export class PlaceCounter {
  #total = 0;
  #rates: ArrivalRates | null = null;
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
   * @param isHandshake whether it is for a handshake, whose rate has a limit
   * @returns why there is none; null when it has one
   */
  reserve(
    serial: number,
    network: string | null,
    limits: PlaceLimits,
    isHandshake: boolean,
    nowMs: number = performance.now(),
  ): PlaceRule | null {
    const { maxConnections, maxConnectionsPerAddress: most } = limits;
    if (this.#total >= maxConnections) return 'full';
    // What each worker lets in by itself is too much in all. A reload does not change the rates.
    this.#rates ??= new ArrivalRates(limits);
    if (isHandshake && this.#rates.connect(network, nowMs) > 0) return 'connection-rate';
    if (isHandshake && this.#rates.shakeHands(nowMs) > 0) return 'handshake-rate';
    if (network !== null && most > 0 && (this.#byNetwork.get(network) ?? 0) >= most)
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
