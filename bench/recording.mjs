/** The recording measurement: what it adds to an echo that each message is written to a file, both ways. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { measureEcho } from './echo.mjs';
import { onNodes } from './on-nodes.mjs';
import { twistPeer } from './plan.mjs';

const here = import.meta.dirname;

/**
 * Who records, by the peer's name: the options of twist, and the mode if it is not the built-in echo.
 * @type {Readonly<Record<string, { readonly record?: string, readonly write?: string }>>}
 */
const RECORDERS = {
  echo: {},
  none: { record: 'none' },
  interval: { record: 'interval' },
  always: { record: 'always' },
  'write-stream': { write: 'stream' },
  'sync-each': { write: 'sync' },
};

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
  try {
    const peers = onNodes(
      names.map((name) => peerOf(name, file, options.twistFile)),
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
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} name
 * @param {string} file
 * @param {string} twistFile
 * @returns {import('./plan.mjs').Peer}
 */
function peerOf(name, file, twistFile) {
  const { record, write } = RECORDERS[name] ?? {};
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
