/** Requests that ask for no WebSocket connection: they are for the files of a directory. */
import { splitList } from '../extensions/header-grammar.js';
import { parseHttpRequest, valuesOf } from './http-request.js';
import type { HeaderField, RequestHead } from './request-head.js';

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

/**
 * Reads a request for a file and writes it anew for an HTTP server, from what is known to be valid:
 * the path and query, and the headers that a file's answer depends on. Credentials stay here.
 *
 * @returns the whole request, in Latin-1; null when it asks for a WebSocket connection, rightly or wrongly
 * @throws {HandshakeError} naming the broken rule
 */
export function parsePlainRequest(head: RequestHead): string | null {
  const { method, headers } = head;
  if (isOpeningHandshake(head)) return null;
  const { path, query } = parseHttpRequest(head, ['GET', 'HEAD']);
  // The name is not passed on: nothing here depends on it.
  let text = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\nHost: twist\r\n`;
  for (const { name, value } of headers) {
    if (FILE_HEADERS.includes(name)) text += `${name}: ${value}\r\n`;
  }
  if (includes(headers, 'connection', 'close')) text += 'Connection: close\r\n';
  return `${text}\r\n`;
}

/**
 * A key without an Upgrade header comes from behind a proxy that has dropped it: who set it up wants to be
 * told so, and not to find a page there.
 */
function isOpeningHandshake({ method, headers }: RequestHead): boolean {
  if (method !== 'GET') return false;
  return (
    includes(headers, 'upgrade', 'websocket') || valuesOf(headers, 'sec-websocket-key').length > 0
  );
}

/** Whether a list header has that element, which is lowercase, without regard to case. */
function includes(headers: readonly HeaderField[], name: string, element: string): boolean {
  return splitList(valuesOf(headers, name)).some((one) => one.toLowerCase() === element);
}
