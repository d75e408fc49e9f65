import { UNIX_SCHEME, parseHost, parsePort, parseUnixPath } from './address-text.js';

/** Where a listener is bound: a TCP port (`host` null means every address) or a Unix socket. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The address that a bare port means: only this machine, so that nothing is open by accident. */
const LOOPBACK = '127.0.0.1';

/**
 * Reads `PORT` (loopback), `:PORT` (every address), `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
 * @returns null when `text` is none of them
 */
export function parseListenAddress(text: string): ListenAddress | null {
  if (text.startsWith(UNIX_SCHEME)) {
    const path = parseUnixPath(text);
    return path === null ? null : { kind: 'unix', path };
  }
  const colon = text.lastIndexOf(':');
  const port = parsePort(text.slice(colon + 1));
  if (port === null) return null;
  if (colon === -1) return { kind: 'tcp', host: LOOPBACK, port };
  if (colon === 0) return { kind: 'tcp', host: null, port };
  const host = parseHost(text.slice(0, colon));
  return host === null ? null : { kind: 'tcp', host, port };
}

/** @returns the text that {@link parseListenAddress} reads as this address */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `${UNIX_SCHEME}${address.path}`;
  if (address.host === null) return `:${address.port}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
