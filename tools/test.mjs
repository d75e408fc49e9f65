/**
 * Runs tests with tap: `node tools/test.mjs SUITE [--flag of tap ...] [FILE ...]`. Files stand in for those of
 * the suite, and run without coverage; `npx tap FOLDER` shows that of a folder. All TypeScript is compiled before, once.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, watch } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImportGraph, ROOT, typescriptIn } from './import-graph.mjs';
import { compileAll } from './typescript-hooks.mjs';

/** What starts no program and opens nothing but what it makes itself: the tests of the files in src. */
const NOT_UNIT = ['artifact', 'conformance', 'cost', 'deploy', 'fuzz', 'integration', 'packaging'];

/** What needs more than a build: `npm run image` and `npm run packages` make that and run these. */
const APART = [/^test\/(image|packaging)\//];

/** What takes long, by measure or by its nature: `npm test` leaves it to `npm run test:long`. */
const LONG = [
  /^test\/deploy\//,
  /^test\/fuzz\//,
  /^test\/integration\/(bombs|costs|fairness|set-clock)\.test\.ts$/,
  /^test\/integration\/(deflate-|recording-)?faults\.test\.ts$/,
  /^test\/integration\/front-proxies\.test\.ts$/,
  /^test\/integration\/memory\.test\.ts$/,
  /^test\/integration\/inspect-(hang|hostile|link|live|page|traffic)\.test\.ts$/,
  /^test\/integration\/interop-deflate-/,
  /^test\/integration\/prometheus\.test\.ts$/,
  /^test\/integration\/proxy-vnc\.test\.ts$/,
  /^test\/integration\/recording-(holds|lock)\.test\.ts$/,
  /^test\/integration\/tcp-(memory|streams)\.test\.ts$/,
  /^test\/integration\/(drain|rolling-restarts)\.test\.ts$/,
  /^test\/integration\/tls-(clients|reload)\.test\.ts$/,
  /^test\/integration\/(slow-readers|workers)\.test\.ts$/,
];

/**
 * What each supported Node has to pass beside the unit tests (`npm run test:matrix`): the protocol on real sockets, with
 * other people's implementations of it that are npm packages, and the built command in all of its uses. What is beyond
 * these asks the server the same questions with other programs, whose answers do not depend on our Node.
 */
const CORE = [
  'test/artifact/command.test.ts',
  'test/integration/cli.test.ts',
  'test/integration/echo-content.test.ts',
  'test/integration/extension-chain.test.ts',
  'test/integration/interop-codec.test.ts',
  'test/integration/interop-undici.test.ts',
  'test/integration/interop-ws.test.ts',
  'test/integration/mode-edges.test.ts',
  'test/integration/recording.test.ts',
  'test/integration/static.test.ts',
  'test/integration/targets.test.ts',
  'test/integration/tls.test.ts',
];

/** A change of these may change any test. */
const CONCERNS_ALL = [
  'package-lock.json',
  'tools/test.mjs',
  'tools/typescript.mjs',
  'tools/typescript-hooks.mjs',
];

const TAP = path.join(ROOT, 'node_modules/tap/dist/esm/run.mjs');
const tests = typescriptIn('test').filter(
  (file) => file.endsWith('.test.ts') && !APART.some((pattern) => pattern.test(file)),
);
const unit = tests.filter((file) => !NOT_UNIT.includes(file.split('/')[1] ?? ''));
const long = tests.filter((file) => LONG.some((pattern) => pattern.test(file)));

/** @type {Record<string, () => Promise<void>>} */
const SUITES = {
  unit: () => run(unit),
  quick: () => run(tests.filter((file) => !long.includes(file))),
  core: () => run([...unit, ...present(CORE)], ['--disable-coverage']),
  long: () => run(long, ['--disable-coverage']),
  changed: async () => run(await testsOf(changedFiles()), ['--disable-coverage']),
  watch: watchFiles,
};

/** @type {import('node:child_process').ChildProcess | null} */
let running = null;

const [suite = 'quick', ...args] = process.argv.slice(2);
const start = SUITES[suite];
if (start === undefined) {
  process.stderr.write(`${suite} is not one of ${Object.keys(SUITES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await start();
}

/**
 * @param {readonly string[]} files
 * @throws Error when one is not there: tap would leave it out
 */
function present(files) {
  const missing = files.filter((file) => !tests.includes(file));
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`);
  return files;
}

/**
 * @param {readonly string[]} files
 * @param {readonly string[]} [flags]
 */
async function run(files, flags = []) {
  await compileAll(
    ['src', 'web', 'test', 'examples'].flatMap(typescriptIn).map((file) => path.join(ROOT, file)),
  );
  // Single files cover no folder.
  const chosen = args.some((arg) => !arg.startsWith('-')) ? ['--disable-coverage'] : files;
  if (chosen.length === 0) {
    process.stdout.write('No test is concerned.\n');
    return;
  }
  // By itself tap takes one of two processors.
  const jobs = `--jobs=${Math.min(os.availableParallelism(), 8)}`;
  const tap = spawn(process.execPath, [TAP, jobs, ...flags, ...args, ...chosen], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  running = tap;
  process.exitCode = await new Promise((/** @type {(code: number) => void} */ resolve) => {
    tap.on('close', (code) => {
      resolve(code ?? 1);
    });
  });
}

/** @returns {string[] | null} what differs from where this branch left the main one; null when git cannot tell */
function changedFiles() {
  try {
    const base = git('merge-base', 'HEAD', mainBranch());
    return [
      ...lines(git('diff', '--name-only', base)),
      ...lines(git('ls-files', '--others', '--exclude-standard')),
    ];
  } catch {
    return null;
  }
}

function mainBranch() {
  const known = lines(git('branch', '--all', '--format=%(refname:short)'));
  return ['origin/main', 'main'].find((name) => known.includes(name)) ?? 'HEAD';
}

/** @param {readonly string[]} args */
function git(...args) {
  return execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** @param {string} text */
function lines(text) {
  return text.split('\n').filter((line) => line !== '');
}

/**
 * @param {readonly string[] | null} changed
 * @returns {Promise<string[]>} the unit tests that load one of these files, or name one that cannot be loaded
 */
async function testsOf(changed) {
  if (changed === null || changed.some((file) => CONCERNS_ALL.includes(file))) return unit;
  const graph = await ImportGraph.of([...typescriptIn('src'), ...typescriptIn('web'), ...tests]);
  const names = changed.filter((file) => !file.endsWith('.ts')).map((file) => path.basename(file));
  return unit.filter((test) => {
    const loaded = graph.loadedBy(test);
    if (test === 'test/architecture.test.ts' || changed.some((file) => loaded.has(file)))
      return true;
    return [...loaded].some((file) => file.startsWith('test/') && isNamedIn(file, names));
  });
}

/**
 * @param {string} file
 * @param {readonly string[]} names
 */
function isNamedIn(file, names) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return names.some((name) => text.includes(name));
}

/** After each change: the tests beside what has changed, then the others that load it, unless more has changed. */
async function watchFiles() {
  /** @type {Set<string>} */
  const changed = new Set();
  for (const folder of ['src', 'web', 'test', 'examples', 'docs']) {
    watch(path.join(ROOT, folder), { recursive: true }, (_, name) => {
      if (name !== null) changed.add(path.posix.join(folder, name.replaceAll(path.sep, '/')));
      running?.kill();
    });
  }
  process.stdout.write('Waiting for changes; Ctrl-C ends.\n');
  for (;;) {
    // What an editor saves at once is run at once.
    await sleep(200);
    if (changed.size === 0) continue;
    const folders = new Set(
      [...changed].map((file) => path.posix.dirname(file).replace(/^src/, 'test')),
    );
    // What cannot be parsed has been said by esbuild.
    const concerned = await testsOf([...changed]).catch(() => []);
    changed.clear();
    const isNear = (/** @type {string} */ test) => folders.has(path.posix.dirname(test));
    await run(concerned.filter(isNear), ['--disable-coverage']);
    const others = concerned.filter((test) => !isNear(test));
    if (changed.size === 0 && others.length > 0) await run(others, ['--disable-coverage']);
  }
}
