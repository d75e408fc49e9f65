/**
 * The extensions of one session at work: messages through the chain in both directions, and what has
 * to wait for them.
 *
 *     endpoint ──▶ inbound: decode, then UTF-8 ──▶ mode
 *     endpoint ◀── outbound: encode ◀───────────── mode
 *
 * Pong does not come by here, so it never waits. A Close, a failure and the end of the input do:
 * answers to what came before them go out first.
 */
import { ExtensionError, InvalidPayloadError, InvalidStateError } from '../errors.js';
import type { ExtensionChain } from '../extensions/chain.js';
import type { Message } from '../extensions/extension.js';
import { MessagePipeline } from '../extensions/pipeline.js';
import { Assembler } from '../protocol/assembler.js';
import {
  type DataOpcode,
  assertNoPieces,
  assertPieceFits,
  NO_PIECES,
  Opcode,
} from '../protocol/frame.js';
import { UTF8_ACCEPT, validateUtf8 } from '../protocol/utf8.js';

/**
 * Payload bytes given to a mode in one turn of the event loop: a read may hold many small messages
 * that become large ones.
 */
const TURN_BYTES = 256 * 1024;

/** What a message costs while it waits, beside its payload: without it no number of empty ones counts. */
const MESSAGE_COST_BYTES = 256;

/** Who gets what has come through the chain. */
export interface ExtensionsOwner {
  /** A message as the peer meant it; its payload is valid during the call. */
  decoded(message: Message): void;
  /** A message that is about to be encoded, and the same when that was begun; valid in between. */
  encoding(message: Message): void;
  keepUnencoded(): void;
  /** A message as it is to be sent; its payload is valid during the call. */
  encoded(message: Message): void;
  /** An extension, or the owner itself, threw while nobody else was there to catch it. */
  fail(error: unknown): void;
  /** One direction, or both, has nothing waiting any more. */
  extensionsIdle(): void;
}

export class SessionExtensions {
  readonly #chain: ExtensionChain;
  readonly #maxMessage: number;
  readonly #owner: ExtensionsOwner;
  readonly #inbound: MessagePipeline;
  readonly #outbound: MessagePipeline;
  /** What is to be done once everything is through, in this order. */
  #ends: (() => void)[] = [];
  /** A message that the mode sends in pieces, as far as it is there. */
  #pieces: Assembler | null = null;
  #piecesOpcode: number = NO_PIECES;
  /** Messages that the mode has sent and that are not encoded. */
  #unencoded = 0;
  /** What the extensions had to say when they were closed. */
  #lastStats: Record<string, object> | null = null;

  /** @param maxMessage the largest message, in bytes, inclusive */
  constructor(chain: ExtensionChain, maxMessage: number, owner: ExtensionsOwner) {
    this.#chain = chain;
    this.#owner = owner;
    this.#maxMessage = maxMessage;
    const { keepsPayload } = chain;
    const fail = (error: unknown): void => {
      owner.fail(error);
    };
    const onIdle = (): void => {
      this.#runEnds();
      owner.extensionsIdle();
    };
    this.#inbound = new MessagePipeline({
      transform: (message) => chain.decode(message, maxMessage),
      deliver: (message) => {
        checkText(message);
        owner.decoded(message);
      },
      fail,
      onIdle,
      keepsPayload,
      turnBytes: TURN_BYTES,
    });
    this.#outbound = new MessagePipeline({
      transform: (message) => chain.encode(message),
      deliver: (message) => {
        this.#unencoded--;
        owner.encoded(message);
      },
      fail,
      onIdle,
      keepsPayload,
      // The mode's own work sets the pace, and back-pressure its bound.
      turnBytes: Infinity,
    });
  }

  /** The one thing that the frame parser has to know: which RSV bits a message may have. */
  get reservedRsv(): number {
    return this.#chain.reservedRsv;
  }

  /** True while received messages are on their way to the mode: nothing more should be read. */
  get isReceiving(): boolean {
    return this.#inbound.isBusy;
  }

  /** True while messages are on their way, in either direction. */
  get isBusy(): boolean {
    return this.#inbound.isBusy || this.#outbound.isBusy;
  }

  /** True when a Close, a failure or the end of the input waits. */
  get isEnding(): boolean {
    return this.#ends.length > 0;
  }

  /** Bytes of messages that the mode has sent and that are not encoded. */
  get waitingBytes(): number {
    return this.#outbound.waitingBytes + this.#unencoded * MESSAGE_COST_BYTES;
  }

  /** What the extensions have to say for the log, by name; once closed they are not asked again. */
  get stats(): Record<string, object> {
    return this.#lastStats ?? this.#chain.stats;
  }

  /** Takes a message from the endpoint. @throws what the chain and the mode throw, if it is at once */
  receive(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv: number): void {
    this.#inbound.push({ opcode, rsv, payload: bytes.subarray(start, end) });
  }

  /**
   * Takes a message from the mode.
   *
   * @returns false when an extension failed, which ends the session
   * @throws InvalidStateError inside a message that is sent in pieces
   */
  send(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): boolean {
    assertNoPieces(this.#piecesOpcode);
    return this.#encode({ opcode, rsv: 0, payload: bytes.subarray(start, end) });
  }

  /**
   * Takes a piece of a message from the mode. Extensions take whole messages, so it waits for the last
   * one. Returns as {@link send}.
   *
   * @throws InvalidStateError when `isFirst` does not fit what was sent before, and for a message over
   *   the limit
   */
  sendChunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    assertPieceFits(this.#piecesOpcode, opcode, isFirst);
    this.#piecesOpcode = opcode;
    const pieces = (this.#pieces ??= new Assembler(this.#maxMessage));
    if (pieces.length + end - start > this.#maxMessage) {
      throw new InvalidStateError('a message sent in pieces is over the limit for extensions');
    }
    pieces.append(bytes, start, end, 0);
    if (!isLast) return true;
    this.#pieces = null;
    this.#piecesOpcode = NO_PIECES;
    return this.#encode({ opcode, rsv: 0, payload: pieces.bytes.subarray(0, pieces.length) });
  }

  /** Gives the mode no more messages for now. */
  hold(): void {
    this.#inbound.hold();
  }

  /** Goes on giving them. */
  release(): void {
    this.#inbound.release();
  }

  /** The mode wants no more messages: those on their way to it are dropped. */
  stopReceiving(): void {
    this.#inbound.close();
  }

  /** Nothing more leaves: what the mode has sent and is not encoded is dropped. */
  stopSending(): void {
    this.#outbound.close();
    this.#unencoded = 0;
    this.#runEnds();
  }

  /** Runs `end` when everything is through: now, or behind what waits already. */
  whenIdle(end: () => void): void {
    this.#ends.push(end);
    this.#runEnds();
  }

  /** What was to be done once everything is through is not done any more. */
  dropEnds(): void {
    this.#ends = [];
  }

  /** The connection is gone: gives everything back. @param fail told of what goes wrong, at once or later */
  close(fail: (error: Error) => void): void {
    this.#inbound.close();
    this.#outbound.close();
    this.#ends = [];
    this.#pieces = null;
    this.#piecesOpcode = NO_PIECES;
    this.#unencoded = 0;
    this.#lastStats ??= this.#chain.stats;
    this.#chain.close(fail);
  }

  /** An extension's fault ends the session, and is not the mode's, which may not be prepared for it. */
  #encode(message: Message): boolean {
    try {
      this.#unencoded++;
      this.#owner.encoding(message);
      this.#outbound.push(message);
      this.#owner.keepUnencoded();
      return true;
    } catch (error) {
      if (!(error instanceof ExtensionError)) throw error;
      this.#owner.fail(error);
      return false;
    }
  }

  #runEnds(): void {
    while (!this.isBusy) {
      const end = this.#ends.shift();
      if (end === undefined) return;
      end();
    }
  }
}

/** Text is UTF-8 (RFC 6455 §8.1), which can only be seen behind the chain. */
function checkText({ opcode, payload }: Message): void {
  const isText = opcode === Opcode.Text;
  if (isText && validateUtf8(UTF8_ACCEPT, payload, 0, payload.length) !== UTF8_ACCEPT)
    throw new InvalidPayloadError('text-not-utf8');
}
