/**
 * The extensions of one connection, one behind the other: `encode` in the order of the response
 * header, `decode` in reverse (RFC 6455 §9.1).
 *
 * A chain whose extensions all return at once costs no promise. Order among messages is not its
 * business: `MessagePipeline` starts a message only when the one before it is through.
 *
 * Extensions may be somebody else's code, so this is where it is held to its contract: what it throws
 * becomes one of our errors, and what it returns is looked at.
 */
import { ExtensionError, InvalidPayloadError, MessageTooBigError, PeerError } from '../errors.js';
import type { ExtensionSession, Message } from './extension.js';
import { wireLimitBytes } from '../protocol/assembler.js';
import { copyPayload } from './payload-copy.js';

/** One extension that a connection has agreed on. */
export interface ChainLink {
  readonly name: string;
  readonly session: ExtensionSession;
}

type Direction = 'decode' | 'encode';

/** The limit of a message that an extension has changed is the same, whichever bit says so. */
const RSV_OF_ANY = 1;

export class ExtensionChain {
  /** RSV bits that the extensions own on the first frame of a message. */
  readonly reservedRsv: number;
  /** True when some extension may still look at a payload after its call. */
  readonly keepsPayload: boolean;
  readonly #links: readonly ChainLink[];
  readonly #reversed: readonly ChainLink[];
  #isClosed = false;

  constructor(links: readonly ChainLink[], reservedRsv: number) {
    this.#links = links;
    this.#reversed = links.toReversed();
    this.reservedRsv = reservedRsv;
    this.keepsPayload = links.some(({ session }) => session.keepsPayload !== false);
  }

  /**
   * A message as the peer sent it, as it was before the peer's extensions.
   *
   * @throws InvalidPayloadError, MessageTooBigError or ExtensionError; a promise rejects with them
   */
  decode(message: Message, maxBytes: number): Message | Promise<Message> {
    return this.#run(this.#reversed, 0, 'decode', message, maxBytes);
  }

  /**
   * A message as it is to be sent.
   *
   * @throws ExtensionError; a promise rejects with it
   */
  encode(message: Message): Message | Promise<Message> {
    return this.#run(this.#links, 0, 'encode', message, Infinity);
  }

  /** What the sessions have to say for the log, by name, without those that say nothing. */
  get stats(): Record<string, object> {
    return Object.fromEntries(
      this.#links.flatMap(({ name, session }) => {
        const stats = statsOf(session);
        return stats === null ? [] : [[name, stats]];
      }),
    );
  }

  /** Gives back everything; a second call does nothing. @returns what went wrong, or null */
  close(): ExtensionError | null {
    if (this.#isClosed) return null;
    this.#isClosed = true;
    let failure: ExtensionError | null = null;
    for (const { name, session } of this.#links) {
      try {
        session.close();
      } catch (error) {
        failure ??= failureOf(name, 'close', error);
      }
    }
    return failure;
  }

  #run(
    links: readonly ChainLink[],
    from: number,
    direction: Direction,
    message: Message,
    maxBytes: number,
  ): Message | Promise<Message> {
    let current = message;
    for (let index = from; index < links.length; index++) {
      const link = links[index]!;
      const { session } = link;
      const limitBytes = limitOf(links, index, maxBytes);
      let result: Message | Promise<Message>;
      try {
        result =
          direction === 'decode' ? session.decode(current, limitBytes) : session.encode(current);
      } catch (error) {
        throw blame(link.name, direction, error, limitBytes);
      }
      if (isPromise(result)) return this.#runLater(links, index, direction, result, maxBytes);
      // What goes on as it came was looked at before.
      if (result === current) continue;
      // Behind a promise the result is read some microtasks later, and others may work until then.
      const isKept = this.keepsPayload || from > 0;
      current = this.#checked(result, current.payload, link, direction, limitBytes, isKept);
    }
    // The last one may have let it pass as it is.
    const isFromOther = links.length > 1 && current !== message;
    if (isFromOther && current.payload.length > maxBytes) throw new MessageTooBigError(maxBytes);
    return current;
  }

  async #runLater(
    links: readonly ChainLink[],
    index: number,
    direction: Direction,
    pending: PromiseLike<Message>,
    maxBytes: number,
  ): Promise<Message> {
    const link = links[index]!;
    const limitBytes = limitOf(links, index, maxBytes);
    let result: Message;
    try {
      result = await pending;
    } catch (error) {
      throw blame(link.name, direction, error, limitBytes);
    }
    // The sessions behind it have given back what they work with.
    if (this.#isClosed) throw new ExtensionError(`extension ${link.name}: closed in ${direction}`);
    const checked = this.#checked(result, null, link, direction, limitBytes, this.keepsPayload);
    return await this.#run(links, index + 1, direction, checked, maxBytes);
  }

  /**
   * What one session made of a message.
   *
   * @param input the payload that it had, if it is still there
   * @param limitBytes the largest payload that it may have
   * @param isKept true when somebody may look at it after the session's next call
   */
  #checked(
    result: Message,
    input: Uint8Array | null,
    { name, session }: ChainLink,
    direction: Direction,
    limitBytes: number,
    isKept: boolean,
  ): Message {
    if (!isMessage(result)) {
      throw new ExtensionError(`extension ${name}: ${direction} must return a message`);
    }
    // The peer would take it for a breach of RFC 6455 §5.2, and nobody would know whose.
    if ((result.rsv & ~this.reservedRsv) !== 0) {
      throw new ExtensionError(`extension ${name}: ${direction} set a bit that is not reserved`);
    }
    if (result.payload.length > limitBytes) throw new MessageTooBigError(limitBytes);
    const isShared = session.keepsPayload === false && result.payload !== input;
    return isKept && isShared
      ? { opcode: result.opcode, rsv: result.rsv, payload: copyPayload(result.payload) }
      : result;
  }
}

/** What is not yet as it was before all extensions may be larger, as it may on the wire. */
function limitOf(links: readonly ChainLink[], index: number, maxBytes: number): number {
  const isLast = index === links.length - 1;
  return isLast ? maxBytes : wireLimitBytes(maxBytes, RSV_OF_ANY, 1);
}

function isPromise(result: Message | Promise<Message>): result is Promise<Message> {
  return typeof (result as Partial<Promise<Message>> | null | undefined)?.then === 'function';
}

function isMessage(result: unknown): result is Message {
  const { opcode, rsv, payload } = (result ?? {}) as Partial<Message>;
  return (opcode === 1 || opcode === 2) && isRsv(rsv) && payload instanceof Uint8Array;
}

function isRsv(rsv: unknown): boolean {
  return Number.isInteger(rsv) && (rsv as number) >= 0 && (rsv as number) <= 7;
}

function statsOf(session: ExtensionSession): object | null {
  try {
    return session.stats ?? null;
  } catch {
    // A log line goes without them.
    return null;
  }
}

/** Whose fault it is: the peer's for what the extension says is, else its own. */
function blame(name: string, direction: Direction, error: unknown, maxBytes: number): Error {
  // What is sent is ours: the peer has no part in it.
  if (direction === 'encode') return failureOf(name, direction, error);
  if (error instanceof PeerError) return error;
  const { closeCode } = (error ?? {}) as { closeCode?: unknown };
  if (closeCode === 1009) return new MessageTooBigError(maxBytes);
  if (closeCode === 1007) {
    const { message } = error as { message?: unknown };
    const isReason = typeof message === 'string' && message !== '';
    return new InvalidPayloadError('extension-data', isReason ? message : undefined);
  }
  return failureOf(name, direction, error);
}

function failureOf(name: string, what: string, error: unknown): ExtensionError {
  return new ExtensionError(`extension ${name} failed in ${what}: ${textOfThrown(error)}`, {
    cause: error,
  });
}

/** What was thrown, whatever it is, in words. Never throws. */
export function textOfThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    // An object without a prototype, for instance, is no text.
    return 'something without a text';
  }
}
