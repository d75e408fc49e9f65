/** Where to connect, and what may be said at the start and at the end: what a browser refuses is explained before it does. */
import { bytesOf } from './payload.js';

/** Where the page is. */
export interface PagePlace {
  readonly protocol: string;
  readonly host: string;
  readonly pathname: string;
}

/** The server that this page came from. */
export function ownUrl({ protocol, host, pathname }: PagePlace): string {
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${pathname}`;
}

/** What is wrong with a URL to connect to; null when nothing is. */
export function urlFault(text: string, place: PagePlace): string | null {
  const own = ownUrl({ ...place, pathname: '/' });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `Give a URL such as ${own}`;
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    return 'A WebSocket URL begins with ws:// or wss://';
  if (url.hash !== '') return 'A WebSocket URL has no fragment (RFC 6455 3)';
  if (url.host !== place.host || !own.startsWith(url.protocol))
    return `This page may only connect to ${own}, where it came from`;
  return null;
}

/** RFC 9110 5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Subprotocols, separated by commas or spaces. */
export function readSubprotocols(text: string): {
  readonly names: readonly string[];
  readonly fault: string | null;
} {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  const odd = names.find((name) => !TOKEN.test(name));
  if (odd !== undefined)
    return { names: [], fault: `${odd} is no token: letters, digits and !#$%&'*+-.^_\`|~` };
  if (new Set(names).size < names.length)
    return { names: [], fault: 'Each subprotocol is offered once (RFC 6455 4.1)' };
  return { names, fault: null };
}

/** What a page may close with. */
export interface CloseText {
  readonly code: string;
  readonly reason: string;
}

/** The longest reason, in bytes of UTF-8 (RFC 6455 5.5: 125 with the code). */
const MAX_REASON = 123;

export function readClose({ code, reason }: CloseText): {
  readonly code: number;
  readonly codeFault: string | null;
  readonly reasonFault: string | null;
} {
  const number = /^\d{4}$/.test(code.trim()) ? Number(code) : 0;
  const isGood = number === 1000 || (number >= 3000 && number <= 4999);
  const length = bytesOf(reason).length;
  return {
    code: number,
    codeFault: isGood ? null : 'Browsers send 1000, and 3000 to 4999',
    reasonFault: length > MAX_REASON ? `${length} bytes; at most ${MAX_REASON}` : null,
  };
}

/** What the query of a URL says of these controls; null for a bare word. */
export function controlsIn(
  url: string,
  names: readonly string[],
): ReadonlyMap<string, string | null> {
  const [, query = ''] = url.split('?');
  const found = new Map<string, string | null>();
  for (const [name, value] of new URLSearchParams(query))
    if (names.includes(name)) found.set(name, value === '' ? null : value);
  return found;
}

/** A URL with a query that says how the server is to behave; names without a value are bare words. */
export function withControls(url: string, values: ReadonlyMap<string, string | null>): string {
  const [path = ''] = url.split('?');
  const words = [...values].map(([name, value]) =>
    value === null ? name : `${name}=${encodeURIComponent(value)}`,
  );
  return words.length === 0 ? path : `${path}?${words.join('&')}`;
}
