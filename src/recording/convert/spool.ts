/** Streams of bytes that are written bit by bit, at the same time, and read once. */
import { Buffer } from 'node:buffer';
import { BLOCK_ROOM_BYTES, SpoolFile } from './spool-file.js';

const NONE = -1;
const MIN_CAPACITY_BYTES = 256;
const NOTHING = Buffer.alloc(0);

/** All streams share one bound: what they hold beyond it goes to a temporary file. */
export class Spool {
  readonly file: SpoolFile;
  readonly #maxHeldBytes: number;
  readonly #holding = new Set<SpoolStream>();
  #heldBytes = 0;

  /**
   * @param directory where the temporary file is made, once it is needed
   * @param maxHeldBytes memory that all streams together may take
   */
  constructor(directory: string, maxHeldBytes: number) {
    this.file = new SpoolFile(directory);
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** How much the streams hold in memory. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * A stream asks to hold more. If that is too much, all streams are written to the file.
   *
   * @returns whether it may
   */
  grow(stream: SpoolStream, fromBytes: number, toBytes: number): boolean {
    if (this.#heldBytes + toBytes - fromBytes > this.#maxHeldBytes) {
      for (const one of this.#holding) one.flush();
      return false;
    }
    this.#holding.add(stream);
    this.#heldBytes += toBytes - fromBytes;
    return true;
  }

  /** A stream holds nothing any more. */
  shrink(stream: SpoolStream, fromBytes: number): void {
    this.#holding.delete(stream);
    this.#heldBytes -= fromBytes;
  }
}

export class SpoolStream {
  readonly #spool: Spool;
  /** The part that is not in the file: the end of the stream. */
  #held = NOTHING;
  #heldLength = 0;
  /** The chain of blocks in the file, and the number of bytes in its last block. */
  #first = NONE;
  #last = NONE;
  #lastLength = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  get isEmpty(): boolean {
    return this.#heldLength === 0 && this.#first === NONE;
  }

  /** Takes text as UTF-8. */
  appendText(text: string): void {
    // A UTF-16 unit takes at most three bytes.
    if (text.length * 3 <= this.#held.length - this.#heldLength) {
      this.#heldLength += this.#held.write(text, this.#heldLength);
    } else {
      this.append(Buffer.from(text));
    }
  }

  /** Takes bytes; they are copied. */
  append(bytes: Uint8Array): void {
    if (!this.#reserve(bytes.length)) {
      this.#store(bytes);
      return;
    }
    this.#held.set(bytes, this.#heldLength);
    this.#heldLength += bytes.length;
  }

  /** Moves what is in memory to the file. */
  flush(): void {
    this.#store(this.#held.subarray(0, this.#heldLength));
    this.#drop();
  }

  /** Reads out everything in the stream, which is empty afterwards. Takes memory for one block. */
  *drain(): Generator<Buffer, void, undefined> {
    const { file } = this.#spool;
    for (let block = this.#first; block !== NONE;) {
      const isLast = block === this.#last;
      yield file.read(block, isLast ? this.#lastLength : BLOCK_ROOM_BYTES);
      block = isLast ? NONE : file.next(block);
    }
    if (this.#first !== NONE) file.release(this.#first, this.#last);
    this.#first = this.#last = NONE;
    if (this.#heldLength > 0) yield this.#held.subarray(0, this.#heldLength);
    this.#drop();
  }

  /** @returns whether there is room in memory */
  #reserve(bytes: number): boolean {
    const needed = this.#heldLength + bytes;
    const capacity = this.#held.length;
    if (needed <= capacity) return true;
    const wanted = Math.max(needed, 2 * capacity, MIN_CAPACITY_BYTES);
    if (!this.#spool.grow(this, capacity, wanted)) return false;
    const held = Buffer.allocUnsafeSlow(wanted);
    held.set(this.#held.subarray(0, this.#heldLength));
    this.#held = held;
    return true;
  }

  #drop(): void {
    this.#spool.shrink(this, this.#held.length);
    this.#held = NOTHING;
    this.#heldLength = 0;
  }

  #store(bytes: Uint8Array): void {
    const { file } = this.#spool;
    for (let done = 0; done < bytes.length;) {
      if (this.#first === NONE) {
        this.#first = this.#last = file.allocate();
        this.#lastLength = 0;
      } else if (this.#lastLength === BLOCK_ROOM_BYTES) {
        const next = file.allocate();
        file.link(this.#last, next);
        this.#last = next;
        this.#lastLength = 0;
      }
      const length = Math.min(BLOCK_ROOM_BYTES - this.#lastLength, bytes.length - done);
      file.write(this.#last, this.#lastLength, bytes.subarray(done, done + length));
      this.#lastLength += length;
      done += length;
    }
  }
}
