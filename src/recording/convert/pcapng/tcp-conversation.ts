/** A TCP connection as an observer on the network would have seen it (RFC 9293 §3.1, RFC 791, RFC 8200). */
import type { Buffer } from 'node:buffer';
import type { Direction } from '../../format/record.js';
import type { ChunkedOutput } from '../chunked-output.js';
import { writeDatagramBlock } from './pcapng-blocks.js';
import type { RecordedAddress } from '../../../net/socket-address.js';

/** The flags of a segment. */
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;

/** The most payload in a segment: well below the capacity of an IP datagram. */
const MAX_SEGMENT_BYTES = 60_000;

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const TCP_HEADER_BYTES = 20;
const PROTOCOL_TCP = 6;
const HOP_LIMIT = 64;
const DO_NOT_FRAGMENT = 0x4000;

/** Maximum segment size; no operation; windows are scaled by 2^14, so they are never full. */
const SYN_OPTIONS = Uint8Array.of(
  ...[2, 4, MAX_SEGMENT_BYTES >> 8, MAX_SEGMENT_BYTES & 0xff],
  ...[1, 3, 3, 14],
);
const WINDOW = 0xffff;
/** A side acknowledges after it has received this much since it last sent something. */
const MAX_UNACKNOWLEDGED_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);

interface Side {
  readonly address: RecordedAddress;
  /** The sequence number of its next byte. */
  sequence: number;
  /** How many of the other side's bytes it has acknowledged. */
  acknowledged: number;
}

export interface Addresses {
  readonly client: RecordedAddress;
  /** Of the same family as the client's address. */
  readonly server: RecordedAddress;
}

export class TcpConversation {
  readonly #output: ChunkedOutput;
  readonly #in: Side;
  readonly #out: Side;

  /** @param first the sequence number that both sides begin with */
  constructor(output: ChunkedOutput, { client, server }: Addresses, first: number) {
    this.#output = output;
    this.#in = { address: client, sequence: first, acknowledged: first };
    this.#out = { address: server, sequence: first, acknowledged: first };
  }

  /** The three segments that establish the connection (RFC 9293 §3.5). */
  establish(seconds: number, comment: string): void {
    this.#segment('in', SYN, SYN_OPTIONS, NOTHING, seconds, comment);
    this.#segment('out', SYN | ACK, SYN_OPTIONS, NOTHING, seconds, '');
    this.#segment('in', ACK, NOTHING, NOTHING, seconds, '');
  }

  /**
   * Sends bytes, in as many segments as it takes.
   *
   * @param dir `in`: from the client
   * @param comment goes to the first segment; empty for none
   */
  send(dir: Direction, bytes: Uint8Array, seconds: number, comment: string): void {
    for (let start = 0; start < bytes.length; start += MAX_SEGMENT_BYTES) {
      const piece = bytes.subarray(start, start + MAX_SEGMENT_BYTES);
      this.#segment(dir, PSH | ACK, NOTHING, piece, seconds, start === 0 ? comment : '');
      const other = dir === 'in' ? 'out' : 'in';
      const [sender, receiver] = this.#sides(dir);
      const unacknowledged = (sender.sequence - receiver.acknowledged) >>> 0;
      if (unacknowledged >= MAX_UNACKNOWLEDGED_BYTES) {
        this.#segment(other, ACK, NOTHING, NOTHING, seconds, '');
      }
    }
  }

  /** One side closes, and the other does the same (RFC 9293 §3.6). */
  close(dir: Direction, seconds: number, comment: string): void {
    this.#segment(dir, FIN | ACK, NOTHING, NOTHING, seconds, comment);
    this.#segment(dir === 'in' ? 'out' : 'in', FIN | ACK, NOTHING, NOTHING, seconds, '');
    this.#segment(dir, ACK, NOTHING, NOTHING, seconds, '');
  }

  /** The connection is lost. */
  reset(dir: Direction, seconds: number, comment: string): void {
    this.#segment(dir, RST | ACK, NOTHING, NOTHING, seconds, comment);
  }

  #sides(dir: Direction): readonly [sender: Side, receiver: Side] {
    return dir === 'in' ? [this.#in, this.#out] : [this.#out, this.#in];
  }

  #segment(
    dir: Direction,
    flags: number,
    options: Uint8Array,
    payload: Uint8Array,
    seconds: number,
    comment: string,
  ): void {
    const [sender, receiver] = this.#sides(dir);
    const isIpv4 = sender.address.bytes.length === 4;
    const ipBytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const tcpBytes = TCP_HEADER_BYTES + options.length + payload.length;
    const at = writeDatagramBlock(this.#output, seconds, ipBytes + tcpBytes, comment);
    const { chunk } = this.#output;
    if (isIpv4) writeIpv4Header(chunk, at, sender, receiver, tcpBytes);
    else writeIpv6Header(chunk, at, sender, receiver, tcpBytes);

    const tcp = at + ipBytes;
    chunk.writeUInt16BE(sender.address.port, tcp);
    chunk.writeUInt16BE(receiver.address.port, tcp + 2);
    chunk.writeUInt32BE(sender.sequence, tcp + 4);
    chunk.writeUInt32BE((flags & ACK) === 0 ? 0 : receiver.sequence, tcp + 8);
    chunk[tcp + 12] = ((TCP_HEADER_BYTES + options.length) >> 2) << 4;
    chunk[tcp + 13] = flags;
    chunk.writeUInt16BE(WINDOW, tcp + 14);
    chunk.writeUInt32BE(0, tcp + 16);
    chunk.set(options, tcp + TCP_HEADER_BYTES);
    chunk.set(payload, tcp + TCP_HEADER_BYTES + options.length);
    // The pseudo-header: both addresses, which directly precede it, the protocol and the length.
    const addressBytes = 2 * sender.address.bytes.length;
    const sum = sumOf(chunk, tcp - addressBytes, tcp + tcpBytes);
    chunk.writeUInt16BE(checksum(sum + PROTOCOL_TCP + tcpBytes), tcp + 16);

    sender.acknowledged = receiver.sequence;
    const numbers = payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
    sender.sequence = (sender.sequence + numbers) >>> 0;
  }
}

function writeIpv4Header(
  chunk: Buffer,
  at: number,
  sender: Side,
  receiver: Side,
  payloadBytes: number,
): void {
  chunk.writeUInt16BE(0x4500, at);
  chunk.writeUInt16BE(IPV4_HEADER_BYTES + payloadBytes, at + 2);
  chunk.writeUInt16BE(0, at + 4);
  chunk.writeUInt16BE(DO_NOT_FRAGMENT, at + 6);
  chunk[at + 8] = HOP_LIMIT;
  chunk[at + 9] = PROTOCOL_TCP;
  chunk.writeUInt16BE(0, at + 10);
  chunk.set(sender.address.bytes, at + 12);
  chunk.set(receiver.address.bytes, at + 16);
  chunk.writeUInt16BE(checksum(sumOf(chunk, at, at + IPV4_HEADER_BYTES)), at + 10);
}

function writeIpv6Header(
  chunk: Buffer,
  at: number,
  sender: Side,
  receiver: Side,
  payloadBytes: number,
): void {
  chunk.writeUInt32BE(0x6000_0000, at);
  chunk.writeUInt16BE(payloadBytes, at + 4);
  chunk[at + 6] = PROTOCOL_TCP;
  chunk[at + 7] = HOP_LIMIT;
  chunk.set(sender.address.bytes, at + 8);
  chunk.set(receiver.address.bytes, at + 24);
}

/** The sum of 16-bit numbers, padded with a zero byte if the number of bytes is odd (RFC 1071). */
function sumOf(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  let position = start;
  for (; position + 1 < end; position += 2) sum += (bytes[position]! << 8) | bytes[position + 1]!;
  return position < end ? sum + (bytes[position]! << 8) : sum;
}

/** Folds a sum into 16 bits, adding the carries, and inverts it. */
function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}
