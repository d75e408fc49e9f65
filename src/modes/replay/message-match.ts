/** Compares a message of a client with the recorded one, in pieces, however each of them is cut. */
import type { DataOpcode } from '../../protocol/frame.js';

export class MessageMatch {
  /** How the message differs in the part compared so far. */
  #opcodes: readonly [actual: DataOpcode, expected: DataOpcode] | null = null;
  #firstDifference = -1;
  /** How many bytes of each were seen. */
  #actualBytes = 0;
  #expectedBytes = 0;

  /** The opcodes of both messages. */
  compareOpcodes(actual: DataOpcode, expected: DataOpcode): void {
    this.#opcodes = [actual, expected];
  }

  /**
   * Compares the next bytes of both.
   *
   * @param expected the bytes that are known: it may be shorter
   */
  compare(actual: Uint8Array, expected: Uint8Array): void {
    if (this.#firstDifference < 0) {
      const known = actual.subarray(0, expected.length);
      if (Buffer.compare(known, expected) !== 0) {
        const index = known.findIndex((byte, at) => byte !== expected[at]);
        this.#firstDifference = this.#actualBytes + index;
      }
    }
    this.#actualBytes += actual.length;
    this.#expectedBytes += actual.length;
  }

  /** Counts bytes that only the client's message has. */
  addActual(count: number): void {
    this.#actualBytes += count;
  }

  /** Counts bytes that only the recorded message has. */
  addExpected(count: number): void {
    this.#expectedBytes += count;
  }

  /** What differs, without quoting a byte: `length 5 instead of 7, byte 3 differs`; null for nothing. */
  get difference(): string | null {
    const found: string[] = [];
    const [actual, expected] = this.#opcodes ?? [];
    if (actual !== expected) found.push(`opcode ${actual} instead of ${expected}`);
    if (this.#actualBytes !== this.#expectedBytes)
      found.push(`length ${this.#actualBytes} instead of ${this.#expectedBytes}`);
    if (this.#firstDifference >= 0) found.push(`byte ${this.#firstDifference} differs`);
    return found.length === 0 ? null : found.join(', ');
  }
}
