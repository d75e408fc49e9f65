/**
 * How long a start takes: from the spawn of `twist serve --echo` to its answer of the first opening handshake, beside a
 * bare Node, by turns, for each Node that is given. `node bench/start.mjs --help` has the options.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import process from 'node:process';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { isOpeningAccepted, openingRequest } from './opening.mjs';
import { readCpuNs, readResidentBytes } from './process-usage.mjs';
import { cleanEnvironment } from './server-process.mjs';

const USAGE = `Usage: node bench/start.mjs [options]

  --node FILE     a Node to start with; repeat it for several (default: this one)
  --twist FILE    a twist to start; repeat it for several, which take turns (default bin/twist.js)
  --runs N        starts of each (default 25)
  --json          print the figures as JSON`;

/** Nothing but Node: it says itself what it took, since nobody can ask one that has ended. */
const BARE = 'fs.writeSync(1, String(process.cpuUsage().user + process.cpuUsage().system))';

/** A Node that listens and has had one connection: what resident memory is compared with. */
const BARE_SERVER = `
const server = require('node:net').createServer((socket) => socket.on('data', () => socket.write('done')));
server.listen(0, '127.0.0.1', () => {
  require('node:fs').writeSync(2, '"address":"tcp://127.0.0.1:' + server.address().port + '"');
});`;

/** @typedef {{ wallMs: number, cpuMs: number, residentBytes: number }} Start */

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    twist: { type: 'string', multiple: true, default: ['bin/twist.js'] },
    runs: { type: 'string', default: '25' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  write(USAGE);
  process.exit(0);
}
const runs = Number(values.runs);
if (!(runs >= 1)) throw new Error(`--runs takes a number over 0, not ${values.runs}`);

for (const node of values.node) {
  const version = await output(node, ['-p', 'process.version']);
  /** @type {Map<string, () => Promise<Start>>} */
  const measurements = new Map([
    ['node -e 0', () => measureBare(node)],
    ['bare net server', () => measureServer(node, ['-e', BARE_SERVER], 'done')],
    ...values.twist.map(
      (file) =>
        /** @type {const} */ ([
          file,
          () => measureServer(node, [file, 'serve', '--echo', '--listen', '127.0.0.1:0']),
        ]),
    ),
  ]);
  /** @type {Map<string, Start[]>} */
  const starts = new Map([...measurements.keys()].map((name) => [name, []]));
  for (let run = -1; run < runs; run++) {
    for (const [name, measure] of measurements) {
      const start = await measure();
      // The first brings the files into memory.
      if (run >= 0) starts.get(name)?.push(start);
    }
  }
  report(version.trim(), starts);
}

/**
 * @param {string} version
 * @param {ReadonlyMap<string, readonly Start[]>} starts
 */
function report(version, starts) {
  const rows = [...starts].map(([name, figures]) => ({
    name,
    wallMs: summary(figures.map(({ wallMs }) => wallMs)),
    cpuMs: summary(figures.map(({ cpuMs }) => cpuMs)),
    residentMiB: summary(figures.map(({ residentBytes }) => residentBytes / 1024 ** 2)),
  }));
  if (values.json) {
    write(JSON.stringify({ version, runs, rows }));
    return;
  }
  const width = Math.max(...rows.map(({ name }) => name.length));
  write(`${version}, ${runs} starts each: median (least)`);
  for (const { name, wallMs, cpuMs, residentMiB } of rows) {
    const cells = [
      `${name.padEnd(width)}  wall ${shown(wallMs)} ms  CPU ${shown(cpuMs)} ms`,
      ...(residentMiB.median > 0 ? [`resident ${shown(residentMiB)} MiB`] : []),
    ];
    write(`  ${cells.join('  ')}`);
  }
}

/** @param {string} line */
function write(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {{ median: number, least: number }} figure */
function shown({ median, least }) {
  return `${median.toFixed(1)} (${least.toFixed(1)})`;
}

/** @param {readonly number[]} figures */
function summary(figures) {
  const sorted = figures.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? NaN, least: sorted[0] ?? NaN };
}

/**
 * @param {string} node
 * @returns {Promise<Start>} until it has ended
 */
async function measureBare(node) {
  const startMs = performance.now();
  const cpuUs = Number(await output(node, ['-e', BARE]));
  return { wallMs: performance.now() - startMs, cpuMs: cpuUs / 1000, residentBytes: 0 };
}

/**
 * @param {string} node
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
function output(node, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on(
      'data',
      (/** @type {import("node:buffer").Buffer} */ data) => (text += data.toString()),
    );
    child.once('error', reject);
    child.once('exit', () => {
      resolve(text);
    });
  });
}

/**
 * Starts a server and opens a connection as soon as it says where it listens.
 * @param {string} node
 * @param {readonly string[]} args
 * @param {string | null} [answer] what it answers; null for the handshake's 101
 * @returns {Promise<Start>} until the answer is there
 */
async function measureServer(node, args, answer = null) {
  const startMs = performance.now();
  const child = spawn(node, args, {
    env: cleanEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const port = await portOf(child);
    await askOnce(port, answer);
    const wallMs = performance.now() - startMs;
    const pid = child.pid ?? 0;
    return { wallMs, cpuMs: readCpuNs(pid) / 1e6, residentBytes: readResidentBytes(pid) };
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, null, import('node:stream').Readable>} child
 * @returns {Promise<number>} where it listens
 */
function portOf(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (/** @type {import("node:buffer").Buffer} */ data) => {
      said += data.toString();
      const found = /"address":"(?:ws|tcp):\/\/127\.0\.0\.1:(\d+)"/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`it did not start: ${said}`));
    });
  });
}

/**
 * @param {number} port
 * @param {string | null} answer
 * @returns {Promise<void>}
 */
function askOnce(port, answer) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(openingRequest(port));
    let received = '';
    socket.on('data', (/** @type {import("node:buffer").Buffer} */ data) => {
      received += data.toString('latin1');
      if (answer === null ? !isOpeningAccepted(received) : received !== answer) return;
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
