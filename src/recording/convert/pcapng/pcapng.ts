/**
 * A recording as a pcapng file that Wireshark opens. Each session is put on a made-up TCP connection,
 * so Wireshark's own dissectors find the WebSocket frames.
 */
import type { AnyRecord, OpenRecord } from '../../format/record.js';
import { ChunkedOutput } from '../chunked-output.js';
import type { ConvertOutput, Converter } from '../converter.js';
import { OpenSessions } from '../open-sessions.js';
import { FrameRoom } from './frame-trail.js';
import { fileStart } from './pcapng-blocks.js';
import { PcapngSession } from './pcapng-session.js';
import {
  parseRecordedAddress,
  parseRecordedHost,
  type RecordedAddress,
} from '../../../net/socket-address.js';
import { steadyTimes } from '../steady-times.js';
import { type Addresses, TcpConversation } from './tcp-conversation.js';

/**
 * Ports of made-up clients: the range that is assigned to no protocol (RFC 6335 §6), so that Wireshark
 * does not take them for one.
 */
const FIRST_PORT = 49_152;
const PORTS = 65_536 - FIRST_PORT;
const SERVER_PORT = 9001;
/** Prefixes reserved for documentation (RFC 5737 §3, RFC 3849). */
const DOCUMENTATION = {
  4: [192, 0, 2, 0],
  16: [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(12).fill(0)],
} as const;
/** What an open session takes, about, besides the frames that wait for their message. */
const SESSION_BYTES = 2048;

/**
 * Sequence numbers of connections between the same addresses must differ, so that Wireshark can tell
 * the connections apart.
 */
const SEQUENCE_STEP = 0x9e37_79b1;

export function pcapngConverter(output: ConvertOutput): Converter {
  return steadyTimes(new PcapngConverter(output));
}

class PcapngConverter implements Converter {
  readonly #output: ChunkedOutput;
  readonly #sessions = new OpenSessions<PcapngSession>(SESSION_BYTES);
  readonly #room = new FrameRoom();
  #begun = 0;
  /** Moves on to the next segment. */
  #note = '';

  constructor(output: ConvertOutput) {
    this.#output = new ChunkedOutput(output);
    const start = fileStart('twist');
    this.#output.chunk.set(start);
    this.#output.at = start.length;
  }

  convert(record: AnyRecord): Promise<void> | undefined {
    switch (record.ev) {
      case 'file':
      case 'target':
        return undefined;
      case 'count':
        this.#note = `${record.n} of kind ${record.of} were counted before this, not recorded`;
        return undefined;
      case 'gap':
        this.#note = `${record.records} records are missing before this (${record.error})`;
        return undefined;
      case 'open':
        this.#begin(record.s, record.t, record);
        break;
      case 'frame':
        this.#session(record.s, record.t).frame(record);
        break;
      case 'msg':
        this.#session(record.s, record.t).message(record, this.#takeNote());
        break;
      case 'ctl':
        this.#session(record.s, record.t).control(record, this.#takeNote());
        break;
      case 'close':
        this.#session(record.s, record.t).close(record, this.#takeNote());
        this.#sessions.delete(record.s);
        break;
    }
    return this.#output.drain();
  }

  get givenUp(): number {
    return this.#sessions.givenUp;
  }

  flush(): Promise<void> {
    return this.#output.flush();
  }

  async finish(): Promise<void> {
    await this.#output.flush();
  }

  #session(name: string, t: number): PcapngSession {
    return this.#sessions.get(name) ?? this.#begin(name, t, null);
  }

  #begin(name: string, t: number, open: OpenRecord | null): PcapngSession {
    const number = this.#begun++;
    const addresses = addressesOf(open, number);
    const first = Math.imul(number, SEQUENCE_STEP) >>> 0;
    const conversation = new TcpConversation(this.#output, addresses, first);
    const session = new PcapngSession(conversation, this.#room);
    for (const one of this.#sessions.set(name, session)) one.giveUp();
    session.open(open, t, this.#takeNote());
    return session;
  }

  #takeNote(): string {
    const note = this.#note;
    this.#note = '';
    return note;
  }
}

/** Keeps what is known; makes up the rest, for a Unix socket or a missing beginning. */
function addressesOf(open: OpenRecord | null, number: number): Addresses {
  const port = FIRST_PORT + (number % PORTS);
  const client = open === null ? null : addressOf(open.remote, port);
  const server = open === null ? null : addressOf(open.local, SERVER_PORT);
  // Both addresses are in the header of one datagram: IPv4 beside IPv6 is written as IPv6 (RFC 4291
  // §2.5.5.2).
  const isIpv6 = client?.bytes.length === 16 || server?.bytes.length === 16;
  const family = isIpv6 ? 16 : 4;
  return {
    client: fitting(client ?? madeUp(family, hostOf(number), port), family),
    server: fitting(server ?? madeUp(family, 1, SERVER_PORT), family),
  };
}

/** @param port the port to use if none is known */
function addressOf(text: string, port: number): RecordedAddress | null {
  const address = parseRecordedAddress(text);
  if (address !== null) return address;
  const bytes = parseRecordedHost(text);
  return bytes === null ? null : { bytes, port };
}

function fitting({ bytes, port }: RecordedAddress, family: 4 | 16): RecordedAddress {
  if (bytes.length === family) return { bytes, port };
  return { bytes: Uint8Array.of(...Array<number>(10).fill(0), 0xff, 0xff, ...bytes), port };
}

/** Counts up the ports, and then the last byte of a made-up address. */
function hostOf(number: number): number {
  return 2 + (Math.floor(number / PORTS) % 253);
}

function madeUp(family: 4 | 16, host: number, port: number): RecordedAddress {
  const bytes = Uint8Array.from(DOCUMENTATION[family]);
  bytes[family - 1] = host;
  return { bytes, port };
}
