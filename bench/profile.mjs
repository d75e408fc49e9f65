/**
 * Where the server's time goes under a load of the echo measurement: `npm run profile -- "10 x 100, 64 B"`. It writes a
 * profile for Chrome's developer tools and prints a summary of it.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { findNode } from './peer-store.mjs';
import { WORKLOADS, nameWorkload, twistPeer } from './plan.mjs';
import { summarizeProfile } from './profile-summary.mjs';
import { buildReadable } from './readable-build.mjs';
import { significant } from './report.mjs';
import { canPin, runClient, startServer } from './server-process.mjs';

const FOLDER = path.join(import.meta.dirname, '../reports/profile');
const READABLE = path.join(FOLDER, 'twist.cjs');
const WARMUP_SECONDS = 1;
const INTERVAL_US = 200;

const USAGE = `Usage: npm run profile -- LOAD [options]

  LOAD               a load of the echo measurement, or enough of its name: ${WORKLOADS.map(nameWorkload).join('; ')}
  --seconds S        how long (default 5, after a second of warm-up)
  --top N            how many functions and lines (default 25)
  --twist FILE       the twist to profile, for instance bin/twist.js, or one of another checkout (default the sources of
                     this one, built with white space and names of modules, so that lines can be told apart)
  --node NODE        on this Node: a file, or a version that npm installs`;

/** A command line that cannot be followed. */
class UsageError extends Error {}

try {
  await main();
} catch (error) {
  process.stderr.write(`profile: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main() {
  const options = readOptions();
  if (options === null) {
    print(USAGE);
    return;
  }
  const { workload, seconds, top, node } = options;
  mkdirSync(FOLDER, { recursive: true });
  const directory = mkdtempSync(path.join(FOLDER, '.running-'));
  try {
    const name = nameWorkload(workload);
    print(`${name}, Node ${(node?.version ?? process.version).replace(/^v/, '')}, ${seconds} s`);
    if (!canPin) print('NOT PINNED: server and client disturb each other.');
    const twistFile = options.twistFile ?? READABLE;
    if (options.twistFile === null) await buildReadable(READABLE);
    const run = { workload, seconds, twistFile, node };
    const { result, fromUs, toUs } = await runProfiled(run, directory);
    const [written = ''] = readdirSync(directory);
    if (written === '') throw new Error('the server wrote no profile');
    const file = path.join(FOLDER, `${fileName(name)}.cpuprofile`);
    renameSync(path.join(directory, written), file);
    print(
      `${significant(result.serverCpuNsPerMessage / 1000)} us a message with the profiler, ${significant(result.messagesPerSecond)} messages a second, server ${(100 * result.serverBusy).toFixed(0)} % busy\n`,
    );
    /** @type {unknown} */
    const profile = JSON.parse(readFileSync(file, 'utf8'));
    print(
      summarizeProfile(/** @type {import('./profile-summary.mjs').Profile} */ (profile), {
        fromUs,
        toUs,
        top,
        root: path.dirname(path.dirname(twistFile)),
      }),
    );
    print(`\nFor the Performance panel of Chrome: ${path.relative('.', file)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {{ workload: import('./plan.mjs').Workload, seconds: number, twistFile: string, node: { file: string } | null }} run
 * @param {string} directory for the profile
 */
async function runProfiled({ workload, seconds, twistFile, node }, directory) {
  const profiling = ['--cpu-prof', '--cpu-prof-dir', directory];
  const interval = ['--cpu-prof-interval', String(INTERVAL_US)];
  const peer = { ...twistPeer(twistFile), ...(node === null ? {} : { file: node.file }) };
  const server = await startServer(peer, [...profiling, ...interval]);
  const { fragmentBytes } = workload;
  try {
    const startedUs = nowUs();
    const result = await runClient([
      path.join(import.meta.dirname, 'load-generator.mjs'),
      ...['--port', String(server.port), '--pid', String(server.pid), '--kind', workload.kind],
      ...['--conns', String(workload.conns), '--depth', String(workload.depth)],
      ...['--size', String(workload.sizeBytes)],
      ...(fragmentBytes === undefined ? [] : ['--fragment', String(fragmentBytes)]),
      ...['--seconds', String(seconds), '--warmup', String(WARMUP_SECONDS)],
    ]);
    return {
      result: /** @type {import('./echo.mjs').EchoRun} */ (result),
      fromUs: startedUs + WARMUP_SECONDS * 1e6,
      toUs: nowUs(),
    };
  } finally {
    await server.stop();
  }
}

function readOptions() {
  const { values, positionals } = parse();
  if (values.help) return null;
  const wanted = positionals.join(' ');
  const named = WORKLOADS.map((workload) => ({ workload, name: nameWorkload(workload) }));
  const exact = named.filter(({ name }) => name === wanted);
  const matching = exact.length > 0 ? exact : named.filter(({ name }) => name.includes(wanted));
  const [chosen] = matching;
  if (wanted === '' || chosen === undefined || matching.length > 1) {
    const list = (matching.length > 1 ? matching : named).map(({ name }) => `\n  ${name}`).join('');
    if (wanted === '') throw new UsageError(`name a load, one of:${list}`);
    throw new UsageError(
      `${matching.length > 1 ? 'several loads are' : 'no load is'} called "${wanted}". There are:${list}`,
    );
  }
  return {
    workload: chosen.workload,
    seconds: positive('seconds', values.seconds),
    top: Math.ceil(positive('top', values.top)),
    twistFile: values.twist === undefined ? null : path.resolve(values.twist),
    node: values.node === undefined ? null : findNode(values.node),
  };
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '5' },
        top: { type: 'string', default: '25' },
        twist: { type: 'string' },
        node: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function positive(name, text) {
  const value = Number(text);
  if (!(value > 0 && value <= 3600))
    throw new UsageError(`--${name} takes a number over 0, not ${text}`);
  return value;
}

/** @param {string} name of a load */
function fileName(name) {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  return `${name.replace(/[^\w]+/g, '-')}-${time}`;
}

/** The clock of profiles. */
function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
