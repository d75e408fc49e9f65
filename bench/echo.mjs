/** The echo measurement: server processor time a message, each peer under each load, in turns. */
import path from 'node:path';
import process from 'node:process';
import { describeGoals } from './goals.mjs';
import { nameWorkload } from './plan.mjs';
import { findFreePort, runClient, startProgram, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/**
 * @typedef {object} EchoRun one run of one peer under one load, as the load generator reports it
 * @property {number} messages
 * @property {number} seconds
 * @property {number} messagesPerSecond
 * @property {number} serverCpuNsPerMessage
 * @property {number} serverBusy share of one core that the server used
 * @property {number} generatorBusy share of one core that the generator used
 * @property {number} latencyP50Us
 * @property {number} latencyP99Us
 * @property {number} idleResidentBytes of the server before the first connection
 * @property {number} peakResidentBytes from there to the end of the window
 */

/**
 * @typedef {object} EchoResult
 * @property {string} workload
 * @property {string} aim in words
 * @property {readonly import('./goals.mjs').Goal[]} [goals]
 * @property {Record<string, (EchoRun | null)[]>} runs by the peer's name, one a round; null for one that failed
 * @property {string[]} failures of programs that are not of this project, in words
 */

/**
 * All peers get a load before the next load.
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {import('./plan.mjs').Workload} workload
 * @param {{ rounds: number, seconds: number, warmupSeconds: number, beforeEach?: () => void }} options
 * @returns {Promise<EchoResult>}
 */
export async function measureEcho(peers, workload, { rounds, seconds, warmupSeconds, beforeEach }) {
  /** @type {Set<string>} */
  const failures = new Set();
  const runs = await inTurns(peers, rounds, async (peer) => {
    beforeEach?.();
    try {
      return await runOnce(peer, workload, seconds, warmupSeconds);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failure = `${peer.name}, ${nameWorkload(workload)}: ${message}`;
      if (peer.isForeign !== true) throw new Error(failure, { cause: error });
      failures.add(failure);
      process.stderr.write('!');
      return null;
    }
  });
  return {
    workload: nameWorkload(workload),
    aim: describeGoals(workload.goals ?? [], workload.aim),
    goals: workload.goals ?? [],
    runs,
    failures: [...failures],
  };
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
  const server = await start(peer, workload);
  const { fragmentBytes } = workload;
  try {
    const result = await runClient([
      path.join(import.meta.dirname, 'load-generator.mjs'),
      ...['--port', String(server.port), '--pid', String(server.pid), '--peer', peer.speaks],
      ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
      ...['--size', String(workload.sizeBytes), '--kind', workload.kind],
      ...(fragmentBytes === undefined ? [] : ['--fragment', String(fragmentBytes)]),
      ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
    ]);
    return /** @type {EchoRun} */ (result);
  } finally {
    await server.stop();
  }
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {import('./plan.mjs').Workload} workload
 * @returns {Promise<{ pid: number, port: number, stop: () => Promise<void> }>}
 */
async function start(peer, workload) {
  if (peer.program === undefined) return startServer(peer, []);
  const port = await findFreePort();
  return startProgram(peer.name, peer.program(port, workload), port);
}
