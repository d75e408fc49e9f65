/** Addresses as the records of a session name them. */
import { parseIp, parsePort, unmapped } from '../../handshake/ip-address.js';

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
  // A zone (`fe80::1%eth0`) means something on the machine of the server only.
  const [host = ''] = text.slice(0, colon).split('%');
  const bytes = parseIp(host.startsWith('[') ? host.slice(1).replace(']', '') : host);
  return port === null || bytes === null ? null : { bytes: unmapped(bytes), port };
}
