/**
 * The messages of a session, both ways: through the extensions if there are any, counted, shown to the
 * observer, and the consumer told when to wait.
 *
 *     endpoint ──▶ message, piece ──▶ (extensions) ──▶ consumer
 *     endpoint ◀── (extensions) ◀──── send, sendPiece ◀── consumer
 */
import { PolicyError } from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import { type DataOpcode, MAX_FRAME_HEADER_BYTES } from '../protocol/frame.js';
import type { Message } from '../extensions/extension.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { SessionLimits } from './session-host.js';
import type { SessionAccount } from './stats.js';
import type { SessionDeadlines } from './deadlines.js';
import type { HeldOutput } from './held-output.js';
import { type ExtensionsOwner, SessionExtensions } from './session-extensions.js';
import type { SessionObservation } from './session-observation.js';
import type { SessionTransport } from './session-transport.js';
import type { Consumer, ModeSession, SendResult } from './session.js';

/** The session that the messages belong to. */
export interface TrafficSession extends ModeSession {
  readonly endpoint: Endpoint;
  /** Whether messages that come now still reach the consumer. */
  readonly canReceive: boolean;
  /** Hears of what the result of a call of the consumer rejects with. */
  follow(result: unknown): void;
  extensionsIdle(): void;
}

/** What it works with. */
export interface TrafficParts {
  readonly consumer: Consumer;
  readonly account: SessionAccount;
  readonly deadlines: SessionDeadlines;
  readonly limits: SessionLimits;
}

export class SessionTraffic implements ExtensionsOwner {
  /** The extensions that were agreed on, at work; null for none. */
  readonly extensions: SessionExtensions | null;
  /** Who is told of what comes and goes; usually nobody. */
  observation: SessionObservation | null = null;
  /** The observer takes no more: the consumer is told to wait, whatever the peer does. */
  isPausedByObserver = false;
  /** The consumer was told to wait. */
  isWaiting = false;
  /** Output that the observer does not let go yet; null while it holds none back. */
  held: HeldOutput | null = null;

  readonly #session: TrafficSession;
  readonly #transport: SessionTransport;
  readonly #consumer: Consumer;
  readonly #account: SessionAccount;
  readonly #deadlines: SessionDeadlines;
  readonly #limits: SessionLimits;

  constructor(
    session: TrafficSession,
    chain: ExtensionChain | null,
    transport: SessionTransport,
    { consumer, account, deadlines, limits }: TrafficParts,
  ) {
    this.#session = session;
    this.#transport = transport;
    this.#consumer = consumer;
    this.#account = account;
    this.#deadlines = deadlines;
    this.#limits = limits;
    this.extensions = chain === null ? null : new SessionExtensions(chain, limits.maxMessage, this);
  }

  /** Bytes that the consumer has sent and the peer not taken. */
  get waitingBytes(): number {
    let bytes = this.#transport.outbox.queue.waitingBytes;
    if (this.held !== null) bytes += this.held.bytes;
    if (this.extensions !== null) bytes += this.extensions.waitingBytes;
    return bytes;
  }

  // ---- On their way in

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void {
    this.#deadlines.arrived();
    if (this.extensions === null) {
      this.observation?.received(opcode, bytes, start, end, true, true);
      this.#deliver(opcode, bytes, start, end);
    } else {
      this.observation?.decoding(end - start);
      this.extensions.receive(opcode, bytes, start, end, rsv);
    }
  }

  chunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    if (isLast) this.#account.messagesIn++;
    this.#account.bytesIn += end - start;
    this.#deadlines.active();
    this.observation?.received(opcode, bytes, start, end, isFirst, isLast);
    const result: unknown = this.#consumer.chunk?.(
      this.#session,
      opcode,
      bytes,
      start,
      end,
      isFirst,
      isLast,
    );
    this.#session.follow(result);
  }

  decoded(message: Message): void {
    this.#deadlines.progressed();
    if (!this.#session.canReceive) return;
    this.observation?.decoded(message);
    this.#deliver(message.opcode, message.payload, 0, message.payload.length);
  }

  /** The consumer wants no more: what is on its way to it is dropped. */
  stopReceiving(): void {
    this.extensions?.stopReceiving();
    this.observation?.undecodedDropped();
  }

  #deliver(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.#account.messagesIn++;
    this.#account.bytesIn += end - start;
    // Extensions work on whole messages, so there is but one piece of each.
    const result: unknown =
      this.#consumer.delivery === 'chunks'
        ? this.#consumer.chunk?.(this.#session, opcode, bytes, start, end, true, true)
        : this.#consumer.message?.(this.#session, opcode, bytes, start, end);
    this.#session.follow(result);
  }

  // ---- On their way out

  /** Sends a message; the session may still send. */
  send(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): SendResult {
    if (this.extensions !== null) {
      if (!this.extensions.send(opcode, bytes, start, end)) return 'closed';
    } else {
      this.#session.endpoint.sendMessage(opcode, bytes, start, end);
      this.observation?.sent(opcode, bytes, start, end, true, true);
    }
    this.#account.messagesOut++;
    return this.#sent(end - start);
  }

  /** Sends a chunk of a message; the session may still send. */
  sendChunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    if (this.extensions !== null) {
      if (!this.extensions.sendChunk(opcode, bytes, start, end, isFirst, isLast)) return 'closed';
    } else {
      this.#session.endpoint.sendChunk(opcode, bytes, start, end, isFirst, isLast);
      this.observation?.sent(opcode, bytes, start, end, isFirst, isLast);
    }
    if (isLast) this.#account.messagesOut++;
    return this.#sent(end - start);
  }

  encoding(message: Message): void {
    this.observation?.encoding(message);
  }

  keepUnencoded(): void {
    this.observation?.keepUnencoded();
  }

  encoded({ opcode, payload, rsv }: Message): void {
    this.#deadlines.progressed();
    const { endpoint } = this.#session;
    if (endpoint.sendMessage(opcode, payload, 0, payload.length, rsv)) this.observation?.encoded();
    this.#transport.scheduleFlush();
  }

  /** What the consumer has sent and the extensions not encoded is dropped. */
  stopSending(): void {
    this.observation?.unencodedDropped();
    this.extensions?.stopSending();
  }

  /** @returns true, once, when the consumer was told to wait and need not any more */
  mayResume(): boolean {
    if (!this.isWaiting || this.isPausedByObserver) return false;
    if (this.waitingBytes > this.#limits.outputPause) return false;
    this.isWaiting = false;
    return true;
  }

  /** Sends a Ping; the session may still send. */
  ping(payload: Uint8Array): void {
    this.#session.endpoint.sendPing(payload);
    this.#transport.scheduleFlush();
    this.#mayGoOn(payload.length);
  }

  /** Counts, sees to it that a flush follows, and says whether more may be sent. */
  #sent(bytes: number): SendResult {
    this.#account.bytesOut += bytes;
    this.#deadlines.active();
    this.#transport.scheduleFlush();
    return this.#mayGoOn(bytes);
  }

  /** Looks at the limits of what waits, now that `bytes` more do. */
  #mayGoOn(bytes: number): SendResult {
    const { outputPause, outputLimit, maxMessage } = this.#limits;
    // Only what the client does not take counts against it.
    if (this.waitingBytes > outputPause) this.#transport.flush();
    const { waitingBytes } = this;
    if (waitingBytes <= outputPause && !this.isPausedByObserver) return 'sent';
    this.isWaiting = true;
    // One message more is let through, and a relay has larger chunks than a client may send messages.
    const oneMore = Math.max(maxMessage, bytes + MAX_FRAME_HEADER_BYTES);
    if (waitingBytes <= outputLimit + oneMore) return 'wait';
    // At once: what an extension is still at work on must not add to it.
    this.#session.endpoint.fail(new PolicyError('output-limit'));
    return 'closed';
  }

  // ---- From the extensions, for the session

  fail(error: unknown): void {
    this.#session.fail(error);
  }

  extensionsIdle(): void {
    this.#session.extensionsIdle();
  }
}
