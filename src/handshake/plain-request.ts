/** Requests that ask for no WebSocket connection: for the files of a directory, or whether we are there. */
import { demand, includes, isOpeningHandshake, parseHttpRequest } from './http-request.js';
import type { RequestHead } from './request-head.js';
import { hasStrayPercent } from './request-path.js';

/** A request that is answered without a WebSocket connection. */
export interface PlainRequest {
  /** The host that it is for; empty when it does not say. */
  readonly host: string;
  /**
   * For an HTTP server: the whole request, written anew, in Latin-1. Null for OPTIONS, which asks for
   * nothing of ours.
   */
  readonly text: string | null;
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

/**
 * Reads a request that asks for no WebSocket connection. One for a file is written anew for an HTTP server,
 * from what is known to be valid: the path and query, and the headers that a file's answer depends on.
 * Credentials stay here.
 *
 * @param hasFiles whether there are any: otherwise requests for them are told that this is a WebSocket server
 * @returns null when it asks for a WebSocket connection, or is to be told so
 * @throws {HandshakeError} naming the broken rule
 */
export function parsePlainRequest(head: RequestHead, hasFiles: boolean): PlainRequest | null {
  const { method, version, headers } = head;
  const isHandshake = isOpeningHandshake(head);
  if (method === 'OPTIONS' && !isHandshake)
    return { host: parseHttpRequest(head, ['OPTIONS']).host, text: null };
  if (!hasFiles || (method === 'GET' && isHandshake)) return null;
  const { path, query, host } = parseHttpRequest(head, ['GET', 'HEAD']);
  demand(!hasStrayPercent(path), 'request-escape');
  // The name is not passed on: nothing there depends on it. Nor is the version: an answer is the same to
  // both, with its length, and HTTP/1.0 without a connection that stays.
  let text = `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1\r\nHost: twist\r\n`;
  for (const { name, value } of headers) {
    if (FILE_HEADERS.includes(name)) text += `${name}: ${value}\r\n`;
  }
  if (version === '1.0' || includes(headers, 'connection', 'close'))
    text += 'Connection: close\r\n';
  return { host, text: `${text}\r\n` };
}
