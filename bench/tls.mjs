/** TLS: echo beside `ws` on Node's HTTPS server, and handshakes beside Node's TLS server with nothing on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from './certificate.mjs';
import { measureEcho } from './echo.mjs';
import { atMost } from './goals.mjs';
import { onNodes } from './on-nodes.mjs';
import { twistPeer } from './plan.mjs';
import { runClient, startServer } from './server-process.mjs';
import { inTurns } from './turns.mjs';

/** @typedef {import('./plan.mjs').Peer} Peer */

/** @type {readonly import('./plan.mjs').Workload[]} */
export const TLS_WORKLOADS = [
  { conns: 50, depth: 1, sizeBytes: 1024, kind: 'binary', goals: [atMost(0.85, 'ws')] },
  { conns: 1, depth: 1, sizeBytes: 1024, kind: 'binary' },
  { conns: 10, depth: 100, sizeBytes: 64, kind: 'binary' },
  { conns: 4, depth: 4, sizeBytes: 65_536, kind: 'binary', goals: [atMost(0.85, 'ws')] },
];

export const TLS_PEERS = ['ws', 'twist', 'bare'];

/**
 * @typedef {object} HandshakeRun
 * @property {number} perSecond
 * @property {number} serverCpuNsPerHandshake
 */

/**
 * @typedef {object} HandshakeResult
 * @property {'full' | 'resumed'} kind
 * @property {Record<string, HandshakeRun[]>} runs by the peer's name
 */

/**
 * @typedef {object} TlsOptions
 * @property {readonly string[]} peers
 * @property {string} twistFile
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 * @property {string} load
 * @property {readonly string[]} nodes beside this one
 */

/**
 * @param {TlsOptions} options
 * @param {(workload: import('./plan.mjs').Workload | 'full' | 'resumed') => void} tell what is measured now
 */
export async function measureTls(options, tell) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'twist-bench-'));
  try {
    const peers = peersOf(options, makeCertificate(directory));
    const echoing = peers.filter(({ name }) => !name.startsWith('bare'));
    /** @type {import('./echo.mjs').EchoResult[]} */
    const echo = [];
    for (const workload of TLS_WORKLOADS) {
      tell(workload);
      echo.push(await measureEcho(echoing, workload, options));
    }
    /** @type {HandshakeResult[]} */
    const handshakes = [];
    for (const kind of /** @type {const} */ (['full', 'resumed'])) {
      tell(kind);
      const runs = await inTurns(peers, options.rounds, (peer) => shakeHands(peer, kind, options));
      handshakes.push({ kind, runs });
    }
    return { echo, handshakes, names: peers.map(({ name }) => name) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * @param {Peer} peer
 * @param {'full' | 'resumed'} kind
 * @param {TlsOptions} options
 * @returns {Promise<HandshakeRun>}
 */
async function shakeHands(peer, kind, { seconds, warmupSeconds }) {
  const server = await startServer(peer, []);
  try {
    const result = await runClient([
      path.join(import.meta.dirname, 'handshake-client.mjs'),
      ...['--port', String(server.port), '--pid', String(server.pid)],
      ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
      ...(kind === 'resumed' ? ['--resume'] : []),
    ]);
    return /** @type {HandshakeRun} */ (result);
  } finally {
    await server.stop();
  }
}

/**
 * @param {TlsOptions} options
 * @param {{ cert: string, key: string }} files
 * @returns {Peer[]}
 */
function peersOf({ peers, twistFile, nodes }, { cert, key }) {
  /** @param {string} name */
  const peer = (name) => path.join(import.meta.dirname, 'peers', name);
  /** @type {Peer[]} */
  const all = [
    { name: 'ws', speaks: 'tls', command: [peer('ws-tls.mjs'), cert, key] },
    { ...twistPeer(twistFile, ['--tls-cert', cert, '--tls-key', key]), speaks: 'tls' },
    { name: 'bare', speaks: 'tls', command: [peer('bare-tls.mjs'), cert, key] },
  ];
  return onNodes(
    all.filter(({ name }) => peers.includes(name)),
    nodes,
  );
}
