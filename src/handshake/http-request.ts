/** What holds for every HTTP request that is served here, whatever it asks for. */
import { HandshakeError } from '../errors.js';
import { parseHost } from './host.js';
import type { HeaderField, RequestHead } from './request-head.js';
import { type RequestTarget, splitRequestTarget } from './request-target.js';

/** The target of a valid request, and its Host header. */
export interface HttpRequest extends RequestTarget {
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

  // RFC 6455 §4.2.1(1): "An HTTP/1.1 or higher GET request". Higher ones do not share its syntax.
  demand(version === '1.1', 'http-version');
  // RFC 9110 §15.5.6: Allow tells which ones would do.
  if (!methods.includes(method)) throw new HandshakeError('method', { Allow: methods.join(', ') });

  // RFC 6455 §4.2.1(2) and RFC 9112 §3.2: one Host, and the same as in an absolute target. An
  // empty one would only be right for a target that has no authority.
  const parts = splitRequestTarget(target);
  const hosts = valuesOf(headers, 'host');
  const [host = ''] = hosts;
  demand(hosts.length === 1 && parseHost(host) !== null, 'host');
  const { authority } = parts;
  demand(authority === null || authority.toLowerCase() === host.toLowerCase(), 'host-mismatch');

  // RFC 9112 §6.3: with a body, what follows the head would not be frames, nor the next request.
  const contentLengths = valuesOf(headers, 'content-length');
  const hasNoLength = contentLengths.length === 0;
  demand(hasNoLength || (contentLengths.length === 1 && contentLengths[0] === '0'), 'body');
  demand(valuesOf(headers, 'transfer-encoding').length === 0, 'body');
  return { ...parts, host };
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
