import { UNIX_SCHEME, parseHost, parsePort, parseUnixPath } from './address-text.js';

/** A TCP service, one behind TLS, or a Unix socket; `text` is how it is written in the configuration. */
export type Target =
  | {
      readonly kind: 'tcp' | 'tls';
      readonly host: string;
      readonly port: number;
      readonly text: string;
    }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

const TLS_SCHEME = 'tls://';

/**
 * Reads `host:port`, `[IPv6]:port` or `unix:PATH`, with `tls://` before a host for TLS. Host and port
 * are both needed.
 *
 * @returns null when `text` is none of them
 */
export function parseTarget(text: string): Target | null {
  if (text.startsWith(UNIX_SCHEME)) {
    const path = parseUnixPath(text);
    return path === null ? null : { kind: 'unix', path, text };
  }
  const isTls = text.startsWith(TLS_SCHEME);
  const address = isTls ? text.slice(TLS_SCHEME.length) : text;
  const colon = Math.max(address.lastIndexOf(':'), 0);
  const host = parseHost(address.slice(0, colon));
  const port = parsePort(address.slice(colon + 1));
  if (host === null || port === null || port === 0) return null;
  return { kind: isTls ? 'tls' : 'tcp', host, port, text };
}
