/** Decompression of whole messages, within a budget (RFC 7692 §7.2.2). */
import { InvalidPayloadError, MessageTooBigError } from '../../errors.js';
import { NO_BYTES } from '../../protocol/bytes.js';
import { KeptInput } from './kept-input.js';
import { MessageOutput } from './message-output.js';
import type { SharedWork } from './shared-work.js';
import type { Share, Slices } from './sliced-work.js';
import {
  type OutputBound,
  type StepResult,
  TAIL,
  type ZlibContext,
  makeDecompressor,
} from './zlib-context.js';

/** Up to this size a ratio is no sign of a bomb: small texts of one character compress as well. */
const RATIO_FREE_BYTES = 1024 * 1024;

/** The most input of one step: a few bytes of it may build a table of codes, and another for the next few. */
const STEP_BYTES = 4096;

/** What a byte of input counts, and a reset of the context: a message may be made of nothing but resets. */
const INPUT_COST = 16;
const RESET_COST_BYTES = 1024;

/** What a window takes, and the rest of a decompressor, in bytes (measured: docs/adr/0006-zlib.md). */
const WINDOW_FREE_BYTES = 13 * 1024;

export interface InflaterOptions {
  readonly windowBits: number;
  /** False when every message starts with an empty history (RFC 7692 §7.1.1.2). */
  readonly hasTakeover: boolean;
  /** Output for each byte of input from which a message over 1 MiB is refused; 0 means never. */
  readonly maxRatio: number;
}

export class MessageInflater implements OutputBound {
  /** The largest payload that may come out of the message it works on, or worked on last. */
  maxBytes = 0;
  #isClosed = false;
  readonly #options: InflaterOptions;
  readonly #shared: SharedWork;
  readonly #share: Share;
  readonly #contextBytes: number;
  #context: ZlibContext | null = null;
  readonly #input: KeptInput;
  /** Of the message that it works on; null between messages. */
  #output: MessageOutput | null = null;

  constructor(options: InflaterOptions, shared: SharedWork, share: Share) {
    this.#options = options;
    this.#shared = shared;
    this.#share = share;
    this.#input = new KeptInput(shared.memory);
    this.#contextBytes = (1 << options.windowBits) + WINDOW_FREE_BYTES;
  }

  /** Bytes that it holds, shared buffers left out. */
  get heldBytes(): number {
    const contextBytes = this.#context === null ? 0 : this.#contextBytes;
    return contextBytes + this.#input.keptBytes + (this.#output?.ownBytes ?? 0);
  }

  /**
   * Decompresses a message. The result is valid until the next call of any inflater, or, of one that
   * comes later, until the next turn of the event loop.
   *
   * @throws InvalidPayloadError, or rejects with it, for data that cannot be decompressed
   * @throws MessageTooBigError, or rejects with it, as soon as more than `maxBytes` come out
   */
  inflate(payload: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array> {
    // Nothing was compressed into nothing: there is no deflate stream in it that the tail could end.
    if (payload.length === 0) return payload;
    this.maxBytes = maxBytes;
    const context = (this.#context ??= this.#makeContext());
    const work = this.#slices(context, payload, maxBytes);
    return this.#shared.slicedWork.run(work, this.#share, this);
  }

  #makeContext(): ZlibContext {
    this.#shared.memory.charge(this.#contextBytes);
    return makeDecompressor(this.#options, this, this.#shared.isSync);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetMessage();
    this.#shared.room.leave(this);
    if (this.#context === null) return;
    this.#context.close();
    this.#context = null;
    this.#shared.memory.release(this.#contextBytes);
  }

  #forgetMessage(): void {
    this.#input.free();
    this.#output?.free();
    this.#output = null;
  }

  *#slices(context: ZlibContext, payload: Uint8Array, maxBytes: number): Slices<Uint8Array> {
    const { turns, room, inflatedOutput: outputParts } = this.#shared;
    const input = this.#input;
    input.begin(payload);
    const output = (this.#output = new MessageOutput(outputParts, this, maxBytes));
    let from = 0;
    let isTail = false;
    let isOver = turns.isOver;
    try {
      for (;;) {
        const isReady = output.prepare();
        if (isOver || !isReady) {
          input.keep();
          output.leaveScratch();
          yield isReady ? 'time' : 'room';
          if (this.#isClosed) return NO_BYTES;
          output.prepare();
        }
        const { bytes } = input;
        const inputEnd = Math.min(bytes.length, from + STEP_BYTES);
        const { end } = output;
        const { consumed, produced } = this.#step(context, bytes, from, inputEnd, output, isTail);
        from += consumed;
        output.length += produced;
        let cost = consumed * INPUT_COST + produced;
        this.#checkSize(output.length, payload.length, maxBytes);
        if (output.length < end) {
          let isDone = from === bytes.length;
          if (from < inputEnd) {
            // A block with BFINAL set ends the stream inside the message: a new one begins after it,
            // with an empty history (RFC 7692 §7.2.3.4, RFC 1951 §3.2.3). Behind the last one only
            // our own tail is left, which then means nothing.
            context.reset();
            cost += RESET_COST_BYTES;
            isDone = isTail;
          }
          if (isDone && isTail) break;
          if (isDone) {
            input.replace(TAIL);
            from = 0;
            isTail = true;
          }
        }
        isOver = turns.spend(cost);
      }
      if (!this.#options.hasTakeover) context.reset();
      return output.result;
    } finally {
      this.#forgetMessage();
      room.leaveSoon(this);
    }
  }

  #checkSize(outputBytes: number, inputBytes: number, maxBytes: number): void {
    if (outputBytes > maxBytes) throw new MessageTooBigError(maxBytes);
    const { maxRatio } = this.#options;
    if (maxRatio > 0 && outputBytes > RATIO_FREE_BYTES && outputBytes > inputBytes * maxRatio) {
      throw new MessageTooBigError(Math.max(RATIO_FREE_BYTES, inputBytes * maxRatio));
    }
  }

  /** Decompresses until the input is used up, the output is full, or the deflate stream ends. */
  #step(
    context: ZlibContext,
    input: Uint8Array,
    from: number,
    inputEnd: number,
    { bytes, length, end, maxBytes }: MessageOutput,
    isFlush: boolean,
  ): StepResult {
    try {
      return context.step(input, from, inputEnd, bytes, length, end, isFlush);
    } catch (error) {
      if (error instanceof RangeError) throw new MessageTooBigError(maxBytes);
      throw new InvalidPayloadError('deflate-data');
    }
  }
}
