/** Rebuilds the opening handshake of a session from what was recorded of it. */
import { splitRequestTarget } from '../../handshake/request-target.js';
import { acceptKey } from '../../handshake/response.js';
import type { OpenRecord } from '../format/record.js';

export type HeaderLine = readonly [name: string, value: string];

/** The request's headers: a line for each value. Headers with credentials were never recorded. */
export function requestHeaders({ headers }: Pick<OpenRecord, 'headers'>): HeaderLine[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string'
      ? [[name, value] as const]
      : value.map((one): HeaderLine => [name, one]),
  );
}

/**
 * The headers of the response that opened the connection (RFC 6455 §4.2.2(5)).
 *
 * @param extensions the value of the header; null leaves it out
 */
export function responseHeaders(
  open: Pick<OpenRecord, 'headers' | 'subprotocol'>,
  extensions: string | null,
): HeaderLine[] {
  const lines: HeaderLine[] = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
  ];
  const key = open.headers['sec-websocket-key'];
  if (typeof key === 'string') lines.push(['Sec-WebSocket-Accept', acceptKey(key)]);
  if (open.subprotocol !== null) lines.push(['Sec-WebSocket-Protocol', open.subprotocol]);
  if (extensions !== null) lines.push(['Sec-WebSocket-Extensions', extensions]);
  return lines;
}

/** Schemes of URLs that clients reach by TLS. */
const SECURE = /^(?:wss|https):/i;

/** The URL that the client requested: `wss:` if TLS ended at the server that recorded, or at a proxy that it trusts. */
export function requestUrl({ url, headers, local, tls }: OpenRecord): string {
  const { authority, path, query } = splitRequestTarget(url);
  const { host } = headers;
  const name = authority ?? (typeof host === 'string' ? host : local);
  return `${tls === null && !SECURE.test(url) ? 'ws' : 'wss'}://${name}${path}${query === '' ? '' : `?${query}`}`;
}
