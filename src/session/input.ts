/**
 * What comes from the client:
 *
 *     endpoint ──▶ (extensions: decode, then UTF-8) ──▶ mode
 *
 * A Close, a failure and the end of the input come after all messages before them: they begin the {@link Ending}. While
 * the mode, the tap or the extensions can take no more, the client is not read.
 */
import type { MemoryAccount } from '../budget/memory-account.js';
import type { Turns } from '../budget/turns.js';
import { InvalidPayloadError } from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import type { Message } from '../extensions/extension.js';
import { MessagePipeline, type PipelineOptions } from '../extensions/pipeline.js';
import type { CloseStatus } from '../protocol/close.js';
import { Endpoint } from '../protocol/endpoint.js';
import type { EchoRun } from '../protocol/kernel/echo-run.js';
import type { EchoListener, EndpointEvents } from '../protocol/endpoint-events.js';
import { type DataOpcode, Opcode } from '../protocol/frame.js';
import { UTF8_ACCEPT, validateUtf8 } from '../protocol/utf8.js';
import { InputRate } from './input-rate.js';
import type { ServerSession, SessionParts } from './server-session.js';
import type { SessionHost } from './session-host.js';
import type { TapFeed } from './tap/tap-feed.js';

/** Whoever holds more than this takes nothing more while memory is scarce. */
export const MUCH_BYTES = 64 * 1024;

/** Why the client is not read; there may be more than one reason at a time. */
export const PauseReason = {
  /** The mode wants no more. */
  Mode: 1,
  /** The tap can take no more. */
  Tap: 2,
  /** Messages are on their way through the extensions. */
  Extensions: 4,
  /** The client has sent more than its rate allows. */
  Rate: 8,
  /** Memory is scarce, and much of it is held for the client. */
  Memory: 16,
} as const;

export type PauseReason = (typeof PauseReason)[keyof typeof PauseReason];

/** The reasons for which the mode gets no message either, not even one that has been read. */
const HOLDING = PauseReason.Mode | PauseReason.Tap;

export class Input implements EndpointEvents, EchoListener {
  readonly endpoint: Endpoint;
  /** Is told of all messages; null when the session has no tap. */
  feed: TapFeed | null = null;

  readonly #session: ServerSession;
  readonly #parts: SessionParts;
  /** Undoes the extensions; null without any. */
  readonly #decoder: MessagePipeline | null;
  /** The connection is gone: pauses are not counted any more. */
  #isGone = false;
  /** All that apply of {@link PauseReason}. */
  #pauseReasons = 0;
  /** Null without a rate, and when its Close is all that the client still has to send. */
  #rate: InputRate | null;
  /** When a client that has sent too much is read again. */
  #readAgainMs = 0;
  /** Messages that were given to the extensions. */
  #decodings = 0;

  constructor(session: ServerSession, parts: SessionParts) {
    const { mode, chain, host, transport } = parts;
    this.#session = session;
    this.#parts = parts;
    this.#rate = InputRate.of(host.limits, host.traffic.ratePauses);
    this.#decoder =
      chain === null ? null : new MessagePipeline(new Decoding(chain, host, session, this));
    // Extensions work on whole messages (RFC 7692 §5), so they are put together for them.
    const delivery = chain === null ? mode.delivery : 'messages';
    this.endpoint = new Endpoint(host.endpointOptions[delivery], this, transport.outbox.queue);
    this.endpoint.allowedRsv = chain?.reservedRsv ?? 0;
    if (mode.echoes === true && chain === null) this.endpoint.echoes = this;
    this.endpoint.hearsOut = mode.receiveAfterClose === true;
  }

  /** True while received messages are on their way to the mode. */
  get isBusy(): boolean {
    return this.#decoder?.isBusy === true;
  }

  /** The memory of what is on its way to the mode, in bytes. */
  get heldBytes(): number {
    return this.endpoint.heldBytes + (this.#decoder?.heldBytes ?? 0);
  }

  /** True while the client is not read. */
  get isPaused(): boolean {
    return this.#pauseReasons !== 0;
  }

  /** True while the mode or the tap wants no message. */
  get isHeld(): boolean {
    return (this.#pauseReasons & HOLDING) !== 0;
  }

  /** True while the tap can take no more. */
  get isPausedByTap(): boolean {
    return (this.#pauseReasons & PauseReason.Tap) !== 0;
  }

  // ---- From the socket

  receive(bytes: Uint8Array, start: number, end: number): void {
    const { endpoint } = this;
    const { deadlines, traffic } = this.#parts;
    deadlines.heard();
    traffic.wireBytesIn += end - start;
    const before = this.#rate === null ? 0 : this.#messages;
    endpoint.receive(bytes, start, end);
    if (this.#rate !== null) this.#hold(this.#rate, this.#messages - before, end - start);
    if (this.#decoder !== null) this.update();
    if (endpoint.isMessageOpen) deadlines.messageBegun();
    if (this.#parts.host.memory.isNear) this.#session.saveMemory();
  }

  /** So far, with control frames, of which no other session gets any during a read of this one. */
  get #messages(): number {
    const { stats, traffic } = this.#parts;
    const { pings, pongs } = traffic.controlIn;
    return stats.messagesIn + this.#decodings + pings + pongs;
  }

  /** Reads no more for a while, if the client sends faster than it may. */
  #hold(rate: InputRate, messages: number, bytes: number): void {
    const { nowMs } = this.#parts.host.clock;
    const waitMs = rate.received(messages, bytes, nowMs);
    if (waitMs === 0) return;
    this.#readAgainMs = nowMs + waitMs;
    this.pause(PauseReason.Rate);
    this.#parts.transport.checkWithin(waitMs);
  }

  /** Looks whether a client that has sent too much may be read again. */
  checkRate(nowMs: number): void {
    if ((this.#pauseReasons & PauseReason.Rate) === 0) return;
    const leftMs = this.#readAgainMs - nowMs;
    if (leftMs > 0) this.#parts.transport.checkWithin(leftMs);
    else this.resume(PauseReason.Rate);
  }

  /** The client's Close must be read, whatever it has sent before. */
  endRate(): void {
    this.#rate = null;
    this.resume(PauseReason.Rate);
  }

  // ---- From the endpoint

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void {
    this.#parts.deadlines.messageArrived();
    if (this.#decoder === null) {
      this.feed?.received(opcode, bytes, start, end, true, true);
      this.#deliver(opcode, bytes, start, end);
    } else {
      this.#decodings++;
      this.feed?.decoding(end - start);
      this.#decoder.push({ opcode, rsv, payload: bytes.subarray(start, end) });
    }
  }

  get echoRoom(): number {
    return this.#session.output.echoRoom;
  }

  echoed(run: EchoRun): void {
    const { stats, traffic, deadlines, transport } = this.#parts;
    deadlines.messageArrived();
    stats.echoed(run);
    traffic.echoed(run);
    transport.scheduleFlush();
  }

  chunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    this.#count(opcode, end - start, isLast);
    this.#parts.deadlines.active();
    this.feed?.received(opcode, bytes, start, end, isFirst, isLast);
    const session = this.#session;
    session.follow(this.#parts.mode.chunk?.(session, opcode, bytes, start, end, isFirst, isLast));
  }

  pingReceived(bytes: Uint8Array, start: number, end: number): void {
    if (!this.endpoint.canDeliver) return;
    const result: unknown = this.#parts.mode.ping?.(this.#session, bytes, start, end);
    this.#session.follow(result);
  }

  pongReceived(bytes: Uint8Array, start: number, end: number): void {
    if (!this.endpoint.canDeliver) return;
    const result: unknown = this.#parts.mode.pong?.(this.#session, bytes, start, end);
    this.#session.follow(result);
  }

  peerClose(status: CloseStatus): void {
    this.#session.ending.closeReceived(status);
  }

  holdFailure(error: unknown): boolean {
    if (!this.#session.isBusy) return false;
    this.#session.ending.holdFailure(error);
    return true;
  }

  failed(error: unknown): void {
    this.#parts.stats.failed(error);
  }

  // ---- From the extensions

  /** A message as the client meant it; its payload is valid during the call. */
  decoded(message: Message): void {
    this.#parts.deadlines.progressed();
    if (!this.endpoint.canDeliver) return;
    this.feed?.decoded(message);
    this.#deliver(message.opcode, message.payload, 0, message.payload.length);
  }

  // ---- To the mode

  #deliver(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.#count(opcode, end - start, true);
    const session = this.#session;
    // Extensions work on whole messages, so each of them is one chunk.
    const result: unknown =
      this.#parts.mode.delivery === 'chunks'
        ? this.#parts.mode.chunk?.(session, opcode, bytes, start, end, true, true)
        : this.#parts.mode.message?.(session, opcode, bytes, start, end);
    if (result !== undefined) session.follow(result);
  }

  #count(opcode: DataOpcode, bytes: number, isLast: boolean): void {
    const { stats, traffic } = this.#parts;
    stats.bytesIn += bytes;
    if (isLast) stats.messagesIn++;
    if (opcode === Opcode.Text) {
      traffic.textBytesIn += bytes;
      if (isLast) traffic.textMessagesIn++;
    } else {
      traffic.binaryBytesIn += bytes;
      if (isLast) traffic.binaryMessagesIn++;
    }
  }

  /** The mode wants no more messages: those on their way to it are dropped. */
  stop(): void {
    this.#decoder?.close();
    this.feed?.undecodedDropped();
  }

  /** The connection is gone. */
  close(): void {
    this.#decoder?.close();
    // Nothing is read any more, and so nothing is paused.
    if (this.isPaused && !this.#isGone)
      this.#parts.traffic.inputPauses.end(this.#parts.host.clock.nowMs);
    this.#isGone = true;
  }

  // ---- Back-pressure

  /** Stops reading for this reason, and on. */
  pause(reason: PauseReason): void {
    this.#setPauseReasons(this.#pauseReasons | reason);
  }

  /** This reason to pause is gone. */
  resume(reason: PauseReason): void {
    this.#setPauseReasons(this.#pauseReasons & ~reason);
  }

  /** Looks whether the extensions can take more. */
  update(): void {
    this.#setPauseReasons(this.#pauseReasons);
  }

  #setPauseReasons(reasons: number): void {
    const wasPaused = this.isPaused;
    this.#pauseReasons = this.#withExtensions(reasons);
    if (this.isPaused === wasPaused) return;
    const { transport, traffic, host } = this.#parts;
    if (wasPaused) {
      if (!this.#isGone) traffic.inputPauses.end(host.clock.nowMs);
      transport.resumeInput();
    } else {
      if (!this.#isGone) traffic.inputPauses.begin(host.clock.nowMs);
      transport.pauseInput();
    }
  }

  #withExtensions(reasons: number): number {
    const decoder = this.#decoder;
    if (decoder === null) return reasons;
    if ((reasons & HOLDING) !== 0) decoder.hold();
    else decoder.release();
    return decoder.isBusy ? reasons | PauseReason.Extensions : reasons & ~PauseReason.Extensions;
  }
}

/** Received messages through the extensions. */
class Decoding implements PipelineOptions {
  /** A read may hold many small messages that become large ones. */
  readonly endsTurns = true;
  readonly turns: Turns;
  readonly memory: MemoryAccount;
  readonly keepsPayload: boolean;
  readonly #chain: ExtensionChain;
  readonly #maxMessage: number;
  readonly #session: ServerSession;
  readonly #input: Input;

  constructor(chain: ExtensionChain, host: SessionHost, session: ServerSession, input: Input) {
    this.turns = host.turns;
    this.memory = host.memory;
    this.keepsPayload = chain.keepsPayload;
    this.#chain = chain;
    this.#maxMessage = host.limits.maxMessage;
    this.#session = session;
    this.#input = input;
  }

  transform(message: Message): Message | Promise<Message> {
    return this.#chain.decode(message, this.#maxMessage);
  }

  deliver(message: Message): void {
    checkText(message);
    this.#input.decoded(message);
  }

  fail(error: unknown): void {
    this.#session.fail(error);
  }

  onIdle(): void {
    this.#session.extensionsIdle();
  }
}

/** Text is UTF-8 (RFC 6455 §8.1), which shows only once the extensions are undone. */
function checkText({ opcode, payload }: Message): void {
  const isText = opcode === Opcode.Text;
  if (isText && validateUtf8(UTF8_ACCEPT, payload, 0, payload.length) !== UTF8_ACCEPT)
    throw new InvalidPayloadError('text-not-utf8');
}
