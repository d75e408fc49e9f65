/** Reads recordings from files and streams, to their end or as they grow. */
import { once } from 'node:events';
import type { promises } from 'node:fs';
import type { RecordReader, NumberedRecord } from '../../recording/format/record-reader.js';
import { ConvertError } from '../../recording/convert/converter.js';
import { compressionProblem } from './recording-head.js';

/** Receives what was read. */
export interface InputTaker {
  /** A file begins: its lines count from 1. */
  begin(name: string): RecordReader;
  /** Records, in their order, and how many bytes they were read from. */
  take(records: readonly NumberedRecord[], bytes: number): Promise<void>;
  /** There is nothing more for now. */
  idle(): Promise<void>;
  note(sentence: string): void;
}

const CHUNK_BYTES = 128 * 1024;

/** A longer beginning of a line is not read again. */
const MAX_HALF_LINE_BYTES = 1024 * 1024;

/** Reads a stream; what is there goes on at once. Ends early when `signal` aborts. */
export async function readStream(
  stream: AsyncIterable<Uint8Array>,
  taker: InputTaker,
  signal: AbortSignal,
): Promise<void> {
  const reader = taker.begin('-');
  const chunks = stream[Symbol.asyncIterator]();
  for (let isFirst = true; ; isFirst = false) {
    const next = signal.aborted ? null : await orAborted(chunks.next(), signal);
    // An unfinished line may still be completed.
    if (next === null) return;
    if (next.done === true) break;
    if (isFirst) refuseCompressed(next.value, '-');
    await taker.take(reader.read(next.value), next.value.length);
    await taker.idle();
  }
  await taker.take(reader.finish(), 0);
}

/** @returns null when `signal` aborts first */
async function orAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T | null> {
  // Ends the listener: `signal` outlives many chunks.
  const isOver = new AbortController();
  const aborted = once(signal, 'abort', { signal: isOver.signal }).then(() => null);
  try {
    return await Promise.race([awaited, aborted]);
  } finally {
    isOver.abort();
  }
}

/** @throws ConvertError when it is compressed */
function refuseCompressed(start: Uint8Array, input: string): void {
  const problem = compressionProblem(start, input);
  if (problem !== null) throw new ConvertError(problem);
}

/** A file that is read from its beginning. Calls reject with what `node:fs` reports. */
export class InputFile {
  readonly path: string;
  readonly isRegular: boolean;
  readonly #handle: promises.FileHandle;
  readonly #reader: RecordReader;
  /** Used again: what was read is converted before more is read. */
  #buffer: Buffer | null = null;
  #position = 0;

  private constructor(
    path: string,
    handle: promises.FileHandle,
    isRegular: boolean,
    reader: RecordReader,
  ) {
    this.path = path;
    this.#handle = handle;
    this.isRegular = isRegular;
    this.#reader = reader;
  }

  static async open(
    path: string,
    handle: promises.FileHandle,
    reader: RecordReader,
  ): Promise<InputFile> {
    const stats = await handle.stat();
    return new InputFile(path, handle, stats.isFile(), reader);
  }

  /** The rest of it, in a copy. */
  continuedIn(handle: promises.FileHandle): InputFile {
    const copy = new InputFile(this.path, handle, true, this.#reader);
    copy.#position = this.#position;
    return copy;
  }

  /** How far it was read. */
  get position(): number {
    return this.#position;
  }

  get handle(): promises.FileHandle {
    return this.#handle;
  }

  /** @returns the records of what comes next, and how much that was: 0 at the end */
  async read(): Promise<{ readonly records: readonly NumberedRecord[]; readonly bytes: number }> {
    this.#buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const position = this.isRegular ? this.#position : null;
    const { bytesRead } = await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, position);
    const chunk = this.#buffer.subarray(0, bytesRead);
    if (this.#position === 0) refuseCompressed(chunk, this.path);
    this.#position += bytesRead;
    return { records: this.#reader.read(chunk), bytes: bytesRead };
  }

  /** Reads all there is, and passes it on. */
  async readOn(taker: InputTaker, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { records, bytes } = await this.read();
      if (bytes === 0) return;
      await taker.take(records, bytes);
    }
  }

  /** Half a line at the end is read again later: after a crash its writer cuts it off. */
  takeBackHalfLine(): void {
    this.#position -= this.#reader.takeBack(MAX_HALF_LINE_BYTES);
  }

  /** Nothing more comes. @returns the record of a last line without a newline */
  finish(): readonly NumberedRecord[] {
    return this.#reader.finish();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
