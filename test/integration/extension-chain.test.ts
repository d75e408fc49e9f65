/**
 * A server with three extensions, one of which takes its time, under random traffic: the order is
 * kept, a Close comes behind every answer, a Pong waits for nobody, and everything is given back in the
 * end. The random numbers are the same in every run; when what comes is up to the machine.
 */
import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { PROTOCOL_RULES } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import { Server } from '../../src/server/server.js';
import { CODEC_NAMES, ChainPeer, CountedExtensions, FrameStream } from '../fixtures/chain-peer.js';
import {
  type ReadFrame,
  type TestFrame,
  closeFrame,
  encodeFrames,
  pingFrame,
} from '../fixtures/frames.js';
import { DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { eventually } from '../fixtures/within.js';

const SEED = 20_260_401;
const CONNECTIONS = 50;
const MIN_MESSAGES = 100;
const MAX_MESSAGES = 300;
const LARGE_BYTES = 5000;

const ENDINGS = ['Close', 'FIN', 'reset', 'broken rule', 'bad data'] as const;

/** How a client ends its connection. */
type Ending = (typeof ENDINGS)[number];

const IGNORED = { opcode: 1, payload: 'ignored' };

async function startServer(t: Test, counted: CountedExtensions, log: KeptLog): Promise<Server> {
  const server = new Server({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    served: [{ path: null, mode: echoMode, origin: 'any', extensions: counted.extensions }],
    head: DEFAULT_LIMITS,
    subprotocol: 'none',
    maxFragments: 1000,
    admission: { maxConnections: 1000, maxConnectionsPerAddress: 0 },
    drainTimeout: 10_000,
    limits: {
      outputPause: 20_000,
      outputLimit: 16_000_000,
      maxMessage: 100_000,
      handshakeTimeout: 10_000,
      messageTimeout: 0,
      sendTimeout: 30_000,
      pingInterval: 0,
      pongTimeout: 0,
      idleTimeout: 0,
      closeTimeout: 15_000,
    },
    log,
  });
  t.teardown(() => {
    server.stopNow();
  });
  await server.start();
  return server;
}

/** What one client sends, what it expects, and what came. */
class Talk {
  readonly ending: Ending;
  /** What went wrong, in words. */
  readonly faults: string[] = [];
  readonly #random: SeededRandom;
  readonly #client: RawClient;
  readonly #peer: ChainPeer;
  readonly #frames = new FrameStream();
  readonly #expected: string[] = [];
  readonly #expectedPongs: string[] = [];
  #messages = 0;
  #pongs = 0;
  #close: ReadFrame | null = null;
  /** Payload of the Close that comes last, in hex; null for none. */
  #expectedClose: string | null = null;

  constructor(client: RawClient, agreed: string, ending: Ending, random: SeededRandom) {
    this.#client = client;
    this.#peer = new ChainPeer(agreed);
    this.ending = ending;
    this.#random = random;
    client.socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#frames.take(chunk)) this.#take(frame);
    });
  }

  get counts(): { messages: number; pongs: number } {
    return { messages: this.#messages, pongs: this.#pongs };
  }

  #take(frame: ReadFrame): void {
    if (this.#close !== null) this.faults.push(`opcode ${frame.opcode} behind Close`);
    if (frame.opcode === 8) this.#close = frame;
    else if (frame.opcode === 10) this.#takePong(frame);
    else this.#takeMessage(frame);
  }

  #takePong({ payload }: ReadFrame): void {
    const expected = this.#expectedPongs[this.#pongs++];
    if (expected !== hexOf(payload)) this.faults.push(`Pong ${this.#pongs} is another`);
  }

  #takeMessage(frame: ReadFrame): void {
    const expected = this.#expected[this.#messages++];
    let actual: string;
    try {
      actual = `${frame.opcode} ${hexOf(this.#peer.payloadOf(frame))}`;
    } catch (error) {
      actual = (error as Error).message;
    }
    if (!frame.isFinal || actual !== expected) this.faults.push(`message ${this.#messages}`);
  }

  /** Sends everything, and ends. */
  async run(): Promise<void> {
    const random = this.#random;
    const count = MIN_MESSAGES + random.below(MAX_MESSAGES - MIN_MESSAGES);
    for (let sent = 0; sent < count;) {
      const frames: TestFrame[] = [];
      for (const end = Math.min(count, sent + 1 + random.below(8)); sent < end; sent++) {
        frames.push(...this.#nextMessage());
      }
      this.#write(encodeFrames(frames, true));
      if (random.below(2) === 0) await nextTurn();
    }
    await this.#end();
  }

  /** A message, in fragments with Pings in between, or whole. */
  #nextMessage(): readonly TestFrame[] {
    const random = this.#random;
    const opcode = 1 + random.below(2);
    const message = opcode === 1 ? this.#randomText() : random.bytes(this.#randomLength());
    this.#expected.push(`${opcode} ${hexOf(message)}`);
    // The two with a memory must see every message, or neither side would know where they are.
    const isTurned = random.below(2) === 0;
    const whole = this.#peer.frameOf(opcode, message, ({ name }) => name !== 'x-turn' || isTurned);
    const payload = whole.payload as Uint8Array;
    const cuts = Array.from({ length: random.below(3) }, () => random.below(payload.length + 1));
    const ends = [...cuts.sort((a, b) => a - b), payload.length];
    return ends.flatMap((end, index) => {
      const isFirst = index === 0;
      const piece: TestFrame = {
        opcode: isFirst ? opcode : 0,
        rsv: isFirst ? whole.rsv! : 0,
        isFinal: index === ends.length - 1,
        payload: payload.subarray(isFirst ? 0 : ends[index - 1]!, end),
      };
      return random.below(4) === 0 ? [piece, this.#nextPing()] : [piece];
    });
  }

  #nextPing(): TestFrame {
    const payload = Buffer.from(`ping ${this.#expectedPongs.length}`);
    this.#expectedPongs.push(hexOf(payload));
    return pingFrame(payload);
  }

  #randomLength(): number {
    return this.#random.below(this.#random.pick([1, 20, 200, 200, 2000, LARGE_BYTES]));
  }

  #randomText(): Uint8Array {
    return Buffer.from(
      this.#random.pick(['a', 'é', '€uro', '😀']).repeat(this.#randomLength() / 4),
    );
  }

  /** Writes in pieces, cut anywhere. */
  #write(bytes: Uint8Array): void {
    const cut = this.#random.below(bytes.length + 1);
    this.#client.send(bytes.subarray(0, cut));
    this.#client.send(bytes.subarray(cut));
  }

  async #end(): Promise<void> {
    const { socket } = this.#client;
    switch (this.ending) {
      case 'reset':
        for (let turns = this.#random.below(50); turns > 0; turns--) await nextTurn();
        socket.resetAndDestroy();
        await this.#client.waitForClose();
        return;
      case 'FIN':
        socket.end();
        break;
      case 'Close':
        this.#endWith([closeFrame(4321, 'bye'), IGNORED], closeFrame(4321, 'bye'));
        break;
      case 'broken rule': {
        const answer = closeFrame(1002, PROTOCOL_RULES['reserved-opcode']);
        this.#endWith([{ opcode: 3 }, IGNORED], answer);
        break;
      }
      case 'bad data': {
        // A number that the next message cannot have.
        const expected = this.#expected.length & 0xff;
        const wrong = (expected + 1) & 0xff;
        const answer = closeFrame(1007, `message ${wrong} in the place of ${expected}`);
        this.#endWith([{ opcode: 2, rsv: 4, payload: Buffer.of(wrong) }, IGNORED], answer);
      }
    }
    await this.#client.waitForEnd();
    await (this.ending === 'FIN' ? this.#client.waitForClose() : this.#client.finish());
  }

  #endWith(frames: readonly TestFrame[], { payload }: TestFrame): void {
    this.#expectedClose = hexOf(payload as Uint8Array);
    this.#write(encodeFrames(frames, true));
  }

  /** What is wrong once all is over. */
  findFaults(): readonly string[] {
    const { faults, ending } = this;
    // What came before a reset is right; how much of it came is anybody's guess.
    if (ending === 'reset') return faults;
    const missing: string[] = [];
    if (this.#messages !== this.#expected.length) {
      missing.push(`${this.#messages} of ${this.#expected.length} messages came`);
    }
    if (this.#pongs !== this.#expectedPongs.length) {
      missing.push(`${this.#pongs} of ${this.#expectedPongs.length} Pongs came`);
    }
    if (this.#frames.restBytes > 0) missing.push('the last frame is cut');
    const close = this.#close === null ? null : hexOf(this.#close.payload);
    if (close !== this.#expectedClose) missing.push(`the Close is ${close}`);
    return [...faults, ...missing];
  }
}

async function connectTalk(
  t: Test,
  port: number,
  ending: Ending,
  random: SeededRandom,
): Promise<Talk> {
  const client = await connectRaw(t, port);
  const offers = [...CODEC_NAMES];
  const shuffled = CODEC_NAMES.map(() => offers.splice(random.below(offers.length), 1)[0]!);
  client.send(upgradeText({ 'Sec-WebSocket-Extensions': shuffled }));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  const agreed = /^Sec-WebSocket-Extensions: (.*)\r$/m.exec(client.received.toString('latin1'));
  if (agreed?.[1] !== shuffled.join(', ')) throw new Error('the extensions are not agreed on');
  client.forget();
  return new Talk(client, agreed[1], ending, random);
}

t.test('three extensions under random traffic and random ends', async (t) => {
  const rejections: unknown[] = [];
  const onRejection = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', onRejection);
  t.teardown(() => process.off('unhandledRejection', onRejection));

  const counted = new CountedExtensions(new SeededRandom(SEED));
  const log = new KeptLog();
  const server = await startServer(t, counted, log);
  const port = Number(new URL(server.urls[0]!).port);
  const talks = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, index) => {
      const random = new SeededRandom(SEED + 1 + index);
      return await connectTalk(t, port, ENDINGS[index % ENDINGS.length]!, random);
    }),
  );
  t.equal(counted.liveSessions, CONNECTIONS * CODEC_NAMES.length);
  t.equal(server.connectionCount, CONNECTIONS);
  await Promise.all(
    talks.map(async (talk) => {
      await talk.run();
    }),
  );

  for (const [index, talk] of talks.entries()) {
    t.strictSame(talk.findFaults(), [], `connection ${index}, that ends with ${talk.ending}`);
  }
  const messages = talks.reduce((sum, talk) => sum + talk.counts.messages, 0);
  const pongs = talks.reduce((sum, talk) => sum + talk.counts.pongs, 0);
  t.ok(messages > (CONNECTIONS - 10) * MIN_MESSAGES, `${messages} messages`);
  t.ok(pongs > CONNECTIONS, `${pongs} Pongs`);
  t.ok(counted.asyncMessages > messages, `${counted.asyncMessages} times it took its time`);

  await eventually(() => server.connectionCount === 0, 'the end of all connections');
  t.equal(counted.sessions, CONNECTIONS * CODEC_NAMES.length);
  t.equal(counted.liveSessions, 0, 'every session of an extension is closed');
  const ended = log.find('session ended');
  t.equal(ended.length, CONNECTIONS);
  t.strictSame(
    log.lines.filter(({ level }) => level === 'error'),
    [],
    'nothing of ours went wrong',
  );
  await server.stop();
  t.strictSame(rejections, []);
});
