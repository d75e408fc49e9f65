import { parseExtensionHeader, type ExtensionOffer } from '../extensions/extension-header.js';
import { ALPHANUMERICS, byteTable, consistsOf } from '../net/byte-table.js';
import { isToken, splitList } from '../extensions/header-grammar.js';
import { demand, parseHttpRequest, valuesOf } from './http-request.js';
import type { HeaderField, RequestHead } from './request-head.js';

/** A valid opening handshake of the client (RFC 6455 §4.2.1). Nothing is decoded. */
export interface UpgradeRequest {
  /** The request target as sent. */
  readonly target: string;
  /** Its path, which begins with `/`: as sent, but that slashes which repeat are one. */
  readonly path: string;
  /** Its query as sent, without the `?`; empty when there is none. */
  readonly query: string;
  /** The host that it is for: that of an absolute target, else the Host header. */
  readonly host: string;
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
  demand(includesIgnoringCase(protocols, 'websocket', isProtocol), 'not-an-upgrade');

  // RFC 6455 §4.2.1(4): "A |Connection| header field that includes the token "Upgrade"".
  const options = splitList(valuesOf(headers, 'connection'));
  demand(includesIgnoringCase(options, 'upgrade', isToken), 'not-an-upgrade');

  // RFC 6455 §4.2.1(6): "A |Sec-WebSocket-Version| header field, with a value of 13". It comes
  // before the key, because another version may have other rules for the key.
  const versions = valuesOf(headers, 'sec-websocket-version');
  demand(versions.length <= 1, 'websocket-version-repeated');
  demand(versions[0] === '13', 'websocket-version');

  // RFC 6455 §4.2.1(5): a "base64-encoded value that, when decoded, is 16 bytes in length". The
  // unused bits of the last character may be set (RFC 4648 §3.5 leaves that to us).
  const keys = valuesOf(headers, 'sec-websocket-key');
  const [key = ''] = keys;
  demand(keys.length === 1 && isKey(key), 'websocket-key');

  // RFC 6455 §4.2.1(7), RFC 6454 §7.3: "MUST NOT include more than one Origin header field".
  const origins = valuesOf(headers, 'origin');
  demand(origins.length <= 1, 'origin-repeated');

  // RFC 6455 §4.2.1(8) and §4.1(10): tokens, all of them different.
  const subprotocols = parseSubprotocols(valuesOf(headers, 'sec-websocket-protocol'));
  demand(subprotocols !== null, 'subprotocol');

  // RFC 6455 §4.2.1(9) and §9.1: what does not fit the grammar fails the handshake.
  const extensionLines = valuesOf(headers, 'sec-websocket-extensions');
  const extensionOffers = extensionLines.length === 0 ? [] : parseExtensionHeader(extensionLines);
  demand(extensionOffers !== null, 'extensions');

  return {
    target,
    path,
    query,
    host,
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
function parseSubprotocols(lines: readonly string[]): string[] | null {
  const subprotocols = splitList(lines);
  if (!subprotocols.every(isToken)) return null;
  if (new Set(subprotocols).size < subprotocols.length) return null;
  return subprotocols.length === 0 && lines.length > 0 ? null : subprotocols;
}
