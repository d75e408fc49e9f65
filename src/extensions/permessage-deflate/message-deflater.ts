/** Compression of whole messages (RFC 7692 §7.2.1). */

import type { CompressorBudget, CompressorHolder } from './compressor-budget.js';
import { type LargeBuffer, makeScratch, MessageOutput, scratchFor } from './message-output.js';
import { SLICE_BYTES, type SlicedWork, type Slices } from './sliced-work.js';
import { type ContextOptions, makeCompressor, TAIL, type ZlibContext } from './zlib-context.js';
import { copyPayload } from '../../protocol/bytes.js';

/** A message of no bytes, compressed (RFC 7692 §7.2.3.6). */
const EMPTY = Uint8Array.of(0x00);

const scratch = makeScratch();

export interface DeflaterOptions extends ContextOptions {
  /** False when every message starts with an empty history (RFC 7692 §7.1.1.1). */
  readonly hasTakeover: boolean;
}

/** What all compressors and decompressors of one extension share. */
export interface SharedWork {
  /** What `isSyncContextUsable` said. */
  readonly isSync: boolean;
  readonly budget: CompressorBudget;
  readonly slicedWork: SlicedWork;
  readonly largeBuffer: LargeBuffer;
}

export class MessageDeflater implements CompressorHolder {
  readonly compressorBytes: number;
  readonly #options: DeflaterOptions;
  readonly #shared: SharedWork;
  #context: ZlibContext | null = null;
  #isWorking = false;
  #isClosed = false;

  constructor(options: DeflaterOptions, shared: SharedWork) {
    this.#options = options;
    this.#shared = shared;
    // zlib's own formula, at its default memory level of 8 (zconf.h).
    this.compressorBytes = (1 << (Math.max(options.windowBits, 9) + 2)) + (1 << 17);
  }

  /**
   * Compresses a message. A synchronous result is valid until the next call of any deflater, the
   * result of a promise until the next turn of the event loop.
   */
  deflate(payload: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.#context ??= makeCompressor(this.#options, this.#shared.isSync);
    this.#isWorking = true;
    this.#shared.budget.use(this);
    return this.#shared.slicedWork.run(this.#slices(this.#context, payload));
  }

  /** True when the next message may refer to those before it: all have to come by here then. */
  get hasHistory(): boolean {
    return this.#context !== null && this.#options.hasTakeover;
  }

  dropCompressor(): boolean {
    if (this.#isWorking) return false;
    this.#context?.close();
    this.#context = null;
    return true;
  }

  /** Gives the compressor back; a message still being compressed is never finished. */
  close(): void {
    this.#isClosed = true;
    this.#isWorking = false;
    this.dropCompressor();
    this.#shared.budget.release(this);
  }

  *#slices(context: ZlibContext, payload: Uint8Array): Slices<Uint8Array> {
    const { slicedWork, largeBuffer } = this.#shared;
    const first = scratchFor(scratch, slicedWork.waitingCount);
    const output = new MessageOutput(first, largeBuffer, payload.length);
    let input = payload;
    let from = 0;
    for (;;) {
      const sliceEnd = Math.min(input.length, from + SLICE_BYTES);
      const isFlush = sliceEnd === input.length;
      const { end } = output;
      const { consumed, produced } = context.step(
        input,
        from,
        sliceEnd,
        output.bytes,
        output.length,
        end,
        isFlush,
      );
      from += consumed;
      output.length += produced;
      if (isFlush && output.length < end) break;
      if (input === payload) input = copyPayload(payload);
      output.endSlice();
      yield;
      if (this.#isClosed) return EMPTY;
      output.beginSlice();
    }
    if (!this.#options.hasTakeover) context.reset();
    this.#isWorking = false;
    this.#shared.budget.rest(this);
    // Nothing comes out of a flush when there was nothing to flush: an empty message is one byte (RFC 7692 §7.2.3.6).
    return output.length <= TAIL.length
      ? EMPTY
      : output.bytes.subarray(0, output.length - TAIL.length);
  }
}
