import { type HANDSHAKE_RULES, InvalidStateError, type HandshakeError } from '../errors.js';
import { consistsOf, isToken } from '../net/byte-table.js';
import { sha1 } from './sha1.js';

const CRLF = '\r\n';

/** RFC 6455 §1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

type Status = (typeof HANDSHAKE_RULES)[keyof typeof HANDSHAKE_RULES][0];

/** RFC 9110 §15, RFC 6585. */
const REASON_PHRASES: Record<Status, string> & Readonly<Partial<Record<number, string>>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** What 401 asks for (RFC 9110 §11.6.1, RFC 7617 §2.1). */
export const CHALLENGE = 'Basic realm="twist", charset="UTF-8"';

/** What a status must bring with it, by the section that asks for it. */
const STATUS_HEADERS: Readonly<Partial<Record<number, Readonly<Record<string, string>>>>> = {
  401: { 'WWW-Authenticate': CHALLENGE },
  // RFC 9110 §15.5.6
  405: { Allow: 'GET' },
  // RFC 9110 §15.5.22, RFC 6455 §4.4
  426: { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
  // RFC 6585 §4, RFC 9110 §15.6.4
  429: { 'Retry-After': '5' },
  503: { 'Retry-After': '5' },
};

/** Visible ASCII and space: no header of ours needs more. */
const VALUE_BYTES = new Uint8Array(256).fill(1, 0x20, 0x7f);

/**
 * The value of Sec-WebSocket-Accept (RFC 6455 §4.2.2(5.4)): 28 characters.
 *
 * @param key the Sec-WebSocket-Key as sent
 */
export function acceptKey(key: string): string {
  return sha1(key + ACCEPT_GUID).toString('base64');
}

/**
 * The whole head of the answer that opens the connection (RFC 6455 §4.2.2(5)).
 *
 * @param subprotocol the one selected; null: none
 * @param extensions value of Sec-WebSocket-Extensions; null: none
 * @throws {InvalidStateError} when a value, which an extension or a mode may have made, would break
 *   the head apart
 */
export function upgradeResponse(
  key: string,
  subprotocol: string | null,
  extensions: string | null,
): string {
  let head =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    headerLine('Sec-WebSocket-Accept', acceptKey(key));
  if (subprotocol !== null) head += headerLine('Sec-WebSocket-Protocol', subprotocol);
  if (extensions !== null) head += headerLine('Sec-WebSocket-Extensions', extensions);
  return head + CRLF;
}

/**
 * The whole answer to OPTIONS (RFC 9110 §9.3.7), which is how a load balancer asks whether a server is there.
 *
 * @param now the time for the Date header
 */
export function optionsResponse(now: Date): string {
  return (
    `HTTP/1.1 204 No Content${CRLF}` +
    headerLine('Allow', 'GET, HEAD, OPTIONS') +
    headerLine('Connection', 'close') +
    headerLine('Date', now.toUTCString()) +
    CRLF
  );
}

/**
 * The whole answer to a load balancer that asks whether clients may be sent here. Everybody may ask, so it does not
 * say what is wrong.
 *
 * @param now the time for the Date header
 * @param method the answer to HEAD has no body (RFC 9110 §9.3.2)
 */
export function healthResponse(isReady: boolean, now: Date, method: string): string {
  const body = isReady ? 'ready\n' : 'not ready\n';
  return (
    `HTTP/1.1 ${isReady ? '200 OK' : '503 Service Unavailable'}${CRLF}` +
    headerLine('Cache-Control', 'no-store') +
    headerLine('Connection', 'close') +
    headerLine('Date', now.toUTCString()) +
    headerLine('Content-Type', 'text/plain; charset=utf-8') +
    headerLine('Content-Length', String(body.length)) +
    CRLF +
    (method === 'HEAD' ? '' : body)
  );
}

/**
 * The whole answer to a refused opening handshake; the connection is closed after it.
 * It names the broken rule and reflects nothing from the request.
 *
 * @param error its headers override those that belong to the status, not those about the message
 *   itself: Connection, Date, Content-Type and Content-Length
 * @param now the time for the Date header
 * @param method of the request, if it is known: the answer to HEAD has no body (RFC 9110 §9.3.2)
 * @throws {InvalidStateError} when a header of the error would break the head apart
 */
export function refusalResponse(
  error: HandshakeError,
  now: Date,
  method: string | null = null,
): string {
  const { status } = error;
  const body = `${error.message}\n`;
  const headers = new Map<string, string>();
  const add = (name: string, value: string): void => {
    headers.set(name.toLowerCase(), headerLine(name, value));
  };
  for (const [name, value] of Object.entries(STATUS_HEADERS[status] ?? {})) add(name, value);
  for (const [name, value] of Object.entries(error.headers)) add(name, value);
  // RFC 9110 §7.8: Upgrade is a header of this connection, so Connection must name it.
  add('Connection', headers.has('upgrade') ? 'Upgrade, close' : 'close');
  add('Date', now.toUTCString());
  add('Content-Type', 'text/plain; charset=utf-8');
  // All texts are ASCII.
  add('Content-Length', String(body.length));
  const lines = [...headers.values()].join('');
  return `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ''}${CRLF}${lines}${CRLF}${method === 'HEAD' ? '' : body}`;
}

/** @throws {InvalidStateError} when it would break the head apart */
export function headerLine(name: string, value: string): string {
  if (!isToken(name) || !consistsOf(value, VALUE_BYTES)) {
    throw new InvalidStateError(`header ${JSON.stringify(name)} cannot be sent as it is`);
  }
  return `${name}: ${value}${CRLF}`;
}
