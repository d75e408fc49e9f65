/** The echo measurement: server processor time a message, each peer under each load, in turns. */
import path from 'node:path';
import { nameWorkload } from './plan.mjs';
import { runClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/**
 * @typedef {object} EchoRun one run of one peer under one load, as the load generator reports it
 * @property {number} messages
 * @property {number} seconds
 * @property {number} messagesPerSecond
 * @property {number} serverCpuNsPerMessage
 * @property {number} serverBusy share of one core that the server used
 * @property {number} generatorBusy share of one core that the generator used
 * @property {number | null} latencyP50Us at depth 1
 * @property {number | null} latencyP99Us at depth 1
 */

/**
 * @typedef {object} EchoResult
 * @property {string} workload
 * @property {string} aim
 * @property {Record<string, EchoRun[]>} runs by the peer's name, one a round
 */

/**
 * All peers get a load before the next load.
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {import('./plan.mjs').Workload} workload
 * @param {{ rounds: number, seconds: number, warmupSeconds: number, beforeEach?: () => void }} options
 * @returns {Promise<EchoResult>}
 */
export async function measureEcho(peers, workload, { rounds, seconds, warmupSeconds, beforeEach }) {
  const runs = await inTurns(peers, rounds, (peer) => {
    beforeEach?.();
    return runOnce(peer, workload, seconds, warmupSeconds);
  });
  return { workload: nameWorkload(workload), aim: workload.aim ?? '', runs };
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {import('./plan.mjs').Workload} workload
 * @param {number} seconds
 * @param {number} warmupSeconds
 * @returns {Promise<EchoRun>}
 */
async function runOnce(peer, workload, seconds, warmupSeconds) {
  // A process for each run: no load sees code that the one before it has warmed up.
  const server = await startServer(peer, []);
  try {
    const result = await runClient([
      path.join(import.meta.dirname, 'load-generator.mjs'),
      ...['--port', String(server.port), '--pid', String(server.pid), '--peer', peer.speaks],
      ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
      ...['--size', String(workload.sizeBytes), '--kind', workload.kind],
      ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
    ]);
    return /** @type {EchoRun} */ (result);
  } catch (error) {
    throw new Error(`${peer.name}, ${nameWorkload(workload)}: ${String(error)}`, { cause: error });
  } finally {
    await server.stop();
  }
}
