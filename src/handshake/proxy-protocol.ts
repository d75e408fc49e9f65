/**
 * The PROXY protocol, by which a proxy reports the client it has connected for: one header before all that
 * the client sends (The PROXY protocol, versions 1 and 2, §2.1 and §2.2).
 */
import { Buffer } from 'node:buffer';
import { HandshakeError, InvalidStateError } from '../errors.js';
import { formatUnmapped, parseIpv4, parseIpv6, parsePort } from '../net/ip-address.js';
import type { PeerAddress } from '../net/socket-address.js';

/** §2.1: the longest line of version 1, CRLF included. */
const MAX_LINE_BYTES = 107;
/** What may follow the fixed part of version 2; the format would allow 65,535 bytes. */
const MAX_BODY_BYTES = 4096;

const LF = 0x0a;
const CR = 0x0d;

const LINE_START = Buffer.from('PROXY ', 'latin1');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

// Where the bytes of version 2 stand (§2.2).
const COMMAND_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;
const BODY_AT = 16;

const LOCAL = 0x20;
const PROXY = 0x21;

const TCP4 = 0x11;
const TCP6 = 0x21;
/** The last transport protocol, after unspecified and stream. */
const DATAGRAM = 2;
/** How long the addresses of a family are: unspecified, IPv4, IPv6, Unix. */
const ADDRESS_BYTES: readonly number[] = [0, 12, 36, 216];

/**
 * Reads a header of either version from pieces of any size. Browsers do not send one, so nothing
 * that the format does not allow is tolerated. At most 107 bytes are kept.
 */
export class ProxyHeaderParser {
  readonly #kept = new Uint8Array(MAX_LINE_BYTES);
  /** Bytes received. */
  #length = 0;
  /** Where a header of version 2 ends. */
  #end = BODY_AT;
  #isOver = false;
  #client: PeerAddress | null = null;

  /** Whether any byte was seen. */
  get hasReceivedBytes(): boolean {
    return this.#length > 0;
  }

  /**
   * For whom the proxy has connected, once the header is complete. Null when it has done so for itself
   * (LOCAL), or does not say: the connection's own address is right then.
   */
  get client(): PeerAddress | null {
    return this.#client;
  }

  /**
   * Takes the bytes from `start` up to `end`.
   *
   * @returns the index just after the header; -1 when more is needed
   * @throws {HandshakeError} `proxy-header` when it is malformed
   * @throws {InvalidStateError} when the header is already complete or was refused
   */
  receive(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isOver) throw new InvalidStateError('the PROXY header is already over');
    for (let at = start; at < end; at += 1) {
      if (this.#accept(bytes[at]!)) return at + 1;
    }
    return -1;
  }

  /** @returns true when it was the last byte */
  #accept(byte: number): boolean {
    const at = this.#length;
    this.#length += 1;
    if (at < MAX_LINE_BYTES) this.#kept[at] = byte;
    const isLine = this.#kept[0] === LINE_START[0];
    const begin = isLine ? LINE_START : SIGNATURE;
    if (at >= begin.length)
      return isLine ? this.#acceptLine(at, byte) : this.#acceptBinary(at, byte);
    this.#assert(byte === begin[at]);
    return false;
  }

  // ---- Version 1

  #acceptLine(at: number, byte: number): boolean {
    this.#assert((byte === LF) === (this.#kept[at - 1] === CR));
    this.#assert(byte === LF || this.#length < MAX_LINE_BYTES);
    if (byte === LF) this.#readLine(at - 1);
    return byte === LF;
  }

  #readLine(end: number): void {
    const text = Buffer.from(this.#kept.subarray(LINE_START.length, end)).toString('latin1');
    const [protocol, source = '', destination = '', ...ports] = text.split(' ');
    this.#isOver = true;
    // §2.1: what follows UNKNOWN is to be ignored.
    if (protocol === 'UNKNOWN') return;
    this.#assert(protocol === 'TCP4' || protocol === 'TCP6');
    const parse = protocol === 'TCP4' ? parseIpv4 : parseIpv6;
    const address = parse(source);
    const [port = null, destinationPort = null] = ports.map(parsePort);
    this.#assert(parse(destination) !== null && destinationPort !== null && ports.length === 2);
    if (address === null || port === null) return this.#fail();
    this.#client = { remoteAddress: formatUnmapped(address), remotePort: port };
  }

  // ---- Version 2

  #acceptBinary(at: number, byte: number): boolean {
    if (at === COMMAND_AT) this.#assert(byte === LOCAL || byte === PROXY);
    else if (at === FAMILY_AT) this.#assert(this.#isLocal || isKnownFamily(byte));
    else if (at === LENGTH_AT + 1) this.#readLength();
    const isComplete = at > LENGTH_AT && this.#length === this.#end;
    if (isComplete) this.#readBody();
    return isComplete;
  }

  /** §2.2: the family of LOCAL is ignored. */
  get #isLocal(): boolean {
    return this.#kept[COMMAND_AT] === LOCAL;
  }

  #readLength(): void {
    const bodyBytes = this.#uint16(LENGTH_AT);
    const addressBytes = this.#isLocal ? 0 : ADDRESS_BYTES[this.#kept[FAMILY_AT]! >> 4]!;
    this.#assert(bodyBytes >= addressBytes && bodyBytes <= MAX_BODY_BYTES);
    this.#end = BODY_AT + bodyBytes;
  }

  /** What follows the addresses, the TLVs, is ignored. */
  #readBody(): void {
    this.#isOver = true;
    const family = this.#kept[FAMILY_AT]!;
    // §2.2: a receiver without a use for a family treats it as unspecified.
    if (this.#isLocal || (family !== TCP4 && family !== TCP6)) return;
    const bytes = family === TCP4 ? 4 : 16;
    this.#client = {
      remoteAddress: formatUnmapped(this.#kept.subarray(BODY_AT, BODY_AT + bytes)),
      remotePort: this.#uint16(BODY_AT + 2 * bytes),
    };
  }

  #uint16(at: number): number {
    return (this.#kept[at]! << 8) | this.#kept[at + 1]!;
  }

  #assert(isMet: boolean): void {
    if (!isMet) this.#fail();
  }

  #fail(): never {
    this.#isOver = true;
    throw new HandshakeError('proxy-header');
  }
}

/** §2.2: connections with any other family or protocol must be dropped. */
function isKnownFamily(byte: number): boolean {
  return byte >> 4 < ADDRESS_BYTES.length && (byte & 0x0f) <= DATAGRAM;
}
