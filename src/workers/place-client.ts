/**
 * Asks the primary for places. Requests and releases of one turn of the event loop go in one message: that is cheap
 * under load, and otherwise costs one turn.
 */
import type { PlaceLimits, PlaceRule } from '../server/server-group.js';
import type { PlaceAnswers, PlaceRequest } from './messages.js';

export class PlaceClient {
  readonly #send: (request: PlaceRequest) => void;
  readonly #waiting = new Map<number, (rule: PlaceRule | null) => void>();
  #asks: [id: number, network: string | null, isHandshake: boolean][] = [];
  #releases: (string | null)[] = [];
  #limits: PlaceLimits = { maxConnections: 0, maxConnectionsPerAddress: 0 };
  #lastId = 0;
  #isDue = false;
  #isAlone = false;

  constructor(send: (request: PlaceRequest) => void) {
    this.#send = send;
  }

  /** @returns why there is no place; null when there is one, which has to be released */
  reserve(
    network: string | null,
    limits: PlaceLimits,
    isHandshake: boolean,
  ): Promise<PlaceRule | null> {
    if (this.#isAlone) return Promise.resolve('draining');
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      this.#asks.push([id, network, isHandshake]);
      this.#limits = limits;
      this.#sendSoon();
    });
  }

  release(network: string | null): void {
    this.#releases.push(network);
    this.#sendSoon();
  }

  /** The primary has answered. */
  answered(answers: PlaceAnswers): void {
    for (const [id, rule] of answers) {
      this.#waiting.get(id)?.(rule);
      this.#waiting.delete(id);
    }
  }

  /** The primary is gone: no client gets a place any more. */
  abandon(): void {
    this.#isAlone = true;
    this.answered([...this.#waiting.keys()].map((id) => [id, 'draining']));
  }

  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      const request = { asks: this.#asks, releases: this.#releases, limits: this.#limits };
      this.#asks = [];
      this.#releases = [];
      this.#isDue = false;
      this.#send(request);
    });
  }
}
