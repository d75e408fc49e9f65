import type { HandshakeRule } from '../errors.js';
import { byteTable, TOKEN_BYTES } from '../net/byte-table.js';
import { RequestTargetScanner } from './request-target.js';

/** The three parts of a request line, as sent. `version` is without its `HTTP/`. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: string;
}

const SPACE = 0x20;
const DIGIT_BYTES = byteTable('0123456789');
/** 0 stands for a digit. */
const VERSION_FORM = 'HTTP/0.0';
const VERSION_NUMBER_LENGTH = 3;

const METHOD = 0;
const TARGET = 1;
const VERSION = 2;

/**
 * Judges a request line byte by byte, without its CRLF:
 *
 *     request-line = method SP request-target SP HTTP-version      (RFC 9112 §3)
 *
 * Exactly one space stands between the parts; the lenient reading of RFC 9112 §3, any white space,
 * is how two servers in a row come to see two different requests. Which method and which version
 * are served is not decided here.
 */
export class RequestLineScanner {
  #part = METHOD;
  #methodLength = 0;
  #targetLength = 0;
  #versionLength = 0;
  readonly #target = new RequestTargetScanner();

  /** Whether the bytes so far are a whole request line. */
  get isComplete(): boolean {
    return this.#versionLength === VERSION_FORM.length;
  }

  /** Takes the next byte. Returns the rule that it breaks, or null. */
  accept(byte: number): HandshakeRule | null {
    switch (this.#part) {
      case METHOD:
        return this.#acceptMethod(byte);
      case TARGET:
        return this.#acceptTarget(byte);
      default:
        return this.#acceptVersion(byte);
    }
  }

  /** Cuts `line`, the text of the bytes that were taken, into its parts. */
  split(line: string): RequestLine {
    const targetStart = this.#methodLength + 1;
    return {
      method: line.slice(0, this.#methodLength),
      target: line.slice(targetStart, targetStart + this.#targetLength),
      version: line.slice(-VERSION_NUMBER_LENGTH),
    };
  }

  #acceptMethod(byte: number): HandshakeRule | null {
    if (byte === SPACE && this.#methodLength > 0) {
      this.#part = TARGET;
      return null;
    }
    this.#methodLength += 1;
    return TOKEN_BYTES[byte] === 1 ? null : 'request-line';
  }

  #acceptTarget(byte: number): HandshakeRule | null {
    if (byte === SPACE) {
      if (this.#targetLength === 0) return 'request-line';
      this.#part = VERSION;
      return this.#target.isComplete ? null : 'request-target';
    }
    this.#targetLength += 1;
    return this.#target.accept(byte) ? null : 'request-target';
  }

  #acceptVersion(byte: number): HandshakeRule | null {
    const due = VERSION_FORM.charCodeAt(this.#versionLength);
    this.#versionLength += 1;
    const isGood = DIGIT_BYTES[due] === 1 ? DIGIT_BYTES[byte] === 1 : byte === due;
    return isGood ? null : 'request-line';
  }
}
