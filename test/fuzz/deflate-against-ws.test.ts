/**
 * The permessage-deflate of npm `ws` as the client of ours: random offers, parameters, messages and
 * fragments, in reads that are cut anywhere, to sockets that block now and then.
 */
import { Buffer } from 'node:buffer';
import t from 'tap';
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
  thresholdBytes: number,
): Promise<string | null> {
  if (close?.code !== 1000 || rule !== null || error !== null)
    return `closed with ${JSON.stringify(close)} for ${String(rule ?? error)}`;
  if (messages.length !== sent.length) return `${messages.length} of ${sent.length} come back`;
  for (const [index, { opcode, rsv, payload }] of messages.entries()) {
    const message = sent[index]!;
    const isLarge = message.payload.length >= thresholdBytes;
    if (rsv !== (isLarge ? 4 : 0)) return `message ${index} has the reserved bits ${rsv}`;
    const plain = rsv === 0 ? payload : (await client.decompress(payload)).payload;
    if (opcode !== message.opcode || plain === null || Buffer.compare(plain, message.payload) !== 0)
      return `message ${index} is another`;
  }
  return null;
}

t.test('ws gets back what it sends', async (t) => {
  const random = new SeededRandom(SEED);
  const seen = new Set<string>();
  const runs = fuzzRuns(300);
  let wrong: string | null = null;
  for (let run = 0; run < runs && wrong === null; run++) {
    const options = randomServerOptions(random);
    const clientOptions = randomClientOptions(random);
    const client = new WsDeflate(clientOptions);
    const offers = withDeclined(random, client.offer);
    const probe = new DeflatePath(options, offers);
    client.accept(probe.extensions ?? 'permessage-deflate; declined');
    await probe.run([], null);
    seen.add(probe.extensions!);

    const sent: FuzzMessage[] = [];
    const frames: TestFrame[] = [];
    for (let count = 1 + random.below(8); count > 0; count--) {
      const message = randomFuzzMessage(random, sent);
      sent.push(message);
      const isCompressed = random.below(5) !== 0;
      const payload = isCompressed ? await client.compress(message.payload) : message.payload;
      frames.push(...randomFragments(random, message.opcode, isCompressed ? 4 : 0, payload));
    }
    for (const pieces of randomSplits(random, clientBytes(frames))) {
      // Each reading is one of its own, and so is what the client remembers of the answers.
      const reader = new WsDeflate(clientOptions);
      reader.accept(probe.extensions!);
      const path = new DeflatePath(options, offers);
      const blocking = random.below(2) === 0 ? random : null;
      const result = await path.run(pieces, blocking);
      const found = await findWrongEcho(result, sent, reader, options.thresholdBytes);
      reader.close();
      if (found === null) continue;
      wrong = `${found}: seed ${SEED}, run ${run}, ${offers} answered with ${probe.extensions!}, ${JSON.stringify(options)}`;
      break;
    }
    client.close();
  }
  t.equal(wrong, null);
  t.ok(seen.size > Math.min(30, runs / 4), `${seen.size} different answers were agreed on`);
});
