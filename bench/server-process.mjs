/** Starts a peer in a process of its own, on a core of its own, and finds out where it listens. */
import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';

const START_MS = 20_000;
const STOP_MS = 5_000;

/** Whether `taskset` can pin a process to a core here. */
export const canPin = spawnSync('taskset', ['-c', '1', 'true'], { stdio: 'ignore' }).status === 0;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/**
 * Starts Node on one core. Its standard input stays open: a client waits for its end.
 * @param {number} core
 * @param {readonly string[]} args
 */
export function startNode(core, args) {
  const command = canPin ? ['taskset', '-c', String(core), process.execPath] : [process.execPath];
  // Options and settings of whoever runs the benchmark must not reach what is measured.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TWIST_|NODE_|WS_)/.test(name)),
  );
  const child = spawn(command[0] ?? '', [...command.slice(1), ...args], {
    env,
  });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/**
 * @typedef {object} Server
 * @property {number} pid
 * @property {number} port
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a peer and waits until it has logged `{"msg":"listening","address":"..."}`.
 * @param {import('./plan.mjs').Peer} peer
 * @param {readonly string[]} nodeOptions
 * @returns {Promise<Server>}
 */
export async function startServer(peer, nodeOptions) {
  const child = startNode(0, [...nodeOptions, ...peer.command]);
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  /** @type {Promise<number>} */
  const listening = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${peer.name} did not say where it listens: ${output}`));
    }, START_MS);
    let output = '';
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${peer.name} did not start: ${output}`));
    });
    child.stdout.resume();
    // Read to the end, so that a log never fills the pipe.
    child.stderr.on('data', (/** @type {Buffer} */ data) => {
      if (output.length > 65_536) return;
      output += data.toString();
      const found = /"address":"(?:ws|tcp):\/\/127\.0\.0\.1:(\d+)"/.exec(output);
      if (!found) return;
      clearTimeout(timer);
      resolve(Number(found[1]));
    });
  });
  const port = await listening;
  return {
    pid: child.pid ?? 0,
    port,
    signal: (signal) => child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a client on the other core to its end.
 * @param {readonly string[]} args
 * @returns {Promise<unknown>} the JSON that it prints
 */
export async function runClient(args) {
  const child = startNode(1, args);
  let output = '';
  child.stdout.on('data', (/** @type {Buffer} */ data) => (output += data.toString()));
  let complaint = '';
  child.stderr.on('data', (/** @type {Buffer} */ data) => (complaint += data.toString()));
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once('close', resolve));
  const status = await ended;
  if (status !== 0) throw new Error(complaint.trim() || `the client ended with status ${status}`);
  /** @type {unknown} */
  const result = JSON.parse(output);
  return result;
}
