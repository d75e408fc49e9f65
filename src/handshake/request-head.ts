import { Buffer } from 'node:buffer';
import { HandshakeError, InvalidStateError, type HandshakeRule } from '../errors.js';
import { WHITESPACE_BYTES } from '../extensions/header.js';
import { TOKEN_BYTES } from '../net/byte-table.js';
import { readHeaderName } from './header-name.js';
import { RequestLineScanner, type RequestLine } from './request-line.js';

/** Inclusive limits on the request head, in bytes; a line is measured without its CRLF. */
export interface HeadLimits {
  /** Longer: 414. */
  readonly maxRequestLine: number;
  /** Longer: 431. */
  readonly maxHeaderLine: number;
  /** Everything up to and including the empty line that ends the head. Longer: 431. */
  readonly maxHead: number;
  /** More header lines than this: 431. */
  readonly maxHeaders: number;
}

/** One header line. */
export interface HeaderField {
  /** Lowercase. */
  readonly name: string;
  /** Without the white space around it; one character per byte (Latin-1). */
  readonly value: string;
}

/** A request head that is well formed; nothing is said about what it asks for. */
export interface RequestHead extends RequestLine {
  /** In the order in which they came, repeated ones kept. */
  readonly headers: readonly HeaderField[];
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
/** The type of the record that a ClientHello begins with (RFC 8446 §5.1). No request begins with it. */
const TLS_HANDSHAKE = 0x16;

/** `field-vchar`, `obs-text`, space and tab (RFC 9110 §5.5). */
const VALUE_BYTES = new Uint8Array(256).fill(1, 0x20).fill(0, 0x7f, 0x80).fill(1, 0x09, 0x0a);

const FIRST_BUFFER_BYTES = 1024;
const NO_BYTES = Buffer.alloc(0);

// States, each named for what the next byte belongs to.
const HEAD_START = 0;
const REQUEST_LINE = 1;
const LINE_START = 2;
const HEADER_NAME = 3;
const HEADER_VALUE = 4;
/** The LF that must follow a CR; the state after it is in `#stateAfterLf`. */
const LINE_FEED = 5;
/** The head is complete, or was refused. */
const OVER = 6;

/**
 * Reads the request head of an opening handshake (RFC 9112 §2.1) from pieces of any size.
 *
 * It is strict where lenience has made servers disagree about where a request ends: lines end in
 * CRLF, nothing stands between a header's name and its colon, and no line is folded. Every byte is
 * judged once and as it arrives, so the verdict is the same for every way of cutting the input.
 *
 * A head that arrives in one piece is read in place. Otherwise the bytes are copied, at most
 * `maxHead` of them, until the head is complete; a view of the caller's bytes is never kept.
 */
export class RequestHeadParser {
  readonly #limits: HeadLimits;
  #state = HEAD_START;
  #stateAfterLf = OVER;
  /** The bytes of the head so far, when it did not come in one piece. */
  #buffer = NO_BYTES;
  /** Bytes received, and how many of them were judged. */
  #length = 0;
  #position = 0;
  /** Where the line that is being read began, and its value. */
  #lineStart = 0;
  #valueStart = 0;
  #name = '';
  readonly #requestLineScanner = new RequestLineScanner();
  #requestLine: RequestLine = { method: '', target: '', version: '' };
  readonly #headers: HeaderField[] = [];
  #head: RequestHead | null = null;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Whether any byte was seen; a client that sent nothing needs no 408. */
  get hasReceivedBytes(): boolean {
    return this.#length > 0;
  }

  /** The memory that it takes for bytes that it keeps. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /** The head, once it is complete. */
  get head(): RequestHead | null {
    return this.#head;
  }

  /**
   * Takes the bytes from `start` up to `end`.
   *
   * @returns the index just after the head, where the first frame begins; -1 when more is needed
   * @throws {HandshakeError} at the first byte that makes the head malformed or too long
   * @throws {InvalidStateError} when the head is already complete or was refused
   */
  receive(bytes: Uint8Array, start: number, end: number): number {
    if (this.#state === OVER) throw new InvalidStateError('the request head is already over');
    const lengthBefore = this.#length;
    const taken = Math.min(end - start, this.#limits.maxHead - lengthBefore);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset + start, taken);
    if (lengthBefore > 0) this.#store(piece);
    this.#length += taken;
    this.#scan(lengthBefore > 0 ? this.#buffer : piece);
    if (this.#head !== null) return start + this.#position - lengthBefore;
    if (taken < end - start) this.#fail('head-too-long');
    if (lengthBefore === 0) this.#store(piece);
    return -1;
  }

  /** Appends `piece` to the kept bytes. */
  #store(piece: Buffer): void {
    const kept = this.#buffer === NO_BYTES ? 0 : this.#length;
    const needed = kept + piece.length;
    if (needed > this.#buffer.length) {
      const doubled = Math.max(needed, 2 * this.#buffer.length, FIRST_BUFFER_BYTES);
      // Not from the pool: a slow client must not pin a slab that it shares with others.
      const grown = Buffer.allocUnsafeSlow(Math.min(doubled, this.#limits.maxHead));
      this.#buffer.copy(grown, 0, 0, kept);
      this.#buffer = grown;
    }
    piece.copy(this.#buffer, kept);
  }

  /** Judges the bytes that were not judged yet. `bytes` begins with the head. */
  #scan(bytes: Buffer): void {
    while (this.#position < this.#length && this.#state !== OVER) {
      switch (this.#state) {
        case HEAD_START:
          this.#startHead(bytes[this.#position]!);
          break;
        case REQUEST_LINE:
          this.#scanRequestLine(bytes, bytes[this.#position]!);
          break;
        case LINE_START:
          this.#startLine(bytes[this.#position]!);
          break;
        case HEADER_NAME:
          this.#scanName(bytes);
          break;
        case HEADER_VALUE:
          this.#scanValue(bytes);
          break;
        default:
          this.#endLine(bytes[this.#position]!);
      }
    }
  }

  /** A client that takes us for a TLS server is told. One empty line before the request line is skipped, as RFC 9112 §2.2 asks; not two. */
  #startHead(byte: number): void {
    if (byte === TLS_HANDSHAKE) this.#fail('tls');
    if (byte === CR) this.#expectLf(REQUEST_LINE);
    else this.#state = REQUEST_LINE;
  }

  #scanRequestLine(bytes: Buffer, byte: number): void {
    if (byte === CR || byte === LF) {
      if (!this.#requestLineScanner.isComplete) this.#fail('request-line');
      if (byte === LF) this.#fail('line-ending');
      const line = bytes.toString('latin1', this.#lineStart, this.#position);
      this.#requestLine = this.#requestLineScanner.split(line);
      this.#expectLf(LINE_START);
      return;
    }
    if (this.#position - this.#lineStart >= this.#limits.maxRequestLine) {
      this.#fail('request-line-too-long');
    }
    const brokenRule = this.#requestLineScanner.accept(byte);
    if (brokenRule !== null) this.#fail(brokenRule);
    this.#position += 1;
  }

  #startLine(byte: number): void {
    if (byte === CR) {
      this.#expectLf(OVER);
      return;
    }
    if (byte === LF) this.#fail('line-ending');
    if (this.#headers.length >= this.#limits.maxHeaders) this.#fail('too-many-headers');
    this.#state = HEADER_NAME;
  }

  /** A line that begins with white space, once a folded line, fails here: its name is empty. */
  #scanName(bytes: Buffer): void {
    const byte = this.#skip(bytes, TOKEN_BYTES);
    if (byte === -1) return;
    if (byte !== COLON || this.#position === this.#lineStart) this.#fail('header-line');
    this.#name = readHeaderName(bytes, this.#lineStart, this.#position);
    this.#position += 1;
    this.#valueStart = this.#position;
    this.#state = HEADER_VALUE;
  }

  #scanValue(bytes: Buffer): void {
    const byte = this.#skip(bytes, VALUE_BYTES);
    if (byte === -1) return;
    if (byte !== CR) this.#fail(byte === LF ? 'line-ending' : 'header-line');
    let start = this.#valueStart;
    let end = this.#position;
    while (start < end && WHITESPACE_BYTES[bytes[start]!] === 1) start += 1;
    while (end > start && WHITESPACE_BYTES[bytes[end - 1]!] === 1) end -= 1;
    this.#headers.push({ name: this.#name, value: bytes.toString('latin1', start, end) });
    this.#expectLf(LINE_START);
  }

  /**
   * Steps over the bytes of a header line that are in `table`.
   *
   * @returns the byte after them; -1 when it has not arrived
   */
  #skip(bytes: Buffer, table: Uint8Array): number {
    const lineLimit = this.#lineStart + this.#limits.maxHeaderLine;
    const end = Math.min(this.#length, lineLimit);
    let position = this.#position;
    while (position < end && table[bytes[position]!] === 1) position += 1;
    this.#position = position;
    if (position === this.#length) return -1;
    const byte = bytes[position]!;
    if (position === lineLimit && byte !== CR) this.#fail('header-line-too-long');
    return byte;
  }

  #endLine(byte: number): void {
    if (byte !== LF) this.#fail('line-ending');
    this.#position += 1;
    this.#lineStart = this.#position;
    this.#state = this.#stateAfterLf;
    if (this.#state === OVER) {
      this.#buffer = NO_BYTES;
      this.#head = { ...this.#requestLine, headers: this.#headers };
    }
  }

  /** Steps over a CR. */
  #expectLf(stateAfterLf: number): void {
    this.#position += 1;
    this.#state = LINE_FEED;
    this.#stateAfterLf = stateAfterLf;
  }

  #fail(rule: HandshakeRule): never {
    this.#state = OVER;
    this.#buffer = NO_BYTES;
    throw new HandshakeError(rule);
  }
}
