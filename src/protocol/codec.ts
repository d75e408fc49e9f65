/**
 * RFC 6455 without a socket, for programs that have their own: bytes in, callbacks out, bytes out.
 *
 * The sealed form of {@link Endpoint}: it takes nothing but plain arguments, checks them, and shares no
 * memory with its caller.
 */
import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { InvalidArgumentError, InvalidStateError, PeerError } from '../errors.js';
import { describe, isInstance } from '../foreign.js';
import { CloseCode, assertCloseReason, assertSendableCloseCode } from './close.js';
import { Endpoint } from './endpoint.js';
import { Opcode, type DataOpcode, type Role } from './frame.js';
import { assertBytes, assertFlag, assertFlags, bytesOf, nextTextState } from './outgoing.js';
import { OutputQueue } from './output-queue.js';
import { SLAB_BYTES } from './slabs/slab.js';
import { SlabPool } from './slabs/slab-pool.js';
import { UTF8_ACCEPT } from './utf8.js';

/** What a codec is given. Every member but `role` has a default. */
export interface CodecOptions {
  /** Our side of the connection: a client masks what it sends (RFC 6455 §5.1). */
  readonly role: Role;
  /** Whether `message` gets whole messages, or `chunk` gets parts of them as they arrive. Default: messages. */
  readonly delivery?: 'messages' | 'chunks';
  /** The largest message that is received, in bytes, inclusive; larger ones fail with 1009. Default: 16 MiB. */
  readonly maxMessage?: number;
  /** The most fragments in one received message; more fail with 1008. Default: 262,144. */
  readonly maxFragments?: number;

  /** A whole message. Text is valid UTF-8: `data.toString()`. */
  readonly message?: (data: Buffer, isBinary: boolean) => void;
  /**
   * A part of a message, with delivery `chunks`, whatever its size. Text is valid so far, but a chunk may end
   * inside a character. The last chunk may be empty.
   */
  readonly chunk?: (data: Buffer, isBinary: boolean, isFirst: boolean, isLast: boolean) => void;
  /** A Ping; its Pong is already in the output (RFC 6455 §5.5.2). */
  readonly ping?: (data: Buffer) => void;
  /** A Pong, solicited or not (RFC 6455 §5.5.3). */
  readonly pong?: (data: Buffer) => void;
  /**
   * The connection is closed, or will be: called once, unless `failure` is. The peer's Close has come, and
   * is answered with the same code when the callback returns, unless we had sent ours. Code 1005 is a Close
   * without a code, 1006 an end without a Close (RFC 6455 §7.1.5).
   */
  readonly close?: (code: number, reason: string) => void;
  /** The peer broke a rule. The Close that says which one is in the output (RFC 6455 §7.1.7). */
  readonly failure?: (error: PeerError) => void;
}

const DEFAULT_MAX_MESSAGE = 16 * 1024 * 1024;
const DEFAULT_MAX_FRAGMENTS = 262_144;

const CALLBACKS = ['message', 'chunk', 'ping', 'pong', 'close', 'failure'] as const;

/** Codecs take turns with it: each has it back when `receive` or `takeOutput` returns. */
const pool = new SlabPool();

/** Masking keys, 4 bytes each, none of them used twice: a call to the random generator is slow. */
const keys = new Uint32Array(2048);
let nextKey = keys.length;

/** RFC 6455 §5.3: "the masking key MUST be derived from a strong source of entropy". */
function makeMaskingKey(): number {
  if (nextKey === keys.length) {
    randomFillSync(keys);
    nextKey = 0;
  }
  return keys[nextKey++]! | 0;
}

/**
 * One side of a WebSocket connection, after the opening handshake.
 *
 * Write what `takeOutput` returns whenever `receive`, or anything that sends, was called; end the socket once
 * `isClosed` is true. All that is received and given out is copied: the codec never changes the bytes it
 * is given, and whatever it hands over may be kept.
 */
export class Codec {
  readonly #options: CodecOptions;
  readonly #endpoint: Endpoint;
  readonly #output = new OutputQueue(pool);
  /** After the last chunk of text that was sent. */
  #textState = UTF8_ACCEPT;
  /** The bytes that `receive` works on, which it may change; null between calls. */
  #received: Uint8Array | null = null;
  /** What one of our own callbacks threw. */
  #thrown: { readonly error: unknown } | null = null;
  #isOver = false;

  /** @throws InvalidArgumentError for an option that is not what {@link CodecOptions} says */
  constructor(options: CodecOptions) {
    assertOptions(options);
    const { role, delivery = 'messages' } = options;
    const { maxMessage = DEFAULT_MAX_MESSAGE, maxFragments = DEFAULT_MAX_FRAGMENTS } = options;
    assertOneOf('role', role, ['server', 'client']);
    assertOneOf('delivery', delivery, ['messages', 'chunks']);
    assertLimit('maxMessage', maxMessage, 0);
    assertLimit('maxFragments', maxFragments, 1);
    for (const name of CALLBACKS) assertCallback(name, options[name]);
    this.#options = options;
    this.#endpoint = new Endpoint(
      {
        role,
        delivery,
        maxMessage,
        maxFragments,
        makeMaskingKey,
      },
      {
        message: (opcode, bytes, start, end) => {
          this.#options.message?.(this.#own(bytes, start, end), opcode === Opcode.Binary);
        },
        chunk: (opcode, bytes, start, end, isFirst, isLast) => {
          const data = this.#own(bytes, start, end);
          this.#options.chunk?.(data, opcode === Opcode.Binary, isFirst, isLast);
        },
        pingReceived: (bytes, start, end) => {
          this.#options.ping?.(this.#own(bytes, start, end));
        },
        pongReceived: (bytes, start, end) => {
          this.#options.pong?.(this.#own(bytes, start, end));
        },
        peerClose: ({ code, reason }) => {
          this.#peerClosed(code, reason);
        },
        failed: (error) => {
          this.#fail(error);
        },
      },
      this.#output,
    );
  }

  /**
   * True when nothing more is received or sent: write what is left of the output and end the socket. A client
   * lets the server end it first (RFC 6455 §7.1.1).
   */
  get isClosed(): boolean {
    return this.#endpoint.isClosed;
  }

  /**
   * Takes what a read brought, cut anywhere, and calls back for all that is complete. Never throws for
   * anything that a peer can send.
   *
   * @throws whatever a callback throws: the connection has then failed with 1011, and nothing more is received
   * @throws InvalidArgumentError for what is no Uint8Array
   * @throws InvalidStateError when a callback calls it
   */
  receive(bytes: Uint8Array): void {
    assertBytes(bytes);
    this.#assertOutside('receive');
    // A copy, because payloads are unmasked in place.
    const slab = pool.take();
    this.#received = slab.bytes;
    try {
      for (let at = 0; at < bytes.length; at += SLAB_BYTES) {
        const part = bytes.subarray(at, at + SLAB_BYTES);
        slab.bytes.set(part);
        this.#endpoint.receive(slab.bytes, 0, part.length);
      }
    } finally {
      this.#received = null;
      pool.give(slab);
    }
    this.#rethrow();
  }

  /**
   * The socket has ended or broken: nothing comes any more. Without a Close before it, `close` is called
   * with 1006 (RFC 6455 §7.1.5).
   *
   * @throws whatever `close` throws
   * @throws InvalidStateError when a callback calls it
   */
  receiveEnd(): void {
    this.#assertOutside('receiveEnd');
    this.#endpoint.receiveEof();
    this.#end(CloseCode.Abnormal, '');
  }

  /**
   * Sends a message. A string is sent as UTF-8, with U+FFFD for lone surrogates.
   *
   * @param isBinary by default a string is a text message, and bytes are a binary one
   * @returns false when nothing can be sent any more, because a Close was sent or the connection is over
   * @throws InvalidArgumentError for data that are neither, and for text that is not UTF-8 (RFC 6455 §8.1)
   * @throws InvalidStateError between the chunks of a message
   */
  send(data: string | Uint8Array, isBinary: boolean = typeof data !== 'string'): boolean {
    assertFlag('isBinary', isBinary);
    const bytes = bytesOf(data);
    if (!isBinary && typeof data !== 'string')
      nextTextState(UTF8_ACCEPT, bytes, 0, bytes.length, true);
    return this.#endpoint.sendMessage(opcodeOf(isBinary), bytes, 0, bytes.length);
  }

  /**
   * Sends a part of a message, as a frame of its own (RFC 6455 §5.4). A chunk of text may end inside a
   * character if it is given as bytes.
   *
   * @returns and throws as {@link send}, and InvalidStateError when `isFirst` or `isBinary` does not fit the chunk
   *   before
   */
  sendChunk(
    data: string | Uint8Array,
    isBinary: boolean,
    isFirst: boolean,
    isLast: boolean,
  ): boolean {
    assertFlag('isBinary', isBinary);
    assertFlags(isFirst, isLast);
    const bytes = bytesOf(data);
    const before = isFirst ? UTF8_ACCEPT : this.#textState;
    const state = isBinary ? UTF8_ACCEPT : nextTextState(before, bytes, 0, bytes.length, isLast);
    const opcode = opcodeOf(isBinary);
    const isSent = this.#endpoint.sendChunk(opcode, bytes, 0, bytes.length, isFirst, isLast);
    this.#textState = state;
    return isSent;
  }

  /**
   * Sends a Ping (RFC 6455 §5.5.2).
   *
   * @param data at most 125 bytes; a string is sent as UTF-8
   * @returns as {@link send}
   * @throws InvalidArgumentError for anything else
   */
  ping(data: string | Uint8Array = ''): boolean {
    return this.#endpoint.sendPing(bytesOf(data));
  }

  /** Sends a Pong that nobody asked for, for instance as a one-way heartbeat (RFC 6455 §5.5.3). As {@link ping}. */
  pong(data: string | Uint8Array = ''): boolean {
    return this.#endpoint.sendPong(bytesOf(data));
  }

  /**
   * Sends a Close (RFC 6455 §5.5.1). From then on nothing is sent, and messages that still come are dropped;
   * `close` is called when the peer's Close comes.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999; a Close without one when it is left out
   * @param reason cut to 123 bytes of UTF-8
   * @returns false when a Close was sent before or the connection is over
   * @throws InvalidArgumentError for a reason that is no string or has no code
   * @throws InvalidStateError for a code that must not be sent
   */
  close(code: number = CloseCode.NoCode, reason = ''): boolean {
    assertSendableCloseCode(code);
    assertCloseReason(reason);
    if (code === CloseCode.NoCode && reason !== '')
      throw new InvalidArgumentError('a close reason needs a code, such as 1000');
    return this.#endpoint.sendClose(code, reason);
  }

  /** All that waits to be written, in order, as memory of its own; null when nothing does. */
  takeOutput(): Uint8Array | null {
    if (this.#output.queuedBytes === 0) return null;
    const bytes = Buffer.concat(this.#output.take());
    this.#output.release();
    return bytes;
  }

  /** A payload as the receiver's own memory. */
  #own(bytes: Uint8Array, start: number, end: number): Buffer {
    const payload = bytes.subarray(start, end);
    if (bytes === this.#received) return Buffer.from(payload);
    // What came in several reads was put together in memory that is not used again.
    return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  #assertOutside(name: string): void {
    if (this.#received !== null)
      throw new InvalidStateError(`${name} cannot be called by a callback of the same codec`);
  }

  #peerClosed(code: number, reason: string): void {
    try {
      this.#end(code, reason);
    } catch (error) {
      // Where both Closes are through nothing can fail any more, and nobody else would hear of it.
      this.#thrown = { error };
      throw error;
    }
    this.#endpoint.sendClose(code, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.close?.(code, reason);
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    if (isInstance(error, PeerError)) this.#options.failure?.(error);
    // Not the peer's fault: a callback threw it.
    else this.#thrown = { error };
  }

  #rethrow(): void {
    if (this.#thrown === null) return;
    const { error } = this.#thrown;
    this.#thrown = null;
    throw error;
  }
}

const opcodeOf = (isBinary: boolean): DataOpcode => (isBinary ? Opcode.Binary : Opcode.Text);

function assertOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new InvalidArgumentError(
    `the options of a codec cannot be ${describe(options)}: give an object such as { role: 'client' }`,
  );
}

function assertOneOf(name: string, value: unknown, words: readonly string[]): void {
  if (words.includes(value as string)) return;
  throw new InvalidArgumentError(
    `${name} cannot be ${describe(value)}: give ${words.join(' or ')}`,
  );
}

function assertLimit(name: string, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  throw new InvalidArgumentError(
    `${name} cannot be ${describe(value)}: give a whole number, ${min} or more`,
  );
}

function assertCallback(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw new InvalidArgumentError(`${name} cannot be ${describe(value)}: give a function`);
}
