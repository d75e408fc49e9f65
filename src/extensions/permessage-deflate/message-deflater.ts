/** Compression of whole messages (RFC 7692 §7.2.1). */

import type { CompressorHolder } from './compressor-budget.js';
import { KeptInput } from './kept-input.js';
import { MessageOutput } from './message-output.js';
import type { SharedWork } from './shared-work.js';
import type { Share, Slices } from './sliced-work.js';
import { type ContextOptions, makeCompressor, TAIL, type ZlibContext } from './zlib-context.js';

/** A message of no bytes, compressed (RFC 7692 §7.2.3.6). */
const EMPTY = Uint8Array.of(0x00);

/** The most input of one step, which takes some tenth of a millisecond. */
const STEP_BYTES = 16 * 1024;

export interface DeflaterOptions extends ContextOptions {
  /** False when every message starts with an empty history (RFC 7692 §7.1.1.1). */
  readonly hasTakeover: boolean;
}

export class MessageDeflater implements CompressorHolder {
  readonly compressorBytes: number;
  #isClosed = false;
  readonly #options: DeflaterOptions;
  readonly #shared: SharedWork;
  readonly #share: Share;
  #context: ZlibContext | null = null;
  #isWorking = false;
  readonly #input: KeptInput;
  /** Of the message that it works on; null between messages. */
  #output: MessageOutput | null = null;

  constructor(options: DeflaterOptions, shared: SharedWork, share: Share) {
    this.#options = options;
    this.#shared = shared;
    this.#share = share;
    this.#input = new KeptInput(shared.memory);
    // zlib's own formula, at its default memory level of 8 (zconf.h).
    this.compressorBytes = (1 << (Math.max(options.windowBits, 9) + 2)) + (1 << 17);
  }

  /** Bytes that it holds, shared buffers left out. */
  get heldBytes(): number {
    const contextBytes = this.#context === null ? 0 : this.compressorBytes;
    return contextBytes + this.#input.keptBytes + (this.#output?.ownBytes ?? 0);
  }

  /**
   * Compresses a message. A synchronous result is valid until the next call of any deflater, the
   * result of a promise until the next turn of the event loop.
   */
  deflate(payload: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.#context ??= makeCompressor(this.#options, this.#shared.isSync);
    this.#isWorking = true;
    this.#shared.budget.use(this);
    const work = this.#slices(this.#context, payload);
    return this.#shared.slicedWork.run(work, this.#share, this);
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
    this.#forgetMessage();
    this.#shared.room.leave(this);
    this.dropCompressor();
    this.#shared.budget.release(this);
  }

  #forgetMessage(): void {
    this.#isWorking = false;
    this.#input.free();
    this.#output?.free();
    this.#output = null;
  }

  *#slices(context: ZlibContext, payload: Uint8Array): Slices<Uint8Array> {
    const { turns, room, deflatedOutput: outputParts } = this.#shared;
    const input = this.#input;
    input.begin(payload);
    const output = (this.#output = new MessageOutput(outputParts, this, payload.length));
    let from = 0;
    // One step is not worth waiting for.
    let isOver = turns.isOver && payload.length > STEP_BYTES;
    try {
      for (;;) {
        const isReady = output.prepare();
        if (isOver || !isReady) {
          if (!room.keep(this, input.bytes)) input.keep();
          output.leaveScratch();
          yield isReady ? 'time' : 'room';
          if (this.#isClosed) return EMPTY;
          output.prepare();
        }
        const { bytes } = input;
        const stepEnd = Math.min(bytes.length, from + STEP_BYTES);
        const isFlush = stepEnd === bytes.length;
        const { end } = output;
        const { consumed, produced } = context.step(
          bytes,
          from,
          stepEnd,
          output.bytes,
          output.length,
          end,
          isFlush,
        );
        from += consumed;
        output.length += produced;
        if (isFlush && output.length < end) break;
        isOver = turns.spend(consumed);
      }
      if (!this.#options.hasTakeover) context.reset();
      // Nothing comes out of a flush when there was nothing to flush: an empty message is one byte (RFC 7692 §7.2.3.6).
      return output.length <= TAIL.length
        ? EMPTY
        : output.bytes.subarray(0, output.length - TAIL.length);
    } finally {
      this.#forgetMessage();
      room.leaveSoon(this);
      this.#shared.budget.rest(this);
    }
  }
}
