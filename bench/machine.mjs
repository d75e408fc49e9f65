/** Where and with what was measured: figures of different machines or versions do not compare. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import process from 'node:process';

const PROBE_MS = 10_000;

/** @typedef {ReturnType<typeof describeMachine>} Machine */

export function describeMachine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${process.platform} ${release().split('-')[0] ?? ''}`,
    /** Of the minute before: what else the machine had to do. */
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
    command: ['npm run bench --', ...process.argv.slice(2).map(quote)].join(' '),
  };
}

/**
 * @param {string} file `bin/twist.js` of a checkout, or of an installation
 * @returns {{ version: string, commit: string }} `commit` is empty outside of a checkout
 */
export function describeTwist(file) {
  const folder = path.dirname(file);
  const changes = ask('git', ['-C', folder, 'status', '--porcelain', '--', '../src']);
  const commit = ask('git', ['-C', folder, 'rev-parse', '--short=8', 'HEAD']);
  return {
    version: ask(process.execPath, [file, '--version']).replace(/^twist /, ''),
    commit: changes === '' ? commit : `${commit} with changes`,
  };
}

/** @param {string} argument of the command line */
function quote(argument) {
  return argument.includes(' ') ? `"${argument}"` : argument;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: PROBE_MS });
  return status === 0 ? stdout.trim() : '';
}
