/**
 * Messages in the smallest pieces: a byte a read, and fragments of 4 KiB. What they cost must be linear in their size, so
 * each is measured at several sizes.
 */
import path from 'node:path';
import { measureEcho } from './echo.mjs';
import { atMost, formatVerdicts } from './goals.mjs';
import { onNodes } from './on-nodes.mjs';
import { plainPeers } from './plan.mjs';
import { formatCosts, formatEstimate, formatTable } from './report.mjs';
import { runClient, startServer } from './server-process.mjs';
import { estimateMedian, pairedRatios } from './statistics.mjs';
import { inTurns } from './turns.mjs';

const KIB = 1024;
const CONNS = 4;
const SIZES = [64 * KIB, 128 * KIB];
const FRAGMENT_BYTES = 4 * KIB;
const FRAGMENTED_SIZES = [256 * KIB, 512 * KIB, 1024 * KIB];
const GOALS = [atMost(0.5, 'ws')];
/** It only reads: an echo of each byte would be another cost. */
const SINK = path.join(import.meta.dirname, 'peers/raw-sink.mjs');

export const DRIBBLE_PEERS = ['raw', 'ws', 'twist'];

/**
 * @typedef {object} DribbleResult
 * @property {string} pieces
 * @property {number} sizeBytes
 * @property {Record<string, { serverCpuNsPerMessage: number }[]>} runs by the peer's name, one a round
 */

/**
 * @param {{ peers: readonly string[], twistFile: string, nodes: readonly string[], rounds: number, seconds: number,
 *   warmupSeconds: number }} options
 * @param {(load: string) => void} tell what is measured now
 * @returns {Promise<{ names: string[], results: DribbleResult[] }>}
 */
export async function measureDribble(options, tell) {
  const { rounds, nodes, twistFile, peers: wanted } = options;
  const peers = onNodes(
    plainPeers(twistFile)
      .map((peer) => (peer.name === 'raw' ? { ...peer, command: [SINK] } : peer))
      .filter(({ name }) => wanted.includes(name)),
    nodes,
  );
  const servers = peers.filter(({ speaks }) => speaks !== 'raw');
  /** @type {DribbleResult[]} */
  const results = [];
  for (const sizeBytes of SIZES) {
    tell(nameLoad({ pieces: BYTES, sizeBytes }));
    const runs = await inTurns(peers, rounds, async (peer) => {
      const server = await startServer(peer, []);
      try {
        const run = await runClient([
          path.join(import.meta.dirname, 'dribble-client.mjs'),
          ...['--port', String(server.port), '--pid', String(server.pid)],
          ...['--peer', peer.speaks],
          ...['--conns', String(CONNS), '--size', String(sizeBytes)],
        ]);
        return /** @type {{ serverCpuNsPerMessage: number }} */ (run);
      } finally {
        await server.stop();
      }
    });
    results.push({ pieces: BYTES, sizeBytes, runs });
  }
  for (const sizeBytes of FRAGMENTED_SIZES) {
    tell(nameLoad({ pieces: FRAGMENTS, sizeBytes }));
    const load = { conns: 2, depth: 2, sizeBytes, kind: /** @type {const} */ ('binary') };
    const { runs } = await measureEcho(
      servers,
      { ...load, fragmentBytes: FRAGMENT_BYTES },
      options,
    );
    results.push({
      pieces: FRAGMENTS,
      sizeBytes,
      runs: /** @type {DribbleResult['runs']} */ (runs),
    });
  }
  return { names: peers.map(({ name }) => name), results };
}

const BYTES = `${CONNS} x 1, bytes`;
const FRAGMENTS = '2 x 2, fragments of 4 KiB';

/** @param {Pick<DribbleResult, 'pieces' | 'sizeBytes'>} result */
function nameLoad({ pieces, sizeBytes }) {
  return `${sizeBytes / KIB} KiB in ${pieces.replace(/^.*, /, '')}`;
}

/** @param {{ names: readonly string[], results: readonly DribbleResult[] }} measured */
export function formatDribble({ names, results }) {
  const rows = results.map((result) => ({
    load: nameLoad(result),
    goals: GOALS,
    names,
    /** @param {string} name */
    read: (name) => costs(result, name),
  }));
  const growth = results.flatMap((result, index) => {
    const smaller = results[index - 1];
    if (smaller?.pieces !== result.pieces) return [];
    return [
      [
        `${nameLoad(result)}, of ${smaller.sizeBytes / KIB} KiB`,
        `${result.sizeBytes / smaller.sizeBytes}`,
        ...names.map((name) =>
          formatEstimate(estimateMedian(pairedRatios(costs(result, name), costs(smaller, name)))),
        ),
      ],
    ];
  });
  return [
    formatCosts('a message of', names, rows),
    formatVerdicts(rows),
    formatTable([['twice the size', 'linear', ...names], ...growth]),
  ].join('\n\n');
}

/**
 * @param {DribbleResult} result
 * @param {string} name
 */
function costs({ runs }, name) {
  return (runs[name] ?? []).map((run) => run.serverCpuNsPerMessage);
}
