/**
 * The connections of a server: which have a place, which were refused one and wait for their answer, and which give
 * way to a newcomer.
 */
import { AgeMap } from '../../budget/age-map.js';
import type { CoarseClock } from '../../connection/clock.js';
import type { Connection } from '../../connection/connection.js';
import type { HandshakeError } from '../../errors.js';
import type { Log } from '../../log.js';
import { networkOf } from '../../net/ip-address.js';
import type { PeerAddress } from '../../net/socket-address.js';
import type { Admission } from './admission.js';
import type { Expendables } from './expendables.js';
import type { GroupPlaces } from './group-places.js';
import type { ServerCounters } from '../server-counters.js';

/** Dropped connections are logged once in this time, with their number so far. */
const DROP_LOG_MS = 1000;

/** What the registry decides with. */
export interface RegistryParts {
  readonly admission: Admission;
  readonly expendables: Expendables<Connection>;
  /** Null where this process serves alone. */
  readonly places: GroupPlaces<Connection> | null;
  readonly clock: Pick<CoarseClock, 'nowMs'>;
  readonly counters: Pick<ServerCounters, 'dropped'>;
  readonly log: Log;
}

export class ConnectionRegistry {
  /** All that there are, refused ones too. */
  readonly all: ReadonlySet<Connection>;

  readonly #parts: RegistryParts;
  readonly #all = new Set<Connection>();
  /** Those that were refused when they were accepted, oldest first; they take no place. */
  readonly #refused = new AgeMap<Connection, true>();
  /** Those by a proxy whose clients come too fast, until they are told so. */
  readonly #early = new WeakMap<Connection, HandshakeError>();
  #dropLoggedMs = 0;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.all = this.#all;
  }

  // ---- A newcomer

  /**
   * Why a connection that was just accepted gets no place; null when it gets one, for which another may have to go.
   *
   * @param isProxy whether it comes from a trusted proxy, whose client is not known yet
   * @param network what it is counted by; null if it is not counted by anything
   */
  findRefusal(peer: PeerAddress, isProxy: boolean, network: string | null): HandshakeError | null {
    const { admission, expendables } = this.#parts;
    // Counted whether there is room or not: who comes too fast makes nobody else go.
    const early = isProxy ? null : admission.findConnectionRefusal(peer);
    const refusal = admission.findRefusalAtAccept(peer, isProxy);
    if (refusal === null || refusal.rule === 'address') return refusal ?? early;
    if (early !== null) return early;
    if (refusal.rule !== 'full') return refusal;
    const victim = expendables.findVictim(network);
    if (victim === null) return refusal;
    this.#sacrifice(victim);
    return admission.findRefusalAtAccept(peer, isProxy);
  }

  /** @param network what it is counted by until its client is known; null if it is not counted by anything */
  add(connection: Connection, network: string | null): void {
    const { admission, expendables, clock } = this.#parts;
    this.#all.add(connection);
    if (connection.isCounted) {
      admission.add(connection);
      expendables.add(connection, network, clock.nowMs);
      return;
    }
    // Refused connections wait for their answer in a set of their own; when that is full, the oldest is dropped.
    const { oldest } = this.#refused;
    if (oldest !== null && this.#refused.size >= admission.maxRefused) this.#sacrifice(oldest.key);
    this.#refused.set(connection, true);
  }

  /**
   * The connection counts for this client, and no longer for the proxy that it came by.
   *
   * @param isNew false once that is over, and it counts for its proxy again
   */
  identify(connection: Connection, proxy: PeerAddress, client: PeerAddress, isNew: boolean): void {
    const { admission, expendables } = this.#parts;
    admission.remove(proxy);
    admission.add(client);
    // A PROXY header comes long before the request: until then the client is counted as any other.
    expendables.identify(connection, networkOf(client.remoteAddress));
    const early = isNew ? admission.findConnectionRefusal(client) : null;
    if (early !== null) this.#early.set(connection, early);
  }

  /** Why a connection is not let in whose client is known; asked for each of its requests. */
  findLaterRefusal(connection: Connection): HandshakeError | null {
    const early = this.#early.get(connection);
    this.#early.delete(connection);
    return this.#parts.admission.findRefusal(connection) ?? early ?? null;
  }

  /**
   * In a group the limits hold for all of its processes, so a place is asked for when it is known for whom.
   *
   * @param isHandshake whether it is for a handshake, whose rate has a limit
   * @returns null where this process serves alone
   * @throws HandshakeError when it comes too early, or as a rejection, when there is no place
   */
  reserve(connection: Connection, isHandshake: boolean): Promise<void> | null {
    const { admission, places } = this.#parts;
    const early = isHandshake ? admission.findHandshakeRefusal() : null;
    if (early !== null) throw early;
    if (places === null) return null;
    const network = admission.networkOf(connection.remoteAddress);
    return places.reserve(connection, network, admission.limits, isHandshake);
  }

  // ---- Later

  /** Whether the connection may be dropped to make room: it waits for a request, or was refused one. */
  setExpendable(connection: Connection, isExpendable: boolean): void {
    const { expendables, places, clock } = this.#parts;
    expendables.delete(connection);
    if (!isExpendable) return;
    places?.release(connection);
    // Its client may have come by a proxy, and counting the proxy would be unjust.
    if (connection.isCounted) expendables.add(connection, null, clock.nowMs);
  }

  /** Gives up those that are over a limit and have had their time, and has the others look at their deadlines. */
  check(nowMs: number): void {
    for (const connection of this.#parts.expendables.overdue(nowMs)) {
      this.#countDropped();
      connection.giveUp();
    }
    for (const connection of this.#all) {
      if (connection.nextCheckMs <= nowMs) connection.check(nowMs);
    }
  }

  /** The socket is gone. */
  remove(connection: Connection): void {
    this.#all.delete(connection);
    this.#forget(connection);
  }

  #sacrifice(connection: Connection): void {
    // Its place is free from now on, and not only when the socket is closed.
    this.#forget(connection);
    connection.drop('shutdown');
    this.#countDropped();
  }

  /** Takes a connection out of all that is counted. */
  #forget(connection: Connection): void {
    const { admission, expendables, places } = this.#parts;
    this.#refused.delete(connection);
    expendables.delete(connection);
    places?.release(connection);
    if (!connection.isCounted) return;
    connection.isCounted = false;
    admission.remove(connection);
  }

  /** A flood of connections is no reason for a flood of lines. */
  #countDropped(): void {
    const { clock, counters, log } = this.#parts;
    const dropped = ++counters.dropped;
    const { nowMs } = clock;
    if (dropped > 1 && nowMs - this.#dropLoggedMs < DROP_LOG_MS) return;
    this.#dropLoggedMs = nowMs;
    log.warn({ connections: this.#all.size, dropped }, 'connections dropped: too many are open');
  }
}
