/** Standard output as somewhere for text: whether all of it was written is known at the end. */
import type { TextOutput } from '../io.js';
import { systemReason } from '../../system-reason.js';

/** Settles when the system has taken the bytes, or rejects with what it reports. */
interface Bytes {
  write(bytes: Uint8Array): Promise<void>;
}

export class StandardOutput implements TextOutput {
  /** True if it is a terminal. */
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #bytes: Bytes;
  /** Settles when all that was given is written, or nothing more can be. */
  #written: Promise<void> = Promise.resolve();
  #error: unknown = null;

  constructor(bytes: Bytes, isTTY: boolean, columns?: number) {
    this.#bytes = bytes;
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.#written = this.#written
      .then(() => this.#bytes.write(Buffer.from(text)))
      .catch((error: unknown) => {
        this.#error ??= error;
      });
  }

  /** @returns why something could not be written; null if all was, or if the reader has gone */
  async finish(): Promise<string | null> {
    await this.#written;
    // With `twist --help | head -1` the reader goes early, which is no failure.
    const isWell = this.#error === null || (this.#error as NodeJS.ErrnoException).code === 'EPIPE';
    return isWell ? null : systemReason(this.#error);
  }
}
