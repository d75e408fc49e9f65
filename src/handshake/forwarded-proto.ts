/** `X-Forwarded-Proto`, by which a proxy in front tells how the client has come to it. */
import { splitList } from '../extensions/header-grammar.js';
import { valuesOf } from './http-request.js';
import type { HeaderField } from './request-head.js';
import type { WebScheme } from './upgrade.js';

const SCHEMES: ReadonlyMap<string, WebScheme> = new Map([
  ['http', 'http'],
  ['ws', 'http'],
  ['https', 'https'],
  ['wss', 'https'],
]);

/** @returns the scheme that all proxies on the way agree on; null when they do not, or do not say */
export function forwardedScheme(headers: readonly HeaderField[]): WebScheme | null {
  const named = splitList(valuesOf(headers, 'x-forwarded-proto'));
  const schemes = new Set(named.map((one) => SCHEMES.get(one.toLowerCase()) ?? null));
  const [scheme = null] = schemes;
  return schemes.size === 1 ? scheme : null;
}
