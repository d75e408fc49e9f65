/** The way out of a connection: an output queue, written to a socket in as few writes as possible. */
import type { Socket } from 'node:net';
import type { OutputQueue } from '../protocol/output-queue.js';
import { type KernelQueueAsker, type KernelQueues, kernelQueues } from './kernel/kernel-queues.js';
import { descriptorOf, hasKernelTaken, unsentBytes } from './node-internals.js';

/** TLS offers the kernel 160 KiB of what it has enciphered in one call; of more, the rest follows later. */
const ONE_WRITE_BYTES = 128 * 1024;

/** How often to look whether anything has left, at most, and what part of the time that it may take. */
const LOOK_MS = 1000;
const LOOK_SHARE = 1 / 8;
/** How long the kernel's answer is waited for: it is read by threads that files and passwords may keep busy. */
const ANSWER_MS = 3000;

/** While it is waited for, how often to look whether it is there. */
const ANSWER_CHECK_MS = 200;

/** Nothing is known of what the kernel holds. */
const UNKNOWN = -1;

export class Outbox implements KernelQueueAsker {
  readonly socket: Socket;
  readonly queue: OutputQueue;
  /** True while the socket has not said that the kernel has taken all bytes: nothing more is written then. */
  isBlocked = false;
  /** True while it is blocked only because TLS says in the next turn, and never before, what the kernel has taken. */
  isTaken = false;

  /** Since when, and at how many unsent bytes, nothing has moved while blocked. */
  #stalledSinceMs = 0;
  #stalledBytes = 0;

  /** What the kernel held at the last look, when that was, and when it was asked last. */
  #kernelBytes = UNKNOWN;
  #lookedMs = 0;
  #askedMs = 0;
  /** The kernel has yet to answer. */
  #isAsking = false;

  /** Whether the socket enciphers what it takes, at once, into memory of its own. */
  readonly #isTls: boolean;
  readonly #kernel: KernelQueues;

  constructor(socket: Socket, queue: OutputQueue, isTls = false, kernel = kernelQueues) {
    this.#kernel = kernel;
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

  /** Something has moved: {@link isStalled} counts from now. */
  restartStall(nowMs: number): void {
    this.#stalledSinceMs = nowMs;
    this.#stalledBytes = unsentBytes(this.socket);
    this.#kernelBytes = UNKNOWN;
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

  /**
   * Whether nothing has left for so long, as far as can be known. What the client's system has acknowledged shows in the
   * kernel only, which has the last word: it is asked again when the time is over.
   */
  isStalled(nowMs: number, limitMs: number): boolean {
    const stalledMs = this.stalledMs(nowMs);
    const lookMs = lookMsOf(limitMs);
    if (stalledMs < lookMs) return false;
    if (!this.#isAsking && (stalledMs >= limitMs || nowMs - this.#askedMs >= lookMs)) {
      this.#isAsking = true;
      this.#askedMs = nowMs;
      this.#kernel.ask(this, descriptorOf(this.socket));
    }
    if (stalledMs < limitMs) return false;
    return this.#lookedMs - this.#stalledSinceMs >= limitMs || stalledMs >= limitMs + ANSWER_MS;
  }

  kernelHolds(bytes: number | null, atMs: number): void {
    this.#isAsking = false;
    if (bytes === null) {
      // Nothing is known, and nothing will be.
      this.#lookedMs = Number.MAX_SAFE_INTEGER;
      return;
    }
    this.#lookedMs = atMs;
    if (bytes < this.#kernelBytes) this.#stalledSinceMs = Math.max(this.#stalledSinceMs, atMs);
    this.#kernelBytes = bytes;
  }

  /** In how many milliseconds to call {@link isStalled} again. */
  stallCheckMs(limitMs: number): number {
    return this.#isAsking ? ANSWER_CHECK_MS : lookMsOf(limitMs);
  }

  /** How long the kernel has taken nothing, or what it has was not seen to become less. */
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

function lookMsOf(limitMs: number): number {
  return Math.min(LOOK_MS, Math.ceil(limitMs * LOOK_SHARE));
}
