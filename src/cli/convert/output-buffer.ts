import type { ConvertOutput } from '../../recording/convert/converter.js';

/** How much is written at once: many records share one system call. */
const BUFFER_BYTES = 128 * 1024;

/** A character of a string is three bytes of UTF-8 at most. */
const MAX_CHARACTER_BYTES = 3;

/**
 * Gathers what a converter writes. While one buffer is being written the next one is filled; a converter
 * that fills that too before the first is written has to wait.
 */
export class OutputBuffer implements ConvertOutput {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  /** Settles when all that was taken out of the buffer is written. */
  #written: Promise<void> = Promise.resolve();

  /** @param write rejects when the output takes nothing any more */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /**
   * Takes a piece. When it returns a promise, the piece has to stay as it is until that is settled.
   *
   * @returns rejects when something could not be written
   */
  write(piece: string | Uint8Array): Promise<void> | undefined {
    return typeof piece === 'string' ? this.#writeText(piece) : this.#writeBytes(piece);
  }

  /** Writes what was gathered. Rejects when something could not be written. */
  async flush(): Promise<void> {
    if (this.#length > 0) void this.#send();
    await this.#written;
  }

  #writeText(text: string): Promise<void> | undefined {
    const maxBytes = text.length * MAX_CHARACTER_BYTES;
    if (maxBytes > BUFFER_BYTES) return this.#writeBytes(Buffer.from(text));
    const ready = maxBytes > BUFFER_BYTES - this.#length ? this.#send() : undefined;
    this.#length += this.#buffer.write(text, this.#length);
    return ready;
  }

  #writeBytes(bytes: Uint8Array): Promise<void> | undefined {
    let ready: Promise<void> | undefined;
    if (bytes.length > BUFFER_BYTES - this.#length) {
      ready = this.#send();
      if (bytes.length > BUFFER_BYTES) return this.#chain(bytes);
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return ready;
  }

  /** @returns settled when what was sent before is written: what is sent now is on its way meanwhile */
  #send(): Promise<void> {
    const before = this.#written;
    const full = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#length = 0;
    void this.#chain(full);
    return before;
  }

  #chain(bytes: Uint8Array): Promise<void> {
    this.#written = this.#written.then(() => this.#write(bytes));
    // The caller who awaits it is told; that none does just now is no defect.
    this.#written.catch(() => undefined);
    return this.#written;
  }
}
