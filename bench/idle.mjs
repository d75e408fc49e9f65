/** The idle measurement: resident memory that a server needs for each open and quiet connection. */
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOpenFilesLimit, readResidentBytes } from './process-usage.mjs';
import { startLineClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

const QUIET_MS = 5_000;
const READINGS = 5;
const OPEN_MS = 60_000;
/** They come and go first: what the first connection loads and compiles is no cost of the others. */
const FIRST_CONNS = 300;
/** Options of Node with which `settle` works. */
export const COLLECTABLE = [
  '--expose-gc',
  ...['--import', path.join(import.meta.dirname, 'collect-on-signal.mjs')],
];
/** What a Node process has open beside its connections, generously. */
const OTHER_FILES = 200;

/**
 * @typedef {object} IdleRun
 * @property {number} bytesPerConnection after a forced collection, before and after
 * @property {number} bytesAsGrown without one: with what the handshakes left behind
 * @property {number} baseBytes of the server when the first connections have gone
 * @property {number} startedBytes of the server before there was any
 */

/**
 * @typedef {object} IdleResult
 * @property {number} conns
 * @property {Record<string, IdleRun[]>} runs by the peer's name, one a round
 */

/**
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {{ rounds: number, conns: number }} options
 * @returns {Promise<IdleResult>}
 */
export async function measureIdle(peers, { rounds, conns: wanted }) {
  const conns = possibleConnections(wanted);
  return { conns, runs: await inTurns(peers, rounds, (peer) => runOnce(peer, conns)) };
}

/**
 * As many connections as are wanted, or as a process may have here.
 * @param {number} wanted
 */
export function possibleConnections(wanted) {
  const possible = readOpenFilesLimit() - OTHER_FILES;
  if (wanted <= possible) return wanted;
  process.stderr.write(
    `Only ${possible} of ${wanted} connections: a process may open ${possible + OTHER_FILES} files here (ulimit -n).\n`,
  );
  return possible;
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {number} conns
 * @returns {Promise<IdleRun>}
 */
async function runOnce(peer, conns) {
  const server = await startServer(peer, COLLECTABLE);
  try {
    await sleep(1000);
    const startedBytes = await settle(server);
    const first = startClient(server.port, peer, FIRST_CONNS);
    await first.nextLine(OPEN_MS);
    await first.stop();
    await sleep(1000);
    const grownBase = readResidentBytes(server.pid);
    const base = await settle(server);
    const client = startClient(server.port, peer, conns);
    try {
      await client.nextLine(OPEN_MS);
      await sleep(QUIET_MS);
      const grown = readResidentBytes(server.pid);
      const held = await settle(server);
      client.checkAlive();
      return {
        bytesPerConnection: (held - base) / conns,
        bytesAsGrown: (grown - grownBase) / conns,
        baseBytes: base,
        startedBytes,
      };
    } finally {
      await client.stop();
    }
  } catch (error) {
    throw new Error(`${peer.name}, idle: ${String(error)}`, { cause: error });
  } finally {
    await server.stop();
  }
}

/**
 * @param {number} port
 * @param {import('./plan.mjs').Peer} peer
 * @param {number} conns
 */
function startClient(port, peer, conns) {
  return startLineClient([
    path.join(import.meta.dirname, 'idle-client.mjs'),
    ...['--port', String(port), '--conns', String(conns), '--peer', peer.speaks],
  ]);
}

/**
 * Collects and reads several times: the least of the readings is what cannot be given back.
 * @param {import('./server-process.mjs').Server} server
 */
export async function settle(server) {
  let least = Infinity;
  for (let reading = 0; reading < READINGS; reading++) {
    server.signal('SIGUSR2');
    await sleep(700);
    least = Math.min(least, readResidentBytes(server.pid));
  }
  return least;
}
