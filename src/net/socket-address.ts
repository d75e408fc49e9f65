/**
 * Addresses of sockets as text: where the server listens, what it connects to, and who connects to it.
 * Everything that reads or writes `host:port` or `unix:PATH` is here.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { parseIp, parsePort, unmapped } from './ip-address.js';

/** The longest path of a Unix socket on Linux, in bytes: `sun_path` less its closing zero. */
export const MAX_UNIX_PATH_BYTES = 107;

/** Stands before the path of a Unix socket. */
const UNIX_SCHEME = 'unix:';

/** Stands for sockets that systemd passes on, or before the name of some of them; a number would be a port. */
const SYSTEMD = /^systemd(?::(?!\d+$)([\x21-\x39\x3b-\x7e]{1,255}))?$/;

const TLS_SCHEME = 'tls://';

/** What may stand before an address to listen on, and whether it means TLS. */
const LISTEN_SCHEMES = [
  ['wss://', true],
  ['ws://', false],
] as const;

/** The address that a bare port means: this machine only, so that nothing is open by accident. */
const LOOPBACK = '127.0.0.1';

/** The longest name (RFC 1035 §2.3.4), with the dot at its end. */
const MAX_HOST_NAME = 254;

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Where a listener is bound: a TCP port (`host` null means every address), a Unix socket, or sockets that systemd has
 * bound and passes on.
 */
export type ListenAddress =
  | {
      readonly kind: 'tcp';
      readonly host: string | null;
      readonly port: number;
      /** True for `wss://`, false for `ws://`; without either it has TLS if there is a certificate. */
      readonly tls?: boolean;
    }
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'systemd';
      /** `FileDescriptorName=` of those that are meant; null for all of them. */
      readonly name: string | null;
      readonly tls?: boolean;
    };

/** A TCP service, with or without TLS, or a Unix socket; `text` is how the configuration writes it. */
export type Target =
  | {
      readonly kind: 'tcp' | 'tls';
      readonly host: string;
      readonly port: number;
      readonly text: string;
    }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** Where a connection comes from. */
export interface PeerAddress {
  /** The client's address: IPv4 or IPv6 as RFC 5952 §4 writes it, or `unix`. */
  readonly remoteAddress: string;
  /** The client's port; 0 on a Unix socket, or when a proxy did not report one. */
  readonly remotePort: number;
}

/** An address as the records of a session name it. */
export interface RecordedAddress {
  /** 4 bytes of an IPv4 address, 16 of an IPv6 address. */
  readonly bytes: Uint8Array;
  readonly port: number;
}

// ---- Parts

/**
 * Reads a name, an IPv4 address, or an IPv6 address in brackets, which it takes off. A dot at the end of
 * a name means that no search list applies.
 *
 * @returns null when `text` is none of them
 */
export function parseHostName(text: string): string | null {
  if (text.startsWith('[') && text.endsWith(']')) {
    const host = text.slice(1, -1);
    return isIPv6(host) ? host : null;
  }
  // Four numbers out of range, or three, are a mistyped address rather than a name.
  if (/^[\d.]+$/.test(text)) return isIPv4(text) ? text : null;
  return text.length <= MAX_HOST_NAME && HOST_NAME.test(text) ? text : null;
}

/** The path in `unix:PATH`; null when it is empty, too long for a Unix socket, or has a zero byte. */
function parseUnixPath(text: string): string | null {
  const path = text.slice(UNIX_SCHEME.length);
  const isPath = path !== '' && !path.includes('\0');
  return isPath && Buffer.byteLength(path) <= MAX_UNIX_PATH_BYTES ? path : null;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `address:port`, with brackets around an IPv6 address; `unix` for a Unix socket. */
export function formatPeer({ remoteAddress, remotePort }: PeerAddress): string {
  return remotePort === 0 ? remoteAddress : formatHostAndPort(remoteAddress, remotePort);
}

// ---- Listeners

/**
 * Reads `PORT` (loopback), `:PORT` (every address), `HOST:PORT`, `[IPV6]:PORT`, `systemd`, `systemd:NAME` or
 * `unix:PATH`; before all but the last `wss://` asks for TLS, and `ws://` for none.
 *
 * @returns null when `text` is none of them
 */
export function parseListenAddress(text: string): ListenAddress | null {
  if (text.startsWith(UNIX_SCHEME)) {
    const path = parseUnixPath(text);
    return path === null ? null : { kind: 'unix', path };
  }
  for (const [scheme, tls] of LISTEN_SCHEMES) {
    if (!text.startsWith(scheme)) continue;
    const address = parseSecurable(text.slice(scheme.length));
    return address === null ? null : { ...address, tls };
  }
  return parseSecurable(text);
}

/** An address that may speak TLS. */
function parseSecurable(text: string): Exclude<ListenAddress, { kind: 'unix' }> | null {
  const passed = SYSTEMD.exec(text);
  return passed === null ? parseTcpAddress(text) : { kind: 'systemd', name: passed[1] ?? null };
}

function parseTcpAddress(text: string): (ListenAddress & { readonly kind: 'tcp' }) | null {
  const colon = text.lastIndexOf(':');
  const port = parsePort(text.slice(colon + 1));
  if (port === null) return null;
  if (colon === -1) return { kind: 'tcp', host: LOOPBACK, port };
  if (colon === 0) return { kind: 'tcp', host: null, port };
  const host = parseHostName(text.slice(0, colon));
  return host === null ? null : { kind: 'tcp', host, port };
}

/** @returns the text that {@link parseListenAddress} reads as this address */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `${UNIX_SCHEME}${address.path}`;
  const [scheme = ''] = LISTEN_SCHEMES.find((one) => one[1] === address.tls) ?? [];
  if (address.kind === 'systemd') return `${scheme}${formatPassed(address.name)}`;
  const { host, port } = address;
  return `${scheme}${host === null ? `:${port}` : formatHostAndPort(host, port)}`;
}

/** `systemd` or `systemd:NAME` */
export function formatPassed(name: string | null): string {
  return name === null ? 'systemd' : `systemd:${name}`;
}

// ---- Permissions of Unix sockets

/** Owner, group and others, each a digit; a zero in front says that it is octal. */
const UNIX_MODE = /^0?[0-7]{3}$/;

/** @returns permissions such as those of `0660` or `660`; null when `text` is none */
export function parseUnixMode(text: string): number | null {
  return UNIX_MODE.test(text) ? Number.parseInt(text, 8) : null;
}

/** @returns `0660` */
export function formatUnixMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

// ---- Targets

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
  const host = parseHostName(address.slice(0, colon));
  const port = parsePort(address.slice(colon + 1));
  if (host === null || port === null || port === 0) return null;
  return { kind: isTls ? 'tls' : 'tcp', host, port, text };
}

// ---- Recordings

/** @param text `address:port` or `[address]:port`. @returns null for anything else, such as `unix` */
export function parseRecordedAddress(text: string): RecordedAddress | null {
  const colon = text.lastIndexOf(':');
  if (colon === -1) return null;
  const port = parsePort(text.slice(colon + 1));
  const host = text.slice(0, colon);
  const isBracketed = host.startsWith('[');
  // `2001:db8::5:80` is an address without a port.
  if (host.includes(':') !== isBracketed) return null;
  const bytes = parseRecordedHost(isBracketed ? host.slice(1).replace(']', '') : host);
  return port === null || bytes === null ? null : { bytes, port };
}

/** @param text an address without a port: a proxy may not report one. @returns null for anything else */
export function parseRecordedHost(text: string): Uint8Array | null {
  // A zone (`fe80::1%eth0`) means something only on the server's machine.
  const [host = ''] = text.split('%');
  const bytes = parseIp(host);
  return bytes === null ? null : unmapped(bytes);
}
