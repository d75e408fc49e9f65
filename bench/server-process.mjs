/** Starts a peer in a process of its own, on a core of its own, and finds out where it listens. */
import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
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

/** Options and settings of whoever runs the benchmark must not reach what is measured. */
export function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TWIST_|NODE_|WS_)/.test(name)),
  );
}

/**
 * Starts Node on one core. Its standard input stays open: a client waits for its end.
 * @param {number} core
 * @param {readonly string[]} args
 */
export function startNode(core, args) {
  const command = canPin ? ['taskset', '-c', String(core), process.execPath] : [process.execPath];
  const child = spawn(command[0] ?? '', [...command.slice(1), ...args], {
    env: cleanEnvironment(),
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
  const child = startNode(SERVER_CORE, [...nodeOptions, ...peer.command]);
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

/** Servers run on the one core, clients on the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

/**
 * Runs a client, or something else, to its end.
 * @param {readonly string[]} args
 * @param {number} [core]
 * @returns {Promise<unknown>} the JSON that it prints
 */
export async function runClient(args, core = CLIENT_CORE) {
  const child = startNode(core, args);
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

/**
 * @typedef {object} LineClient a client that says with lines of JSON how far it is
 * @property {(withinMs: number) => Promise<unknown>} nextLine
 * @property {() => void} checkAlive throws when it has ended, or complained
 * @property {() => void} finish tells it to end, after which it may say more
 * @property {() => Promise<void>} stop tells it to end and waits
 */

/**
 * Starts a client that runs until its standard input ends.
 * @param {readonly string[]} args
 * @returns {LineClient}
 */
export function startLineClient(args) {
  const child = startNode(CLIENT_CORE, args);
  let complaint = '';
  child.stderr.on('data', (/** @type {Buffer} */ data) => (complaint += data.toString()));
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    nextLine: async (withinMs) => {
      const timer = setTimeout(() => {
        complaint += `the client was not done in ${withinMs} ms`;
        child.kill('SIGKILL');
      }, withinMs);
      const line = await lines.next();
      clearTimeout(timer);
      if (line.done === true) {
        await exited;
        throw new Error(complaint.trim());
      }
      /** @type {unknown} */
      const said = JSON.parse(line.value);
      return said;
    },
    checkAlive: () => {
      if (child.exitCode !== null || complaint !== '')
        throw new Error(complaint.trim() || 'the client has ended');
    },
    finish: () => {
      child.stdin.end();
    },
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
