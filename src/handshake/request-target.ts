/** Request targets (RFC 9112 §3.2) and their paths. */
import { ALPHANUMERICS, byteTable, HEX_DIGITS } from '../net/byte-table.js';

/** A request target taken apart; nothing is decoded, and slashes that repeat are one. */
export interface RequestTarget {
  /** `host[:port]` of an absolute-form target; null in origin form. */
  readonly authority: string | null;
  /** Begins with `/`; in its normal form. */
  readonly path: string;
  /** Without its `?`; empty when there is none. */
  readonly query: string;
}

const SCHEMES = ['http://', 'https://', 'ws://', 'wss://'] as const;

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

/** `uri-host [ ":" port ]` (RFC 3986 §3.2). User information is refused (RFC 9110 §4.2.4). */
const AUTHORITY_BYTES = byteTable(`${ALPHANUMERICS}-._~!$&'()*+,;=:[]%`);
/**
 * Every visible ASCII byte but `#`. RFC 3986 names fewer, but browsers send `|`, `^`, `{` and others
 * as they are (WHATWG URL), and none of them can be mistaken for something else here.
 */
const RESOURCE_BYTES = byteTable(`${ALPHANUMERICS}!"$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`);

const START = 0;
const SCHEME = 1;
const AUTHORITY = 2;
const PATH = 3;
const QUERY = 4;

/**
 * Judges a request target byte by byte (RFC 9112 §3.2). An opening handshake has a path with query,
 * or an absolute URL (RFC 6455 §4.2.1(1)) whose scheme is http, https, ws or wss. A fragment is
 * refused (RFC 6455 §3). A `%` may stand alone, as browsers send it (WHATWG URL): only where the path
 * decides about something does it have to begin a %XX sequence.
 */
export class RequestTargetScanner {
  #part = START;
  /** Bytes taken of the part that is being read. */
  #length = 0;
  /** The schemes that fit so far. */
  #schemes: readonly string[] = SCHEMES;

  /** Whether the bytes so far are a whole target. */
  get isComplete(): boolean {
    if (this.#part === AUTHORITY) return this.#length > 0;
    return this.#part >= PATH;
  }

  /** Takes the next byte. False: no target has this byte here. */
  accept(byte: number): boolean {
    switch (this.#part) {
      case START:
        this.#part = byte === SLASH ? PATH : SCHEME;
        return byte === SLASH || this.#acceptScheme(byte);
      case SCHEME:
        return this.#acceptScheme(byte);
      case AUTHORITY:
        return this.#acceptAuthority(byte);
      case PATH:
        if (byte === QUESTION_MARK) this.#part = QUERY;
        return RESOURCE_BYTES[byte] === 1;
      default:
        return RESOURCE_BYTES[byte] === 1;
    }
  }

  #acceptScheme(byte: number): boolean {
    const letter = String.fromCharCode(byte).toLowerCase();
    const index = this.#length;
    this.#schemes = this.#schemes.filter((scheme) => scheme[index] === letter);
    this.#length += 1;
    const [scheme] = this.#schemes;
    if (scheme?.length === this.#length) {
      this.#part = AUTHORITY;
      this.#length = 0;
    }
    return scheme !== undefined;
  }

  #acceptAuthority(byte: number): boolean {
    if (byte === SLASH || byte === QUESTION_MARK) {
      this.#part = byte === SLASH ? PATH : QUERY;
      return this.#length > 0;
    }
    this.#length += 1;
    return AUTHORITY_BYTES[byte] === 1;
  }
}

/**
 * Takes a target apart that {@link RequestTargetScanner} found complete. The empty path of
 * `http://host` is `/` (RFC 9110 §4.2.3).
 */
export function splitRequestTarget(target: string): RequestTarget {
  let authority: string | null = null;
  let resource = target;
  if (!target.startsWith('/')) {
    const start = target.indexOf('//') + 2;
    let end = start;
    while (AUTHORITY_BYTES[target.charCodeAt(end)] === 1) end += 1;
    authority = target.slice(start, end);
    resource = target.slice(end);
  }
  const mark = resource.indexOf('?');
  const path = mark === -1 ? resource : resource.slice(0, mark);
  const query = mark === -1 ? '' : resource.slice(mark + 1);
  return { authority, path: normalPath(path), query };
}

// ---- Which paths are the same: the one place that decides, for routes, for files and for recordings
//
// Repeated slashes count as one, because a proxy whose location and target both end in a slash doubles it.
// Nothing else is changed: dots stay, and so do escapes, which are compared byte by byte.

const HEX_BYTES = byteTable(HEX_DIGITS);

/** The path with single slashes only; `/` for the empty one. */
export function normalPath(path: string): string {
  if (path === '') return '/';
  if (!path.includes('//')) return path;
  const names = path.split('/');
  return names
    .filter((name, index) => name !== '' || index === 0 || index === names.length - 1)
    .join('/');
}

/** What a path is compared with routes by: a slash at its end does not count. */
export function routePath(path: string): string {
  const normal = normalPath(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Whether a `%` begins no escape (RFC 3986 §2.1): two readers may then disagree about what is meant. */
export function hasStrayPercent(path: string): boolean {
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', at + 1)) {
    if (HEX_BYTES[path.charCodeAt(at + 1)] !== 1 || HEX_BYTES[path.charCodeAt(at + 2)] !== 1)
      return true;
  }
  return false;
}
