/** The names of header fields. Each one read becomes two texts, so those that nearly all requests have are here already. */
import type { Buffer } from 'node:buffer';

const USUAL_NAMES = [
  ...['host', 'upgrade', 'connection', 'origin', 'user-agent', 'cookie', 'authorization'],
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'],
  ...['sec-websocket-extensions', 'accept', 'accept-encoding', 'accept-language', 'pragma'],
  ...['cache-control', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip'],
];

/** By their length. */
const usualNames: string[][] = [];
for (const name of USUAL_NAMES) (usualNames[name.length] ??= []).push(name);

/** What makes a letter lowercase, and leaves the other characters of the names above as they are. */
const LOWERCASE_BIT = 0x20;

/** The token `bytes[start, end)` in lowercase. */
export function readHeaderName(bytes: Buffer, start: number, end: number): string {
  const candidates = usualNames[end - start];
  if (candidates !== undefined)
    for (const name of candidates) if (isName(name, bytes, start)) return name;
  return bytes.toString('latin1', start, end).toLowerCase();
}

/** Of all bytes of a token only a letter or a hyphen can become one. */
function isName(name: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < name.length; index += 1)
    if ((bytes[start + index]! | LOWERCASE_BIT) !== name.charCodeAt(index)) return false;
  return true;
}
