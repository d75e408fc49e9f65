/** Addresses of sockets as people write them: what listeners and targets have in common. */
import { isIPv4, isIPv6 } from 'node:net';

/** The longest path of a Unix socket on Linux, in bytes: `sun_path` less its closing zero. */
const MAX_UNIX_PATH_BYTES = 107;

/** What stands before the path of a Unix socket. */
export const UNIX_SCHEME = 'unix:';

/** The longest name (RFC 1035 §2.3.4), with the dot at its end. */
const MAX_HOST_NAME = 254;

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * A name, with a dot at its end where no search list is to be gone through, an IPv4 address, or an IPv6
 * address in brackets, which are taken off; null for anything else.
 */
export function parseHost(text: string): string | null {
  if (text.startsWith('[') && text.endsWith(']')) {
    const host = text.slice(1, -1);
    return isIPv6(host) ? host : null;
  }
  // Four numbers out of range, or three, are a mistyped address rather than a name.
  if (/^[\d.]+$/.test(text)) return isIPv4(text) ? text : null;
  return text.length <= MAX_HOST_NAME && HOST_NAME.test(text) ? text : null;
}

/** A port from 0 to 65535, without leading zeros; null for anything else. */
export function parsePort(text: string): number | null {
  const port = Number(text);
  return /^(0|[1-9]\d{0,4})$/.test(text) && port <= 65_535 ? port : null;
}

/** The path behind {@link UNIX_SCHEME}, if a Unix socket can have it; null otherwise. */
export function parseUnixPath(text: string): string | null {
  const path = text.slice(UNIX_SCHEME.length);
  const isPath = text.startsWith(UNIX_SCHEME) && path !== '' && !path.includes('\0');
  return isPath && Buffer.byteLength(path) <= MAX_UNIX_PATH_BYTES ? path : null;
}
