/** What holds for every HTTP request that is served here, whatever it asks for. */
import { HandshakeError } from '../errors.js';
import { splitList } from '../extensions/header-grammar.js';
import { hostFault, parseHost } from './host.js';
import type { HeaderField, RequestHead } from './request-head.js';
import { type RequestTarget, splitRequestTarget } from './request-target.js';

/** The target of a valid request, and the host that it is for. */
export interface HttpRequest extends RequestTarget {
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
  demand(version === '1.1' || (version === '1.0' && !isOpeningHandshake(head)), 'http-version');
  // RFC 9110 §15.5.6: Allow tells which ones would do.
  if (!methods.includes(method)) throw new HandshakeError('method', { Allow: methods.join(', ') });

  const parts = splitRequestTarget(target);
  const host = findHost(parts, valuesOf(headers, 'host'), version);

  // RFC 9112 §6.3: with a body, what follows the head would not be frames, nor the next request.
  const contentLengths = valuesOf(headers, 'content-length');
  const hasNoLength = contentLengths.length === 0;
  demand(hasNoLength || (contentLengths.length === 1 && contentLengths[0] === '0'), 'body');
  demand(valuesOf(headers, 'transfer-encoding').length === 0, 'body');
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
    demand(hosts.length === 1, 'host');
    demand(parseHost(host) !== null, hostFault(host));
  }
  if (authority === null) return host;
  demand(parseHost(authority) !== null, 'request-target');
  return authority;
}

/**
 * Whether a request asks for a WebSocket connection, rightly or wrongly. A key without an Upgrade header
 * comes from behind a proxy that has dropped it: who set it up wants to be told so, and not to find a page
 * there.
 */
export function isOpeningHandshake({ headers }: RequestHead): boolean {
  return (
    includes(headers, 'upgrade', 'websocket') || valuesOf(headers, 'sec-websocket-key').length > 0
  );
}

/** @throws {HandshakeError} naming the rule when it is not met */
export function demand(isMet: boolean, rule: HandshakeError['rule']): asserts isMet {
  if (!isMet) throw new HandshakeError(rule);
}

/** The values of all headers of that name, which is lowercase, in the order in which they came. */
export function valuesOf(headers: readonly HeaderField[], name: string): string[] {
  const values: string[] = [];
  for (const header of headers) if (header.name === name) values.push(header.value);
  return values;
}

/** Whether a list header has that element, which is lowercase, without regard to case. */
export function includes(headers: readonly HeaderField[], name: string, element: string): boolean {
  return splitList(valuesOf(headers, name)).some((one) => one.toLowerCase() === element);
}
