/** The records of a worker as its primary gets them: bytes that are cut anywhere, of which whole lines go on. */
import type { Batch } from '../../recording/write/batch.js';

const NEWLINE = 0x0a;

export class RecordLines {
  readonly #give: (batch: Batch) => void;
  /** The beginning of a line. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  /** @param give gets whole lines, which are valid during the call */
  constructor(give: (batch: Batch) => void) {
    this.#give = give;
  }

  take(bytes: Uint8Array): void {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      this.#give(new Lines([...this.#begun, bytes.subarray(0, end)], this.#begunBytes + end));
      this.#begun = [];
      this.#begunBytes = 0;
    }
    if (end === bytes.length) return;
    this.#begun.push(bytes.subarray(end));
    this.#begunBytes += bytes.length - end;
  }
}

/** Records are counted where somebody wants to know. */
class Lines implements Batch {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;

  constructor(chunks: readonly Uint8Array[], bytes: number) {
    this.chunks = chunks;
    this.bytes = bytes;
  }

  get records(): number {
    let count = 0;
    for (const chunk of this.chunks)
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) count++;
    return count;
  }
}
