/**
 * The requests that are served: an opening handshake (RFC 6455 §4.2.1), and what asks for no WebSocket
 * connection, a file or whether the server is there.
 */
import { HandshakeError } from '../errors.js';
import { type ExtensionOffer, parseExtensionHeader, splitList } from '../extensions/header.js';
import { hostFault, parseHost } from './host.js';
import type { HeaderField, RequestHead } from './request-head.js';
import {
  hasStrayPercent,
  type RequestTarget,
  routePath,
  splitRequestTarget,
} from './request-target.js';
import type { TlsPeer } from '../net/tls-peer.js';
import { ALPHANUMERICS, byteTable, consistsOf, isToken } from '../net/byte-table.js';

/** A valid opening handshake of the client (RFC 6455 §4.2.1). Nothing is decoded. */
export interface UpgradeRequest {
  /** The request target as sent. */
  readonly target: string;
  /** Its path, which begins with `/`: as sent, but that slashes which repeat are one. */
  readonly path: string;
  /** Its query as sent, without the `?`; empty when there is none. */
  readonly query: string;
  /**
   * The host that it is for, with a port if one was written: the one that a trusted proxy reports in
   * X-Forwarded-Host, else that of an absolute target, else the Host header.
   */
  readonly host: string;
  /**
   * By which scheme the client has asked: what a trusted proxy reports in X-Forwarded-Proto, else `wss` for TLS
   * that ends here.
   */
  readonly scheme: 'ws' | 'wss';
  /** The Origin header; null when there is none, as with most clients that are no browser. */
  readonly origin: string | null;
  /** The Sec-WebSocket-Key header: 24 characters. */
  readonly key: string;
  /** The subprotocols on offer, in the client's order of preference; no two are equal. */
  readonly subprotocols: readonly string[];
  /** The extensions on offer, in the client's order of preference. */
  readonly extensionOffers: readonly ExtensionOffer[];
  /** All headers, in the order in which they came. */
  readonly headers: readonly HeaderField[];
  /** What is known of a client that has come to us by TLS; absent for any other. */
  readonly tls?: TlsPeer;
  /** The user whose password was right; absent where no password is asked for. */
  readonly user?: string;
}

/** 16 bytes are 22 base64 characters and two of padding. */
const KEY_CHARACTERS = 22;
const KEY_PADDING = '==';
const BASE64_BYTES = byteTable(`${ALPHANUMERICS}+/`);

/**
 * Checks a request head against every rule that RFC 6455 §4.2.1 has for it, and those of HTTP that
 * §4.2.1 builds on. The rule that is named is the first one broken, in the order of this function:
 * what says "this is another protocol" comes before what says "this is the same one, done wrongly".
 *
 * @throws {HandshakeError} naming the broken rule
 */
export function parseUpgradeRequest(head: RequestHead): UpgradeRequest {
  const { target, headers } = head;
  // RFC 6455 §4.2.1(1) and (2).
  const { path, query, host } = parseHttpRequest(head, ['GET']);

  // RFC 6455 §4.2.1(3): "An |Upgrade| header field containing the value "websocket"", among others
  // perhaps (RFC 9110 §7.8), without regard to case.
  const protocols = splitList(valuesOf(headers, 'upgrade'));
  assertRule(includesIgnoringCase(protocols, 'websocket', isProtocol), 'not-an-upgrade');

  // RFC 6455 §4.2.1(4): "A |Connection| header field that includes the token "Upgrade"".
  const options = splitList(valuesOf(headers, 'connection'));
  assertRule(includesIgnoringCase(options, 'upgrade', isToken), 'not-an-upgrade');

  // RFC 6455 §4.2.1(6): "A |Sec-WebSocket-Version| header field, with a value of 13". It comes
  // before the key, because another version may have other rules for the key.
  const versions = valuesOf(headers, 'sec-websocket-version');
  assertRule(versions.length <= 1, 'websocket-version-repeated');
  assertRule(versions[0] === '13', 'websocket-version');

  // RFC 6455 §4.2.1(5): a "base64-encoded value that, when decoded, is 16 bytes in length". The
  // unused bits of the last character may be set (RFC 4648 §3.5 leaves that to us).
  const keys = valuesOf(headers, 'sec-websocket-key');
  const [key = ''] = keys;
  assertRule(keys.length === 1 && isKey(key), 'websocket-key');

  // RFC 6455 §4.2.1(7), RFC 6454 §7.3: "MUST NOT include more than one Origin header field".
  const origins = valuesOf(headers, 'origin');
  assertRule(origins.length <= 1, 'origin-repeated');

  // RFC 6455 §4.2.1(8) and §4.1(10): tokens, no two equal.
  const subprotocols = parseSubprotocols(valuesOf(headers, 'sec-websocket-protocol'));
  assertRule(subprotocols !== null, 'subprotocol');

  // RFC 6455 §4.2.1(9) and §9.1: what does not fit the grammar fails the handshake.
  const extensionLines = valuesOf(headers, 'sec-websocket-extensions');
  const extensionOffers = extensionLines.length === 0 ? [] : parseExtensionHeader(extensionLines);
  assertRule(extensionOffers !== null, 'extensions');

  return {
    target,
    path,
    query,
    host,
    scheme: 'ws',
    origin: origins[0] ?? null,
    key,
    subprotocols,
    extensionOffers,
    headers,
  };
}

/** Whether a list whose elements all are `isElement` has `wanted`, which is lowercase. */
function includesIgnoringCase(
  list: readonly string[],
  wanted: string,
  isElement: (element: string) => boolean,
): boolean {
  return list.every(isElement) && list.some((element) => element.toLowerCase() === wanted);
}

/** `protocol-name [ "/" protocol-version ]` (RFC 9110 §7.8). */
function isProtocol(element: string): boolean {
  const slash = element.indexOf('/');
  if (slash === -1) return isToken(element);
  return isToken(element.slice(0, slash)) && isToken(element.slice(slash + 1));
}

function isKey(key: string): boolean {
  return (
    key.length === KEY_CHARACTERS + KEY_PADDING.length &&
    key.endsWith(KEY_PADDING) &&
    consistsOf(key.slice(0, KEY_CHARACTERS), BASE64_BYTES)
  );
}

/** Null: malformed. No lines at all are fine; lines without an element are not. */
function parseSubprotocols(lines: readonly string[]): readonly string[] | null {
  // Foreign code gets it, and may add to it.
  if (lines.length === 0) return [];
  const subprotocols = splitList(lines);
  if (!subprotocols.every(isToken)) return null;
  if (new Set(subprotocols).size < subprotocols.length) return null;
  return subprotocols.length === 0 ? null : subprotocols;
}

// ---- Every HTTP request, whatever it asks for

/** The target of a valid request, and the host that it is for. */
interface HttpRequest extends RequestTarget {
  /** That of an absolute target, else the Host header; empty where HTTP/1.0 has neither. */
  readonly host: string;
}

/**
 * Checks what HTTP asks of a request.
 *
 * @param methods those that are served
 * @throws {HandshakeError} naming the first broken rule
 */
export function parseHttpRequest(head: RequestHead, methods: readonly string[]): HttpRequest {
  const { method, target, version, headers } = head;

  // RFC 6455 §4.2.1(1): "An HTTP/1.1 or higher GET request". Higher ones do not share its syntax. Proxies
  // fetch files and look after us by HTTP/1.0, whose requests are read in the same way.
  assertRule(version === '1.1' || (version === '1.0' && !isOpeningHandshake(head)), 'http-version');
  // RFC 9110 §15.5.6: Allow tells which ones would do.
  if (!methods.includes(method)) throw new HandshakeError('method', { Allow: methods.join(', ') });

  const parts = splitRequestTarget(target);
  const host = findHost(parts, valuesOf(headers, 'host'), version);

  // RFC 9112 §6.3: with a body, what follows the head would not be frames, nor the next request.
  const contentLengths = valuesOf(headers, 'content-length');
  const hasNoLength = contentLengths.length === 0;
  assertRule(hasNoLength || (contentLengths.length === 1 && contentLengths[0] === '0'), 'body');
  assertRule(valuesOf(headers, 'transfer-encoding').length === 0, 'body');
  return { ...parts, host };
}

/**
 * RFC 6455 §4.2.1(2) and RFC 9112 §3.2: one Host, whatever the target. An empty one would only be right
 * for a target that has no authority. That of an absolute target counts, and Host is ignored then, though
 * it must be there (RFC 9112 §3.2.2). HTTP/1.0 knows no Host.
 */
function findHost({ authority }: RequestTarget, hosts: readonly string[], version: string): string {
  const [host = ''] = hosts;
  if (hosts.length !== 0 || version !== '1.0') {
    assertRule(hosts.length === 1, 'host');
    // What is wrong with it is looked for only then.
    if (parseHost(host) === null) throw new HandshakeError(hostFault(host));
  }
  if (authority === null) return host;
  assertRule(parseHost(authority) !== null, 'request-target');
  return authority;
}

/**
 * Whether a request asks for a WebSocket connection, rightly or wrongly. A key without an Upgrade header
 * means that a proxy has dropped that header: whoever set up the proxy should get an error, not a page.
 */
export function isOpeningHandshake({ headers }: RequestHead): boolean {
  return (
    includes(headers, 'upgrade', 'websocket') || valuesOf(headers, 'sec-websocket-key').length > 0
  );
}

/** @throws {HandshakeError} naming the rule when it is not met */
export function assertRule(isMet: boolean, rule: HandshakeError['rule']): asserts isMet {
  if (!isMet) throw new HandshakeError(rule);
}

const NO_VALUES: readonly string[] = Object.freeze([]);

/** The values of all headers of that name, which is lowercase, in the order in which they came. */
export function valuesOf(headers: readonly HeaderField[], name: string): readonly string[] {
  // Asked a dozen times for each request, nearly always for one header or none: an array that grows has room for many.
  let values: string[] | null = null;
  for (const header of headers) {
    if (header.name !== name) continue;
    if (values === null) values = [header.value];
    else values.push(header.value);
  }
  return values ?? NO_VALUES;
}

/** Whether a list header has that element, which is lowercase, without regard to case. */
export function includes(headers: readonly HeaderField[], name: string, element: string): boolean {
  return splitList(valuesOf(headers, name)).some((one) => one.toLowerCase() === element);
}

// ---- Requests that ask for no WebSocket connection

const HEALTH_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
const HEALTH_VERSIONS: readonly string[] = ['1.1', '1.0'];

/**
 * Whether a request asks if the server is well. Load balancers are old programs: neither a host nor the version
 * matters, and what else they send is not looked at.
 *
 * @param path where they ask, as `routePath` has it
 */
export function isHealthRequest(head: RequestHead, path: string): boolean {
  return (
    HEALTH_METHODS.includes(head.method) &&
    HEALTH_VERSIONS.includes(head.version) &&
    routePath(splitRequestTarget(head.target).path) === path &&
    !isOpeningHandshake(head)
  );
}

/**
 * Whether a request asks if a server is there.
 *
 * @throws {HandshakeError} naming the rule that such a request breaks
 */
export function isOptionsRequest(head: RequestHead): boolean {
  if (head.method !== 'OPTIONS' || isOpeningHandshake(head)) return false;
  parseHttpRequest(head, ['OPTIONS']);
  return true;
}

/** A request for a file or a page. */
export interface PlainRequest {
  /** What came: with its version, and with headers that may be secrets. */
  readonly head: RequestHead;
  /** As sent, but that slashes which repeat are one. */
  readonly path: string;
  /** As sent, without its `?`; empty when there is none. */
  readonly query: string;
  /** The host that it is for; empty when it does not say. */
  readonly host: string;
  /** Whether the client wants the connection closed after the answer. */
  readonly isLast: boolean;
  /** For an HTTP server: the whole request, rewritten, in Latin-1. */
  readonly text: string;
}

/** What a file's answer depends on (RFC 9110 §13, §14). Nothing else of a request is handed on. */
const FILE_HEADERS: readonly string[] = [
  'cache-control',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
];

/** Whether a request may be one for a file: it does not ask for a WebSocket connection, and is not to be told so. */
export function isPlainRequest(head: RequestHead): boolean {
  return head.method !== 'GET' || !isOpeningHandshake(head);
}

/**
 * Reads a request for a file or a page. It is rewritten for an HTTP server, from what is known to be valid: the path
 * and query, and the headers that a file's answer depends on. The text has no credentials.
 *
 * @throws {HandshakeError} naming the broken rule
 */
export function parsePlainRequest(head: RequestHead): PlainRequest {
  const { method, version, headers } = head;
  const { path, query, host } = parseHttpRequest(head, ['GET', 'HEAD']);
  assertRule(!hasStrayPercent(path), 'request-escape');
  // The name is not passed on: nothing there depends on it. Nor is the version: an answer is the same to
  // both, with its length, and HTTP/1.0 without a connection that stays.
  let text = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\nHost: twist\r\n`;
  for (const { name, value } of headers) {
    if (FILE_HEADERS.includes(name)) text += `${name}: ${value}\r\n`;
  }
  const isLast = version === '1.0' || includes(headers, 'connection', 'close');
  if (isLast) text += 'Connection: close\r\n';
  return { head, path, query, host, isLast, text: `${text}\r\n` };
}
