/** Connections that come and go: accept, opening handshake, closing handshake, end; beside a server that only sends the same bytes. */
import path from 'node:path';
import { AGAINST } from './echo-peers.mjs';
import { findStored } from './peer-store.mjs';
import { atMost, formatVerdicts } from './goals.mjs';
import { onNodes } from './on-nodes.mjs';
import { twistPeer } from './plan.mjs';
import { formatCosts, formatTable, significant } from './report.mjs';
import { runClient, startServer } from './server-process.mjs';
import { median } from './statistics.mjs';
import { inTurns } from './turns.mjs';

/** @typedef {import('./plan.mjs').Peer} Peer */

const LANES = 32;
const GOALS = [atMost(1.1, 'raw')];

/**
 * @typedef {object} ChurnRun
 * @property {number} connectionsPerSecond
 * @property {number} serverCpuNsPerConnection
 * @property {number} serverBusy
 * @property {number} generatorBusy
 * @property {number} failed
 */

/**
 * @typedef {object} ChurnResult
 * @property {number} lanes connections at a time
 * @property {readonly string[]} names of the peers
 * @property {Record<string, ChurnRun[]>} runs by the peer's name, one a round
 */

export const CHURN_PEERS = ['raw', 'ws', 'twist', 'uws'];

/**
 * @param {readonly string[]} names
 * @param {{ twistFile: string, againstFile: string | null, nodes: readonly string[], mayBuild: boolean }} options
 * @returns {{ peers: Peer[], missing: string[] }}
 */
export function findChurnPeers(names, { twistFile, againstFile, nodes, mayBuild }) {
  /** @param {string} file */
  const peer = (file) => [path.join(import.meta.dirname, 'peers', file)];
  /** @type {Peer[]} */
  const own = [
    { name: 'raw', speaks: 'raw', command: peer('raw-accept.mjs') },
    { name: 'ws', speaks: 'websocket', command: peer('ws.mjs') },
    twistPeer(twistFile),
  ];
  const chosen = own.filter(({ name }) => names.includes(name));
  if (againstFile !== null) chosen.push({ ...twistPeer(againstFile), name: AGAINST });
  const peers = onNodes(chosen, nodes);
  if (!names.includes('uws')) return { peers, missing: [] };
  const found = findStored('uws', mayBuild);
  if (typeof found === 'string') return { peers, missing: [found] };
  return {
    peers: [...peers, { name: 'uws', speaks: 'websocket', command: [], file: found.file }],
    missing: [],
  };
}

/**
 * @param {readonly Peer[]} peers
 * @param {{ rounds: number, seconds: number, warmupSeconds: number }} options
 * @returns {Promise<ChurnResult>}
 */
export async function measureChurn(peers, { rounds, seconds, warmupSeconds }) {
  const runs = await inTurns(peers, rounds, async (peer) => {
    const server = await startServer(peer, []);
    try {
      const run = /** @type {ChurnRun} */ (
        await runClient([
          path.join(import.meta.dirname, 'churn-generator.mjs'),
          ...['--port', String(server.port), '--pid', String(server.pid), '--close'],
          ...['--lanes', String(LANES)],
          ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
        ])
      );
      if (run.failed > 0) throw new Error(`${peer.name}: ${run.failed} connections failed`);
      return run;
    } finally {
      await server.stop();
    }
  });
  return { lanes: LANES, names: peers.map(({ name }) => name), runs };
}

/** @param {ChurnResult} result */
export function formatChurn({ lanes, names, runs }) {
  const load = `${lanes} connections at a time`;
  /** @param {string} name */
  const read = (name) => (runs[name] ?? []).map((run) => run.serverCpuNsPerConnection);
  const rates = [
    ['', ...names.map((name) => `${name} per s`)],
    [
      load,
      ...names.map((name) =>
        significant(median((runs[name] ?? []).map((run) => run.connectionsPerSecond))),
      ),
    ],
  ];
  return [
    formatCosts('come and go', names, [{ load, read }]),
    formatVerdicts([{ load, goals: GOALS, names, read }]),
    formatTable(rates),
  ].join('\n\n');
}
