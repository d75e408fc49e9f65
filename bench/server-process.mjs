/** Starts a peer in a process of its own, on a core of its own, and finds out where it listens. */
import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { comeAlong } from './priority.mjs';

const START_MS = 20_000;
const STOP_MS = 5_000;
const ACCEPT_PAUSE_MS = 20;
const MAX_COMPLAINT = 1000;

/** Whether `taskset` can pin a process to a core here. */
export const canPin = spawnSync('taskset', ['-c', '1', 'true'], { stdio: 'ignore' }).status === 0;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
/**
 * Programs that may have processes of their own, each the first of its process group.
 * @type {Set<import('node:child_process').ChildProcess>}
 */
const groups = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const leader of groups) signalGroup(leader, 'SIGKILL');
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
 * @param {number | string} core
 * @param {readonly string[]} args
 * @param {number} [niceness] of all its threads
 * @param {string} [program] another one than this Node
 */
export function startNode(core, args, niceness = 0, program = process.execPath) {
  const nice = niceness === 0 ? [] : ['nice', '-n', String(niceness)];
  const [file, ...rest] = pinned(core, [...nice, program, ...args]);
  const child = spawn(file ?? '', rest, { env: cleanEnvironment() });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/**
 * @param {number | string} core
 * @param {readonly string[]} command
 */
function pinned(core, command) {
  return canPin ? ['taskset', '-c', String(core), ...command] : [...command];
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
 * @param {Pick<import('./plan.mjs').Peer, 'name' | 'command' | 'file'>} peer
 * @param {readonly string[]} nodeOptions
 * @param {number | string} [core]
 * @returns {Promise<Server>}
 */
export async function startServer(peer, nodeOptions, core = SERVER_CORE) {
  const child = startNode(core, [...nodeOptions, ...peer.command], 0, peer.file);
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
      const found = /"address":"(?:wss?|tcp):\/\/127\.0\.0\.1:(\d+)"/.exec(output);
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
 * Starts a program that is not of this project on the server's core, and waits until it accepts connections.
 * @param {string} name
 * @param {readonly string[]} command
 * @param {number} port where it is told to listen, on 127.0.0.1
 * @returns {Promise<Omit<Server, 'signal'>>} `stop` ends the processes that it has started too
 */
export async function startProgram(name, command, port) {
  const [file, ...rest] = pinned(SERVER_CORE, command);
  const leader = spawn(file ?? '', rest, { env: cleanEnvironment(), detached: true });
  groups.add(leader);
  if (leader.pid !== undefined) comeAlong(leader.pid);
  let output = '';
  // Read to the end, so that a log never fills the pipe.
  for (const stream of [leader.stdout, leader.stderr]) {
    stream.on('data', (/** @type {Buffer} */ data) => {
      if (output.length < 65_536) output += data.toString();
    });
  }
  const state = { hasEnded: false };
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    const end = () => {
      state.hasEnded = true;
      resolve();
    };
    leader.once('exit', end);
    leader.once('error', (error) => {
      output += error.message;
      end();
    });
  });
  const stop = async () => {
    signalGroup(leader, 'SIGTERM');
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    signalGroup(leader, 'SIGKILL');
    await exited;
    groups.delete(leader);
  };
  const deadline = Date.now() + START_MS;
  while (!(await isAccepting(port))) {
    if (!state.hasEnded && Date.now() < deadline) {
      await sleep(ACCEPT_PAUSE_MS);
      continue;
    }
    await stop();
    throw new Error(`${name} did not start: ${output.trim().slice(-MAX_COMPLAINT)}`);
  }
  return { pid: leader.pid ?? 0, port, stop };
}

/** @returns {Promise<number>} a port of 127.0.0.1 that was free a moment ago */
export function findFreePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isAccepting(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/**
 * @param {import('node:child_process').ChildProcess} leader
 * @param {NodeJS.Signals} signal
 */
function signalGroup({ pid }, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/** Servers run on the one core, clients on the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

/**
 * Runs a client, or something else, to its end.
 * @param {readonly string[]} args
 * @param {number | string} [core]
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
