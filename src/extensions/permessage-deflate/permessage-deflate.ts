/** permessage-deflate (RFC 7692 §7) as an extension of the chain. */
import { MemoryAccount } from '../../budget/memory-account.js';
import { type Turns, loopTurns } from '../../budget/turns.js';
import { NegotiationError } from '../../errors.js';
import type { ExtensionOffer } from '../header.js';
import type { Extension, ExtensionSession, Message } from '../extension.js';
import { CompressorBudget } from './compressor-budget.js';
import { DeflateCounters } from './deflate-counters.js';
import { MessageDeflater } from './message-deflater.js';
import { MessageInflater } from './message-inflater.js';
import { type DeflateParameterPolicy, type DeflateParameters, answerOffer } from './parameters.js';
import { type SharedWork, shareWork } from './shared-work.js';
import type { Share } from './sliced-work.js';
import { isSyncContextUsable } from './zlib-context.js';

export interface PermessageDeflateOptions extends DeflateParameterPolicy {
  /** 1 (fast) to 9 (small). */
  readonly level: number;
  /** Messages with fewer bytes of payload are not compressed where there is no history to help. */
  readonly thresholdBytes: number;
  /** Memory that the compressors of all connections may keep between messages, in bytes. */
  readonly memoryBytes: number;
  /** See `InflaterOptions`. */
  readonly maxRatio: number;
}

/** RSV1 says that a message is compressed (RFC 7692 §7.2.3). */
const RSV1 = 4;

const NAME = 'permessage-deflate';

/** What it shares with everything else in the process; each has a default. */
export interface DeflateSurroundings {
  /** Is charged for what sessions hold; by default it has no limit. */
  readonly memory?: MemoryAccount;
  /** Shares the event loop; by default that of this thread. */
  readonly turns?: Turns;
}

/**
 * Makes the extension; the compressors of all its sessions share one memory budget.
 *
 * @param counters counts what its sessions do
 */
export function permessageDeflate(
  options: PermessageDeflateOptions,
  counters = new DeflateCounters(),
  { memory = new MemoryAccount(), turns = loopTurns }: DeflateSurroundings = {},
): Extension {
  const budget = new CompressorBudget(options.memoryBytes, memory);
  counters.budget = budget;
  let shared: SharedWork | null = null;
  const create = (): PermessageDeflateSession => {
    // For the first client that asks: zlib takes a start three milliseconds (docs/adr/0040-start.md).
    shared ??= shareWork(isSyncContextUsable(), budget, memory, turns);
    return new PermessageDeflateSession(options, shared, counters);
  };
  return { name: NAME, create };
}

/** What the session line of the log says. */
export interface DeflateStats {
  /** Message bytes for each byte on the wire, each way; null when nothing was compressed. */
  readonly ratioIn: number | null;
  readonly ratioOut: number | null;
}

class PermessageDeflateSession implements ExtensionSession {
  readonly keepsPayload = false;
  readonly #options: PermessageDeflateOptions;
  readonly #shared: SharedWork;
  readonly #counters: DeflateCounters;
  #parameters: DeflateParameters | null = null;
  /** Of the event loop, both ways together; null before there was a compressed message. */
  #share: Share | null = null;
  #deflater: MessageDeflater | null = null;
  #inflater: MessageInflater | null = null;
  #wireIn = 0;
  #plainIn = 0;
  #wireOut = 0;
  #plainOut = 0;

  constructor(options: PermessageDeflateOptions, shared: SharedWork, counters: DeflateCounters) {
    this.#options = options;
    this.#shared = shared;
    this.#counters = counters;
  }

  get enabled(): boolean {
    return this.#parameters !== null;
  }

  init(offers: readonly ExtensionOffer[]): void {
    for (const offer of offers) {
      this.#parameters = answerOffer(offer, this.#options);
      if (this.#parameters !== null) return;
    }
    throw new NegotiationError('no offer of permessage-deflate can be honoured');
  }

  response(): string | null {
    return this.#parameters?.response ?? null;
  }

  reserveRsv(reserved: number): number {
    if ((reserved & RSV1) !== 0) throw new NegotiationError('RSV1 is taken');
    return RSV1;
  }

  decode(message: Message, maxBytes: number): Message | Promise<Message> {
    if ((message.rsv & RSV1) === 0) return message;
    this.#inflater ??= this.#makeInflater();
    const payload = this.#inflater.inflate(message.payload, maxBytes);
    return payload instanceof Uint8Array
      ? this.#decoded(message, payload)
      : payload.then((inflated) => this.#decoded(message, inflated));
  }

  /**
   * A small message without a history becomes a stored block; an empty one is the single byte 0x00 (RFC 7692 §7.2.3.6).
   * Every message is marked as compressed: clients with libwebsockets, for one, read any other again and
   * again once the extension is agreed on.
   */
  encode(message: Message): Message | Promise<Message> {
    const { opcode, rsv, payload: plain } = message;
    const isSmall = plain.length < this.#options.thresholdBytes;
    // What a compressor with a history does not see would move all that it refers to.
    if (isSmall && this.#deflater?.hasHistory !== true)
      return { opcode, rsv: rsv | RSV1, payload: storedMessage(plain) };
    this.#deflater ??= this.#makeDeflater();
    const payload = this.#deflater.deflate(plain);
    return payload instanceof Uint8Array
      ? this.#encoded(message, payload)
      : payload.then((deflated) => this.#encoded(message, deflated));
  }

  get stats(): DeflateStats {
    return {
      ratioIn: ratio(this.#plainIn, this.#wireIn),
      ratioOut: ratio(this.#plainOut, this.#wireOut),
    };
  }

  get heldBytes(): number {
    return (this.#deflater?.heldBytes ?? 0) + (this.#inflater?.heldBytes ?? 0);
  }

  close(): void {
    this.#deflater?.close();
    if (this.#inflater === null) return;
    this.#inflater.close();
    this.#inflater = null;
    this.#counters.inflaters--;
  }

  /** What counts is what is through: a message that is cut off, or is no good, would bend the ratio. */
  #decoded({ opcode, rsv, payload: wire }: Message, payload: Uint8Array): Message {
    this.#wireIn += wire.length;
    this.#plainIn += payload.length;
    this.#counters.wireBytesIn += wire.length;
    this.#counters.plainBytesIn += payload.length;
    return { opcode, rsv: rsv & ~RSV1, payload };
  }

  #encoded({ opcode, rsv, payload: plain }: Message, payload: Uint8Array): Message {
    this.#plainOut += plain.length;
    this.#wireOut += payload.length;
    this.#counters.plainBytesOut += plain.length;
    this.#counters.wireBytesOut += payload.length;
    return { opcode, rsv: rsv | RSV1, payload };
  }

  #makeInflater(): MessageInflater {
    const { clientWindowBits, hasClientTakeover } = this.#parameters!;
    const { maxRatio } = this.#options;
    this.#counters.inflaters++;
    return new MessageInflater(
      { windowBits: clientWindowBits, hasTakeover: hasClientTakeover, maxRatio },
      this.#shared,
      (this.#share ??= this.#shared.slicedWork.makeShare()),
    );
  }

  #makeDeflater(): MessageDeflater {
    const { serverWindowBits, hasServerTakeover } = this.#parameters!;
    const { level } = this.#options;
    return new MessageDeflater(
      { windowBits: serverWindowBits, hasTakeover: hasServerTakeover, level },
      this.#shared,
      (this.#share ??= this.#shared.slicedWork.makeShare()),
    );
  }
}

function ratio(plain: number, wire: number): number | null {
  return wire === 0 ? null : Math.round((plain / wire) * 100) / 100;
}

// ---- Stored blocks

/** The most bytes in one block. */
const MAX_BLOCK_BYTES = 0xffff;

/** The type of the block, its length, and its one's complement (RFC 1951 §3.2.4). */
const BLOCK_HEADER_BYTES = 5;

/** Most messages that are not compressed fit into it. */
const scratch = new Uint8Array(1024);

/**
 * A message as deflate blocks that hold it as it is (RFC 1951 §3.2.4, RFC 7692 §7.2.3.3): it needs no
 * compressor, and 6 bytes more. The result is valid until the next call.
 */
export function storedMessage(payload: Uint8Array): Uint8Array {
  const blocks = Math.ceil(payload.length / MAX_BLOCK_BYTES);
  const length = payload.length + blocks * BLOCK_HEADER_BYTES + 1;
  const output = length > scratch.length ? new Uint8Array(length) : scratch.subarray(0, length);
  let at = 0;
  for (let from = 0; from < payload.length; from += MAX_BLOCK_BYTES) {
    const part = payload.subarray(from, from + MAX_BLOCK_BYTES);
    output[at] = 0;
    output[at + 1] = part.length & 0xff;
    output[at + 2] = part.length >> 8;
    output[at + 3] = ~part.length & 0xff;
    output[at + 4] = (~part.length >> 8) & 0xff;
    output.set(part, at + BLOCK_HEADER_BYTES);
    at += BLOCK_HEADER_BYTES + part.length;
  }
  // The beginning of an empty block, whose end each message leaves out (RFC 7692 §7.2.1).
  output[at] = 0;
  return output;
}
