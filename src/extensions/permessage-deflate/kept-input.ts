/** What is still to be worked on of a message: where it came, and kept from the moment that it has to wait. */
import type { MemoryAccount } from '../../budget/memory-account.js';
import { NO_BYTES, copyPayload } from '../../protocol/bytes.js';

export class KeptInput {
  bytes: Uint8Array = NO_BYTES;
  /** Bytes of a copy. */
  keptBytes = 0;
  readonly #memory: MemoryAccount;
  #isKept = false;

  constructor(memory: MemoryAccount) {
    this.#memory = memory;
  }

  /** A message comes. @param bytes valid during the call that brought them */
  begin(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.#isKept = false;
  }

  /** It has to wait: copies it, once. */
  keep(): void {
    if (this.#isKept) return;
    this.#isKept = true;
    this.bytes = copyPayload(this.bytes);
    this.keptBytes = this.bytes.length;
    this.#memory.charge(this.keptBytes);
  }

  /** Goes on with bytes that nobody changes; a copy of those before is given back. */
  replace(bytes: Uint8Array): void {
    this.free();
    this.bytes = bytes;
    this.#isKept = true;
  }

  /** Nothing is left to be worked on. */
  free(): void {
    this.bytes = NO_BYTES;
    if (this.keptBytes === 0) return;
    this.#memory.release(this.keptBytes);
    this.keptBytes = 0;
  }
}
