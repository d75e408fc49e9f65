/** A server under attack: started on its core, its memory and its log watched. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { isRoot } from '../priority.mjs';
import { SERVER_CORE, startNode } from '../server-process.mjs';

/**
 * Whether processes may come before others of the machine: the server and the good client first, then the attackers. What
 * is measured is a server, and not what other programs leave to it. Where they may not, attackers come after the good
 * client, whose core they share.
 */
const canComeFirst = isRoot;

export const FIRST = canComeFirst ? -20 : 0;
export const SECOND = canComeFirst ? -10 : 15;

const START_MS = 20_000;
const STOP_MS = 8000;
const KEPT_LINES = 20_000;

/**
 * @typedef {object} ServerUnderAttack
 * @property {number} pid
 * @property {number} port
 * @property {() => boolean} isAlive
 * @property {() => number} residentBytes
 * @property {() => void} forgetPeak the highest memory is counted from now on
 * @property {() => number} peakBytes
 * @property {LogTally} log
 * @property {() => Promise<void>} stop
 */

/** What a server has written to its log. */
export class LogTally {
  bytes = 0;
  lines = 0;
  /** The first of them, as they are. @type {string[]} */
  kept = [];
  #rest = '';

  /** @param {string} text */
  take(text) {
    this.bytes += text.length;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines += lines.length;
    for (const line of lines) if (this.kept.length < KEPT_LINES) this.kept.push(line);
  }

  forget() {
    this.bytes = 0;
    this.lines = 0;
    this.kept = [];
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} args of Node
 * @param {string} [program] another one than this Node
 * @returns {Promise<ServerUnderAttack>}
 */
export async function startUnderAttack(name, args, program) {
  const child = startNode(SERVER_CORE, args, FIRST, program);
  const log = new LogTally();
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  child.stdout.resume();
  child.stderr.setEncoding('latin1').on('data', (/** @type {string} */ text) => {
    log.take(text);
  });
  const port = await new Promise((/** @type {(port: number) => void} */ resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${name} did not say where it listens: ${log.kept.join('\n')}`));
    }, START_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${name} did not start: ${log.kept.join('\n')}`));
    });
    child.stderr.on('data', () => {
      const line = log.kept.find((one) => one.includes('"listening"')) ?? '';
      const found = /"address":"wss?:\/\/127\.0\.0\.1:(\d+)"/.exec(line);
      if (!found) return;
      clearTimeout(timer);
      resolve(Number(found[1]));
    });
  });
  const pid = child.pid ?? 0;
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    port,
    log,
    isAlive,
    residentBytes: () => readStatus(pid, 'VmRSS'),
    forgetPeak: () => {
      if (isAlive()) writeFileSync(`/proc/${pid}/clear_refs`, '5');
    },
    peakBytes: () => readStatus(pid, 'VmHWM'),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * @param {number} pid
 * @param {string} field of `/proc/PID/status`, in bytes; NaN when the process is gone
 */
function readStatus(pid, field) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  } catch {
    return NaN;
  }
}

/**
 * How many bytes the files of a directory have, on disk or not yet.
 * @param {string} directory
 * @param {string} prefix of their names
 */
export function bytesOfFiles(directory, prefix) {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
}

/**
 * The options that this build of twist has: rows are also run against older ones.
 * @param {string} twistFile
 * @returns {(option: string) => boolean}
 */
export function optionsOf(twistFile) {
  if (!existsSync(twistFile)) throw new Error(`${twistFile} is missing`);
  const help = execFileSync(process.execPath, [twistFile, 'help', 'all'], { encoding: 'utf8' });
  return (option) => help.includes(`${option} `);
}
