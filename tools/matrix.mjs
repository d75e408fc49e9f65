/**
 * Runs the core of the tests on each line of Node that is supported: `npm run test:matrix [-- --only 22,24]`. The core is
 * the suite of that name in tools/test.mjs. Each Node comes from npm's package of its program, as a user's would, and
 * stays in `.packaging`; the machine's own stays as it is (docs/adr/0045-release-and-matrix.md).
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const ROOT = path.join(import.meta.dirname, '..');

/** The lines, the newest of each. */
const LINES = ['20', '22', '24', '26'];

/** Where they are kept, and where what the tests say goes. */
const STORE = path.join(ROOT, '.packaging/lines');
const REPORTS = path.join(ROOT, 'reports/matrix');

/** What tap says of that which passes, and what tests tell beside. */
const PASSED = /^ *(?:ok |#|\d+\.\.|TAP version|$)/;

/** The last line of a run. */
const TOTALS = /^# \{ total: (\d+)/;

const { values } = parseArgs({ options: { only: { type: 'string', default: LINES.join() } } });
const chosen = values.only.split(',');
const unknown = chosen.filter((line) => !LINES.includes(line));
if (unknown.length > 0) {
  process.stderr.write(`--only takes some of ${LINES.join()}, not ${unknown.join()}\n`);
  process.exitCode = 2;
} else {
  mkdirSync(REPORTS, { recursive: true });
  fetchNodes(chosen);
  /** @type {string[]} */
  const closing = [];
  for (const line of chosen) closing.push(await test(line));
  process.stdout.write(`${closing.join('\n')}\n`);
}

/** @param {readonly string[]} lines */
function fetchNodes(lines) {
  const { platform, arch } = process;
  mkdirSync(STORE, { recursive: true });
  // Under other names all of them have room in one folder. They have no scripts, and need none.
  const packages = lines.map((line) => `node-${line}@npm:node-${platform}-${arch}@${line}`);
  const options = ['--prefix', STORE, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  const { status } = spawnSync('npm', ['install', ...options, ...packages], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm has not got all of ${packages.join(', ')}`);
}

/**
 * @param {string} line
 * @returns {Promise<string>} how it went, in one line
 */
async function test(line) {
  const node = path.join(STORE, 'node_modules', `node-${line}`, 'bin/node');
  const { stdout, stderr } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  const version = stdout.trim();
  if (version === '') return failed(`Node ${line}: does not start: ${stderr.trim()}`);
  const began = performance.now();
  const file = path.join(REPORTS, `node-${line}.tap`);
  process.stdout.write(`== Node ${version}, all of it in ${path.relative(ROOT, file)}\n`);
  const run = spawn(node, ['tools/test.mjs', 'core', '--reporter=tap'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    // What a test starts by the name of node is this one too.
    env: { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env['PATH']}` },
  });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => run.on('close', resolve));
  const all = createWriteStream(file);
  let count = '';
  for await (const text of createInterface({ input: run.stdout })) {
    all.write(`${text}\n`);
    const [, total] = TOTALS.exec(text) ?? [];
    if (total !== undefined) count = total;
    else if (!PASSED.test(text)) process.stdout.write(`${text}\n`);
  }
  all.end();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const said = `Node ${version}: ${count || 'no'} assertions, ${seconds} s`;
  return (await ended) === 0 && count !== '' ? `${said}, passed` : failed(`${said}, FAILED`);
}

/** @param {string} text */
function failed(text) {
  process.exitCode = 1;
  return text;
}
