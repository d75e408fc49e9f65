/**
 * Child processes that never outlive this one, and that never hang it.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';

/**
 * The children that run, each with the signal that ends it.
 * @type {Map<import('node:child_process').ChildProcess, NodeJS.Signals>}
 */
const children = new Map();

process.on('exit', () => {
  for (const [child, signal] of children) child.kill(signal);
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  // 128 + the signal's number, as a shell says it; the exit listener above ends the children.
  process.on(signal, () => process.exit({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]));
}

/**
 * Starts a child whose output is read line by line.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.onLine] gets each line of its standard output and standard error
 * @param {NodeJS.Signals} [options.exitSignal] what ends it when this process exits: SIGKILL unless told
 * @returns {{ child: import('node:child_process').ChildProcess, ended: Promise<string> }} `ended` is
 *   how the child ended, in words: 'exit status 0', 'signal SIGKILL', 'cannot be started (ENOENT)'
 */
export function start(command, args, { cwd, env, onLine, exitSignal = 'SIGKILL' } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.set(child, exitSignal);
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, onLine ?? (() => undefined));
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      children.delete(child);
      resolve(`cannot be started (${code})`);
    });
    // 'close' comes after the last line of output, 'exit' may come before it.
    child.once('close', (status, signal) => {
      children.delete(child);
      resolve(signal === null ? `exit status ${String(status)}` : `signal ${signal}`);
    });
  });
  return { child, ended };
}

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options] after `timeoutMs`
 *   (5 minutes unless told) the command is killed
 * @returns {Promise<{ isOk: boolean, ended: string, output: string }>} `output` is standard output and
 *   standard error together, without the last line end
 */
export async function run(command, args, { timeoutMs = 300_000, ...options } = {}) {
  /** @type {string[]} */
  const lines = [];
  const { child, ended } = start(command, args, { ...options, onLine: (line) => lines.push(line) });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const how = await ended;
  clearTimeout(timer);
  return { isOk: how === 'exit status 0', ended: how, output: lines.join('\n') };
}

/**
 * Asks a child to stop, and ends it when it does not.
 * @param {{ child: import('node:child_process').ChildProcess, ended: Promise<string> }} started
 * @param {number} graceMs
 */
export async function stop({ child, ended }, graceMs) {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}

/**
 * @param {import('node:stream').Readable} stream
 * @param {(line: string) => void} onLine
 */
function eachLine(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (/** @type {string} */ text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
