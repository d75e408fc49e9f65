/**
 * The permessage-deflate of npm `ws` as the client of ours: random offers, parameters, messages and
 * fragments, in reads that are cut anywhere, to sockets that block now and then.
 */
import { Buffer } from 'node:buffer';
import t from 'tap';
import type { Extension } from '../../src/extensions/extension.js';
import {
  permessageDeflate,
  type PermessageDeflateOptions,
} from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { makeMessage } from '../fixtures/deflate.js';
import type { TestFrame } from '../fixtures/frames.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { DeflatePath, type PathResult } from './deflate-path.js';
import {
  clientBytes,
  randomClientOptions,
  randomFragments,
  randomFuzzMessage,
  randomServerOptions,
  randomSplits,
  withDeclined,
  type FuzzMessage,
} from './deflate-streams.js';
import { SEED, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';
import { WsDeflate } from './ws-deflate.js';

setFuzzTimeout(t);

/** Names what is wrong with the answers to some messages, or returns null. */
async function findWrongEcho(
  { messages, close, rule, error }: PathResult,
  sent: readonly FuzzMessage[],
  client: WsDeflate,
): Promise<string | null> {
  if (close?.code !== 1000 || rule !== null || error !== null)
    return `closed with ${JSON.stringify(close)} for ${String(rule ?? error)}`;
  if (messages.length !== sent.length) return `${messages.length} of ${sent.length} come back`;
  for (const [index, { opcode, rsv, payload }] of messages.entries()) {
    const message = sent[index]!;
    if (rsv !== 4) return `message ${index} has the reserved bits ${rsv}`;
    const { payload: plain } = await client.decompress(payload);
    if (opcode !== message.opcode || plain === null || Buffer.compare(plain, message.payload) !== 0)
      return `message ${index} is another`;
  }
  return null;
}

/** What a client sends: compressed or not, in fragments, with Pings between. */
interface Script {
  readonly sent: readonly FuzzMessage[];
  readonly bytes: Uint8Array;
}

async function randomScript(
  random: SeededRandom,
  client: WsDeflate,
  makeMessage: (past: readonly FuzzMessage[]) => FuzzMessage,
): Promise<Script> {
  const sent: FuzzMessage[] = [];
  const frames: TestFrame[] = [];
  for (let count = 1 + random.below(8); count > 0; count--) {
    const message = makeMessage(sent);
    sent.push(message);
    const isCompressed = random.below(5) !== 0;
    const payload = isCompressed ? await client.compress(message.payload) : message.payload;
    frames.push(...randomFragments(random, message.opcode, isCompressed ? 4 : 0, payload));
  }
  return { sent, bytes: clientBytes(frames) };
}

/** One client of a server, which may have others. */
class FuzzClient {
  readonly offers: string;
  /** What the server answers. */
  readonly answer: string;
  readonly #options;

  constructor(random: SeededRandom, options: PermessageDeflateOptions) {
    this.#options = randomClientOptions(random);
    this.offers = withDeclined(random, new WsDeflate(this.#options).offer);
    this.answer = new DeflatePath(permessageDeflate(options), this.offers).extensions!;
  }

  /** Its end of a connection, without any history. */
  makeCodec(): WsDeflate {
    const codec = new WsDeflate(this.#options);
    codec.accept(this.answer);
    return codec;
  }

  /** Sends what was made for it, and names what is wrong with the answers. */
  async run(
    extension: Extension,
    { sent }: Script,
    pieces: readonly Uint8Array[],
    blocking: SeededRandom | null,
  ): Promise<string | null> {
    const path = new DeflatePath(extension, this.offers);
    const result = await path.run(pieces, blocking);
    const codec = this.makeCodec();
    const found = await findWrongEcho(result, sent, codec);
    codec.close();
    return found === null ? null : `${found}, ${this.offers} answered with ${this.answer}`;
  }
}

t.test('ws gets back what it sends', async (t) => {
  const random = new SeededRandom(SEED);
  const seen = new Set<string>();
  const runs = fuzzRuns(300);
  let wrong: string | null = null;
  for (let run = 0; run < runs && wrong === null; run++) {
    const options = randomServerOptions(random);
    const client = new FuzzClient(random, options);
    seen.add(client.answer);
    const codec = client.makeCodec();
    const script = await randomScript(random, codec, (past) => randomFuzzMessage(random, past));
    codec.close();
    for (const pieces of randomSplits(random, script.bytes)) {
      const extension = permessageDeflate(options);
      const blocking = random.below(2) === 0 ? random : null;
      const found = await client.run(extension, script, pieces, blocking);
      if (found !== null)
        wrong ??= `seed ${SEED}, run ${run}: ${found}, ${JSON.stringify(options)}`;
    }
  }
  t.equal(wrong, null);
  t.ok(seen.size > Math.min(30, runs / 4), `${seen.size} different answers were agreed on`);
});

t.test('many at once get back what they send', async (t) => {
  const random = new SeededRandom(SEED);
  let wrong: string | null = null;
  for (let run = 0; run < fuzzRuns(15) && wrong === null; run++) {
    const options = { ...randomServerOptions(random), thresholdBytes: 32 };
    // What they share: buffers, the line of large messages, and too little memory for compressors.
    const extension = permessageDeflate(options);
    const clients = Array.from({ length: 5 }, () => new FuzzClient(random, options));
    const scripts: Script[] = [];
    for (const client of clients) {
      const codec = client.makeCodec();
      const script = await randomScript(random, codec, (past) =>
        random.below(2) === 0 ? randomFuzzMessage(random, past) : largeMessage(random),
      );
      codec.close();
      scripts.push(script);
    }
    const found = await Promise.all(
      clients.map((client, index) => {
        const script = scripts[index]!;
        const pieces = random.pick(randomSplits(random, script.bytes));
        // Random numbers of its own: who is asked first must not matter.
        const blocking = new SeededRandom(random.int32());
        return client.run(extension, script, pieces, blocking);
      }),
    );
    const first = found.find((one) => one !== null) ?? null;
    if (first !== null) wrong = `seed ${SEED}, run ${run}: ${first}, ${JSON.stringify(options)}`;
  }
  t.equal(wrong, null);
});

/** More than one slice, so that it stands in line with others. */
function largeMessage(random: SeededRandom): FuzzMessage {
  const content = random.pick(['zeros', 'json', 'random'] as const);
  const length = 131_072 + random.below(60_000);
  return { opcode: 2, payload: makeMessage(content, length, random.below(50)) };
}
