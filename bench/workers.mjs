/** One process against several: compressed echo, which is bound by the processor, and connections that come and go. */
import path from 'node:path';
import { twistPeer } from './plan.mjs';
import { runClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/** Servers and the generator share the processors: that is what the goal is about. */
const ALL_CORES = '0,1';
const COUNTS = [1, 2];

/**
 * @typedef {object} WorkersRun
 * @property {number} rate messages or connections a second
 * @property {number} serverBusy processors that all processes of the server used together
 * @property {number} generatorBusy
 */

/**
 * @typedef {object} WorkersResult
 * @property {string} load
 * @property {Record<string, WorkersRun[]>} runs by the number of workers
 */

/** @type {readonly { name: string, script: string, args: readonly string[], rate: string }[]} */
const LOADS = [
  {
    name: '16 x 16, 1 KiB compressed',
    script: 'deflate-generator.mjs',
    args: ['--conns', '16', '--depth', '16', '--size', '1024', '--tree'],
    rate: 'messagesPerSecond',
  },
  {
    name: 'connections that come and go, 32 at a time',
    script: 'churn-generator.mjs',
    args: ['--lanes', '32'],
    rate: 'connectionsPerSecond',
  },
];

/**
 * @param {{ twistFile: string, rounds: number, seconds: number, warmupSeconds: number }} options
 * @returns {Promise<WorkersResult[]>}
 */
export async function measureWorkers({ twistFile, rounds, seconds, warmupSeconds }) {
  const results = [];
  for (const { name, script, args, rate } of LOADS) {
    const contenders = COUNTS.map((count) => ({ name: String(count), count }));
    const runs = await inTurns(contenders, rounds, async ({ count }) => {
      const options = ['--workers', String(count), '--log-level', 'info'];
      const server = await startServer(twistPeer(twistFile, options), [], ALL_CORES);
      try {
        const result = /** @type {Record<string, number>} */ (
          await runClient(
            [
              path.join(import.meta.dirname, script),
              ...['--port', String(server.port), '--pid', String(server.pid)],
              ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
              ...args,
            ],
            ALL_CORES,
          )
        );
        const { serverBusy = 0, generatorBusy = 0 } = result;
        return { rate: result[rate] ?? 0, serverBusy, generatorBusy };
      } finally {
        await server.stop();
      }
    });
    results.push({ load: name, runs });
  }
  return results;
}
