/**
 * One side of a WebSocket connection (RFC 6455) without a socket, a timer or a promise:
 * bytes in, calls out, bytes out.
 *
 * - `receive` never throws for anything that a peer can send. One place, `#fail`, turns what went
 *   wrong into a close code.
 * - Every piece of input may be cut anywhere: the calls are the same for every split (with
 *   delivery `chunks`, their bytes are).
 * - Frames to send wait in `output`, in order: answers to earlier frames come before the Close
 *   that a later frame causes.
 */
import { InvalidPayloadError, MessageTooBigError, PolicyError } from '../errors.js';
import { Assembler, wireLimitBytes } from './assembler.js';
import {
  canReceive,
  canSendData,
  type CloseStatus,
  closeStatusOf,
  ClosingEvent,
  ClosingState,
  nextClosingState,
  parseClosePayload,
  serializeClosePayload,
} from './close.js';
import {
  type DataOpcode,
  assertNoPieces,
  assertPieceFits,
  FIN,
  type FrameContext,
  MAX_CONTROL_PAYLOAD_BYTES,
  NO_PIECES,
  Opcode,
} from './frame.js';
import { LEAST_FRAME_BYTES, clearRun, emptyRun, isWholeMessage } from './kernel/echo-run.js';
import { findImpossibleByte, UTF8_ACCEPT, UTF8_REJECT, validateUtf8 } from './utf8.js';
import { type FrameDecoder, borrowDecoder, returnDecoder } from './frame-decoder.js';
import type {
  ControlCounts,
  EchoListener,
  EndpointEvents,
  EndpointOptions,
  FrameSink,
  FrameWatcher,
} from './endpoint-events.js';
import { isAsciiOr, rotateMaskingKey, unmask } from './masking.js';
import type { OutputQueue } from './output-queue.js';
import type { Slab } from './slabs/slab.js';
import {
  assertBytes,
  assertControlBytes,
  assertDataOpcode,
  assertFlags,
  assertRange,
} from './outgoing.js';

/** What is sent back at the moment: whoever hears of it only takes note, so there is one at a time. */
const sharedRun = emptyRun();

/** The least that is read into its place in a message. */
const LEAST_PLACED_BYTES = 32 * 1024;

export class Endpoint implements FrameContext {
  /** Encoded frames that wait to be written. */
  readonly output: OutputQueue;
  /** What frames are appended to: the output, unless somebody holds them back. */
  sink: FrameSink;
  /** True when we are the server (RFC 6455 §5.1). */
  readonly isServer: boolean;
  /** RSV bits that extensions own on the first frame of a data message: RSV1 is 4, RSV3 is 1. */
  allowedRsv = 0;
  /** True from the first header of a message to its last byte. */
  isMessageOpen = false;
  /** Messages are delivered after our own Close too, until the peer's. */
  hearsOut = false;
  /** True while the connection cannot write: then only the newest Pong is kept. */
  isOutputBlocked = false;
  /** True while Pings of the peer get no answer. */
  withholdsPongs = false;
  /** The Close that we sent, and the one that the peer sent. */
  sentClose: CloseStatus | null = null;
  receivedClose: CloseStatus | null = null;
  /** Sees every frame; usually there is none. */
  watcher: FrameWatcher | null = null;
  /**
   * Is there while messages are sent back, and nothing else is done with them: a server's endpoint may then do so by
   * itself, for many at a time. Others come by `message` all the same.
   */
  echoes: EchoListener | null = null;

  readonly #options: EndpointOptions;
  readonly #events: EndpointEvents;
  /** Reads the frame that the end of a read has cut; null between frames. */
  #decoder: FrameDecoder | null = null;
  /** Has the message that is not complete; null between messages. */
  #assembler: Assembler | null = null;
  #state: ClosingState = ClosingState.Open;
  /** Payload bytes of the current frame that have not arrived; 0 between frames. */
  #remaining = 0;
  /** The open message: opcode, reserved bits, fragments and the state of its text. */
  #messageOpcode: DataOpcode = Opcode.Text;
  #messageRsv = 0;
  #fragments = 0;
  #utf8State = UTF8_ACCEPT;
  #isFirstPiece = true;
  /** Opcode of the message that is being sent in chunks and whose last chunk is owed. */
  #piecesOpcode: number = NO_PIECES;
  /** Payload of a control frame that spans reads. */
  #control: Uint8Array | null = null;
  #controlLength = 0;
  /** Payload of the newest Ping whose Pong waits until the output is no longer blocked. */
  #owedPong: Uint8Array | null = null;

  constructor(options: EndpointOptions, events: EndpointEvents, output: OutputQueue) {
    this.#options = options;
    this.#events = events;
    this.output = output;
    this.sink = output;
    this.isServer = options.role === 'server';
  }

  /** True until we have sent a Close or failed: messages can be sent. */
  get canSend(): boolean {
    return canSendData(this.#state);
  }

  /** True when whole messages are put together, which takes memory while it takes time. */
  get isAssembling(): boolean {
    return this.#options.delivery === 'messages';
  }

  /** Bytes that have come of the message that is put together; 0 without one. */
  get assembledBytes(): number {
    return this.#assembler?.length ?? 0;
  }

  /** The memory that a message takes which is not complete, in bytes. */
  get heldBytes(): number {
    return this.#assembler?.heldBytes ?? 0;
  }

  /** True when nothing more is read or sent; what waits in the output is still to be written. */
  get isClosed(): boolean {
    return this.#state === ClosingState.Closed;
  }

  /**
   * Takes what a read brought. Payloads are unmasked in place, so the bytes are changed; nothing
   * refers to them after the call.
   */
  receive(bytes: Uint8Array, start: number, end: number): void {
    let position = start;
    try {
      while (position < end && canReceive(this.#state)) {
        if (this.#remaining === 0) {
          position = this.#takeHeader(bytes, position, end);
          if (position < 0) break;
        }
        const stop = Math.min(end, position + this.#remaining);
        this.#takePayload(this.#decoder!, bytes, position, stop);
        position = stop;
      }
    } catch (error) {
      this.#break(error);
    }
    const decoder = this.#decoder;
    if (decoder === null) return;
    const isCut = this.#remaining > 0 || decoder.isInHeader;
    if (isCut && canReceive(this.#state)) return;
    this.#decoder = null;
    returnDecoder(decoder);
  }

  /** Reads the header of a frame that is not sent back as it comes. @returns where its payload begins, or -1 */
  #takeHeader(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    if (this.echoes !== null && this.#decoder?.isInHeader !== true) {
      position = this.#echo(this.echoes, bytes, start, end);
      if (position === end) return -1;
    }
    const decoder = (this.#decoder ??= borrowDecoder());
    position = decoder.readHeader(bytes, position, end, this);
    if (position >= 0) this.#beginFrame(decoder);
    return position;
  }

  /** Sends back what stands at the beginning of a read between two frames. @returns where the rest begins */
  #echo(echoes: EchoListener, bytes: Uint8Array, start: number, end: number): number {
    const isPlain = this.sink === this.output && this.watcher === null && !this.isMessageOpen;
    if (!isWholeMessage(bytes[start]!) || !isPlain || this.#state !== ClosingState.Open)
      return start;
    // A frame of ours is shorter than the client's, which has a masking key.
    const stop = Math.min(end, start + echoes.echoRoom);
    if (stop - start < LEAST_FRAME_BYTES) return start;
    const run = clearRun(sharedRun);
    const position = this.output.appendEchoes(bytes, start, stop, this.#options.maxMessage, run);
    if (position > start) echoes.echoed(run);
    return position;
  }

  /** The byte stream has ended. Without a Close before it the peer vanished (RFC 6455 §7.1.5: 1006). */
  receiveEof(): void {
    this.#state = nextClosingState(this.#state, ClosingEvent.Eof);
    this.#forget();
  }

  /**
   * Sends a message with the payload `bytes[start, end)`, which is copied unless it is the payload
   * that a `message` event just brought.
   *
   * @returns false when a Close was sent or the connection is over: the message is dropped
   * @throws InvalidArgumentError for what is no message; that text is UTF-8 is the caller's to see to
   * @throws InvalidStateError inside a message that is sent in chunks
   */
  sendMessage(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number, rsv = 0): boolean {
    assertDataOpcode(opcode);
    assertBytes(bytes);
    assertRange(start, end, bytes.length);
    if (!canSendData(this.#state)) return false;
    assertNoPieces(this.#piecesOpcode);
    this.#send(FIN | (rsv << 4) | opcode, bytes, start, end);
    return true;
  }

  /**
   * Sends a chunk of a message as a frame of its own (RFC 6455 §5.4).
   *
   * @returns as {@link sendMessage}
   * @throws InvalidArgumentError as {@link sendMessage}
   * @throws InvalidStateError when `isFirst` or the opcode does not fit what was sent before
   */
  sendChunk(
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    assertDataOpcode(opcode);
    assertBytes(bytes);
    assertRange(start, end, bytes.length);
    assertFlags(isFirst, isLast);
    if (!canSendData(this.#state)) return false;
    assertPieceFits(this.#piecesOpcode, opcode, isFirst);
    this.#piecesOpcode = isLast ? NO_PIECES : opcode;
    this.#send((isLast ? FIN : 0) | (isFirst ? opcode : Opcode.Continuation), bytes, start, end);
    return true;
  }

  /**
   * Sends a Ping (RFC 6455 §5.5.2).
   *
   * @returns as {@link sendMessage}
   * @throws InvalidArgumentError for anything but bytes, 125 of them at most
   */
  sendPing(payload: Uint8Array): boolean {
    return this.#sendControl(Opcode.Ping, payload);
  }

  /** Sends a Pong that nobody asked for (RFC 6455 §5.5.3). Returns and throws as {@link sendPing}. */
  sendPong(payload: Uint8Array): boolean {
    return this.#sendControl(Opcode.Pong, payload);
  }

  #sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    assertBytes(payload);
    assertControlBytes(opcode === Opcode.Ping ? 'Ping' : 'Pong', payload);
    if (!canSendData(this.#state)) return false;
    this.#sendControlFrame(opcode, payload, 0, payload.length);
    return true;
  }

  /**
   * Sends a Close, or answers the peer's (RFC 6455 §5.5.1). Code 1005 sends an empty payload.
   *
   * @returns false when a Close was sent before or the connection is over
   * @throws InvalidStateError for a code that must not be sent
   */
  sendClose(code: number, reason = ''): boolean {
    if (!canSendData(this.#state)) return false;
    const payload = serializeClosePayload(code, reason);
    this.sendOwedPong();
    this.#sendControlFrame(Opcode.Close, payload, 0, payload.length);
    // As it went out: a reason may have been cut.
    this.sentClose = parseClosePayload(payload, 0, payload.length);
    this.#state = nextClosingState(this.#state, ClosingEvent.SendClose);
    return true;
  }

  /**
   * Appends bytes that are no frames of ours: whether they are any is up to whoever breaks rules on purpose.
   *
   * @param close what a Close in them says, which is then the one that we have sent; null without one
   * @returns as {@link sendMessage}
   */
  sendRaw(bytes: Uint8Array, close: CloseStatus | null): boolean {
    if (!canSendData(this.#state)) return false;
    this.sink.appendBytes(bytes);
    if (close === null) return true;
    this.sentClose = close;
    this.#state = nextClosingState(this.#state, ClosingEvent.SendClose);
    return true;
  }

  /** Ends it here: nothing more is read or sent, and no Close says so. */
  abandon(): void {
    this.#state = nextClosingState(this.#state, ClosingEvent.Fail);
    this.#forget();
  }

  /** Sends the Close that we have sent again: it was taken out of the output before it could leave. */
  repeatClose({ code, reason }: CloseStatus): void {
    const payload = serializeClosePayload(code, reason);
    const { watcher } = this;
    // The watcher saw it the first time.
    this.watcher = null;
    this.#send(FIN | Opcode.Close, payload, 0, payload.length);
    this.watcher = watcher;
  }

  /** Sends the Pong that had to wait, if one had; call it when the output is no longer blocked. */
  sendOwedPong(): void {
    const payload = this.#owedPong;
    if (payload === null) return;
    this.#owedPong = null;
    this.#sendControlFrame(Opcode.Pong, payload, 0, payload.length);
  }

  /**
   * Fails the connection (RFC 6455 §7.1.7): says why in a Close, unless one was sent, and looks at
   * nothing more. The one place where an error becomes a close code.
   */
  fail(error: unknown): void {
    if (this.#state === ClosingState.Closed) return;
    const { code, reason } = closeStatusOf(error);
    this.sendClose(code, reason);
    this.#state = nextClosingState(this.#state, ClosingEvent.Fail);
    this.#forget();
    this.#events.failed(error);
  }

  /** Something went wrong while receiving: fails, or stops receiving until the answers before are out. */
  #break(error: unknown): void {
    const isHeld = canSendData(this.#state) && this.#events.holdFailure?.(error) === true;
    if (isHeld) this.#state = nextClosingState(this.#state, ClosingEvent.HoldFailure);
    else this.fail(error);
    // A Pong that is owed stays owed while the failure is held: it was asked for before.
    this.#forgetMessage();
  }

  /** Nothing more is read: drops the incomplete message and the owed Pong. */
  #forget(): void {
    this.#forgetMessage();
    this.#owedPong = null;
  }

  #forgetMessage(): void {
    this.#assembler?.free();
    this.#assembler = null;
  }

  /** Checks the limits before a byte of the payload is stored. */
  #beginFrame(decoder: FrameDecoder): void {
    const { opcode, length } = decoder;
    this.#remaining = length;
    if (this.watcher !== null) this.#showReceived(this.watcher, decoder);
    if (opcode >= Opcode.Close) return;
    if (opcode !== Opcode.Continuation) {
      this.#messageOpcode = opcode as DataOpcode;
      this.#messageRsv = decoder.rsv;
      this.#fragments = 0;
      this.#utf8State = UTF8_ACCEPT;
      this.#isFirstPiece = true;
      this.isMessageOpen = true;
    }
    const { delivery, maxMessage, maxFragments } = this.#options;
    if (delivery === 'chunks') {
      if (length > Number.MAX_SAFE_INTEGER) throw new MessageTooBigError(Number.MAX_SAFE_INTEGER);
      return;
    }
    this.#fragments++;
    const rsv = this.#messageRsv;
    const limitBytes = wireLimitBytes(maxMessage, rsv, this.#fragments);
    if ((this.#assembler?.length ?? 0) + length > limitBytes)
      throw new MessageTooBigError(limitBytes, rsv !== 0);
    if (this.#fragments > maxFragments) throw new PolicyError('too-many-fragments');
  }

  #showReceived(watcher: FrameWatcher, decoder: FrameDecoder): void {
    const { isFinal, rsv, opcode, length } = decoder;
    const first = (isFinal ? FIN : 0) | (rsv << 4) | opcode;
    watcher.frameReceived(first, this.isServer, length);
  }

  #takePayload(decoder: FrameDecoder, bytes: Uint8Array, start: number, end: number): void {
    this.#remaining -= end - start;
    let isAscii = false;
    if (this.isServer) {
      isAscii = isAsciiOr(unmask(bytes, start, end, decoder.maskingKey));
      if (this.#remaining > 0)
        decoder.maskingKey = rotateMaskingKey(decoder.maskingKey, end - start);
    }
    if (decoder.opcode >= Opcode.Close) this.#takeControl(decoder.opcode, bytes, start, end);
    else this.#takeData(bytes, start, end, isAscii, decoder.isFinal);
  }

  #takeData(
    bytes: Uint8Array,
    start: number,
    end: number,
    isAscii: boolean,
    isFinal: boolean,
  ): void {
    const isLast = isFinal && this.#remaining === 0;
    if (this.#messageOpcode === Opcode.Text && this.#messageRsv === 0) {
      this.#checkText(bytes, start, end, isAscii, isLast);
    }
    if (isLast) this.isMessageOpen = false;
    if (this.#options.delivery === 'chunks') {
      this.#deliverPiece(bytes, start, end, isLast);
    } else if (isLast && this.#assembler === null) {
      this.#deliver(bytes, start, end);
    } else {
      const assembler = (this.#assembler ??= this.#makeAssembler());
      assembler.append(bytes, start, end, isFinal ? this.#remaining : Infinity);
      if (isLast) this.#deliverAssembled(assembler);
    }
  }

  #deliverAssembled(assembler: Assembler): void {
    const { bytes, start, length } = assembler;
    try {
      this.#deliver(bytes, start, start + length);
    } finally {
      assembler.free();
      this.#assembler = null;
    }
  }

  #makeAssembler(): Assembler {
    const { maxMessage, maxFragments, pool = null } = this.#options;
    return new Assembler(wireLimitBytes(maxMessage, this.#messageRsv, maxFragments), pool);
  }

  /**
   * Where what is still to come of a large frame had better be read to: nothing else may be received before. It is
   * of {@link assembledSlab}, which whoever reads there holds.
   *
   * @param maxBytes that are read at a time
   * @returns null when it is to be read elsewhere
   */
  placeForRead(maxBytes: number): Uint8Array | null {
    const remaining = this.#remaining;
    const most = Math.min(remaining, maxBytes);
    if (this.#assembler === null || most < LEAST_PLACED_BYTES) return null;
    return this.#assembler.placeFor(most, LEAST_PLACED_BYTES, remaining);
  }

  /** What the message is put together in; null for none. */
  get assembledSlab(): Slab | null {
    return this.#assembler?.slab ?? null;
  }

  /** After our Close no answer could follow, so messages are dropped unless they are asked for. */
  get canDeliver(): boolean {
    return this.hearsOut || canSendData(this.#state);
  }

  #deliver(bytes: Uint8Array, start: number, end: number): void {
    if (!this.canDeliver) return;
    this.#events.message(this.#messageOpcode, bytes, start, end, this.#messageRsv);
  }

  #deliverPiece(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if ((start === end && !isLast) || !this.canDeliver) return;
    const isFirst = this.#isFirstPiece;
    this.#isFirstPiece = false;
    this.#events.chunk(this.#messageOpcode, bytes, start, end, isFirst, isLast);
  }

  #checkText(
    bytes: Uint8Array,
    start: number,
    end: number,
    isAscii: boolean,
    isLast: boolean,
  ): void {
    const before = this.#utf8State;
    if (isAscii && before === UTF8_ACCEPT) return;
    this.#utf8State = validateUtf8(before, bytes, start, end);
    if (this.#utf8State === UTF8_ACCEPT) return;
    if (this.#utf8State !== UTF8_REJECT && !isLast) return;
    if (this.#options.delivery === 'chunks') {
      // What came before the wrong byte would have been delivered, had it come by itself.
      this.#deliverPiece(bytes, start, findImpossibleByte(before, bytes, start, end), false);
    }
    throw new InvalidPayloadError('text-not-utf8');
  }

  #takeControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#remaining === 0 && this.#controlLength === 0) {
      this.#handleControl(opcode, bytes, start, end);
      return;
    }
    const control = (this.#control ??= new Uint8Array(MAX_CONTROL_PAYLOAD_BYTES));
    control.set(bytes.subarray(start, end), this.#controlLength);
    this.#controlLength += end - start;
    if (this.#remaining > 0) return;
    const length = this.#controlLength;
    this.#control = null;
    this.#controlLength = 0;
    this.#handleControl(opcode, control, 0, length);
  }

  #handleControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.watcher?.controlReceived(opcode, bytes, start, end);
    countControl(this.#options.controlIn, opcode);
    switch (opcode) {
      case Opcode.Ping:
        // Not `bytes.slice`: that of a Buffer is a view, and the next read changes it.
        if (this.withholdsPongs) this.#owedPong = null;
        else if (this.isOutputBlocked)
          this.#owedPong = Uint8Array.prototype.slice.call(bytes, start, end);
        else this.#sendControlFrame(Opcode.Pong, bytes, start, end);
        this.#events.pingReceived(bytes, start, end);
        break;
      case Opcode.Pong:
        this.#events.pongReceived(bytes, start, end);
        break;
      default:
        this.receivedClose = parseClosePayload(bytes, start, end);
        this.#state = nextClosingState(this.#state, ClosingEvent.ReceiveClose);
        this.#forget();
        this.#events.peerClose(this.receivedClose);
    }
  }

  #sendControlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    countControl(this.#options.controlOut, opcode);
    this.#send(FIN | opcode, bytes, start, end);
  }

  #send(first: number, bytes: Uint8Array, start: number, end: number): void {
    const key = this.isServer ? null : this.#options.makeMaskingKey!();
    this.watcher?.frameSent(first, key !== null, bytes, start, end);
    const assembler = this.#assembler;
    const slab = assembler !== null && bytes === assembler.bytes ? assembler.slab : null;
    this.sink.appendFrame(first, key, bytes, start, end, slab);
  }
}

function countControl(counts: ControlCounts | undefined, opcode: number): void {
  if (counts === undefined) return;
  if (opcode === Opcode.Ping) counts.pings++;
  else if (opcode === Opcode.Pong) counts.pongs++;
  else counts.closes++;
}
