/**
 * Every byte comes back: messages of random kinds and sizes, in random fragments, cut into random
 * segments, on ten connections at once and without waiting for echoes. What is random is the same in
 * every run.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { Endpoint } from '../../src/protocol/endpoint.js';
import type { EndpointEvents } from '../../src/protocol/endpoint-events.js';
import { type DataOpcode, Opcode } from '../../src/protocol/frame.js';
import { OutputQueue } from '../../src/protocol/output-queue.js';
import { SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { connectRaw, type RawClient } from '../fixtures/raw-client.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(60_000);

const SEED = 20_170_817;
const CONNECTIONS = 10;
const MESSAGES = 40;
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Sizes are spread over these ranges evenly, so that most messages are small. */
const SIZE_RANGES = [1, 126, 127, 4096, 65_536, 65_537, 300_000, MAX_MESSAGE_BYTES + 1] as const;
const SEGMENT_BYTES = [1, 2, 3, 5, 7, 13, 64, 1460, 16_384, 65_536, 300_000] as const;

/** What is compared of a message. */
function describe(opcode: number, payload: Uint8Array): string {
  const hash = createHash('sha256').update(payload).digest('hex');
  return `${opcode === Opcode.Text ? 'text' : 'binary'} of ${payload.length} bytes, SHA-256 ${hash}`;
}

/** A client whose protocol is twist's own, in the other role; what it says is checked by hashes. */
class EchoClient implements EndpointEvents {
  readonly sent: string[] = [];
  readonly received: string[] = [];
  readonly pongs: number[] = [];
  sentBytes = 0;
  failure: unknown = null;

  readonly #random: SeededRandom;
  readonly #raw: RawClient;
  readonly #endpoint: Endpoint;
  readonly #lastEcho: Promise<void>;
  #onLastEcho: () => void = () => undefined;
  #pings = 0;

  /** @param raw has its opening handshake behind it */
  constructor(raw: RawClient, seed: number) {
    this.#random = new SeededRandom(seed);
    this.#raw = raw;
    this.#lastEcho = new Promise((resolve) => {
      this.#onLastEcho = resolve;
    });
    raw.socket.on('data', (chunk: Buffer) => {
      this.#endpoint.receive(chunk, 0, chunk.length);
      raw.forget();
    });
    this.#endpoint = new Endpoint(
      {
        role: 'client',
        delivery: 'messages',
        maxMessage: MAX_MESSAGE_BYTES,
        maxFragments: 1,
        makeMaskingKey: () => this.#random.int32(),
      },
      this,
      new OutputQueue(new SlabPool()),
    );
  }

  get raw(): RawClient {
    return this.#raw;
  }

  /** Sends everything, closes, and waits for the end. */
  async run(): Promise<void> {
    for (let count = 0; count < MESSAGES; count++) {
      this.#appendMessage();
      // Several messages in a row, and now and then one alone.
      if (this.#random.below(3) === 0) await this.#write();
    }
    await this.#write();
    // An endpoint that has sent its Close hands over no more messages.
    await this.#lastEcho;
    this.#endpoint.sendClose(1000, 'done');
    await this.#write();
    await this.#raw.waitForClose();
  }

  #appendMessage(): void {
    const random = this.#random;
    const opcode: DataOpcode = random.below(2) === 0 ? Opcode.Text : Opcode.Binary;
    const payload = randomPayload(random, opcode, random.below(random.pick(SIZE_RANGES)));
    this.sent.push(describe(opcode, payload));
    this.sentBytes += payload.length;
    const fragments = random.below(2) === 0 ? 1 : 1 + random.below(12);
    const cuts = Array.from({ length: fragments - 1 }, () => random.below(payload.length + 1));
    const ends = [...cuts.sort((a, b) => a - b), payload.length];
    let start = 0;
    for (const [index, end] of ends.entries()) {
      const isLast = index === fragments - 1;
      this.#endpoint.sendChunk(opcode, payload, start, end, index === 0, isLast);
      start = end;
      if (random.below(4) === 0) {
        const number = Buffer.alloc(4);
        number.writeUInt32BE(++this.#pings);
        this.#endpoint.sendPing(number);
      }
    }
  }

  /** Writes what waits, in segments of random sizes. */
  async #write(): Promise<void> {
    const { output } = this.#endpoint;
    const bytes = Buffer.concat(output.take());
    output.release();
    let at = 0;
    while (at < bytes.length) {
      const end = at + this.#random.pick(SEGMENT_BYTES);
      this.#raw.socket.write(bytes.subarray(at, end));
      at = end;
      // Without this the small ones would leave together.
      await nextTurn();
    }
  }

  message(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.received.push(describe(opcode, bytes.subarray(start, end)));
    if (this.received.length === MESSAGES) this.#onLastEcho();
  }

  chunk(): void {
    throw new Error('messages were asked for');
  }

  pingReceived(): void {
    throw new Error('the server has no reason to send a Ping');
  }

  pongReceived(bytes: Uint8Array, start: number, end: number): void {
    this.pongs.push(Buffer.from(bytes.subarray(start, end)).readUInt32BE());
  }

  peerClose({ code, reason }: { code: number; reason: string }): void {
    this.received.push(`Close ${code} ${reason}`);
    this.#raw.socket.end();
  }

  failed(error: unknown): void {
    this.failure = error;
    this.#raw.socket.destroy();
    this.#onLastEcho();
  }
}

/** Random bytes, or text in UTF-8 of at most so many bytes. */
function randomPayload(random: SeededRandom, opcode: DataOpcode, bytes: number): Uint8Array {
  if (opcode === Opcode.Binary) {
    const words = Int32Array.from({ length: Math.ceil(bytes / 4) }, () => random.int32());
    return new Uint8Array(words.buffer, 0, bytes);
  }
  // Characters of one to four bytes; a long text has its first five hundred again and again.
  let text = '';
  for (let count = 0; count < 500; count++) {
    text += String.fromCodePoint(random.pick([0x20, 0x80, 0x800, 0x10000]) + random.below(0x5f));
  }
  const payload = new Uint8Array(bytes);
  // This stops before a character that does not fit.
  const { written } = new TextEncoder().encodeInto(text.repeat(Math.ceil(bytes / 500)), payload);
  return payload.subarray(0, written);
}

for (const [name, flags] of [
  ['random messages come back as they were', []],
  ['without WebAssembly, too', ['--no-wasm']],
] as const) {
  t.test(name, async (t) => {
    const twist = await startTwist(t, flags);
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, index) => {
        const raw = await connectRaw(t, twist.port);
        await raw.open();
        return new EchoClient(raw, SEED + index);
      }),
    );
    await within(Promise.all(clients.map((client) => client.run())), 'all echoes');
    for (const [index, client] of clients.entries()) {
      t.equal(client.failure, null, `connection ${index} is in order`);
      t.strictSame(client.received, [...client.sent, 'Close 1000 done'], 'all messages, in order');
      t.strictSame(
        client.pongs,
        [...client.pongs].sort((a, b) => a - b),
        'Pongs in order',
      );
      const counted = { messages: MESSAGES, bytes: client.sentBytes };
      t.match(
        await twist.waitForPeer(client.raw),
        { in: counted, out: counted, closedBy: 'client', code: 1000, reason: 'done' },
        'the log says so',
      );
    }
    t.equal(await twist.stop(), 0, 'the server is well');
  });
}
