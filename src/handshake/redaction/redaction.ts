/**
 * What of a request may be shown in the log, in a recording and in what is made of one: people who may not
 * connect read them.
 *
 * A value is shown when its name is known to be harmless, or the operator has named it. Of every other one
 * the name stays, and the length: `[hidden:24]`. Redacting twice changes
 * nothing more.
 */
import { ALPHANUMERICS, byteTable, consistsOf, isToken } from '../../net/byte-table.js';
import { splitList } from '../../extensions/header.js';
import {
  type ValueForm,
  formOfHeader,
  isHarmlessExtensionParameter,
  isHarmlessParameter,
} from './harmless-names.js';
import { fullyDecoded } from './percent.js';
import type { HeaderField } from '../request-head.js';
import { looksSecret } from './secret-look.js';
import { isKnownSubprotocol } from './subprotocols.js';

/** Names whose values are shown beside those of the harmless ones; `*` stands for all. */
type ShownNames = '*' | readonly string[];

/** What the operator knows to be harmless. */
export interface KnownHarmless {
  /** Headers, in lower case. */
  readonly headers?: ShownNames;
  /** Parameters of URLs, in lower case. */
  readonly query?: ShownNames;
  /** Subprotocols that the server speaks. */
  readonly subprotocols?: readonly string[];
  /** Paths that are served. */
  readonly paths?: readonly string[];
}

/** What the operator has made a secret, whatever else it is named. */
export interface KnownSecret {
  /** Where clients put their tokens: the last segment of a path that is not served itself, or the first label of a host. */
  readonly tokensIn?: 'path' | 'host' | null;
}

const HIDDEN_START = '[hidden:';
const HIDDEN_END = ']';
/** What stood in recordings before they had lengths. */
const HIDDEN_BEFORE = '***';

const DIGITS = byteTable('0123456789');
const EQUALS_SIGNS = byteTable('=');
/** What values of harmless parameters are made of: nothing that begins another part of a URL. */
const PLAIN_BYTES = byteTable(`${ALPHANUMERICS}-._~,+*`);
const NAME_BYTES = byteTable(`${ALPHANUMERICS}-._~$+!*'()[] `);
const SCHEME_BYTES = byteTable(`${ALPHANUMERICS}+-.`);
const HOST_BYTES = byteTable(`${ALPHANUMERICS}-._~:[]%`);
/** `node` of RFC 7239 §6, in quotes or not, and what else the harmless parameters of that header have. */
const NODE_BYTES = byteTable(`${ALPHANUMERICS}-._:[]"`);
const FORWARDED_NAMES: ReadonlySet<string> = new Set(['by', 'for', 'host', 'proto']);

/** An IPv4 address with a port. */
const ADDRESS_BYTES = byteTable('0123456789.:');
/** Forms of headers that have hosts. */
const HOST_FORMS: readonly ValueForm[] = ['host', 'origin', 'forwarded'];

/** No name that means something is longer. */
const MAX_NAME_LENGTH = 64;

/** How long a text was, in the place of it. Nothing has nothing to hide. */
export function hidden(text: string): string {
  return text === '' || isHidden(text) ? text : `${HIDDEN_START}${text.length}${HIDDEN_END}`;
}

export class Redaction {
  readonly #showsHeaders: boolean;
  readonly #showsQuery: boolean;
  readonly #headers: ReadonlySet<string>;
  readonly #query: ReadonlySet<string>;
  readonly #subprotocols: ReadonlySet<string>;
  readonly #paths: ReadonlySet<string>;

  readonly #tokensIn: 'path' | 'host' | null;

  constructor({
    headers = [],
    query = [],
    subprotocols = [],
    paths = [],
    tokensIn = null,
  }: KnownHarmless & KnownSecret = {}) {
    this.#tokensIn = tokensIn;
    this.#showsHeaders = headers === '*';
    this.#showsQuery = query === '*';
    this.#headers = new Set(headers);
    this.#query = new Set(query);
    this.#subprotocols = new Set(subprotocols);
    this.#paths = new Set(paths);
  }

  // ---- Headers

  /** Headers by their names. One that came several times is the list that it stands for (RFC 9110 §5.3). */
  headers(fields: Iterable<HeaderField>): Readonly<Record<string, string>> {
    const joined = new Map<string, string>();
    for (const { name, value } of fields) {
      const before = joined.get(name);
      joined.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    // Not an assignment: a header can have the name of what every object has.
    return Object.fromEntries(
      [...joined].map(([name, value]): [string, string] => [name, this.header(name, value)]),
    );
  }

  /** The value of a header. @param name in lower case */
  header(name: string, value: string): string {
    const form = formOfHeader(name);
    if (this.#showsHeader(name) && !this.#hasTokens(form)) return value;
    return form === null ? hidden(value) : this.#inForm(form, value);
  }

  /** Whether a token that stands in the path or the host is in a header too. */
  #hasTokens(form: ValueForm | null): boolean {
    if (this.#tokensIn === null || form === null) return false;
    return form === 'url' || (this.#tokensIn === 'host' && HOST_FORMS.includes(form));
  }

  #inForm(form: ValueForm, value: string): string {
    switch (form) {
      case 'plain':
        return value;
      case 'host':
        if (value.includes('@')) return hidden(value);
        return this.#tokensIn === 'host' ? mapList(value, withoutToken) : value;
      case 'url':
        return this.url(value);
      case 'origin':
        return this.origin(value);
      case 'subprotocols':
        return mapList(value, (name) => this.subprotocol(name));
      case 'extensions':
        return this.extensions(value);
      case 'forwarded':
        return mapList(value, (element) => forwardedElement(element, this.#tokensIn === 'host'));
    }
  }

  /** The name of a subprotocol: one that nobody knows may be a token. */
  subprotocol(name: string): string {
    const isShown =
      this.#showsHeader('sec-websocket-protocol') ||
      this.#subprotocols.has(name) ||
      isKnownSubprotocol(name);
    return isShown ? name : hidden(name);
  }

  /** Offers of extensions, or the answer to them. */
  extensions(value: string): string {
    return this.#showsHeader('sec-websocket-extensions') ? value : mapList(value, extension);
  }

  /** The value of an Origin header, which has no path (RFC 6454 §7). */
  origin(value: string): string {
    const { scheme, rest } = splitScheme(value);
    if (value === 'null') return value;
    const isOrigin = scheme !== '' && consistsOf(rest, HOST_BYTES);
    return isOrigin && this.#tokensIn !== 'host' ? value : this.url(value);
  }

  #showsHeader(name: string): boolean {
    return this.#showsHeaders || this.#headers.has(name);
  }

  // ---- URLs

  /** An absolute URL or a request target; what is neither is hidden as a whole. */
  url(url: string): string {
    if (url.startsWith('/')) return this.#resource(url);
    const { scheme, rest } = splitScheme(url);
    if (scheme === '') return hidden(url);
    const end = indexOfAny(rest, '/\\?#', 0);
    const authority = publicAuthority(rest.slice(0, end));
    const start = authority.lastIndexOf('@') + 1;
    const host = authority.slice(start);
    const shownHost = this.#tokensIn === 'host' ? withoutToken(host) : host;
    return `${scheme}://${authority.slice(0, start)}${shownHost}${this.#resource(rest.slice(end))}`;
  }

  /** A path without its query. */
  path(path: string): string {
    if (this.#paths.has(path)) return path;
    if (this.#tokensIn !== 'path') return this.#pathWithoutTokens(path);
    let end = path.length;
    while (path[end - 1] === '/') end -= 1;
    if (end === 0 || this.#paths.has(path.slice(0, end))) return path;
    const start = path.lastIndexOf('/', end - 1) + 1;
    const before = this.#pathWithoutTokens(path.slice(0, start));
    return before + hidden(path.slice(start, end)) + path.slice(end);
  }

  #pathWithoutTokens(path: string): string {
    if (this.#showsQuery) return path;
    return mapPieces(path, '/\\', (segment) => this.#segment(segment));
  }

  /** A query without its `?`. */
  query(query: string): string {
    if (this.#showsQuery) return query;
    return mapPieces(query, '&;', (parameter) => this.#parameter(parameter));
  }

  #resource(resource: string): string {
    const end = indexOfAny(resource, '#', 0);
    const queryStart = Math.min(indexOfAny(resource, '?', 0), end);
    const fragment = resource.slice(end + 1);
    return [
      this.path(resource.slice(0, queryStart)),
      queryStart < end ? `?${this.query(resource.slice(queryStart + 1, end))}` : '',
      end < resource.length ? `#${hidden(fragment)}` : '',
    ].join('');
  }

  /** A segment of a path, with the parameters that it may have: `room;jsessionid=ABC`. */
  #segment(segment: string): string {
    const end = indexOfAny(segment, ';&', 0);
    const name = segment.slice(0, end);
    const shown = name.includes('=') ? this.#parameter(name) : publicSegment(name);
    return shown + this.query(segment.slice(end));
  }

  #parameter(parameter: string): string {
    const equals = indexOfAny(parameter, '=', 0);
    const name = parameter.slice(0, equals);
    const value = parameter.slice(equals + 1);
    const meantName = fullyDecoded(name).toLowerCase();
    if (this.#query.has(meantName)) return parameter;
    const isHarmless = isHarmlessParameter(meantName);
    // A name without a value may be a value without a name: `?TOKEN`, or `?TOKEN==` in base64.
    if (!isHarmless && consistsOf(value, EQUALS_SIGNS))
      return hidden(name) + parameter.slice(equals);
    if (equals === parameter.length) return name;
    const shownName = isName(name) ? name : hidden(name);
    return `${shownName}=${isHarmless && isPlain(value) ? value : hidden(value)}`;
  }
}

/** What is shown where nobody has named anything. */
export const STRICT_REDACTION = new Redaction();

/**
 * What two texts that went through a redaction have to have in common when what is hidden in them is not
 * compared.
 */
export function withoutLengths(text: string): string {
  const [head = '', ...rest] = text.split(HIDDEN_START);
  const after = rest.map((piece) => piece.slice(piece.indexOf(HIDDEN_END)));
  return [head, ...after].join(HIDDEN_START);
}

function isHidden(text: string): boolean {
  if (text === HIDDEN_BEFORE) return true;
  const length = text.slice(HIDDEN_START.length, -HIDDEN_END.length);
  return (
    text.startsWith(HIDDEN_START) &&
    text.endsWith(HIDDEN_END) &&
    length !== '' &&
    length.length < 10 &&
    consistsOf(length, DIGITS)
  );
}

function isPlain(value: string): boolean {
  return value.length <= MAX_NAME_LENGTH && consistsOf(value, PLAIN_BYTES) && !looksSecret(value);
}

/** Whether a parameter's name can be one, rather than a token in its place. */
function isName(name: string): boolean {
  const meant = fullyDecoded(name);
  return meant.length <= MAX_NAME_LENGTH && consistsOf(meant, NAME_BYTES) && !looksSecret(meant);
}

function publicSegment(segment: string): string {
  if (isHidden(segment)) return segment;
  const meant = fullyDecoded(segment);
  const hasUser = meant.indexOf('@') > 0;
  const hasParameters = indexOfAny(meant, '=?&;#', 0) < meant.length;
  return hasUser || hasParameters || looksSecret(meant) ? hidden(segment) : segment;
}

/** `user:password@host:port` (RFC 3986 §3.2). */
export function publicAuthority(authority: string): string {
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const shownHost = consistsOf(host, HOST_BYTES) ? host : hidden(host);
  return at === -1 ? shownHost : `${hidden(authority.slice(0, at))}@${shownHost}`;
}

/** @returns the scheme of an absolute URL and what follows its `://`; an empty scheme when it has none */
function splitScheme(url: string): { readonly scheme: string; readonly rest: string } {
  const end = url.indexOf('://');
  const scheme = url.slice(0, Math.max(0, end));
  const isScheme =
    scheme.length <= MAX_NAME_LENGTH && consistsOf(scheme, SCHEME_BYTES) && !looksSecret(scheme);
  return isScheme ? { scheme, rest: url.slice(end + 3) } : { scheme: '', rest: '' };
}

/** One extension with its parameters (RFC 6455 §9.1). */
function extension(element: string): string {
  const [name = '', ...parameters] = element.split(';').map((part) => part.trim());
  const shown = parameters.map((parameter) => {
    const equals = indexOfAny(parameter, '=', 0);
    const key = parameter.slice(0, equals);
    const value = parameter.slice(equals + 1);
    if (isHarmlessExtensionParameter(key) && isNumber(value)) return parameter;
    if (equals === parameter.length) return hidden(key);
    return `${publicToken(key)}=${value !== '' && isNumber(value) ? value : hidden(value)}`;
  });
  return [publicToken(name), ...shown].join('; ');
}

function publicToken(name: string): string {
  return isToken(name) && isName(name) ? name : hidden(name);
}

/** A number of the size that parameters of extensions have, in quotes or not; or nothing. */
function isNumber(value: string): boolean {
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  const digits = isQuoted ? value.slice(1, -1) : value;
  return digits.length <= 4 && consistsOf(digits, DIGITS);
}

/** A host whose first label is a token. An address has none, and `localhost` is none. */
function withoutToken(host: string): string {
  const dot = indexOfAny(host, '.:', 0);
  const label = host.slice(0, dot);
  const isKept = host.startsWith('[') || label === 'localhost' || consistsOf(host, ADDRESS_BYTES);
  return isKept ? host : hidden(label) + host.slice(dot);
}

/** One proxy of a Forwarded header (RFC 7239 §4). @param hasToken whether its host begins with a token */
function forwardedElement(element: string, hasToken: boolean): string {
  return mapPieces(element, ';', (pair) => {
    const equals = indexOfAny(pair, '=', 0);
    const value = pair.slice(equals + 1);
    const isShown =
      FORWARDED_NAMES.has(pair.slice(0, equals).trim().toLowerCase()) &&
      consistsOf(value, NODE_BYTES);
    const isHost = hasToken && pair.slice(0, equals).trim().toLowerCase() === 'host';
    if (isShown && !isHost) return pair;
    if (equals === pair.length) return hidden(pair);
    return `${publicToken(pair.slice(0, equals).trim())}=${hidden(value)}`;
  });
}

function mapList(value: string, map: (element: string) => string): string {
  return splitList([value]).map(map).join(', ');
}

/** Maps what stands between these delimiters, and leaves them where they are. */
export function mapPieces(
  text: string,
  delimiters: string,
  map: (piece: string) => string,
): string {
  let mapped = '';
  for (let start = 0; start <= text.length;) {
    const end = indexOfAny(text, delimiters, start);
    mapped += map(text.slice(start, end)) + text.slice(end, end + 1);
    start = end + 1;
  }
  return mapped;
}

/** Where the first of these characters is; the length of the text when there is none. */
export function indexOfAny(text: string, characters: string, start: number): number {
  let at = start;
  while (at < text.length && !characters.includes(text.charAt(at))) at++;
  return at;
}
