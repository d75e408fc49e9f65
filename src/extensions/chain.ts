/**
 * The extensions of one connection, one after the other: `encode` in the order of the response
 * header, `decode` in reverse (RFC 6455 §9.1).
 *
 * A chain whose extensions all return at once costs no promise. It does not
 * keep messages in order: `MessagePipeline` starts a message only when the one before it is through.
 *
 * Extensions may be foreign code, so their contract is enforced here: what they throw becomes one of our
 * errors, and what they return is checked.
 */

import { ExtensionError, InvalidPayloadError, MessageTooBigError, PeerError } from '../errors.js';
import type { ExtensionSession, Message } from './extension.js';
import {
  fieldsForLog,
  isInstance,
  memberOf,
  onRejection,
  promiseOf,
  textOfThrown,
} from '../foreign.js';
import { wireLimitBytes } from '../protocol/assembler.js';
import { copyPayload } from '../protocol/bytes.js';

/** One extension that a connection has agreed on. */
export interface ChainLink {
  readonly name: string;
  readonly session: ExtensionSession;
  /** What the session says under that name, which was read once. */
  readonly keepsPayload: boolean;
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
    this.keepsPayload = links.some((link) => link.keepsPayload);
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

  /** Memory that the extensions hold, as far as they say. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { session } of this.#links) {
      const held = memberOf(session, 'heldBytes');
      if (typeof held === 'number' && held > 0) bytes += held;
    }
    return bytes;
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

  /**
   * Gives back everything; a second call does nothing.
   *
   * @param fail told of what goes wrong, at once or later
   */
  close(fail: (error: ExtensionError) => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { name, session } of this.#links) {
      const failed = (error: unknown): void => {
        fail(failureOf(name, 'close', error));
      };
      try {
        onRejection((session as { close(): unknown }).close(), failed);
      } catch (error) {
        failed(error);
      }
    }
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
      let result: Message | PromiseLike<Message>;
      try {
        result =
          direction === 'decode' ? session.decode(current, limitBytes) : session.encode(current);
      } catch (error) {
        throw blame(link.name, direction, error, limitBytes);
      }
      // What goes on as it came was looked at before.
      if (result === current) continue;
      const pending = promiseOf(result);
      if (pending !== null) return this.#runLater(links, index, direction, pending, maxBytes);
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
    pending: Promise<Message>,
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
    // The sessions after it have already released their resources.
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
    result: unknown,
    input: Uint8Array | null,
    { name, keepsPayload }: ChainLink,
    direction: Direction,
    limitBytes: number,
    isKept: boolean,
  ): Message {
    // Each member is read once: what was looked at is what goes on.
    const opcode = memberOf(result, 'opcode');
    const rsv = memberOf(result, 'rsv');
    const payload = memberOf(result, 'payload');
    if ((opcode !== 1 && opcode !== 2) || !isRsv(rsv) || !isBytes(payload)) {
      throw new ExtensionError(`extension ${name}: ${direction} must return a message`);
    }
    // The peer would take it for a breach of RFC 6455 §5.2, and nobody would know whose.
    if ((rsv & ~this.reservedRsv) !== 0) {
      throw new ExtensionError(`extension ${name}: ${direction} set a bit that is not reserved`);
    }
    if (payload.length > limitBytes) throw new MessageTooBigError(limitBytes);
    const isShared = isKept && !keepsPayload && payload !== input;
    return { opcode, rsv, payload: isShared ? copyPayload(payload) : payload };
  }
}

/** What is not yet as it was before all extensions may be larger, as it may on the wire. */
function limitOf(links: readonly ChainLink[], index: number, maxBytes: number): number {
  const isLast = index === links.length - 1;
  return isLast ? maxBytes : wireLimitBytes(maxBytes, RSV_OF_ANY, 1);
}

function isRsv(rsv: unknown): rsv is number {
  return Number.isInteger(rsv) && (rsv as number) >= 0 && (rsv as number) <= 7;
}

/** A view on bytes of its own, which no Proxy is, nor what merely inherits from a view. */
function isBytes(payload: unknown): payload is Uint8Array {
  return ArrayBuffer.isView(payload) && isInstance(payload, Uint8Array);
}

/** Plain values, whatever the session gives; null when it has nothing to say. */
function statsOf(session: ExtensionSession): object | null {
  const stats = memberOf(session, 'stats');
  onRejection(stats, () => undefined);
  return typeof stats === 'object' && stats !== null ? fieldsForLog(stats) : null;
}

/** Whose fault it is: the peer's for what the extension says is, else its own. */
function blame(name: string, direction: Direction, error: unknown, maxBytes: number): Error {
  // What is sent is ours: the peer has no part in it.
  if (direction === 'encode') return failureOf(name, direction, error);
  if (isInstance(error, PeerError)) return error;
  const closeCode = memberOf(error, 'closeCode');
  if (closeCode === 1009) return new MessageTooBigError(maxBytes);
  if (closeCode === 1007) {
    const message = memberOf(error, 'message');
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
