/** A request as JSON, for the client that has sent it: the one answer that reflects what was asked. */
import type { Redaction } from '../handshake/redaction/redaction.js';
import type { HeaderField } from '../handshake/request-head.js';
import type { WebScheme } from '../handshake/upgrade.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { TlsPeer } from '../net/tls-peer.js';

/** What is told of a request. */
export interface ToldRequest {
  readonly method: string;
  readonly path: string;
  /** Without its `?`. */
  readonly query: string;
  /** `1.1` or `1.0`. */
  readonly httpVersion: string;
  readonly host: string;
  readonly scheme: WebScheme;
  readonly headers: readonly HeaderField[];
  readonly tls: TlsPeer | null;
}

/** What of an answer as JSON needs an escape sequence beside what JSON wants: markup, and all that is not ASCII. */
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const MARKUP = '<>';

/**
 * The request as JSON, indented, with a line end after it. It is ASCII, has no character that means something to HTML
 * outside of quotes, and none that moves a terminal's cursor.
 *
 * @param redaction decides which values are shown; of the others the length is
 * @param agreed what was agreed on, where that is more than the request
 */
export function requestJson(
  { method, path, query, httpVersion, host, scheme, headers, tls }: ToldRequest,
  { remoteAddress, remotePort }: PeerAddress,
  redaction: Redaction,
  agreed: Readonly<Record<string, string | null>> = {},
): string {
  const told = {
    method,
    path: redaction.path(path),
    query: redaction.query(query),
    httpVersion,
    host: redaction.header('host', host),
    scheme,
    remoteAddress,
    remotePort,
    tls,
    headers: redaction.headers(headers),
    ...agreed,
  };
  return `${asciiJson(JSON.stringify(told, null, 2))}\n`;
}

/** The same JSON, in which only printable ASCII stands as it is; the line ends between its members stay. */
function asciiJson(json: string): string {
  let ascii = '';
  let start = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    const isPlain =
      (code >= FIRST_PRINTABLE && code <= LAST_PRINTABLE && !MARKUP.includes(json.charAt(at))) ||
      code === 0x0a;
    if (isPlain) continue;
    ascii += `${json.slice(start, at)}\\u${code.toString(16).padStart(4, '0')}`;
    start = at + 1;
  }
  return ascii + json.slice(start);
}
