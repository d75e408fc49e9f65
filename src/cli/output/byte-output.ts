/** Standard output as somewhere for bytes, with back-pressure. */
import { fstatSync, write } from 'node:fs';

/** What identifies a file. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** What is used of `process.stdout`. */
interface ByteStream {
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown;
}

export class ByteOutput {
  /** Something was written here: its caller is told of errors. */
  isUsed = false;

  readonly #stream: ByteStream;
  readonly #descriptor: number;

  constructor(stream: ByteStream, descriptor: number) {
    this.#stream = stream;
    this.#descriptor = descriptor;
  }

  /** The file that it goes to; null for anything else. */
  get file(): FileIdentity | null {
    try {
      const stats = fstatSync(this.#descriptor);
      return stats.isFile() ? stats : null;
    } catch {
      // It may be closed; the first write will tell.
      return null;
    }
  }

  /** Rejects with what the system reports, `EPIPE` for instance. */
  write(bytes: Uint8Array): Promise<void> {
    this.isUsed = true;
    // Node's own stream for files does not notice when a disk that becomes full takes only a part.
    if (this.file !== null) return writeAll(this.#descriptor, bytes);
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}

/** Writes all bytes to an open file. Rejects with what `node:fs` reports. */
export async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  // A disk that becomes full takes a part, and the error comes with the rest.
  for (let at = 0; at < bytes.length;) at += await writeSome(descriptor, bytes, at);
}

function writeSome(descriptor: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, at, bytes.length - at, null, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
