/**
 * A recording as a pcapng file that Wireshark opens: each session on a TCP connection that is made up
 * around what was recorded, so that its own dissectors find the WebSocket frames.
 */
import type { AnyRecord, OpenRecord } from '../record.js';
import { ChunkedOutput } from './chunked-output.js';
import type { ConvertOutput, Converter } from './converter.js';
import { fileStart } from './pcapng-blocks.js';
import { PcapngSession } from './pcapng-session.js';
import { parseRecordedAddress } from './recorded-address.js';
import { steadyTimes } from './steady-times.js';
import { type Addresses, TcpConversation } from './tcp-conversation.js';

/** Ports of made-up clients: all but those that need privileges. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
const MADE_UP_SERVER = { bytes: Uint8Array.of(192, 0, 2, 1), port: 9001 };
/** Sequence numbers of connections between the same addresses must differ for Wireshark to tell them apart. */
const SEQUENCE_STEP = 0x9e37_79b1;

export function pcapngConverter(output: ConvertOutput): Converter {
  return steadyTimes(new PcapngConverter(output));
}

class PcapngConverter implements Converter {
  readonly #output: ChunkedOutput;
  readonly #sessions = new Map<string, PcapngSession>();
  #begun = 0;
  /** Goes to the next segment. */
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
      case 'frame':
      case 'target':
        return undefined;
      case 'gap':
        this.#note = `${record.records} records are missing before this (${record.error})`;
        return undefined;
      case 'open':
        this.#begin(record.s, record.t, record);
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

  async finish(): Promise<void> {
    await this.#output.finish();
  }

  #session(name: string, t: number): PcapngSession {
    return this.#sessions.get(name) ?? this.#begin(name, t, null);
  }

  #begin(name: string, t: number, open: OpenRecord | null): PcapngSession {
    const number = this.#begun++;
    const addresses = addressesOf(open) ?? {
      client: madeUpClient(number),
      server: MADE_UP_SERVER,
    };
    const first = Math.imul(number, SEQUENCE_STEP) >>> 0;
    const session = new PcapngSession(new TcpConversation(this.#output, addresses, first));
    this.#sessions.set(name, session);
    session.open(open, t, this.#takeNote());
    return session;
  }

  #takeNote(): string {
    const note = this.#note;
    this.#note = '';
    return note;
  }
}

/** @returns null when they cannot stand in the headers of one datagram */
function addressesOf(open: OpenRecord | null): Addresses | null {
  if (open === null) return null;
  const client = parseRecordedAddress(open.remote);
  const server = parseRecordedAddress(open.local);
  return client === null || server?.bytes.length !== client.bytes.length
    ? null
    : { client, server };
}

/** An address that is kept for documentation (RFC 5737 §3), and a port that goes up. */
function madeUpClient(number: number): Addresses['client'] {
  const host = 2 + (Math.floor(number / PORTS) % 253);
  return { bytes: Uint8Array.of(192, 0, 2, host), port: FIRST_PORT + (number % PORTS) };
}
