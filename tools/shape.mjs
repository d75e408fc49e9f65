/**
 * Counts the shape of the code: how large its pieces are and how many of them one thing passes.
 * `npm run shape`, with `-- --files` for the lists that the figures count, `-- --json` for machines,
 * `-- --compare FILE.json` for the figures beside those of an earlier `--json`, `-- --with-tests` for the
 * processor time of the unit tests, and `-- --root FOLDER` for another checkout than this one.
 *
 * What is counted:
 * - Files and lines are those of `src/**\/*.ts`; lines with blank ones and comments. A folder is flat: what
 *   is in a folder of its own counts there.
 * - An echoed message and a proxied byte pass a file when, in a server that really runs, one of its functions is
 *   called at least once for each of a hundred messages; each is sent when the answer to the last one has come
 *   (shape/passes.mjs). What timers do, and what only the opening handshake needs, is not in it.
 *   The proxied byte goes to the target and back.
 * - A setting passes a file that names it, by whatever name, or that hands on the object it is in, from where a
 *   flag is read and its row in the table of options to where it is checked (shape/setting-flow.mjs). The
 *   types decide, so that a road over generic code counts for each setting that can take it.
 * - `!` counts unless it is one of an index, which noUncheckedIndexedAccess asks for.
 * - An interface has one implementation when one class `implements` it, and no object literal is given where it is
 *   asked for. In different folders of src the interface is what lets a lower layer call a higher one; the
 *   others are counted.
 * - A circle of imports is a set of files that reach each other: one circle, however many ways around.
 * - An export is used when another file imports it by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { passedFiles } from './shape/passes.mjs';
import { compile, singleImplementations } from './shape/program.mjs';
import { filesOfSetting } from './shape/setting-flow.mjs';
import {
  filesInFolders,
  importCycles,
  importsOf,
  lineCount,
  nonIndexAssertions,
  typesCalled,
  unusedExports,
} from './shape/syntax.mjs';

const LARGE_FILE = 400;
const SMALL_FILE = 30;
const FULL_FOLDER = 14;
/** Where what a source exports may be used, beside the sources themselves. */
const USERS = ['test', 'bench', 'docs', 'examples', 'tools', '.'];

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} value
 * @property {readonly string[]} [list] what is counted
 */

const { values: options } = parseArgs({
  options: {
    root: { type: 'string', default: path.resolve(import.meta.dirname, '..') },
    files: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    compare: { type: 'string' },
    'with-tests': { type: 'boolean', default: false },
  },
});
const root = path.resolve(options.root);
const rows = await count();
if (options.json) {
  process.stdout.write(`${JSON.stringify({ rows }, null, 2)}\n`);
} else {
  const before = options.compare === undefined ? null : readRows(options.compare);
  process.stdout.write(table(rows, before));
  if (options.files) process.stdout.write(lists(rows));
}

/** @returns {Promise<Row[]>} */
async function count() {
  const sources = textsOf('src', /\.ts$/);
  const users = new Map(USERS.flatMap((folder) => [...textsOf(folder, /\.(ts|mjs|js)$/)]));
  const folders = filesInFolders(sources);
  const [[largestFolder, largestCount] = ['', 0]] = folders;
  const lines = [...sources].map(([file, text]) => ({ file, lines: lineCount(text) }));
  const { echo, proxy } = await passedFiles(root, sources);
  const program = compile(root, sources);
  const { turning, inOneLayer } = singleImplementations(program);
  const entry = 'src/index.ts';
  const publicNames = new Set(
    importsOf(entry, sources.get(entry) ?? '').flatMap(({ names }) => names ?? []),
  );
  /** @param {string} line */
  const publicMarked = (line) =>
    publicNames.has(line.split(' ', 1)[0] ?? '') ? `${line}, public` : line;
  const cycles = importCycles(sources);
  const { unused, onlyByTests } = unusedExports(sources, users);
  const full = folders.filter(([, files]) => files > FULL_FOLDER);
  const large = lines.filter((one) => one.lines > LARGE_FILE);
  const small = lines.filter((one) => one.lines < SMALL_FILE);
  const rows = [
    { name: 'source files', value: sources.size },
    { name: 'lines', value: lines.reduce((sum, one) => sum + one.lines, 0) },
    row(`files over ${LARGE_FILE} lines`, large.map(sizeText)),
    row(`files under ${SMALL_FILE} lines`, small.map(sizeText)),
    { name: 'largest flat folder', value: largestCount, list: [largestFolder] },
    row(
      `folders over ${FULL_FOLDER} files`,
      full.map(([folder, files]) => `${folder} (${files})`),
    ),
    row('files that an echoed message passes', echo),
    row('files that a proxied byte passes', proxy),
    ...['maxMessage', 'recordSync'].flatMap((setting) => settingRows(program, setting)),
    row('`!` that are not of an index', nonIndexAssertions(sources)),
    row('interfaces with one class, in one layer', inOneLayer.map(publicMarked)),
    row('interfaces with one class, layers between', turning),
    row('import circles at run time', cycles.runTime.map(joined)),
    row('import circles by types, across folders', cycles.acrossFolders.map(joined)),
    row('import circles by types, in one folder', cycles.inOneFolder.map(joined)),
    row('exports that nobody imports', unused),
    row('exports that only tests import', onlyByTests),
    row('classes and interfaces called Session', typesCalled(sources, /Session/)),
  ];
  if (options['with-tests'])
    rows.push({ name: 'CPU-seconds of the unit tests', value: unitSeconds(sources) });
  return rows;
}

/**
 * @param {string} name
 * @param {readonly string[]} list
 * @returns {Row}
 */
function row(name, list) {
  return { name, value: list.length, list };
}

/**
 * @param {import('./shape/program.mjs').Sources} program
 * @param {string} setting
 */
function settingRows(program, setting) {
  const { named, carried } = filesOfSetting(program, setting);
  const all = [...named, ...carried.map((file) => `${file} (unnamed)`)].sort();
  return [row(`files that ${setting} passes`, all), row('  of which name it', named)];
}

/** @param {{ file: string, lines: number }} size */
function sizeText({ file, lines }) {
  return `${file} (${lines})`;
}

/** @param {readonly string[]} files */
function joined(files) {
  return files.join(' ');
}

/**
 * @param {string} folder of the root; `.` is the root without its folders
 * @param {RegExp} pattern
 * @returns {Map<string, string>}
 */
function textsOf(folder, pattern) {
  const full = path.join(root, folder);
  if (!existsSync(full)) return new Map();
  const names = readdirSync(full, { recursive: folder !== '.', withFileTypes: true });
  return new Map(
    names
      .filter((one) => one.isFile() && pattern.test(one.name))
      .map((one) => path.join(one.parentPath, one.name))
      .filter((file) => !file.includes('node_modules'))
      .map((file) => path.relative(root, file).replaceAll(path.sep, '/'))
      .sort()
      .map((file) => [file, readFileSync(path.join(root, file), 'utf8')]),
  );
}

/**
 * Runs the unit tests: by their script, else those that answer for a source of their own.
 * @param {ReadonlyMap<string, string>} sources
 * @returns {number} seconds of processor time, of all processes, user and system
 */
function unitSeconds(sources) {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { scripts } = /** @type {{ scripts: Record<string, string | undefined> }} */ (manifest);
  const tests = [...sources.keys()]
    .map((file) => file.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts'))
    .filter((file) => existsSync(path.join(root, file)));
  const command =
    scripts['test:unit'] === undefined ? ['npx', 'tap', ...tests] : ['npm', 'run', 'test:unit'];
  const folder = mkdtempSync(path.join(tmpdir(), 'shape-'));
  try {
    const log = path.join(folder, 'log');
    const output = openSync(log, 'w');
    const { stdout, status } = spawnSync(
      'sh',
      ['-c', '"$@" >&3 2>&1; code=$?; times; exit $code', 'sh', ...command],
      {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit', output],
      },
    );
    if (status !== 0) {
      process.exitCode = 1;
      process.stderr.write(`${readFileSync(log, 'utf8').slice(-4000)}\nthe unit tests failed\n`);
    }
    // The second line has the processes that have ended, as `1m2.345s 0m6.789s`.
    const times = stdout.trim().split('\n').at(-1) ?? '';
    return Math.round(
      [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
        (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
        0,
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string} file
 * @returns {readonly Row[]}
 */
function readRows(file) {
  /** @type {unknown} */
  const earlier = JSON.parse(readFileSync(file, 'utf8'));
  return /** @type {{ rows: readonly Row[] }} */ (earlier).rows;
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly Row[] | null} before
 */
function table(rows, before) {
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const header = before === null ? '' : `${' '.repeat(nameWidth)}  before   after\n`;
  const lines = rows.map(({ name, value, list = [] }, index) => {
    const start = `${name.padEnd(nameWidth)}  `;
    const after = String(value).padStart(6);
    if (before === null) return `${start}${after}${noteOf(name, list)}\n`;
    // Names of rows repeat under their settings, so that the place counts too.
    const earlier =
      before[index]?.name === name ? before[index] : before.find((one) => one.name === name);
    return `${start}${String(earlier?.value ?? '-').padStart(6)}  ${after}\n`;
  });
  return `${header}${lines.join('')}`;
}

/**
 * @param {string} name
 * @param {readonly string[]} list
 * @returns {string} the list where it is short and says where to look
 */
function noteOf(name, list) {
  return /^(largest|folders)/.test(name) ? `  ${list.join(', ')}` : '';
}

/** @param {readonly Row[]} rows */
function lists(rows) {
  return rows
    .filter(({ list = [] }) => list.length > 0)
    .map(({ name, list = [] }) => `\n${name.trim()}\n${list.map((one) => `  ${one}\n`).join('')}`)
    .join('');
}
