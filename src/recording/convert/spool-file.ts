/**
 * A temporary file of blocks for data that does not fit into memory. Blocks form chains: each full
 * block ends with the number of the next, so a chain takes two numbers of memory however long it is.
 * Released blocks form a chain too, and are reused.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ConvertError } from './converter.js';

const BLOCK_BYTES = 65_536;
const LINK_BYTES = 8;

/** The capacity of a block. */
export const BLOCK_ROOM_BYTES = BLOCK_BYTES - LINK_BYTES;

const NONE = -1;

/** Temporary data could not be written; `cause` is the system's error. */
export class SpoolError extends ConvertError {
  readonly directory: string;

  constructor(directory: string, cause: unknown) {
    super(`cannot write a temporary file in ${directory}`, { cause });
    this.directory = directory;
  }
}

/** Its calls throw what `node:fs` throws; those that write throw {@link SpoolError}. */
export class SpoolFile {
  readonly #directory: string;
  readonly #link = Buffer.alloc(LINK_BYTES);
  #descriptor: number | null = null;
  /** How many blocks the file has. */
  #blocks = 0;
  /** The first released block. */
  #released = NONE;

  /** @param directory where the file is made, once it is needed */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** How many blocks the file has, including those that wait to be reused. */
  get blocks(): number {
    return this.#blocks;
  }

  /** @returns the number of a block to write to */
  allocate(): number {
    const block = this.#released;
    if (block === NONE) return this.#blocks++;
    this.#released = this.next(block);
    return block;
  }

  /** Writes into a block. */
  write(block: number, at: number, bytes: Uint8Array): void {
    try {
      const descriptor = (this.#descriptor ??= this.#open());
      // Regular files take less than everything only if the disk is full: the next call then reports
      // it.
      for (let done = 0; done < bytes.length;) {
        const position = block * BLOCK_BYTES + at + done;
        done += writeSync(descriptor, bytes, done, bytes.length - done, position);
      }
    } catch (error) {
      throw new SpoolError(this.#directory, error);
    }
  }

  /** Links a block to the one that follows it. */
  link(block: number, next: number): void {
    this.#link.writeDoubleLE(next);
    this.write(block, BLOCK_ROOM_BYTES, this.#link);
  }

  /** @returns the block after this one, which must have been linked */
  next(block: number): number {
    this.#read(block, BLOCK_ROOM_BYTES, this.#link);
    return this.#link.readDoubleLE();
  }

  /** @returns the first `length` bytes of a block */
  read(block: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    this.#read(block, 0, bytes);
    return bytes;
  }

  /** Releases a chain of blocks. */
  release(first: number, last: number): void {
    this.link(last, this.#released);
    this.#released = first;
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #read(block: number, at: number, bytes: Uint8Array): void {
    readSync(this.#descriptor!, bytes, 0, bytes.length, block * BLOCK_BYTES + at);
  }

  /** The file loses its name as soon as it is open: nothing is left over, however the process ends. */
  #open(): number {
    const file = path.join(this.#directory, `twist-${randomBytes(12).toString('hex')}.spool`);
    const descriptor = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
    return descriptor;
  }
}
