/** Reads recordings from files and streams, to their end or for ever. */
import { promises } from 'node:fs';
import type { Stop } from './stop.js';

/** Is given what was read. */
export interface InputTaker {
  /** A file begins: its lines count from 1. */
  begin(): void;
  take(chunk: Uint8Array): Promise<void>;
  /** There is nothing more for now. */
  idle(): Promise<void>;
  /** The file is over. A line that has no end is damaged. */
  end(): void;
  note(sentence: string): void;
}

const CHUNK_BYTES = 128 * 1024;

/** How often a file that is followed is looked at. */
const POLL_MS = 200;

/** Reads a stream; what is there goes on at once. Ends early when `stop` says so. */
export async function readStream(
  stream: AsyncIterable<Uint8Array>,
  taker: InputTaker,
  stop: Stop,
): Promise<void> {
  taker.begin();
  const chunks = stream[Symbol.asyncIterator]();
  while (!stop.isStopped) {
    const next = await stop.orStopped(chunks.next());
    if (next === null || next.done === true) break;
    await taker.take(next.value);
    await taker.idle();
  }
  taker.end();
}

/** Reads a file to its end. Rejects with what `node:fs` reports. */
export async function readFile(path: string, taker: InputTaker, stop: Stop): Promise<void> {
  const file = await openInput(path);
  try {
    taker.begin();
    await file.readOn(taker, stop);
    taker.end();
  } finally {
    await file.close();
  }
}

/**
 * Reads a file and goes on as it grows, until `stop` says so. When another file has taken its name,
 * it is read to its end first, and then the other one.
 */
export async function followFile(path: string, taker: InputTaker, stop: Stop): Promise<void> {
  taker.begin();
  let file = await waitForInput(path, taker, stop);
  try {
    while (file !== null && !stop.isStopped) {
      await file.readOn(taker, stop);
      const change = await file.change(path);
      if (change === 'none') {
        await taker.idle();
        await pause(POLL_MS, stop);
      } else if (change === 'truncated') {
        taker.end();
        taker.note(`${path} was truncated; reading it from its beginning`);
        taker.begin();
        file.rewind();
      } else {
        // Something may have been written to it between the last look and its new name.
        await file.readOn(taker, stop);
        taker.end();
        await file.close();
        file = await waitForInput(path, taker, stop);
        taker.begin();
      }
    }
    taker.end();
  } finally {
    await file?.close();
  }
}

/** @returns null when it was told to stop before the file was there */
async function waitForInput(
  path: string,
  taker: InputTaker,
  stop: Stop,
): Promise<InputFile | null> {
  for (let isFirst = true; !stop.isStopped; isFirst = false) {
    try {
      return await openInput(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (isFirst) taker.note(`${path} is not there yet; waiting for it`);
      await taker.idle();
      await pause(POLL_MS, stop);
    }
  }
  return null;
}

async function openInput(path: string): Promise<InputFile> {
  const handle = await promises.open(path);
  const stats = await handle.stat();
  return new InputFile(handle, stats.isFile(), stats.dev, stats.ino);
}

class InputFile {
  readonly #handle: promises.FileHandle;
  readonly #isRegular: boolean;
  readonly #dev: number;
  readonly #ino: number;
  /** What was read is used before more is read. */
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #position = 0;

  constructor(handle: promises.FileHandle, isRegular: boolean, dev: number, ino: number) {
    this.#handle = handle;
    this.#isRegular = isRegular;
    this.#dev = dev;
    this.#ino = ino;
  }

  /** Reads what is there. */
  async readOn(taker: InputTaker, stop: Stop): Promise<void> {
    while (!stop.isStopped) {
      const position = this.#isRegular ? this.#position : null;
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      await taker.take(this.#buffer.subarray(0, bytesRead));
    }
  }

  /** What has happened to it since it was opened. */
  async change(path: string): Promise<'none' | 'truncated' | 'replaced'> {
    const [own, named] = await Promise.all([
      this.#handle.stat(),
      // It may have been moved away with nothing in its place so far: it may still grow.
      promises.stat(path).catch(() => null),
    ]);
    if (named !== null && (named.ino !== this.#ino || named.dev !== this.#dev)) return 'replaced';
    return this.#isRegular && own.size < this.#position ? 'truncated' : 'none';
  }

  rewind(): void {
    this.#position = 0;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Waits that long, or until `stop`. */
async function pause(ms: number, stop: Stop): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await stop.orStopped(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  );
  clearTimeout(timer);
}
