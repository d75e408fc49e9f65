/**
 * The one file that sees `node:zlib`: compression with a context that is kept from message to
 * message, in the calling thread.
 *
 * Node has no public interface for that (nodejs/node#35295). Its streams go through the thread pool,
 * which costs a small message fifty times its compression; its one-shot functions forget the context.
 * So `SyncContext` calls the stream's own handle, whose `writeSync` has kept its signature since
 * Node 6; `isSyncContextUsable` tries a round trip with takeover for the first client. Where that fails,
 * `PublicContext` does the same through the documented one-shot functions, with the last 32 KiB as a
 * dictionary: right, and slower. Remove the former when Node offers a synchronous stream write.
 */
import { Buffer, constants as bufferConstants } from 'node:buffer';
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import { copyPayload } from '../../protocol/bytes.js';

/** Parameters of one direction. */
export interface ContextOptions {
  /** LZ77 window, 8 to 15. zlib has no raw 8-bit window for compression: 9 is used, whose distances fit. */
  readonly windowBits: number;
  /** 1 (fast) to 9 (small); for compression. */
  readonly level: number;
}

/** What a flush ends with: a message leaves it out, and it is put back (RFC 7692 §7.2.1, §7.2.2). */
export const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** What one step did. */
export interface StepResult {
  /** Bytes of the input that were used. */
  readonly consumed: number;
  /** Bytes that were written to the output. */
  readonly produced: number;
}

/** A compressor or a decompressor with memory. */
export interface ZlibContext {
  /**
   * Works until the input is used up and flushed, or the output is full, in which case it is to be
   * called again with what is left. A decompressor also stops after the end of a deflate stream.
   *
   * @throws Error for input that is not deflate data
   * @throws RangeError for too much output, where it cannot be had in steps
   */
  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    outputStart: number,
    outputEnd: number,
    isFlush: boolean,
  ): StepResult;
  /** Forgets the history. */
  reset(): void;
  close(): void;
}

interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputLength: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string) => void;
}

interface StreamInternals {
  readonly _handle: Handle;
  /** Output bytes left, input bytes left. */
  readonly _writeState: Uint32Array;
  close(): void;
}

/** The smallest buffer that a stream may be told to keep; it is never used. */
const STREAM_CHUNK_BYTES = 64;
const MIN_DEFLATE_WINDOW_BITS = 9;
const MEMORY_LEVEL = 8;

class SyncContext implements ZlibContext {
  readonly #stream: StreamInternals;
  #error: string | null = null;

  constructor(stream: unknown) {
    this.#stream = stream as StreamInternals;
    this.#stream._handle.onerror = (message) => {
      this.#error = message;
    };
  }

  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    outputStart: number,
    outputEnd: number,
    isFlush: boolean,
  ): StepResult {
    const { _handle, _writeState } = this.#stream;
    const flush = isFlush ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    const room = outputEnd - outputStart;
    _handle.writeSync(flush, input, start, end - start, output, outputStart, room);
    if (this.#error !== null) throw new Error(this.#error);
    const [outputLeft, inputLeft] = _writeState as unknown as [number, number];
    return { consumed: end - start - inputLeft, produced: room - outputLeft };
  }

  reset(): void {
    this.#stream._handle.reset();
  }

  close(): void {
    this.#stream.close();
  }
}

/** The longest history that deflate can refer to. */
const HISTORY_BYTES = 32 * 1024;

const NO_BYTES = Buffer.alloc(0);

/** What a one-shot function makes of a whole message. */
interface Whole {
  readonly output: Buffer;
  /** What the next message may refer to. */
  readonly history: Buffer;
}

/** The same through documented functions: every message is a new stream, with the history as dictionary. */
class PublicContext implements ZlibContext {
  readonly #run: (input: Buffer, history: Buffer) => Whole;
  #history: Buffer = NO_BYTES;
  #input: Uint8Array[] = [];
  #output: Buffer = NO_BYTES;

  constructor(run: (input: Buffer, history: Buffer) => Whole) {
    this.#run = run;
  }

  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    outputStart: number,
    outputEnd: number,
    isFlush: boolean,
  ): StepResult {
    if (start < end) this.#input.push(copyPayload(input.subarray(start, end)));
    if (isFlush && this.#input.length > 0) {
      const whole = this.#run(Buffer.concat(this.#input), this.#history);
      this.#input = [];
      this.#output = whole.output;
      this.#history = Buffer.from(whole.history.subarray(-HISTORY_BYTES));
    }
    const produced = this.#output.copy(output, outputStart, 0, outputEnd - outputStart);
    this.#output = this.#output.subarray(produced);
    return { consumed: end - start, produced };
  }

  reset(): void {
    this.#history = NO_BYTES;
  }

  close(): void {
    this.#output = this.#history = NO_BYTES;
    this.#input = [];
  }
}

/** What `info: true` makes of a one-shot call: the type of Node's declarations leaves it out. */
interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** Makes a compressor. @param isSync what {@link isSyncContextUsable} said */
export function makeCompressor(
  { windowBits, level }: ContextOptions,
  isSync: boolean,
): ZlibContext {
  const options = {
    windowBits: Math.max(windowBits, MIN_DEFLATE_WINDOW_BITS),
    level,
    memLevel: MEMORY_LEVEL,
  };
  if (isSync)
    return new SyncContext(createDeflateRaw({ ...options, chunkSize: STREAM_CHUNK_BYTES }));
  const flushed = { ...options, finishFlush: constants.Z_SYNC_FLUSH };
  return new PublicContext((input, history) => ({
    output: deflateRawSync(input, { ...flushed, ...given(history) }),
    history: Buffer.concat([history, input]),
  }));
}

/** How large a message may be: looked at for every message. */
export interface OutputBound {
  readonly maxBytes: number;
}

/**
 * Makes a decompressor.
 *
 * @param bound of the output; only where steps cannot be bounded, the public way
 */
export function makeDecompressor(
  { windowBits }: Pick<ContextOptions, 'windowBits'>,
  bound: OutputBound,
  isSync: boolean,
): ZlibContext {
  if (isSync)
    return new SyncContext(createInflateRaw({ windowBits, chunkSize: STREAM_CHUNK_BYTES }));
  return new PublicContext((input, history) =>
    inflateWhole(input, history, windowBits, bound.maxBytes),
  );
}

/** Most streams in one message, where they cannot be spread over slices: each costs some 10 us. */
const MAX_STREAMS = 1000;

/**
 * Decompresses a message and the tail after it. A stream that ends inside the message (BFINAL) is
 * followed by a new one; of one that ends with the message only the tail is left.
 *
 * @throws RangeError when more than `maxBytes` and one come out
 * @throws Error when there are more than 1000 streams
 */
function inflateWhole(input: Buffer, history: Buffer, windowBits: number, maxBytes: number): Whole {
  const outputs: Buffer[] = [];
  let roomBytes = Math.min(maxBytes + 1, bufferConstants.MAX_LENGTH);
  let known = history;
  let rest = input;
  while (outputs.length < MAX_STREAMS) {
    const { buffer, engine } = inflateRawSync(rest, {
      windowBits,
      ...given(known),
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: roomBytes,
      info: true,
    }) as unknown as WithEngine;
    outputs.push(buffer);
    roomBytes -= buffer.length;
    rest = rest.subarray(engine.bytesWritten);
    if (rest.length <= TAIL.length) {
      // Without an end the stream goes on with the next message.
      const isOpen = rest.length === 0;
      return {
        output: Buffer.concat(outputs),
        history: isOpen ? Buffer.concat([known, buffer]) : NO_BYTES,
      };
    }
    known = NO_BYTES;
  }
  throw new Error('too many streams in one message');
}

/** An empty dictionary is refused, so it is left out. */
function given(dictionary: Buffer): { dictionary?: Buffer } {
  return dictionary.length === 0 ? {} : { dictionary };
}

/** Tries the stream's handle: two messages there and back, the second one out of the history. */
export function isSyncContextUsable(): boolean {
  const text = Buffer.from(
    'the same words, twice: what the second costs shows that the first is remembered',
  );
  const wire = Buffer.alloc(256);
  const back = Buffer.alloc(256);
  try {
    const compressor = makeCompressor({ windowBits: 15, level: 6 }, true);
    const decompressor = makeDecompressor({ windowBits: 15 }, { maxBytes: 256 }, true);
    const sizes = [1, 2].map(() => {
      const { produced } = compressor.step(text, 0, text.length, wire, 0, wire.length, true);
      const result = decompressor.step(wire, 0, produced, back, 0, back.length, true);
      const isSame = result.consumed === produced && back.subarray(0, result.produced).equals(text);
      return isSame ? produced : Number.NaN;
    });
    compressor.close();
    decompressor.close();
    return sizes[1]! < sizes[0]! / 2;
  } catch {
    return false;
  }
}
