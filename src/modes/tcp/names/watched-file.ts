/** The text of a small system file, such as /etc/hosts, kept up to date with the file. */
import { type FileHandle, open } from 'node:fs/promises';

/** A larger file is left to the system, which reads it line by line. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A file that has just changed may change again without its times showing it. */
const SETTLED_MS = 2000;

/** The errors of opening any file when the process or the machine has run out of descriptors or memory. */
const OUT_OF_RESOURCES: readonly unknown[] = ['EMFILE', 'ENFILE', 'ENOMEM'];

export class WatchedFile {
  readonly #path: string;
  #stamp: string | null = null;
  #text = '';
  #reading: Promise<string> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads what the file says now, one character for each byte; empty if it cannot be read or is too
   * large. The file is opened each time, so this also shows whether a descriptor is left.
   *
   * @throws NodeJS.ErrnoException as a rejection: `EMFILE`, `ENFILE` or `ENOMEM`
   */
  read(): Promise<string> {
    this.#reading ??= this.#look().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #look(): Promise<string> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path);
      await this.#follow(file);
    } catch (error) {
      if (OUT_OF_RESOURCES.includes((error as NodeJS.ErrnoException).code)) throw error;
      this.#stamp = null;
      this.#text = '';
    } finally {
      await file?.close();
    }
    return this.#text;
  }

  async #follow(file: FileHandle): Promise<void> {
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = await file.stat({ bigint: true });
    const stamp = [dev, ino, size, mtimeNs, ctimeNs].join();
    if (stamp === this.#stamp) return;
    this.#text = size > MAX_BYTES ? '' : await file.readFile('latin1');
    this.#stamp = Date.now() - Number(mtimeMs) > SETTLED_MS ? stamp : null;
  }
}
