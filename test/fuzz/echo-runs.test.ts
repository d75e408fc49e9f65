/** What is sent back in runs, by the kernel and in JavaScript, against what is sent back message by message. */
import t from 'tap';
import { Kernel } from '../../src/protocol/kernel/kernel.js';
import {
  type EchoTally,
  emptyTally,
  firstEndpointDifference,
  firstKernelDifference,
} from '../fixtures/echo-fuzz.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { SEED, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';

/** Each begins elsewhere, so a difference that comes late is found again soon. */
const SEEDS = Array.from({ length: 10 }, (_, index) => SEED + index * 104_729);

/** What happens to endpoints beside messages. */
const EVENTS = [
  ...['ping', 'pong', 'close', 'reserved-opcode', 'reserved-bit', 'frame-unmasked'],
  ...['continuation-unexpected', 'message-interleaved', 'text-not-utf8', 'length-not-minimal'],
  ...['length-top-bit', 'message-too-big', 'too-many-fragments'],
];

setFuzzTimeout(t, 500_000);

const kernel = new Kernel();

for (const [name, runs, find] of [
  ['the kernel and JavaScript', 1_000_000, firstKernelDifference],
  ['endpoints', 1_000_000, firstEndpointDifference],
] as const) {
  t.test(name, (t) => {
    const tally: EchoTally = emptyTally();
    const runsEach = fuzzRuns(runs / SEEDS.length);
    for (const seed of SEEDS)
      t.equal(find(kernel, new SeededRandom(seed), runsEach, tally), null, `seed ${seed}`);
    t.ok(tally.messages > 2 * runsEach * SEEDS.length, `${tally.messages} messages`);
    const missed = EVENTS.filter((event) => !(event in tally.events));
    t.strictSame(missed, find === firstEndpointDifference ? [] : EVENTS, 'nothing was missed');
    t.end();
  });
}
