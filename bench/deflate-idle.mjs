/** The idle measurement with compression: resident memory of connections that have compressed and then rest. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { COLLECTABLE, possibleConnections, settle } from './idle.mjs';
import { readCpuNs, readResidentBytes } from './process-usage.mjs';
import { startLineClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

const MESSAGES_EACH = 20;
const MESSAGE_BYTES = 1024;
const OPEN_MS = 120_000;
const EXCHANGE_MS = 300_000;
const VERIFY_MS = 120_000;

/**
 * @typedef {object} DeflateIdleRun
 * @property {number} openBytes resident memory for each connection, when all are open and nothing was sent
 * @property {number} usedBytes the same right after the messages
 * @property {number} restedBytes the same after the idle time
 * @property {number} collectedBytes the same after a forced collection then
 * @property {number} baseBytes of the server without connections, after a forced collection
 * @property {number} serverCpuNsPerMessage while messages were exchanged
 * @property {number} exchangeSeconds how long that took
 * @property {number} plainBytes of a message
 * @property {number} wireInBytes of a message, compressed by the client
 * @property {number} wireOutBytes of a message, compressed by the server
 * @property {number} verified replies that were inflated and compared
 */

/**
 * @typedef {object} DeflateIdleResult
 * @property {number} conns
 * @property {number} messagesEach
 * @property {number} idleSeconds
 * @property {Record<string, DeflateIdleRun[]>} runs by the peer's name, one a round
 */

/**
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {{ rounds: number, conns: number, idleSeconds: number }} options
 * @returns {Promise<DeflateIdleResult>}
 */
export async function measureDeflateIdle(peers, { rounds, conns: wanted, idleSeconds }) {
  const conns = possibleConnections(wanted);
  const runs = await inTurns(peers, rounds, async (peer) => {
    try {
      return await runOnce(peer, conns, idleSeconds);
    } catch (error) {
      throw new Error(`${peer.name}, deflate-idle: ${String(error)}`, { cause: error });
    }
  });
  return { conns, messagesEach: MESSAGES_EACH, idleSeconds, runs };
}

/**
 * @typedef {object} Exchanged what the client says of the messages
 * @property {number} messages
 * @property {number} plainBytes
 * @property {number} wireInBytes
 * @property {number} wireOutBytes
 */

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {number} conns
 * @param {number} idleSeconds
 * @returns {Promise<DeflateIdleRun>}
 */
async function runOnce(peer, conns, idleSeconds) {
  const server = await startServer(peer, COLLECTABLE);
  try {
    await sleep(1000);
    const base = await settle(server);
    const each = () => (readResidentBytes(server.pid) - base) / conns;
    const client = startLineClient([
      path.join(import.meta.dirname, 'deflate-idle-client.mjs'),
      ...['--port', String(server.port), '--conns', String(conns)],
      ...['--messages', String(MESSAGES_EACH), '--size', String(MESSAGE_BYTES)],
    ]);
    try {
      await client.nextLine(OPEN_MS);
      const openBytes = each();
      const [startMs, startNs] = [Date.now(), readCpuNs(server.pid)];
      const exchanged = /** @type {Exchanged} */ (await client.nextLine(EXCHANGE_MS));
      const usedBytes = each();
      const [endMs, endNs] = [Date.now(), readCpuNs(server.pid)];
      const { verified } = /** @type {{ verified: number }} */ (await client.nextLine(VERIFY_MS));
      await sleep(Math.max(0, endMs + idleSeconds * 1000 - Date.now()));
      const restedBytes = each();
      const collected = await settle(server);
      client.checkAlive();
      return {
        openBytes,
        usedBytes,
        restedBytes,
        collectedBytes: (collected - base) / conns,
        baseBytes: base,
        serverCpuNsPerMessage: (endNs - startNs) / exchanged.messages,
        exchangeSeconds: (endMs - startMs) / 1000,
        plainBytes: exchanged.plainBytes,
        wireInBytes: exchanged.wireInBytes,
        wireOutBytes: exchanged.wireOutBytes,
        verified,
      };
    } finally {
      await client.stop();
    }
  } finally {
    await server.stop();
  }
}
