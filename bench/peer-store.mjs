/**
 * Peers that are no part of this project's packages: found, or installed and built into `.bench/peers`, with the usual
 * clients of npm, cargo, go and git. A peer that cannot be had here is named, with how to get it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const here = import.meta.dirname;
const STORE = path.join(here, '../.bench/peers');
const BUILD_MS = 900_000;
const PROBE_MS = 10_000;
const VERSION_FILE = 'version.txt';

const BUFFERUTIL_VERSION = '4.1.0';
const BUN_VERSION = '1.4.5';
const WEBSOCAT_VERSION = '1.14.1';
const UWEBSOCKETS = 'https://github.com/uNetworking/uWebSockets.git';

/**
 * @typedef {object} StoredPeer
 * @property {string} file the program, or the directory of a package
 * @property {string} version
 */

/**
 * @typedef {object} Recipe
 * @property {string} variable of the environment that names a file to take instead
 * @property {string} file where it is once it is there
 * @property {string[]} sources what it is built from: it is built again when one of them is newer
 * @property {() => string} build makes the file and returns the version; throws when it cannot
 * @property {string} advice how to get it by hand
 */

/** @typedef {'ws' | 'bun' | 'uws' | 'uws-deflate' | 'fastwebsockets' | 'gws' | 'websocat'} StoredName */

/** @type {Record<StoredName, Recipe>} */
const RECIPES = {
  ws: {
    variable: 'TWIST_WS',
    file: inStore('ws/node_modules'),
    sources: [],
    build: buildWs,
    advice: 'npm, with its registry, or TWIST_WS=DIRECTORY, a node_modules with ws and bufferutil',
  },
  bun: {
    variable: 'TWIST_BUN',
    file: inStore('bun/node_modules/@oven', bunPackage(), 'bin/bun'),
    sources: [],
    build: () => {
      install('bun', `@oven/${bunPackage()}@${BUN_VERSION}`);
      return BUN_VERSION;
    },
    advice: 'npm, with its registry, or TWIST_BUN=FILE',
  },
  uws: {
    variable: 'TWIST_UWS',
    file: inStore('uws/echo'),
    sources: [inPeers('uws/echo.cpp')],
    build: buildUws,
    advice:
      'git, cc and g++, or TWIST_UWEBSOCKETS=DIRECTORY with the sources of uWebSockets and its uSockets, or TWIST_UWS=FILE, an echo server',
  },
  'uws-deflate': {
    variable: 'TWIST_UWS_DEFLATE',
    file: inStore('uws-deflate/echo-deflate'),
    sources: [inPeers('uws/echo-deflate.cpp')],
    build: () => buildUwsFrom('uws-deflate', 'echo-deflate.cpp', [], ['-lz']),
    advice:
      'git, cc, g++ and the headers of zlib, or TWIST_UWEBSOCKETS=DIRECTORY, or TWIST_UWS_DEFLATE=FILE',
  },
  fastwebsockets: {
    variable: 'TWIST_FASTWEBSOCKETS',
    file: inStore('fastwebsockets/release/echo'),
    sources: [
      inPeers('fastwebsockets/src/main.rs'),
      inPeers('fastwebsockets/Cargo.toml'),
      inPeers('fastwebsockets/Cargo.lock'),
    ],
    build: buildFastwebsockets,
    advice: 'cargo, or TWIST_FASTWEBSOCKETS=FILE, an echo server',
  },
  gws: {
    variable: 'TWIST_GWS',
    file: inStore('gws/echo'),
    sources: [inPeers('gws/main.go'), inPeers('gws/go.mod')],
    build: buildGws,
    advice: 'go, or TWIST_GWS=FILE, an echo server',
  },
  websocat: {
    variable: 'TWIST_WEBSOCAT',
    file: inStore('websocat/bin/websocat'),
    sources: [],
    build: () => {
      const root = ['--root', inStore('websocat'), '--locked'];
      run('cargo', ['install', 'websocat', '--version', WEBSOCAT_VERSION, ...root]);
      return WEBSOCAT_VERSION;
    },
    advice: 'cargo, or TWIST_WEBSOCAT=FILE',
  },
};

/**
 * @param {StoredName} name
 * @param {boolean} mayBuild whether it is installed or built when it is not there yet
 * @returns {StoredPeer | string} a text says why it is not there, and how to get it
 */
export function findStored(name, mayBuild) {
  const { variable, file, sources, build, advice } = RECIPES[name];
  const given = process.env[variable];
  if (given !== undefined) return { file: path.resolve(given), version: `as ${variable} says` };
  const note = inStore(name, VERSION_FILE);
  if (existsSync(note) && isUpToDate(file, sources))
    return { file, version: readFileSync(note, 'utf8').trim() };
  if (!mayBuild) return `${name} is left out, because it is not built: npm run bench -- peers`;
  process.stderr.write(`getting ${name} `);
  try {
    mkdirSync(inStore(name), { recursive: true });
    const version = build();
    if (!existsSync(file)) throw new Error('it was built, and is not there');
    writeFileSync(note, `${version}\n`);
    process.stderr.write(`${version}\n`);
    return { file, version };
  } catch (error) {
    process.stderr.write('failed\n');
    return `${name} is left out: ${error instanceof Error ? error.message : String(error)}. It needs ${advice}`;
  }
}

/**
 * Another Node: a file, or a version such as 24 that npm installs.
 * @param {string} wanted
 * @returns {{ file: string, version: string }}
 */
export function findNode(wanted) {
  if (!/^\d+(\.\d+)*$/.test(wanted)) {
    const file = path.resolve(wanted);
    return { file, version: run(file, ['--version'], PROBE_MS) };
  }
  const packageName = `node-${process.platform}-${process.arch}`;
  const folder = `node-${wanted}`;
  const file = inStore(folder, 'node_modules', packageName, 'bin/node');
  if (!existsSync(file)) {
    process.stderr.write(`getting Node ${wanted} `);
    install(folder, `${packageName}@${wanted}`);
    process.stderr.write('\n');
  }
  return { file, version: run(file, ['--version'], PROBE_MS) };
}

/** The version of the `ws` that this project installs. */
export function versionOfWs() {
  const requireHere = createRequire(import.meta.url);
  /** @type {unknown} */
  const description = JSON.parse(readFileSync(requireHere.resolve('ws/package.json'), 'utf8'));
  return /** @type {{ version: string }} */ (description).version;
}

/** The same `ws` as the tests use, with its native add-on beside it. */
function buildWs() {
  const version = versionOfWs();
  install('ws', `ws@${version}`, `bufferutil@${BUFFERUTIL_VERSION}`);
  return `${version} with bufferutil ${BUFFERUTIL_VERSION}`;
}

/** The usual package needs AVX2. */
function bunPackage() {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const isOld =
    arch === 'x64' &&
    existsSync('/proc/cpuinfo') &&
    !readFileSync('/proc/cpuinfo', 'utf8').includes('avx2');
  return `bun-${process.platform}-${arch}${isOld ? '-baseline' : ''}`;
}

function buildUws() {
  return buildUwsFrom('uws', 'echo.cpp', ['-DUWS_NO_ZLIB'], []);
}

/**
 * @param {'uws' | 'uws-deflate'} name
 * @param {string} source
 * @param {readonly string[]} definitions
 * @param {readonly string[]} libraries
 */
function buildUwsFrom(name, source, definitions, libraries) {
  const sources = findUwsSources();
  const sockets = path.join(sources, 'uSockets/src');
  const parts = ['bsd', 'context', 'loop', 'socket', 'udp', 'eventing/epoll_kqueue'];
  const out = inStore(name);
  const options = ['-O3', '-DLIBUS_NO_SSL', '-I', sockets];
  const objects = parts.map((part) => {
    const object = path.join(out, `${path.basename(part)}.o`);
    run('cc', [...options, '-c', path.join(sockets, `${part}.c`), '-o', object]);
    return object;
  });
  run('g++', [
    ...['-std=c++20', ...options, ...definitions, '-I', path.join(sources, 'src')],
    ...[inPeers(`uws/${source}`), ...objects, ...libraries, '-o', RECIPES[name].file],
  ]);
  return `main ${run('git', ['-C', sources, 'rev-parse', '--short=8', 'HEAD'])}, g++ -O3`;
}

/** @returns {string} a directory with uWebSockets, and uSockets in it */
function findUwsSources() {
  const given = process.env['TWIST_UWEBSOCKETS'];
  if (given !== undefined) return path.resolve(given);
  const folder = inStore('uws/uWebSockets');
  mkdirSync(path.dirname(folder), { recursive: true });
  if (!existsSync(folder)) run('git', ['clone', '-q', '--depth', '1', UWEBSOCKETS, folder]);
  if (!existsSync(path.join(folder, 'uSockets/src')))
    run('git', ['-C', folder, 'submodule', '-q', 'update', '--init', '--depth', '1', 'uSockets']);
  return folder;
}

function buildFastwebsockets() {
  const manifest = inPeers('fastwebsockets/Cargo.toml');
  const target = ['--target-dir', inStore('fastwebsockets')];
  run('cargo', ['build', '--release', '--locked', '--manifest-path', manifest, ...target]);
  const compiler = run('rustc', ['--version']).split(' ')[1] ?? '';
  return `${/^fastwebsockets = "(.*)"$/m.exec(readFileSync(manifest, 'utf8'))?.[1] ?? ''}, Rust ${compiler}`;
}

function buildGws() {
  const folder = inPeers('gws');
  run('go', ['build', '-C', folder, '-o', RECIPES.gws.file, '.']);
  const version = /lxzan\/gws v(\S+)/.exec(readFileSync(path.join(folder, 'go.mod'), 'utf8'))?.[1];
  const compiler = run('go', ['env', 'GOVERSION']).replace(/^go/, '');
  return `${version ?? ''}, Go ${compiler}`;
}

/**
 * Installs packages of npm into a folder of the store. None of them may run a script: what is needed is in the packages.
 * @param {string} folder
 * @param {readonly string[]} packages
 */
function install(folder, ...packages) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  run('npm', ['install', '--prefix', inStore(folder), ...quiet, ...packages]);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} [timeout]
 * @returns {string} what it printed
 * @throws {Error} when it is not there or fails, with the last line that it wrote
 */
function run(command, args, timeout = BUILD_MS) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout });
  if (error !== undefined) throw new Error(`${command}: ${error.message}`);
  if (status !== 0) {
    const last = stderr.trim().split('\n').at(-1) ?? '';
    throw new Error(`${path.basename(command)} ${args[0] ?? ''} failed: ${last}`);
  }
  return stdout.trim();
}

/**
 * @param {string} file
 * @param {readonly string[]} sources
 */
function isUpToDate(file, sources) {
  if (!existsSync(file)) return false;
  const { mtimeMs } = statSync(file);
  return sources.every((source) => existsSync(source) && statSync(source).mtimeMs <= mtimeMs);
}

/** @param {readonly string[]} parts */
function inStore(...parts) {
  return path.join(STORE, ...parts);
}

/** @param {string} part */
function inPeers(part) {
  return path.join(here, 'peers', part);
}

/** @returns {StoredName[]} */
export function storedNames() {
  return /** @type {StoredName[]} */ (Object.keys(RECIPES));
}
