/**
 * The header fields of the opening handshake: comma lists (RFC 9110 §5.6.1) and `Sec-WebSocket-Extensions`
 * (RFC 6455 §9.1). Each character is looked at once, by table; nothing backtracks.
 */
import { TOKEN_BYTES, byteTable } from '../net/byte-table.js';

/** Optional white space, `OWS` (RFC 9110 §5.6.3). */
export const WHITESPACE_BYTES = byteTable(' \t');

/**
 * The elements of a comma list whose elements hold no quoted strings, without the white space
 * around them. Several header lines count as one list (RFC 9110 §5.3).
 *
 * Empty elements are left out, as RFC 9110 §5.6.1.2 and, before it, RFC 2616 §2.1 ask of every
 * recipient. Any number of them is "reasonable" here: the head has a size limit and each costs the
 * same as another byte. A caller whose rule is `1#element` refuses an empty result.
 */
export function splitList(values: readonly string[]): string[] {
  const [first = ''] = values;
  // Nearly all lists of a handshake have one element; an array that grows has room for many.
  if (values.length === 1 && !first.includes(',')) {
    const only = trimWhitespace(first);
    return only === '' ? [] : [only];
  }
  const elements: string[] = [];
  for (const value of values) {
    let start = 0;
    while (start <= value.length) {
      const comma = value.indexOf(',', start);
      const end = comma === -1 ? value.length : comma;
      const element = trimWhitespace(value.slice(start, end));
      if (element !== '') elements.push(element);
      start = end + 1;
    }
  }
  return elements;
}

function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && WHITESPACE_BYTES[text.charCodeAt(start)] === 1) start += 1;
  while (end > start && WHITESPACE_BYTES[text.charCodeAt(end - 1)] === 1) end -= 1;
  return text.slice(start, end);
}

// ---- Sec-WebSocket-Extensions

/** One parameter of an extension offer. `value` is null when there is no `=`; quotes are gone. */
export interface ExtensionParam {
  readonly name: string;
  readonly value: string | null;
}

/** One element of `Sec-WebSocket-Extensions`. Order and repetition of parameters are as sent. */
export interface ExtensionOffer {
  readonly name: string;
  readonly params: readonly ExtensionParam[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** Reads one header value from left to right; it never goes back. */
class Reader {
  readonly #text: string;
  #index = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#index === this.#text.length;
  }

  /** Whether the next character, white space left out, is `code`. */
  isAt(code: number): boolean {
    this.#skip(WHITESPACE_BYTES);
    return this.#text.charCodeAt(this.#index) === code;
  }

  /** The same, and steps over it. */
  take(code: number): boolean {
    const isThere = this.isAt(code);
    if (isThere) this.#index += 1;
    return isThere;
  }

  /** The next token; empty when there is none. */
  token(): string {
    this.#skip(WHITESPACE_BYTES);
    const start = this.#index;
    this.#skip(TOKEN_BYTES);
    return this.#text.slice(start, this.#index);
  }

  /** The rest of a quoted string that unquotes to a token; empty when it does not. */
  quotedToken(): string {
    let token = '';
    for (;;) {
      let code = this.#next();
      if (code === QUOTE) return token;
      if (code === BACKSLASH) code = this.#next();
      // Past the end the code is NaN, which is no token byte either.
      if (TOKEN_BYTES[code] !== 1) return '';
      token += String.fromCharCode(code);
    }
  }

  #next(): number {
    const code = this.#text.charCodeAt(this.#index);
    this.#index += 1;
    return code;
  }

  #skip(table: Uint8Array): void {
    while (table[this.#text.charCodeAt(this.#index)] === 1) this.#index += 1;
  }
}

/**
 * Parses the values of all `Sec-WebSocket-Extensions` lines, which count as one list
 * (RFC 6455 §9.1, §11.3.2).
 *
 *     extension-list    = 1#extension
 *     extension         = token *( ";" extension-param )
 *     extension-param   = token [ "=" ( token | quoted-string ) ]
 *
 * White space may stand between any two of these (RFC 2616 §2.1, implied *LWS). A quoted value must
 * be a token once its quotes and backslashes are gone. Empty list elements (`a,,b`) are skipped, as
 * RFC 2616 §2.1 and RFC 9110 §5.6.1.2 ask; an empty parameter (`a;;b`, `a;`) is malformed, and so is
 * a header without any element.
 *
 * @param values the values of the lines, in order
 * @returns the offers in the client's order of preference; null when the header is malformed
 */
export function parseExtensionHeader(values: readonly string[]): ExtensionOffer[] | null {
  const offers: ExtensionOffer[] = [];
  for (const value of values) {
    if (!readOffers(new Reader(value), offers)) return null;
  }
  return offers.length === 0 ? null : offers;
}

function readOffers(reader: Reader, offers: ExtensionOffer[]): boolean {
  do {
    if (reader.isAt(COMMA) || reader.isAtEnd) continue;
    const offer = readOffer(reader);
    if (offer === null) return false;
    offers.push(offer);
  } while (reader.take(COMMA));
  return reader.isAtEnd;
}

function readOffer(reader: Reader): ExtensionOffer | null {
  const name = reader.token();
  if (name === '') return null;
  const params: ExtensionParam[] = [];
  while (reader.take(SEMICOLON)) {
    const param = readParam(reader);
    if (param === null) return null;
    params.push(param);
  }
  return { name, params };
}

function readParam(reader: Reader): ExtensionParam | null {
  const name = reader.token();
  if (name === '') return null;
  if (!reader.take(EQUALS)) return { name, value: null };
  const value = reader.take(QUOTE) ? reader.quotedToken() : reader.token();
  return value === '' ? null : { name, value };
}
