/**
 * The proxy measurement: what it costs to carry messages to a TCP service and back, each proxy under each load, in turns.
 * The service sends back every byte.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { findStored, versionOfWs } from './peer-store.mjs';
import { describeGoals } from './goals.mjs';
import { onNodes } from './on-nodes.mjs';
import { nameWorkload } from './plan.mjs';
import {
  CLIENT_CORE,
  findFreePort,
  runClient,
  startProgram,
  startServer,
} from './server-process.mjs';
import { inTurns } from './turns.mjs';

const here = import.meta.dirname;
const PROBE_MS = 10_000;

/**
 * @typedef {object} ProxyRun one run of one proxy under one load, as the generator reports it
 * @property {number} messages
 * @property {number} seconds
 * @property {number} messagesPerSecond
 * @property {number} megabytesPerSecond of payload that came back
 * @property {number} cpuUsPerMessage of the proxy and all its processes
 * @property {number} cpuMsPerMegabyte
 * @property {number} proxyBusy share of one core that the proxy used
 * @property {number} clientBusy share of one core that the generator and the service used together
 * @property {number | null} latencyP50Us at depth 1
 * @property {number | null} latencyP99Us at depth 1
 */

/** @typedef {Exclude<keyof ProxyRun, 'messages' | 'seconds'>} ProxyFigure */

/**
 * @typedef {object} ProxyResult
 * @property {string} workload
 * @property {string} aim in words
 * @property {readonly import('./goals.mjs').Goal[]} goals
 * @property {Record<string, (ProxyRun | null)[]>} runs by the proxy's name, one a round; null for one that failed
 * @property {string[]} failures of programs that are not of this project, in words
 */

/**
 * @typedef {object} Proxy
 * @property {string} name
 * @property {'tcp' | 'websocket'} speaks to its clients
 * @property {string} version empty for what has none
 * @property {boolean} isForeign a program that may fail without ending the benchmark
 * @property {string} [file] another Node to run on
 * @property {(targetPort: number) => Promise<{ pid: number, port: number, stop: () => Promise<void> }>} start
 */

/**
 * The proxies that are wanted and can be started here.
 * @param {string} twistFile
 * @param {readonly string[]} names
 * @param {readonly string[]} nodes beside this one
 * @returns {{ proxies: Proxy[], missing: string[] }} `missing`: what is not installed, each with how to get it
 */
export function findProxies(twistFile, names, nodes) {
  /** @type {Proxy[]} */
  const proxies = [];
  /** @type {string[]} */
  const missing = [];
  for (const [name, find] of Object.entries(FINDERS)) {
    if (!names.includes(name)) continue;
    const found = find(twistFile);
    if (typeof found === 'string') missing.push(found);
    else proxies.push(found);
  }
  return {
    proxies: onNodes(
      proxies,
      nodes,
      proxies.filter(({ isForeign }) => isForeign).map(({ name }) => name),
    ),
    missing,
  };
}

/** @type {Record<string, (twistFile: string) => Proxy | string>} a text says how to get it */
const FINDERS = {
  pipe: () => ofNode('pipe', 'tcp', '', (port) => [path.join(here, 'peers/tcp-pipe.mjs'), port]),
  twist: (twistFile) =>
    ofNode('twist', 'websocket', '', (port) => [
      ...[twistFile, 'serve', '--tcp', `127.0.0.1:${port}`],
      ...['--listen', '127.0.0.1:0', '--log-format', 'json'],
    ]),
  'ws-proxy': () =>
    ofNode('ws-proxy', 'websocket', `ws ${versionOfWs()}`, (port) => [
      path.join(here, 'peers/ws-proxy.mjs'),
      port,
    ]),
  websockify: findWebsockify,
  websocat: findWebsocat,
};

/**
 * @param {string} name
 * @param {Proxy['speaks']} speaks
 * @param {string} version
 * @param {(targetPort: string) => string[]} command what Node is started with
 * @returns {Proxy}
 */
function ofNode(name, speaks, version, command) {
  return {
    name,
    speaks,
    version,
    isForeign: false,
    start(targetPort) {
      const peer = { name, command: command(String(targetPort)) };
      return startServer(this.file === undefined ? peer : { ...peer, file: this.file }, []);
    },
  };
}

/**
 * @param {string} name
 * @param {string} version
 * @param {(port: number, targetPort: number) => string[]} command
 * @returns {Proxy}
 */
function ofProgram(name, version, command) {
  return {
    name,
    speaks: 'websocket',
    version,
    isForeign: true,
    start: async (targetPort) => {
      const port = await findFreePort();
      return startProgram(name, command(port, targetPort), port);
    },
  };
}

function findWebsockify() {
  const ofCheckout = path.join(here, '../.venv/bin/python');
  const python = process.env['TWIST_PYTHON'] ?? (existsSync(ofCheckout) ? ofCheckout : 'python3');
  const version = ask(python, ['-c', PRINT_WEBSOCKIFY_VERSION]);
  if (version === null)
    return 'websockify is left out: python -m venv .venv && .venv/bin/pip install websockify, or TWIST_PYTHON=FILE';
  return ofProgram('websockify', version, (port, targetPort) => [
    ...[python, '-m', 'websockify', `127.0.0.1:${port}`, `127.0.0.1:${targetPort}`],
  ]);
}

/** Without numpy it unmasks byte by byte, which would not be fair. */
const PRINT_WEBSOCKIFY_VERSION =
  "import sys, numpy; from importlib.metadata import version; print(version('websockify'), 'Python', sys.version.split()[0], 'numpy', numpy.__version__)";

function findWebsocat() {
  const stored = findStored('websocat', false);
  const file = typeof stored === 'string' ? 'websocat' : stored.file;
  const version = ask(file, ['--version'])?.replace(/^websocat /, '') ?? null;
  if (version === null)
    return 'websocat is left out: npm run bench -- peers, or cargo install websocat, in PATH or as TWIST_WEBSOCAT=FILE';
  return ofProgram('websocat', version, (port, targetPort) => [
    ...[file, '--binary', `ws-l:127.0.0.1:${port}`, `tcp:127.0.0.1:${targetPort}`],
  ]);
}

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @returns {string | null} the first line that it prints; null when it cannot be run
 */
function ask(file, args) {
  const { status, stdout } = spawnSync(file, args, { encoding: 'utf8', timeout: PROBE_MS });
  return status === 0 ? (stdout.split('\n')[0]?.trim() ?? '') : null;
}

/**
 * All proxies get a load before the next load.
 * @param {readonly Proxy[]} proxies
 * @param {import('./plan.mjs').Workload} workload
 * @param {{ rounds: number, seconds: number, warmupSeconds: number }} options
 * @returns {Promise<ProxyResult>}
 */
export async function measureProxy(proxies, workload, { rounds, seconds, warmupSeconds }) {
  /** @type {string[]} */
  const failures = [];
  const runs = await inTurns(proxies, rounds, async (proxy) => {
    try {
      return await runOnce(proxy, workload, seconds, warmupSeconds);
    } catch (error) {
      const failure = `${proxy.name}, ${nameWorkload(workload)}: ${String(error)}`;
      if (!proxy.isForeign) throw new Error(failure, { cause: error });
      failures.push(failure);
      return null;
    }
  });
  const { goals = [], aim } = workload;
  return {
    workload: nameWorkload(workload),
    aim: describeGoals(goals, aim),
    goals,
    runs,
    failures,
  };
}

/**
 * @param {Proxy} proxy
 * @param {import('./plan.mjs').Workload} workload
 * @param {number} seconds
 * @param {number} warmupSeconds
 * @returns {Promise<ProxyRun>}
 */
async function runOnce(proxy, workload, seconds, warmupSeconds) {
  // Three processes for each run: none knows the load before.
  const target = await startServer(ECHO_SERVICE, [], CLIENT_CORE);
  try {
    const server = await proxy.start(target.port);
    try {
      const result = await runClient([
        path.join(here, 'proxy-generator.mjs'),
        ...['--port', String(server.port), '--speaks', proxy.speaks],
        ...['--pid', String(server.pid), '--target-pid', String(target.pid)],
        ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
        ...['--size', String(workload.sizeBytes)],
        ...['--seconds', String(seconds), '--warmup', String(warmupSeconds)],
      ]);
      return /** @type {ProxyRun} */ (result);
    } finally {
      await server.stop();
    }
  } finally {
    await target.stop();
  }
}

const ECHO_SERVICE = { name: 'TCP echo', command: [path.join(here, 'peers/raw-net.mjs')] };
