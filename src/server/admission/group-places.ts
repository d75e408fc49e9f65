/** Which connections of this process have a place among those of all processes. */
import { HandshakeError } from '../../errors.js';
import type { PlaceLimits, ServerGroup } from '../server-group.js';

export class GroupPlaces<Connection> {
  readonly #group: Pick<ServerGroup, 'reserve' | 'release'>;
  /** By what each is counted; undefined while that is asked for. */
  readonly #held = new Map<Connection, string | null | undefined>();

  constructor(group: Pick<ServerGroup, 'reserve' | 'release'>) {
    this.#group = group;
  }

  /**
   * Takes a place for a connection, in place of the one that it may have.
   *
   * @throws HandshakeError as a rejection, when there is none, or the connection was released meanwhile
   */
  async reserve(
    connection: Connection,
    network: string | null,
    limits: PlaceLimits,
    isHandshake: boolean,
  ): Promise<void> {
    this.release(connection);
    this.#held.set(connection, undefined);
    const rule = await this.#group.reserve(network, limits, isHandshake);
    if (rule !== null) {
      this.#held.delete(connection);
      throw new HandshakeError(rule);
    }
    if (!this.#held.has(connection)) {
      this.#group.release(network);
      throw new HandshakeError('handshake-timeout');
    }
    this.#held.set(connection, network);
  }

  /** Does nothing for a connection that has no place. */
  release(connection: Connection): void {
    const network = this.#held.get(connection);
    this.#held.delete(connection);
    if (network !== undefined) this.#group.release(network);
  }
}
