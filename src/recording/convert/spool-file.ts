/**
 * A temporary file of blocks for what does not fit into memory. Blocks form chains: each one that is
 * full ends with the number of the next, so that a chain takes two numbers of memory however long it
 * is. Blocks that are released are a chain too, and are used again.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ConvertError } from './convert-error.js';

const BLOCK_BYTES = 65_536;
const LINK_BYTES = 8;

/** What a block holds. */
export const BLOCK_ROOM_BYTES = BLOCK_BYTES - LINK_BYTES;

const NONE = -1;

/** What is temporary could not be written; `cause` is what the system says. */
export class SpoolError extends ConvertError {
  readonly directory: string;

  constructor(directory: string, cause: unknown) {
    super(`cannot write a temporary file in ${directory}`, { cause });
    this.directory = directory;
  }
}

/** Its calls throw what `node:fs` throws, those that write {@link SpoolError}. */
export class SpoolFile {
  readonly #directory: string;
  readonly #link = Buffer.alloc(LINK_BYTES);
  #descriptor: number | null = null;
  /** How many blocks the file has. */
  #blocks = 0;
  /** The first of those that were released. */
  #released = NONE;

  /** @param directory where the file is made, once it is needed */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Blocks that the file has, those that wait to be used again included. */
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
      // Regular files take less than all only when the disk is full: the next call then says so.
      for (let done = 0; done < bytes.length;) {
        const position = block * BLOCK_BYTES + at + done;
        done += writeSync(descriptor, bytes, done, bytes.length - done, position);
      }
    } catch (error) {
      throw new SpoolError(this.#directory, error);
    }
  }

  /** Says which block comes after another one. */
  link(block: number, next: number): void {
    this.#link.writeDoubleLE(next);
    this.write(block, BLOCK_ROOM_BYTES, this.#link);
  }

  /** @returns the block after this one, which must have been linked */
  next(block: number): number {
    this.#read(block, BLOCK_ROOM_BYTES, this.#link);
    return this.#link.readDoubleLE();
  }

  /** @returns what the first `length` bytes of a block are */
  read(block: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    this.#read(block, 0, bytes);
    return bytes;
  }

  /** Gives a chain of blocks back. */
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

  /** The file has no name for longer than it takes to open it: nothing is left behind, however we end. */
  #open(): number {
    const file = path.join(this.#directory, `twist-${randomBytes(12).toString('hex')}.spool`);
    const descriptor = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
    return descriptor;
  }
}
