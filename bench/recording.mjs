/**
 * The recording measurement: what it adds to an echo that each message is written to a file, both ways; and what counters
 * and metrics add to it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { buildBare } from './bare-build.mjs';
import { measureEcho } from './echo.mjs';
import { onNodes } from './on-nodes.mjs';
import { twistPeer } from './plan.mjs';
import { findFreePort } from './server-process.mjs';

const here = import.meta.dirname;

/**
 * Who records, by the peer's name: the options of twist, and the mode if it is not the built-in echo.
 * @type {Readonly<Record<string, { readonly record?: string, readonly write?: string, readonly isBare?: true,
 *   readonly hasMetrics?: true }>>}
 */
const RECORDERS = {
  bare: { isBare: true },
  echo: {},
  metrics: { hasMetrics: true },
  none: { record: 'none' },
  interval: { record: 'interval' },
  always: { record: 'always' },
  'write-stream': { write: 'stream' },
  'sync-each': { write: 'sync' },
};

/** How often metrics are asked for. */
const ASK_MS = 1000;
const BARE = path.join(here, '../reports/bench/bare/twist.cjs');

export const RECORDER_NAMES = Object.keys(RECORDERS);

/**
 * @param {readonly string[]} names
 * @param {import('./plan.mjs').Workload} workload
 * @param {{ rounds: number, seconds: number, warmupSeconds: number, twistFile: string, nodes: readonly string[] }} options
 * @returns {Promise<import('./echo.mjs').EchoResult>}
 */
export async function measureRecording(names, workload, options) {
  const directory = mkdtempSync(path.join(tmpdir(), 'twist-bench-'));
  const file = path.join(directory, 'traffic.ndjson');
  const adminPort = await findFreePort();
  if (names.includes('bare')) {
    mkdirSync(path.dirname(BARE), { recursive: true });
    await buildBare(BARE);
  }
  const asking = setInterval(() => {
    // Only one of them answers, while it is measured.
    globalThis
      .fetch(`http://127.0.0.1:${adminPort}/metrics`)
      .then((response) => response.text())
      .catch(() => undefined);
  }, ASK_MS);
  try {
    const peers = onNodes(
      names.map((name) => peerOf(name, { file, adminPort, twistFile: options.twistFile })),
      options.nodes,
    );
    return await measureEcho(peers, workload, {
      ...options,
      // Nobody measures against what the file before has left in memory.
      beforeEach: () => {
        rmSync(file, { force: true });
      },
    });
  } finally {
    clearInterval(asking);
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} name
 * @param {{ file: string, adminPort: number, twistFile: string }} place
 * @returns {import('./plan.mjs').Peer}
 */
function peerOf(name, { file, adminPort, twistFile }) {
  const { record, write, isBare, hasMetrics } = RECORDERS[name] ?? {};
  if (isBare) return { ...twistPeer(BARE), name };
  if (hasMetrics) return { ...twistPeer(twistFile, ['--admin', `127.0.0.1:${adminPort}`]), name };
  if (record !== undefined)
    return { ...twistPeer(twistFile, ['--record', file, '--record-sync', record]), name };
  if (write === undefined) return { ...twistPeer(twistFile), name };
  const mode = path.join(here, 'peers/writing-mode.mjs');
  const serve = ['serve', '--mode', mode, '--listen', '127.0.0.1:0', '--log-format', 'json'];
  // Peers get a clean environment, so what the mode is told stands in the command.
  return {
    name,
    speaks: 'websocket',
    command: [
      `--import=data:text/javascript,globalThis.writingMode=${encodeURIComponent(JSON.stringify({ write, file }))}`,
      twistFile,
      ...serve,
    ],
  };
}
