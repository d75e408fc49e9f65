/**
 * A good client in a process of its own: told `ask`, it says what has happened since the last time; `settle` waits
 * before for what is on its way.
 *
 *     node bench/hostile/good/good-client.mjs '{"kind":"quiet","port":9001}'
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenForLines, readPlan, say } from '../child.mjs';
import { CLIENTS, Client, emptyTally } from './clients.mjs';

/** How long answers are waited for when the attack is over. */
const SETTLE_MS = 10_000;

/**
 * @typedef {object} GoodReport
 * @property {number} sent
 * @property {number} answered
 * @property {number} failed lost, wrong or refused
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} maxMs
 * @property {number} ownP99Ms how late the client itself was
 * @property {Record<string, number>} notes
 */

const plan = /** @type {import('./clients.mjs').GoodPlan} */ (readPlan());
const client = new Client(plan);
const run = CLIENTS[plan.kind];
if (run === undefined) throw new Error(`no client is called ${plan.kind}`);
await run(client);
const ownDelay = monitorEventLoopDelay({ resolution: 1 });
ownDelay.enable();
say({ isReady: true });
listenForLines((line) => {
  void report(line === 'settle').then(say);
});

/**
 * @param {boolean} isSettled
 * @returns {Promise<GoodReport>}
 */
async function report(isSettled) {
  const tally = client.tally;
  const waiting = client.waiting;
  const mustAnswer = tally.answered + waiting;
  if (isSettled) {
    client.untilMs = performance.now();
    for (let waitedMs = 0; waitedMs < SETTLE_MS && client.waiting > 0; waitedMs += 10) {
      if (tally.answered + tally.lost + tally.wrong >= mustAnswer) break;
      await sleep(10);
    }
  }
  client.tally = emptyTally();
  client.untilMs = Infinity;
  const sorted = tally.latenciesMs.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  const ownP99Ms = ownDelay.percentile(99) / 1e6;
  ownDelay.reset();
  const isStuck = isSettled && tally.answered + tally.lost + tally.wrong < mustAnswer;
  return {
    sent: tally.sent,
    answered: tally.answered,
    failed: tally.lost + tally.wrong + (isStuck ? mustAnswer - tally.answered : 0),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    ownP99Ms,
    notes: tally.notes,
  };
}
