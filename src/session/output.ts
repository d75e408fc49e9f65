/**
 * What goes to the client:
 *
 *     mode ──▶ (extensions: encode) ──▶ endpoint, and from there to the connection's output queue
 *
 * A mode that sends faster than the client reads is told to wait, and one that goes on is ended. A Pong does
 * not come by here, so it never waits.
 */
import type { MemoryAccount } from '../budget/memory-account.js';
import type { Turns } from '../budget/turns.js';
import { ExtensionError, InvalidStateError, PolicyError } from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import type { Message } from '../extensions/extension.js';
import { MessagePipeline, type PipelineOptions } from '../extensions/pipeline.js';
import { Assembler } from '../protocol/assembler.js';
import type { CloseStatus } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import {
  type DataOpcode,
  MAX_FRAME_HEADER_BYTES,
  NO_PIECES,
  Opcode,
  assertNoPieces,
  assertPieceFits,
} from '../protocol/frame.js';
import type { HeldOutput } from './tap/held-output.js';
import { type Input, MUCH_BYTES } from './input.js';
import type { ServerSession, SessionParts } from './server-session.js';
import type { SessionHost } from './session-host.js';
import type { SendResult } from './session.js';
import type { TapFeed } from './tap/tap-feed.js';

/** What a message costs while it waits, beside its payload: without it no number of empty ones counts. */
const MESSAGE_COST_BYTES = 256;

export class Output {
  /** Is told of all messages; null when the session has no tap. */
  feed: TapFeed | null = null;
  /** Frames that the tap does not let go yet; null while it holds none back. */
  held: HeldOutput | null = null;
  /** The mode was told to wait. */
  isWaiting = false;

  readonly #session: ServerSession;
  readonly #parts: SessionParts;
  readonly #endpoint: Endpoint;
  readonly #input: Input;
  /** Null without extensions. */
  readonly #encoding: Encoding | null;
  /** The mode has closed or failed, though the Close may still wait, or the socket is gone: it sends no more. */
  #isShut = false;

  constructor(session: ServerSession, input: Input, parts: SessionParts) {
    const { chain, host } = parts;
    this.#session = session;
    this.#parts = parts;
    this.#endpoint = input.endpoint;
    this.#input = input;
    this.#encoding = chain === null ? null : new Encoding(chain, host, session, this);
  }

  /** True while messages that the mode has sent are on their way through the extensions. */
  get isBusy(): boolean {
    return this.#encoding?.isBusy === true;
  }

  /** Bytes that the mode has sent and the client has not read. */
  get waitingBytes(): number {
    let bytes = this.#parts.transport.outbox.queue.waitingBytes;
    if (this.held !== null) bytes += this.held.bytes;
    if (this.#encoding !== null) bytes += this.#encoding.waitingBytes;
    return bytes;
  }

  /** The memory of what the connection's queue does not have yet, in bytes. */
  get heldBytes(): number {
    return (this.held?.heldBytes ?? 0) + (this.#encoding?.heldBytes ?? 0);
  }

  /** @throws InvalidStateError before the handshake is answered */
  get canSend(): boolean {
    if (this.#isShut) return false;
    if (!this.#session.isOpen) throw new InvalidStateError('the session is not open yet');
    return this.#endpoint.canSend;
  }

  /** The mode sends no more; what it has sent leaves. */
  shut(): void {
    this.#isShut = true;
  }

  // ---- From the mode

  send(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): SendResult {
    if (!this.canSend) return 'closed';
    if (this.#encoding === null) {
      this.#endpoint.sendMessage(opcode, bytes, start, end);
      this.feed?.sent(opcode, bytes, start, end, true, true);
    } else if (!this.#encoding.send(opcode, bytes, start, end)) {
      return 'closed';
    }
    return this.#sent(opcode, end - start, true);
  }

  sendChunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): SendResult {
    if (!this.canSend) return 'closed';
    if (this.#encoding === null) {
      this.#endpoint.sendChunk(opcode, bytes, start, end, isFirst, isLast);
      this.feed?.sent(opcode, bytes, start, end, isFirst, isLast);
    } else if (!this.#encoding.sendChunk(opcode, bytes, start, end, isFirst, isLast)) {
      return 'closed';
    }
    return this.#sent(opcode, end - start, isLast);
  }

  /** @returns false when it cannot be sent any more */
  ping(payload: Uint8Array): boolean {
    if (!this.canSend) return false;
    this.#endpoint.sendPing(payload);
    this.#parts.transport.scheduleFlush();
    this.#checkLimits(payload.length);
    return true;
  }

  /**
   * Sends bytes as they are.
   *
   * @param close what a Close in them says; null without one
   * @returns false when they cannot be sent any more
   */
  sendRaw(bytes: Uint8Array, close: CloseStatus | null): boolean {
    if (!this.#endpoint.sendRaw(bytes, close)) return false;
    this.#parts.transport.scheduleFlush();
    this.#checkLimits(bytes.length);
    return true;
  }

  /** How many bytes can be sent before {@link #checkLimits} has anything to do. */
  get echoRoom(): number {
    return this.#pauseBytes - this.waitingBytes;
  }

  /** Counts, sees to it that a flush follows, and says whether more may be sent. */
  #sent(opcode: DataOpcode, bytes: number, isLast: boolean): SendResult {
    const { stats, traffic, deadlines, transport } = this.#parts;
    stats.bytesOut += bytes;
    if (isLast) stats.messagesOut++;
    if (opcode === Opcode.Text) {
      traffic.textBytesOut += bytes;
      if (isLast) traffic.textMessagesOut++;
    } else {
      traffic.binaryBytesOut += bytes;
      if (isLast) traffic.binaryMessagesOut++;
    }
    deadlines.active();
    transport.scheduleFlush();
    return this.#checkLimits(bytes);
  }

  /** Looks at the limits of what waits, now that `bytes` more do. */
  #checkLimits(bytes: number): SendResult {
    const { outputLimit, maxMessage } = this.#parts.host.limits;
    const outputPause = this.#pauseBytes;
    // Only what the client does not take counts against it.
    let { waitingBytes } = this;
    if (waitingBytes > outputPause) {
      this.#parts.transport.flush();
      ({ waitingBytes } = this);
    }
    if (waitingBytes <= outputPause && !this.#input.isPausedByTap) return 'sent';
    this.#setWaiting(true);
    // One message more is let through, and a relay has larger chunks than a client may send messages.
    const oneMore = Math.max(maxMessage, bytes + MAX_FRAME_HEADER_BYTES);
    if (waitingBytes <= outputLimit + oneMore) return 'wait';
    // At once: what an extension is still at work on must not add to it.
    this.#endpoint.fail(new PolicyError('output-limit'));
    return 'closed';
  }

  /** From where on the mode is told to wait. */
  get #pauseBytes(): number {
    const { limits, memory } = this.#parts.host;
    return memory.isNear ? Math.min(limits.outputPause, MUCH_BYTES) : limits.outputPause;
  }

  /** Tells the mode to go on, if it was told to wait and need not any more. */
  resume(): void {
    if (!this.isWaiting || this.#input.isPausedByTap) return;
    if (this.waitingBytes > this.#pauseBytes) return;
    this.#setWaiting(false);
    try {
      this.#session.follow(this.#parts.mode.drain?.(this.#session));
    } catch (error) {
      this.#session.fail(error);
    }
  }

  // ---- From the extensions

  /** A message as it is to be sent; its payload is valid during the call. */
  encoded({ opcode, payload, rsv }: Message): void {
    this.#parts.deadlines.progressed();
    const isSent = this.#endpoint.sendMessage(opcode, payload, 0, payload.length, rsv);
    if (isSent) this.feed?.encoded();
    this.#parts.transport.scheduleFlush();
  }

  // ---- The end

  /** What the mode has sent and the extensions have not encoded is dropped. */
  dropUnencoded(): void {
    this.feed?.unencodedDropped();
    this.#encoding?.close();
    this.#session.ending.runPending();
  }

  #setWaiting(isWaiting: boolean): void {
    if (this.isWaiting === isWaiting) return;
    this.isWaiting = isWaiting;
    const { traffic, host } = this.#parts;
    if (isWaiting) traffic.outputPauses.begin(host.clock.nowMs);
    else traffic.outputPauses.end(host.clock.nowMs);
  }

  /** The connection is gone. */
  close(): void {
    this.shut();
    this.#setWaiting(false);
    this.held?.discard();
    this.#encoding?.close();
  }
}

/** Sent messages through the extensions. */
class Encoding implements PipelineOptions {
  /** The mode's own work sets the pace, and back-pressure its bound. */
  readonly endsTurns = false;
  readonly turns: Turns;
  readonly memory: MemoryAccount;
  readonly keepsPayload: boolean;
  readonly #chain: ExtensionChain;
  readonly #maxMessage: number;
  readonly #session: ServerSession;
  readonly #output: Output;
  readonly #pipeline: MessagePipeline;
  /** A message that the mode sends in chunks, as far as it is there. */
  #chunks: Assembler | null = null;
  #chunksOpcode: number = NO_PIECES;
  /** Messages that the mode has sent and that are not encoded. */
  #unencoded = 0;

  constructor(chain: ExtensionChain, host: SessionHost, session: ServerSession, output: Output) {
    this.turns = host.turns;
    this.memory = host.memory;
    this.keepsPayload = chain.keepsPayload;
    this.#chain = chain;
    this.#maxMessage = host.limits.maxMessage;
    this.#session = session;
    this.#output = output;
    this.#pipeline = new MessagePipeline(this);
  }

  get isBusy(): boolean {
    return this.#pipeline.isBusy;
  }

  get heldBytes(): number {
    return this.#pipeline.heldBytes + (this.#chunks?.heldBytes ?? 0);
  }

  get waitingBytes(): number {
    return this.#pipeline.waitingBytes + this.#unencoded * MESSAGE_COST_BYTES;
  }

  /**
   * @returns false when an extension failed, which ends the session
   * @throws InvalidStateError between the chunks of a message
   */
  send(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): boolean {
    assertNoPieces(this.#chunksOpcode);
    return this.#encode({ opcode, rsv: 0, payload: bytes.subarray(start, end) });
  }

  /**
   * Extensions take whole messages, so a chunk waits for the last one.
   *
   * @returns as {@link send}
   * @throws InvalidStateError when `isFirst` does not fit what was sent before, and for a message over the limit
   */
  sendChunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    assertPieceFits(this.#chunksOpcode, opcode, isFirst);
    this.#chunksOpcode = opcode;
    const chunks = (this.#chunks ??= new Assembler(this.#maxMessage, null, this.memory));
    if (chunks.length + end - start > this.#maxMessage) {
      throw new InvalidStateError('a message sent in pieces is over the limit for extensions');
    }
    chunks.append(bytes, start, end, 0);
    if (!isLast) return true;
    this.#forgetChunks();
    return this.#encode({ opcode, rsv: 0, payload: chunks.bytes.subarray(0, chunks.length) });
  }

  /** An extension's fault ends the session, and is not the mode's, which may not be prepared for it. */
  #encode(message: Message): boolean {
    const { feed } = this.#output;
    try {
      this.#unencoded++;
      feed?.encoding(message);
      this.#pipeline.push(message);
      feed?.keepUnencoded();
      return true;
    } catch (error) {
      if (!(error instanceof ExtensionError)) throw error;
      this.#session.fail(error);
      return false;
    }
  }

  /** Drops what is not encoded; nothing more leaves. */
  close(): void {
    this.#pipeline.close();
    this.#unencoded = 0;
    this.#forgetChunks();
  }

  #forgetChunks(): void {
    this.#chunks?.free();
    this.#chunks = null;
    this.#chunksOpcode = NO_PIECES;
  }

  // ---- For the pipeline

  transform(message: Message): Message | Promise<Message> {
    return this.#chain.encode(message);
  }

  deliver(message: Message): void {
    this.#unencoded--;
    this.#output.encoded(message);
  }

  fail(error: unknown): void {
    this.#session.fail(error);
  }

  onIdle(): void {
    this.#session.extensionsIdle();
  }
}
