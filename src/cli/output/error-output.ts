/**
 * Standard error. A command that ends by itself waits for its reader, as all programs do. A server must
 * not: a reader that has stopped, a terminal on hold or a full disk would stop the server too.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { ErrorOutput } from '../io.js';

/** How much may wait for a slow reader; beyond it lines are lost. */
const MAX_WAITING_BYTES = 1024 ** 2;

/** When the reader takes nothing, the next attempt comes soon at first, then less and less often. */
const FIRST_RETRY_MS = 1;
const LAST_RETRY_MS = 50;
/** The disk is full, or there is no reader: that does not change soon. */
const FAILED_RETRY_MS = 1000;

/** How long an ending process waits for its last lines to be read. */
const FINISH_MS = 500;

const NO_BYTES = Buffer.alloc(0);

export class StandardError implements ErrorOutput {
  readonly isTTY: boolean;
  lostLines = 0;

  readonly #shared: number;
  readonly #unblockShared: () => void;
  #descriptor: number;
  /** Null while writers wait for the reader. */
  #tellLost: ((lines: number) => void) | null = null;

  /** What is being written, and the lines after it. */
  #bytes: Buffer = NO_BYTES;
  #lines: string[] = [];
  #waitingBytes = 0;
  #untoldLines = 0;

  #isBlocked = false;
  #hasFailed = false;
  #retryMs = FIRST_RETRY_MS;
  #triedMs = 0;
  #isRetryDue = false;

  /**
   * @param descriptor shared with other processes
   * @param unblockShared makes the shared descriptor non-blocking, for the others too: the last resort
   */
  constructor(descriptor: number, unblockShared: () => void) {
    this.#shared = this.#descriptor = descriptor;
    this.#unblockShared = unblockShared;
    this.isTTY = isatty(descriptor);
  }

  /**
   * From now on no writer waits for the reader.
   *
   * @param tellLost called when lines were lost and the reader takes more again
   */
  doNotWait(tellLost: (lines: number) => void): void {
    if (this.#tellLost === null) this.#descriptor = this.#openOwn();
    this.#tellLost = tellLost;
  }

  write(text: string): void {
    if (this.#tellLost === null) {
      this.#writeWaiting(Buffer.from(text));
      return;
    }
    if (this.#isBlocked && performance.now() - this.#triedMs >= this.#retryMs) this.#flush();
    const bytes = Buffer.byteLength(text);
    if (this.#isBlocked && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.lostLines++;
      this.#untoldLines++;
      return;
    }
    this.#lines.push(text);
    this.#waitingBytes += bytes;
    if (!this.#isBlocked) this.#flush();
  }

  /** The process ends: writes what waits, if the reader takes it. */
  finish(): void {
    const deadlineMs = performance.now() + FINISH_MS;
    while (this.#isBlocked && performance.now() < deadlineMs) {
      this.#flush();
      if (this.#hasFailed) return;
      sleep(FIRST_RETRY_MS);
    }
  }

  #flush(): void {
    this.#triedMs = performance.now();
    while (this.#waitingBytes > 0) {
      if (this.#bytes.length === 0) {
        this.#bytes = Buffer.from(this.#lines.join(''));
        this.#lines = [];
      }
      try {
        const written = writeSync(this.#descriptor, this.#bytes);
        this.#bytes = this.#bytes.subarray(written);
        this.#waitingBytes -= written;
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        this.#block((error as NodeJS.ErrnoException).code !== 'EAGAIN');
        return;
      }
    }
    this.#isBlocked = this.#hasFailed = false;
    this.#bytes = NO_BYTES;
    const lines = this.#untoldLines;
    if (lines === 0) return;
    this.#untoldLines = 0;
    this.#tellLost?.(lines);
  }

  #block(hasFailed: boolean): void {
    this.#hasFailed = hasFailed;
    if (hasFailed) this.#retryMs = FAILED_RETRY_MS;
    else if (this.#isBlocked) this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#isBlocked = true;
    if (this.#isRetryDue) return;
    this.#isRetryDue = true;
    setTimeout(() => {
      this.#isRetryDue = false;
      this.#flush();
    }, this.#retryMs).unref();
  }

  #writeWaiting(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest));
      } catch (error) {
        // Another process may have made the shared descriptor non-blocking. Other errors cannot be
        // reported anywhere.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        sleep(LAST_RETRY_MS);
      }
    }
  }

  /**
   * Opens a pipe or a terminal again, which makes an open file description of our own: other processes
   * cannot make it block, and we do not change theirs. (Node itself does the same for pipes whenever a
   * socket is closed.) A file needs none.
   */
  #openOwn(): number {
    try {
      if (fstatSync(this.#shared).isFile()) return this.#shared;
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      return openSync(`/proc/self/fd/${this.#shared}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch {
      // It is a socket, as journald uses, or belongs to another user, or this is not Linux.
      this.#unblockShared();
      return this.#shared;
    }
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
