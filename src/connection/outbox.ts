/** The way out of a connection: an output queue, written to a socket in as few writes as possible. */
import type { Socket } from 'node:net';
import type { OutputQueue } from '../protocol/output-queue.js';
import { hasKernelTaken, unsentBytes } from './node-internals.js';

/** TLS offers the kernel 160 KiB of what it has enciphered in one call; of more, the rest follows later. */
const ONE_WRITE_BYTES = 128 * 1024;

export class Outbox {
  readonly socket: Socket;
  readonly queue: OutputQueue;
  /** True while the socket has not said that the kernel has taken all bytes: nothing more is written then. */
  isBlocked = false;
  /** True while it is blocked only because TLS says in the next turn, and never before, what the kernel has taken. */
  isTaken = false;

  /** Since when, and at how many unsent bytes, nothing has moved while blocked. */
  #stalledSinceMs = 0;
  #stalledBytes = 0;

  /** Whether the socket enciphers what it takes, at once, into memory of its own. */
  readonly #isTls: boolean;

  constructor(socket: Socket, queue: OutputQueue, isTls = false) {
    this.socket = socket;
    this.queue = queue;
    this.#isTls = isTls;
  }

  /** Writes what waits, unless the socket is blocked. */
  flush(nowMs: number): void {
    if (this.isBlocked || this.queue.queuedBytes === 0) return;
    const { queuedBytes } = this.queue;
    this.#write(this.queue.take());
    if (this.socket.writableLength === 0) {
      // The kernel has it all: the memory can be used again at once.
      this.queue.release();
      return;
    }
    if (this.#isTls) {
      // Until the next turn each connection that has written in this one would hold a slab.
      this.queue.copied();
      this.isTaken = queuedBytes <= ONE_WRITE_BYTES && hasKernelTaken(this.socket);
    }
    this.isBlocked = true;
    this.restartStall(nowMs);
  }

  /** Writes pieces as they are, past the queue. Call it only while the queue is empty and the socket not blocked. */
  writePieces(pieces: readonly Uint8Array[], nowMs: number): void {
    this.#write(pieces);
    this.isBlocked = this.socket.writableLength > 0;
    this.restartStall(nowMs);
  }

  /** Something has moved: {@link stalledMs} counts from now. */
  restartStall(nowMs: number): void {
    this.#stalledSinceMs = nowMs;
    this.#stalledBytes = unsentBytes(this.socket);
  }

  /** The socket has taken everything that was written to it. */
  unblock(): void {
    this.isBlocked = this.isTaken = false;
    this.queue.release();
  }

  /** Writes everything that waits, blocked or not, and our FIN after it. */
  end(nowMs: number): void {
    this.#stalledSinceMs = nowMs;
    if (this.queue.queuedBytes > 0) {
      this.#write(this.queue.take());
      // Behind another write it waits as it is.
      if (this.#isTls && !this.isBlocked) this.queue.copied();
    }
    // Otherwise the memory stays lent, and goes when the socket does.
    if (this.socket.writableLength === 0) this.queue.release();
    this.socket.end();
  }

  /** How long nothing of what was written has left, in milliseconds. */
  stalledMs(nowMs: number): number {
    const unsent = unsentBytes(this.socket);
    if (unsent !== this.#stalledBytes) {
      this.#stalledBytes = unsent;
      this.#stalledSinceMs = nowMs;
    }
    return nowMs - this.#stalledSinceMs;
  }

  #write(pieces: readonly Uint8Array[]): void {
    if (pieces.length === 1) {
      this.socket.write(pieces[0]!);
      return;
    }
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }
}
