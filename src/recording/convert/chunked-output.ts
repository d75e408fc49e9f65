import { Buffer } from 'node:buffer';
import type { ConvertOutput } from './converter.js';

const CHUNK_BYTES = 256 * 1024;

/**
 * Collects many small pieces into few large ones. Bytes are written directly into `chunk` at `at`,
 * after {@link ChunkedOutput.reserve} has made room for them.
 */
export class ChunkedOutput {
  chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  at = 0;
  readonly #output: ConvertOutput;
  #full: Buffer[] = [];
  /** How much of the chunk is written, or on its way. */
  #written = 0;

  constructor(output: ConvertOutput) {
    this.#output = output;
  }

  /** Makes room for this many bytes in `chunk` from `at` on. */
  reserve(bytes: number): void {
    if (this.chunk.length - this.at >= bytes) return;
    this.#full.push(this.chunk.subarray(this.#written, this.at));
    this.chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.at = 0;
    this.#written = 0;
  }

  /**
   * Writes the full chunks.
   *
   * @returns a promise if the caller has to wait before it goes on
   */
  drain(): Promise<void> | undefined {
    return this.#full.length === 0 ? undefined : this.#write();
  }

  /** Writes everything. */
  async flush(): Promise<void> {
    if (this.at > this.#written) this.#full.push(this.chunk.subarray(this.#written, this.at));
    this.#written = this.at;
    await this.#write();
  }

  async #write(): Promise<void> {
    const full = this.#full;
    this.#full = [];
    for (const chunk of full) await this.#output.write(chunk);
  }
}
