import { isIPv4, isIPv6 } from 'node:net';
import type { ListenAddress } from '../server/listen-address.js';

/** The address that a bare port means: only this machine, so that nothing is open by accident. */
const LOOPBACK = '127.0.0.1';

/** The longest path of a Unix socket on Linux, in bytes: `sun_path` less its closing zero. */
const MAX_UNIX_PATH_BYTES = 107;

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/**
 * Reads `PORT` (loopback), `:PORT` (every address), `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
 * @returns null when `text` is none of them
 */
export function parseListenAddress(text: string): ListenAddress | null {
  if (text.startsWith('unix:')) return parseUnixPath(text.slice('unix:'.length));
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
  if (address.kind === 'unix') return `unix:${address.path}`;
  if (address.host === null) return `:${address.port}`;
  return isIPv6(address.host)
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

function parseUnixPath(path: string): ListenAddress | null {
  if (path === '' || path.includes('\0')) return null;
  return Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES ? null : { kind: 'unix', path };
}

function parsePort(text: string): number | null {
  const port = Number(text);
  return /^(0|[1-9]\d{0,4})$/.test(text) && port <= 65_535 ? port : null;
}

function parseHost(text: string): string | null {
  if (text.startsWith('[') && text.endsWith(']')) {
    const host = text.slice(1, -1);
    return isIPv6(host) ? host : null;
  }
  // Four numbers out of range, or three, are a mistyped address rather than a name.
  if (/^[\d.]+$/.test(text)) return isIPv4(text) ? text : null;
  return HOST_NAME.test(text) ? text : null;
}
