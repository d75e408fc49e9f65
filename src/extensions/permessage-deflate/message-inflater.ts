/** Decompression of whole messages, within a budget (RFC 7692 §7.2.2). */
import { InvalidPayloadError, MessageTooBigError } from '../../errors.js';
import { NO_BYTES, copyPayload } from '../../protocol/bytes.js';
import type { SharedWork } from './message-deflater.js';
import { MessageOutput, makeScratch, scratchFor } from './message-output.js';
import { SLICE_BYTES, type Slices } from './sliced-work.js';
import {
  type OutputBound,
  type StepResult,
  TAIL,
  type ZlibContext,
  makeDecompressor,
} from './zlib-context.js';

/** Up to this size a ratio is no sign of a bomb: small texts of one character compress as well. */
const RATIO_FREE_BYTES = 1024 * 1024;

/** What a reset of the context costs, in bytes of decompression: a message may have many. */
const RESET_COST_BYTES = 1024;

const scratch = makeScratch();

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
  readonly #options: InflaterOptions;
  readonly #shared: SharedWork;
  #context: ZlibContext | null = null;
  #isClosed = false;

  constructor(options: InflaterOptions, shared: SharedWork) {
    this.#options = options;
    this.#shared = shared;
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
    this.#context ??= makeDecompressor(this.#options, this, this.#shared.isSync);
    return this.#shared.slicedWork.run(this.#slices(this.#context, payload, maxBytes));
  }

  close(): void {
    this.#isClosed = true;
    this.#context?.close();
    this.#context = null;
  }

  *#slices(context: ZlibContext, payload: Uint8Array, maxBytes: number): Slices<Uint8Array> {
    const { slicedWork, largeBuffer } = this.#shared;
    const first = scratchFor(scratch, slicedWork.waitingCount);
    const output = new MessageOutput(first, largeBuffer, maxBytes);
    let work = 0;
    for (const part of [payload, TAIL]) {
      let input = part;
      let from = 0;
      // At least one step for each part: an empty one may still have output to bring.
      for (let isDone = false; !isDone;) {
        const inputEnd = Math.min(input.length, from + SLICE_BYTES);
        const { end } = output;
        const { consumed, produced } = this.#step(
          context,
          input,
          from,
          inputEnd,
          output,
          part === TAIL,
        );
        from += consumed;
        output.length += produced;
        work += consumed + produced;
        this.#checkSize(output.length, payload.length, maxBytes);
        if (output.length < end) {
          isDone = from === input.length;
          if (from < inputEnd) {
            // A block with BFINAL set ends the stream inside the message: a new one begins after it,
            // with an empty history (RFC 7692 §7.2.3.4, RFC 1951 §3.2.3). Behind the last one only
            // our own tail is left, which then means nothing.
            context.reset();
            work += RESET_COST_BYTES;
            isDone = part === TAIL;
          }
        }
        if (isDone || (work < SLICE_BYTES && !output.isFull)) continue;
        work = 0;
        if (input === payload) input = copyPayload(payload);
        output.endSlice();
        yield;
        if (this.#isClosed) return NO_BYTES;
        output.beginSlice();
      }
    }
    if (!this.#options.hasTakeover) context.reset();
    return output.result;
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
