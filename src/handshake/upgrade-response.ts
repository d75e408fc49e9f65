/** The answer that accepts a handshake, as a mode sees it before it leaves: it may add headers of its own. */
import { Buffer } from 'node:buffer';
import { InvalidArgumentError, InvalidStateError } from '../errors.js';
import { describe } from '../foreign.js';
import { consistsOf, isToken } from '../net/byte-table.js';

/** Headers that the handshake itself owns (RFC 6455 §4.2.2), or that a 101 must not have (RFC 9110 §8.6, §15.2). */
const OWN_NAMES = new Set(['upgrade', 'connection', 'content-length', 'transfer-encoding']);
const OWN_PREFIX = 'sec-websocket-';

/** A field value: visible ASCII, spaces and tabs (RFC 9110 §5.5). */
const VALUE_BYTES = new Uint8Array(256).fill(1, 0x20, 0x7f).fill(1, 0x09, 0x0a);

const CRLF = '\r\n';

/**
 * The headers of the answer, which behave as those of `fetch` do: names have no case, and iteration goes through
 * them in the order of their names, in lowercase.
 */
export interface ResponseHeaders extends Iterable<[name: string, value: string]> {
  /** The value, or the values with `, ` between them; null when there is none. */
  get(name: string): string | null;
  has(name: string): boolean;
  /**
   * Replaces whatever the header had.
   *
   * @throws InvalidArgumentError for a name that is no token, for a value that is not ASCII or has control
   *   characters, and for a header that the handshake owns
   * @throws InvalidStateError when the answer has left
   */
  set(name: string, value: string): void;
  /** Adds a value. @throws as `set` */
  append(name: string, value: string): void;
  /** Takes the header out, if it is there. @throws as `set` */
  delete(name: string): void;
}

/** The answer to an opening handshake that its mode may still refuse (RFC 6455 §4.2.2). */
export interface UpgradeResponse {
  /** What the handshake itself has chosen can be read here as well, such as `Sec-WebSocket-Protocol`. */
  readonly headers: ResponseHeaders;
}

interface Field {
  /** As it was given. */
  readonly name: string;
  readonly values: string[];
}

export class AcceptingResponse implements UpgradeResponse {
  readonly #head: Uint8Array;
  #headers: HandshakeHeaders | null = null;

  /** @param head the whole head of the answer, as the handshake makes it */
  constructor(head: Uint8Array) {
    this.#head = head;
  }

  get headers(): ResponseHeaders {
    return (this.#headers ??= new HandshakeHeaders(this.#head));
  }

  /** The whole head, with what a mode has added; from now on it does not change. */
  seal(): Uint8Array {
    const lines = this.#headers?.seal() ?? '';
    if (lines === '') return this.#head;
    const end = this.#head.length - CRLF.length;
    return Buffer.concat([this.#head.subarray(0, end), Buffer.from(lines + CRLF, 'latin1')]);
  }
}

class HandshakeHeaders implements ResponseHeaders {
  /** By their names in lowercase. */
  readonly #fields = new Map<string, Field>();
  #isSealed = false;

  constructor(head: Uint8Array) {
    const lines = Buffer.from(head).toString('latin1').trimEnd().split(CRLF).slice(1);
    for (const line of lines) {
      const [name = '', value = ''] = line.split(': ');
      this.#fields.set(name.toLowerCase(), { name, values: [value] });
    }
  }

  get(name: string): string | null {
    return this.#fields.get(keyOf(name))?.values.join(', ') ?? null;
  }

  has(name: string): boolean {
    return this.#fields.has(keyOf(name));
  }

  set(name: string, value: string): void {
    const key = this.#ownKeyOf(name);
    this.#fields.set(key, { name, values: [fieldValue(name, value)] });
  }

  append(name: string, value: string): void {
    const key = this.#ownKeyOf(name);
    const field = this.#fields.get(key) ?? { name, values: [] };
    field.values.push(fieldValue(name, value));
    this.#fields.set(key, field);
  }

  delete(name: string): void {
    this.#fields.delete(this.#ownKeyOf(name));
  }

  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    const fields = [...this.#fields].sort(([one], [other]) => (one < other ? -1 : 1));
    for (const [key, { values }] of fields) {
      // A cookie has commas of its own (RFC 6265 §3).
      if (key === 'set-cookie') for (const value of values) yield [key, value];
      else yield [key, values.join(', ')];
    }
  }

  /** The lines of what was added. */
  seal(): string {
    this.#isSealed = true;
    let lines = '';
    for (const [key, { name, values }] of this.#fields) {
      if (isOwn(key)) continue;
      for (const value of values) lines += `${name}: ${value}${CRLF}`;
    }
    return lines;
  }

  /** @throws unless a mode may change the header of this name */
  #ownKeyOf(name: unknown): string {
    if (this.#isSealed)
      throw new InvalidStateError('the handshake is answered: its headers cannot change any more');
    const key = keyOf(name);
    if (!isOwn(key)) return key;
    throw new InvalidArgumentError(
      `the header ${describe(name)} cannot be changed: it belongs to the handshake itself`,
    );
  }
}

function isOwn(key: string): boolean {
  return OWN_NAMES.has(key) || key.startsWith(OWN_PREFIX);
}

function keyOf(name: unknown): string {
  if (typeof name === 'string' && isToken(name)) return name.toLowerCase();
  throw new InvalidArgumentError(
    `the name of a header cannot be ${describe(name)}: give letters, digits and hyphens`,
  );
}

function fieldValue(name: string, value: unknown): string {
  // Without the white space around it, as that of `fetch`.
  const text = typeof value === 'string' ? value.trim() : null;
  if (text !== null && consistsOf(text, VALUE_BYTES)) return text;
  throw new InvalidArgumentError(
    `the header ${describe(name)} cannot have the value ${describe(value)}: give visible ASCII and spaces`,
  );
}
