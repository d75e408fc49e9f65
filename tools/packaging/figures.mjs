/** Prints what the single binary costs beside the command as Node runs it: its start, by turns, and memory at rest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchNode, ownArchitecture } from './node-program.mjs';

const RUNS = 11;
const REST_MS = 300;

const architecture = ownArchitecture();
const binary = `dist/binary/twist-linux-${architecture}`;
const { program } = fetchNode(architecture);

/** @type {ReadonlyMap<string, readonly string[]>} */
const commands = new Map([
  ['binary', [binary]],
  ['the same Node and bin/twist.js', [program, 'bin/twist.js']],
]);
/** @type {Map<string, { startMs: number, residentMib: number }[]>} */
const found = new Map([...commands.keys()].map((name) => [name, []]));
for (let run = 0; run < RUNS; run++)
  for (const [name, command] of commands) found.get(name)?.push(await measure(command));

process.stdout.write(`binary ${(statSync(binary).size / 1e6).toFixed(0)} MB\n`);
for (const [name, runs] of found) {
  const startMs = Math.min(...runs.map((one) => one.startMs));
  const residentMib = Math.min(...runs.map((one) => one.residentMib));
  process.stdout.write(
    `${name}: listens after ${startMs.toFixed(0)} ms, resident ${residentMib.toFixed(0)} MiB (the least of ${RUNS})\n`,
  );
}

/** @param {readonly string[]} command */
async function measure([file = '', ...args]) {
  const beganMs = performance.now();
  const child = spawn(file, [...args, 'serve', '--echo', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {},
  });
  await once(child.stderr, 'data');
  const startMs = performance.now() - beganMs;
  await sleep(REST_MS);
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  const [, residentKib = '0'] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  return { startMs, residentMib: Number(residentKib) / 1024 };
}
