/**
 * The recording measurement: what it adds to an echo that each message is written to a file, both ways; and what counters
 * and metrics add to it.
 */
import { Buffer } from 'node:buffer';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { WebSocket } from 'ws';
import { buildBare } from './bare-build.mjs';
import { measureEcho } from './echo.mjs';
import { onNodes } from './on-nodes.mjs';
import { twistPeer } from './plan.mjs';
import { findFreePort } from './server-process.mjs';

const here = import.meta.dirname;

/**
 * Who records, by the peer's name: the options of twist, and the mode if it is not the built-in echo.
 * @type {Readonly<Record<string, { readonly record?: string, readonly write?: string, readonly isBare?: true,
 *   readonly hasMetrics?: true, readonly inspect?: 'alone' | 'page' }>>}
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
  inspect: { inspect: 'alone' },
  'inspect-page': { inspect: 'page' },
};

/** How often metrics are asked for. */
const ASK_MS = 1000;
const BARE = path.join(here, '../reports/bench/bare/twist.cjs');

/** Opens the page of the inspector, which is that of a measurement. */
const TOKEN = 'the-token-of-a-measurement';

/** How often somebody looks whether there is a page, in milliseconds. */
const LOOK_MS = 100;

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
  const pagePort = await findFreePort();
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
  const page = names.includes('inspect-page') ? watchPage(pagePort) : null;
  try {
    const peers = onNodes(
      names.map((name) =>
        peerOf(name, { file, adminPort, pagePort, twistFile: options.twistFile }),
      ),
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
    page?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} name
 * @param {{ file: string, adminPort: number, pagePort: number, twistFile: string }} place
 * @returns {import('./plan.mjs').Peer}
 */
function peerOf(name, { file, adminPort, pagePort, twistFile }) {
  const { record, write, isBare, hasMetrics, inspect } = RECORDERS[name] ?? {};
  if (isBare) return { ...twistPeer(BARE), name };
  if (hasMetrics) return { ...twistPeer(twistFile, ['--admin', `127.0.0.1:${adminPort}`]), name };
  if (inspect !== undefined) {
    const port = inspect === 'page' ? pagePort : 0;
    const flags = ['--inspect', String(port), '--inspect-token', TOKEN];
    return { ...twistPeer(twistFile, flags), name };
  }
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

/**
 * Keeps the page of whatever inspector there is open: all sessions, and the newest of all messages.
 * @param {number} port
 * @returns {{ close: () => void }}
 */
function watchPage(port) {
  const origin = `http://127.0.0.1:${port}`;
  /** @type {WebSocket | null} */
  let socket = null;
  let isAsking = false;
  const look = async () => {
    if (socket !== null || isAsking) return;
    isAsking = true;
    try {
      const response = await globalThis.fetch(`${origin}/?token=${TOKEN}`, { redirect: 'manual' });
      const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';');
      socket = openPage(origin, cookie, () => {
        socket = null;
      });
    } catch {
      // Another one is measured now.
    }
    isAsking = false;
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return {
    close: () => {
      clearInterval(timer);
      socket?.terminate();
    },
  };
}

/**
 * @param {string} origin
 * @param {string} cookie
 * @param {() => void} onClose
 */
function openPage(origin, cookie, onClose) {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, 'twist-inspect.1', {
    headers: { cookie },
    origin,
  });
  let id = 0;
  let view = 0;
  /** @param {object} question */
  const ask = (question) => {
    socket.send(JSON.stringify({ ...question, id: ++id }));
  };
  socket.on('open', () => {
    ask({ ask: 'view', filter: {} });
  });
  socket.on('message', (data) => {
    /** @type {unknown} */
    const parsed = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '{}');
    const said = /** @type {{ news?: string, view?: number, total?: number, id?: number }} */ (
      parsed
    );
    if (said.id === 1) view = said.view ?? 0;
    // What is seen is the end, which the page asks for again.
    if (said.news === 'view')
      ask({ ask: 'rows', view, from: Math.max(0, (said.total ?? 0) - 50), count: 50 });
  });
  socket.on('error', () => undefined);
  socket.on('close', onClose);
  return socket;
}
