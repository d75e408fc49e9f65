/** The idle measurement: resident memory that a server needs for each open and quiet connection. */
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOpenFilesLimit, readResidentBytes } from './process-usage.mjs';
import { startNode, startServer } from './server-process.mjs';

const QUIET_MS = 5_000;
const READINGS = 5;
const OPEN_MS = 60_000;
/** What a Node process has open beside its connections, generously. */
const OTHER_FILES = 200;

/**
 * @typedef {object} IdleRun
 * @property {number} bytesPerConnection after a forced collection, before and after
 * @property {number} bytesAsGrown without one: with what the handshakes left behind
 * @property {number} baseBytes of the server without connections
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
export async function measureIdle(peers, options) {
  const possible = readOpenFilesLimit() - OTHER_FILES;
  const conns = Math.min(options.conns, possible);
  if (conns < options.conns) {
    process.stderr.write(
      `Only ${conns} of ${options.conns} connections: a process may open ${possible + OTHER_FILES} files here (ulimit -n).\n`,
    );
  }
  /** @type {Record<string, IdleRun[]>} */
  const runs = Object.fromEntries(peers.map((peer) => [peer.name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const peer = peers[(round + turn) % peers.length];
      if (!peer) continue;
      runs[peer.name]?.push(await runOnce(peer, conns));
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return { conns, runs };
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {number} conns
 * @returns {Promise<IdleRun>}
 */
async function runOnce(peer, conns) {
  const collector = path.join(import.meta.dirname, 'collect-on-signal.mjs');
  const server = await startServer(peer, ['--expose-gc', '--import', collector]);
  try {
    await sleep(1000);
    const grownBase = readResidentBytes(server.pid);
    const base = await settle(server);
    const client = await openConnections(peer, server.port, conns);
    try {
      await sleep(QUIET_MS);
      const grown = readResidentBytes(server.pid);
      const held = await settle(server);
      return {
        bytesPerConnection: (held - base) / conns,
        bytesAsGrown: (grown - grownBase) / conns,
        baseBytes: base,
      };
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
  }
}

/**
 * Collects and reads several times: the least of the readings is what cannot be given back.
 * @param {import('./server-process.mjs').Server} server
 */
async function settle(server) {
  let least = Infinity;
  for (let reading = 0; reading < READINGS; reading++) {
    server.signal('SIGUSR2');
    await sleep(700);
    least = Math.min(least, readResidentBytes(server.pid));
  }
  return least;
}

/**
 * @param {import('./plan.mjs').Peer} peer
 * @param {number} port
 * @param {number} conns
 */
async function openConnections(peer, port, conns) {
  const client = startNode(1, [
    path.join(import.meta.dirname, 'idle-client.mjs'),
    ...['--port', String(port), '--conns', String(conns), '--peer', peer.speaks],
  ]);
  let complaint = '';
  client.stderr.on('data', (/** @type {Buffer} */ data) => (complaint += data.toString()));
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    client.once('close', () => {
      resolve();
    });
  });
  /** @type {Promise<boolean>} */
  const opened = new Promise((resolve) => {
    client.stdout.once('data', () => {
      resolve(true);
    });
  });
  const isOpen = await Promise.race([
    opened,
    exited.then(() => false),
    sleep(OPEN_MS, false, { ref: false }),
  ]);
  if (!isOpen) {
    client.kill('SIGKILL');
    throw new Error(
      `${peer.name}, idle: ${complaint.trim() || 'the connections did not open in time'}`,
    );
  }
  return {
    close: async () => {
      if (complaint !== '' || client.exitCode !== null)
        throw new Error(`${peer.name}, idle: ${complaint.trim()}`);
      client.stdin.end();
      await exited;
    },
  };
}
