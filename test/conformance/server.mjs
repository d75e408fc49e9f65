/**
 * Starts the twist under test on a free port.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { ConformanceError } from './failure.mjs';
import { parseJson } from './json.mjs';
import { start, stop } from './processes.mjs';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 15_000;

/**
 * @typedef {object} Server
 * @property {string} agent its name in reports
 * @property {string} url where it listens
 * @property {Promise<string>} ended how it ended, in words
 * @property {() => Promise<void>} stop ends it
 */

/**
 * @param {string} root the repository
 * @param {string} logFile gets what twist writes to standard output and standard error
 * @param {readonly string[]} mode its options beside where it listens
 * @returns {Promise<Server>} once it listens
 * @throws {ConformanceError} when it ends or says nothing within 30 seconds
 */
export async function startTwist(root, logFile, mode = ['--echo']) {
  const log = createWriteStream(logFile);
  /** @type {(url: string) => void} */
  let onListening;
  /** @type {Promise<string>} */
  const listening = new Promise((resolve) => (onListening = resolve));
  const args = ['serve', ...mode, '--listen', '127.0.0.1:0', '--log-format', 'json'];
  const started = start(process.execPath, [path.join(root, 'bin', 'twist.js'), ...args], {
    cwd: root,
    env: environment(),
    onLine: (line) => {
      log.write(`${line}\n`);
      const url = addressOf(line);
      if (url !== null) onListening(url);
    },
  });
  const timer = setTimeout(() => started.child.kill('SIGKILL'), START_LIMIT_MS);
  const outcome = await Promise.race([
    listening.then((url) => ({ url })),
    started.ended.then((how) => ({ how })),
  ]);
  clearTimeout(timer);
  if ('how' in outcome) {
    throw new ConformanceError(`twist did not start listening (${outcome.how}): see ${logFile}`);
  }
  const stopIt = async () => {
    await stop(started, STOP_LIMIT_MS);
    log.end();
  };
  return { agent: 'twist', url: outcome.url, ended: started.ended, stop: stopIt };
}

/**
 * Starts twist as a proxy in front of a TCP service that sends back what it gets.
 *
 * @param {string} root the repository
 * @param {string} logFile as for {@link startTwist}
 * @param {'binary' | 'text'} kind of the messages that come back
 * @param {readonly string[]} options of twist, beside that
 * @returns {Promise<Server>} once it listens
 * @throws {ConformanceError} as {@link startTwist}
 */
export async function startProxy(root, logFile, kind, options = []) {
  const target = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (target.address());
  const mode = [
    '--tcp',
    `127.0.0.1:${port}`,
    ...(kind === 'text' ? ['--tcp-text'] : []),
    ...options,
  ];
  const server = await startTwist(root, logFile, mode);
  const stopBoth = async () => {
    await server.stop();
    target.close();
  };
  return { ...server, stop: stopBoth };
}

/** This process's environment without settings for twist: the suite meets twist's defaults. */
function environment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('TWIST_')),
  );
}

/**
 * @param {string} line of twist's log
 * @returns {string | null} the URL in it when it is the line that says that twist listens
 */
function addressOf(line) {
  if (!line.includes('"listening"')) return null;
  const entry = /** @type {{ msg?: unknown, address?: unknown }} */ (parseJson(line));
  return entry.msg === 'listening' && typeof entry.address === 'string' ? entry.address : null;
}
