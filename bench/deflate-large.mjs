/** How long the event loop stops for large compressed messages: the time that others have to wait for a reply. */
import path from 'node:path';
import { LARGE_WORKLOADS } from './plan.mjs';
import { SERVER_CORE, runClient, startLineClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/** What twist works off at a time of a large message (src/extensions/permessage-deflate/sliced-work.ts). */
const SLICE_BYTES = 128 * 1024;

const READY_MS = 60_000;
const DRAIN_MS = 60_000;

/**
 * @typedef {object} ProbeRun
 * @property {number} probes small replies that were timed
 * @property {number} p50Ms of their latencies
 * @property {number} p99Ms
 * @property {number} maxMs
 * @property {number} clientP99Ms how late the small client's own event loop was
 * @property {number} clientMaxMs
 */

/**
 * @typedef {object} LargeTraffic what went on beside it
 * @property {number} largePerSecond large messages that were echoed
 * @property {number | null} serverCpuMsPerLarge null when there were none
 * @property {number} verified large replies that were inflated and compared
 */

/** @typedef {ProbeRun & Partial<LargeTraffic>} LargeRun */

/**
 * @typedef {object} LargeResult
 * @property {string} workload
 * @property {Record<string, LargeRun[]>} runs by the peer's name, one a round
 */

/**
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {{ rounds: number, seconds: number }} options
 * @returns {Promise<LargeResult[]>}
 */
export async function measureLarge(peers, { rounds, seconds }) {
  /** @type {LargeResult[]} */
  const results = [];
  for (const workload of LARGE_WORKLOADS) {
    const runs = await inTurns(peers, rounds, async (peer) => {
      try {
        return await runOnce(peer, workload, seconds);
      } catch (error) {
        throw new Error(`${peer.name}, ${workload.name}: ${String(error)}`, { cause: error });
      }
    });
    results.push({ workload: workload.name, runs });
  }
  return results;
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {import('./plan.mjs').LargeWorkload} workload
 * @param {number} seconds
 * @returns {Promise<LargeRun>}
 */
async function runOnce(peer, workload, seconds) {
  const server = await startServer(peer, []);
  try {
    const probe = async () => {
      const client = path.join(import.meta.dirname, 'probe-client.mjs');
      const target = ['--port', String(server.port), '--seconds', String(seconds)];
      return /** @type {ProbeRun} */ (await runClient([client, ...target]));
    };
    if (workload.conns === 0) return await probe();
    const large = startLineClient([
      path.join(import.meta.dirname, 'deflate-large-client.mjs'),
      ...['--port', String(server.port), '--pid', String(server.pid)],
      ...['--conns', String(workload.conns), '--size', String(workload.sizeBytes)],
      ...['--kind', workload.kind],
    ]);
    try {
      await large.nextLine(READY_MS);
      const run = await probe();
      large.checkAlive();
      large.finish();
      return { ...run, .../** @type {LargeTraffic} */ (await large.nextLine(DRAIN_MS)) };
    } finally {
      await large.stop();
    }
  } finally {
    await server.stop();
  }
}

/**
 * @typedef {object} SliceRun what zlib needs for as much as twist gives it at a time
 * @property {string} work
 * @property {number} ms
 */

/**
 * @param {readonly import('./deflate.mjs').DeflateSetting[]} settings
 * @param {number} seconds
 * @returns {Promise<SliceRun[]>}
 */
export async function measureSlices(settings, seconds) {
  /** @type {SliceRun[]} */
  const runs = [];
  for (const kind of ['json', 'random']) {
    for (const setting of [null, ...settings]) {
      const work = setting === null ? 'inflate' : 'deflate';
      const { level = 6, windowBits = 15, name = '' } = setting ?? {};
      const result = await runClient(
        [
          path.join(import.meta.dirname, 'zlib-floor.mjs'),
          ...['--size', String(SLICE_BYTES), '--kind', kind, '--ring', '64'],
          ...['--work', work, '--level', String(level), '--window', String(windowBits)],
          ...['--seconds', String(seconds), '--warmup', '0.3'],
        ],
        SERVER_CORE,
      );
      const { serverCpuNsPerMessage } = /** @type {import('./deflate.mjs').DeflateRun} */ (result);
      runs.push({
        work: `${work} ${kind}${setting === null ? '' : `, level ${name}`}`,
        ms: serverCpuNsPerMessage / 1e6,
      });
    }
  }
  return runs;
}
