/**
 * Connects to the first of several addresses that answers (Happy Eyeballs, RFC 8305 §5). Attempts
 * overlap, and none is given up before another one has won. Node's own `autoSelectFamily` cuts each
 * attempt off after 250 ms (nodejs/node#54359), so a host 320 ms away is never reached if another of
 * its addresses is dead.
 */
import { type Socket, isIPv6 } from 'node:net';

/** An attempt has this long for itself; then the next one starts in parallel (RFC 8305 §8). */
const ATTEMPT_DELAY_MS = 250;

/** The most attempts of one race that may be waiting for an answer; each takes a descriptor. */
const MAX_PENDING = 8;

/**
 * Connects to one of the addresses. When it returns, the sockets that lost are destroyed.
 *
 * @param open begins to connect to an address; the socket has a listener for errors
 * @param signal aborted to give up, with an Error as its reason
 * @throws Error as a rejection: the error of a single address, or an AggregateError with one error for
 *   each address that failed and, if the race was given up, the signal's reason
 */
export function connectToFirst(
  addresses: readonly string[],
  open: (address: string) => Socket,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    new AddressRace(interleaved(addresses), open, signal, { resolve, reject }).start();
  });
}

interface Outcome {
  resolve(socket: Socket): void;
  reject(error: Error): void;
}

class AddressRace {
  readonly #waiting: string[];
  readonly #open: (address: string) => Socket;
  readonly #signal: AbortSignal;
  readonly #outcome: Outcome;
  readonly #pending = new Set<Socket>();
  readonly #errors: Error[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #giveUp = (): void => {
    this.#fail(this.#signal.reason as Error);
  };
  readonly #startNext = (): void => {
    clearTimeout(this.#timer);
    if (this.#pending.size >= MAX_PENDING) return;
    const address = this.#waiting.shift();
    if (address === undefined) return;
    this.#follow(this.#open(address));
    this.#timer = setTimeout(this.#startNext, ATTEMPT_DELAY_MS);
  };

  constructor(
    addresses: string[],
    open: (address: string) => Socket,
    signal: AbortSignal,
    outcome: Outcome,
  ) {
    this.#waiting = addresses;
    this.#open = open;
    this.#signal = signal;
    this.#outcome = outcome;
  }

  start(): void {
    this.#signal.addEventListener('abort', this.#giveUp);
    if (this.#signal.aborted) this.#giveUp();
    else this.#startNext();
  }

  #follow(socket: Socket): void {
    this.#pending.add(socket);
    const onError = (error: Error): void => {
      this.#pending.delete(socket);
      this.#errors.push(error);
      if (this.#waiting.length > 0) this.#startNext();
      else if (this.#pending.size === 0) this.#fail();
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.removeListener('error', onError);
      this.#pending.delete(socket);
      this.#end();
      this.#outcome.resolve(socket);
    });
  }

  #fail(reason?: Error): void {
    this.#end();
    const all = reason === undefined ? this.#errors : [...this.#errors, reason];
    const [first] = all;
    this.#outcome.reject(all.length === 1 && first !== undefined ? first : new AggregateError(all));
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#giveUp);
    this.#waiting.length = 0;
    for (const socket of this.#pending) socket.destroy();
    this.#pending.clear();
  }
}

/** Alternates between the families, starting with the family of the first address (RFC 8305 §4). */
function interleaved(addresses: readonly string[]): string[] {
  const [first = ''] = addresses;
  const isOfFirst = (address: string): boolean => isIPv6(address) === isIPv6(first);
  const own = addresses.filter(isOfFirst);
  const other = addresses.filter((address) => !isOfFirst(address));
  const all: string[] = [];
  for (let index = 0; index < Math.max(own.length, other.length); index++)
    all.push(...own.slice(index, index + 1), ...other.slice(index, index + 1));
  return all;
}
