/** Addresses as the records of a session name them. */
import { parseIp, parsePort, unmapped } from './ip-address.js';

export interface RecordedAddress {
  /** 4 bytes of an IPv4 address, 16 of an IPv6 address. */
  readonly bytes: Uint8Array;
  readonly port: number;
}

/** @param text `address:port` or `[address]:port`. @returns null for anything else, `unix` for instance */
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

/** @param text an address without a port, as where a proxy has told no port. @returns null for anything else */
export function parseRecordedHost(text: string): Uint8Array | null {
  // A zone (`fe80::1%eth0`) means something on the machine of the server only.
  const [host = ''] = text.split('%');
  const bytes = parseIp(host);
  return bytes === null ? null : unmapped(bytes);
}
