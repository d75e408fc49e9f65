/** Pages that twist brings along, and what browsers may do with them. Whoever has some is a `PageSource`. */
import type { Redaction } from '../handshake/redaction/redaction.js';
import type { RequestHead } from '../handshake/request-head.js';
import type { PeerAddress } from '../net/socket-address.js';
import type { ServiceRequest } from './tunnel.js';

/** What is sent: a page, a script, a style, data. */
export interface Page {
  /** Its media type, in full: `text/html; charset=utf-8`. */
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** The files of a page, as the build makes them. */
export interface PageFiles {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** A word in the query of a URL that says how the server is to behave (`--echo-controls`). */
export interface PageControl {
  readonly name: string;
  /** A value that it can have; null for a word that stands alone. */
  readonly example: string | null;
  /** One line: no capital at its start, no full stop. */
  readonly help: string;
  /** All values that it can have, where they are few; else empty. */
  readonly choices: readonly string[];
}

/** On which terms a route has a page of its own; `pageTerms` in app/server-options.ts makes them. */
export interface PageTerms {
  /** Whether a client is shown all values of its own request; else those that a recording shows. */
  readonly showsAll: boolean;
  /** Whether the query of a URL says how the server behaves (`--echo-controls`). */
  readonly hasControls: boolean;
}

/** What a server knows of its routes, as of now. */
export interface PageRules {
  readonly redaction: Redaction;
  /** On which terms there is a page on this path; null where there is none. */
  findPage(path: string): PageTerms | null;
}

/** An answer from memory. `Date`, `Content-Length` and what the connection needs are added where it is written. */
export interface PageAnswer {
  readonly status: 200 | 303 | 400 | 403 | 404 | 500;
  /** By their names as they are written, each once. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Whoever has pages. */
export interface PageSource {
  /** As `HttpService.takes`: it looks at the head only, and is asked for every opening handshake too. */
  takes(head: RequestHead): boolean;
  /**
   * Answers a request that it takes, which is a GET or a HEAD. The answer to both is the same: whoever writes it leaves
   * the body out. It may throw or reject, for a 500.
   */
  answer(request: ServiceRequest, peer: PeerAddress): PageAnswer | Promise<PageAnswer>;
}

/** Of any page: all that it loads is its own, and nobody may put it into a frame. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What every answer has, whatever it is: no other origin gets at it, and nothing of it stays. */
const SECURITY_HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** @param headers beside those that every answer has */
export function pageAnswer(
  { type, body }: Page,
  headers: Readonly<Record<string, string>> = {},
  status: PageAnswer['status'] = 200,
): PageAnswer {
  return {
    status,
    headers: { ...SECURITY_HEADERS, 'Content-Type': type, ...headers },
    body: typeof body === 'string' ? Buffer.from(body) : body,
  };
}

/** One line of text that says what is wrong; it has nothing of the request. */
export function textAnswer(
  status: PageAnswer['status'],
  text: string,
  headers: Readonly<Record<string, string>> = {},
): PageAnswer {
  return pageAnswer({ type: 'text/plain; charset=utf-8', body: `${text}\n` }, headers, status);
}

/** A page of three files, and where it is: `/` by default, with its script and its style beside it. */
export function pagesOf({ html, script, style }: PageFiles, path = '/'): ReadonlyMap<string, Page> {
  return new Map([
    [path, { type: 'text/html; charset=utf-8', body: html }],
    [`${path}page.js`, { type: 'text/javascript; charset=utf-8', body: script }],
    [`${path}page.css`, { type: 'text/css; charset=utf-8', body: style }],
  ]);
}

/** The page on the path of a request, whatever its query; 404 without one. */
export function answerOf(
  pages: ReadonlyMap<string, Page>,
  { path }: Pick<ServiceRequest, 'path'>,
): PageAnswer {
  const page = pages.get(path);
  return page === undefined ? textAnswer(404, 'there is no such page') : pageAnswer(page);
}
