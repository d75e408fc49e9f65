/** Good streams with bytes changed, put in and left out, for both roles and both deliveries. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  textFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { findBrokenInvariant, type EndpointSetup } from './endpoint-invariants.js';
import { mutate, randomCuts, randomStream } from './frame-streams.js';
import { SEED, assertAllSeen, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';

/** Streams without a fault that between them come by every state of an endpoint. */
const CORPUS: readonly (readonly TestFrame[])[] = [
  [textFrame('Hello'), binaryFrame(Uint8Array.of(0, 255, 128)), textFrame(''), closeFrame(1000)],
  [textFrame('Hel', MORE), pingFrame('p'), continuationFrame('', MORE), continuationFrame('lo')],
  [pingFrame(''), pingFrame('x'.repeat(125)), pongFrame('q'), closeFrame(4000, 'grüße')],
  [textFrame('κόσμε \u{1f600}'.repeat(12)), textFrame('a'.repeat(126)), closeFrame()],
  [binaryFrame(Buffer.alloc(300, 7), MORE), continuationFrame(Buffer.alloc(200, 8)), pingFrame()],
  [textFrame(Buffer.from([0xf0, 0x9f]), MORE), continuationFrame(Buffer.from([0x98, 0x80]))],
  [binaryFrame(Buffer.alloc(65_536, 1)), textFrame('after'), closeFrame(1001)],
];

const SETUPS: readonly EndpointSetup[] = (['server', 'client'] as const).flatMap((role) =>
  (['messages', 'chunks'] as const).flatMap((delivery) => [
    { role, options: { delivery } },
    { role, options: { delivery, maxMessage: 150, maxFragments: 3 } },
    {
      role,
      options: { delivery },
      prepare: (endpoint) => {
        endpoint.allowedRsv = 4;
      },
    },
  ]),
);

/** What happened in all the tests of this file. */
const seen = new Set<string>();

/** Finds the first of many inputs for which something does not hold. */
const firstFailure = (
  runs: number,
  makeInput: (random: SeededRandom, isMasked: boolean) => Uint8Array,
): string | null => {
  const random = new SeededRandom(SEED);
  for (let run = 0; run < runs; run++) {
    const setup = random.pick(SETUPS);
    const bytes = makeInput(random, setup.role === 'server');
    const cuts = randomCuts(random, bytes.length);
    const describe = (what: string): string =>
      `${what}: seed ${SEED}, run ${run}, ${JSON.stringify(setup)}, cuts ${cuts.join()}, ${hexOf(bytes)}`;
    try {
      const broken = findBrokenInvariant(bytes, cuts, setup, seen);
      if (broken !== null) return describe(broken);
    } catch (error) {
      return describe(`throws ${String(error)}`);
    }
  }
  return null;
};

setFuzzTimeout(t);

t.test('the corpus without changes', (t) => {
  for (const frames of CORPUS) {
    for (const setup of SETUPS.filter(({ options }) => options?.maxFragments === undefined)) {
      const bytes = encodeFrames(frames, setup.role === 'server');
      t.equal(findBrokenInvariant(bytes, [bytes.length >> 1], setup, seen), null);
    }
  }
  t.end();
});

t.test('the corpus with changes', (t) => {
  const isMaskedStreams = [true, false].map((isMasked) =>
    CORPUS.map((frames) => encodeFrames(frames, isMasked)),
  );
  const failure = firstFailure(fuzzRuns(4000), (random, isMasked) => {
    const streams = isMaskedStreams[isMasked ? 0 : 1]!;
    // The stream with 64 KiB is worth a look now and then only.
    const stream = random.pick(random.below(100) === 0 ? streams : streams.slice(0, -1));
    return mutate(random, stream);
  });
  t.equal(failure, null);
  t.end();
});

t.test('random streams, and random streams with changes', (t) => {
  const failure = firstFailure(fuzzRuns(4000), (random, isMasked) => {
    const stream = randomStream(random, isMasked);
    return random.below(2) === 0 ? stream : mutate(random, stream);
  });
  t.equal(failure, null);
  t.end();
});

t.test('random bytes', (t) => {
  const failure = firstFailure(fuzzRuns(4000), (random) => random.bytes(random.below(60)));
  t.equal(failure, null);
  t.end();
});

t.test('the inputs come by everything that can happen', (t) => {
  assertAllSeen(t, seen);
  t.end();
});
