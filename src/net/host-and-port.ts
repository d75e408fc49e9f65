import type { PeerAddress } from './peer-address.js';

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `address:port`, with brackets around an IPv6 address; `unix` for a Unix socket. */
export function formatPeer({ remoteAddress, remotePort }: PeerAddress): string {
  return remotePort === 0 ? remoteAddress : formatHostAndPort(remoteAddress, remotePort);
}
