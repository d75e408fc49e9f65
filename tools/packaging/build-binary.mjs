/**
 * Makes the command a single executable file with Node in it: `npm run build:binary -- [--arch arm64]` writes
 * `dist/binary/twist-linux-ARCH`.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, NODE_VERSION, fetchNode, ownArchitecture } from './node-program.mjs';

/** Says that there is a blob in the program; Node looks for it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** What takes symbols out of a program for another machine. */
const STRIP = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' };

const MIB = 1024 * 1024;

const own = ownArchitecture();
const { values } = parseArgs({ options: { arch: { type: 'string', default: own } } });
const architecture = ARCHITECTURES.find((one) => one === values.arch);
if (architecture === undefined)
  throw new Error(`--arch is ${ARCHITECTURES.join(' or ')}, not ${values.arch}`);

const target = path.resolve(`dist/binary/twist-linux-${architecture}`);
mkdirSync(path.dirname(target), { recursive: true });
const folder = mkdtempSync(path.join(os.tmpdir(), 'twist-binary-'));
try {
  const { program, license } = fetchNode(architecture);
  const unfinished = path.join(folder, 'twist');
  copyFileSync(program, unfinished);
  chmodSync(unfinished, 0o755);
  // Before the blob is in it: afterwards that would be damaged.
  strip(unfinished);
  run(process.execPath, [
    path.join(import.meta.dirname, '../../node_modules/postject/dist/cli.js'),
    ...[unfinished, 'NODE_SEA_BLOB', makeBlob(license), '--sentinel-fuse', FUSE],
  ]);
  // A binary that runs can be replaced, but not written to.
  const beside = `${target}.unfinished`;
  copyFileSync(unfinished, beside);
  renameSync(beside, target);
} finally {
  rmSync(folder, { recursive: true });
}
const size = (statSync(target).size / MIB).toFixed(0);
process.stdout.write(
  `${path.relative('.', target)}: ${size} MiB, with Node ${NODE_VERSION} in it\n`,
);

/**
 * @param {string} license of Node
 * @returns {string} the file with the bundle, as Node wants it
 */
function makeBlob(license) {
  const settings = path.join(folder, 'sea.json');
  const output = path.join(folder, 'blob');
  writeFileSync(
    settings,
    JSON.stringify({
      main: path.resolve('dist/twist.cjs'),
      output,
      disableExperimentalSEAWarning: true,
      // What V8 has compiled fits its own kind of processor only.
      useCodeCache: architecture === own,
      // It is twist that runs, not Node: what is meant for Node on this machine must not stop it.
      execArgvExtension: 'none',
      assets: { NODE_LICENSE: license },
    }),
  );
  run(fetchNode(own).program, ['--experimental-sea-config', settings]);
  return output;
}

/** @param {string} file */
function strip(file) {
  try {
    run(architecture === own ? 'strip' : STRIP[/** @type {'x64'} */ (architecture)], [file]);
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    process.stderr.write(
      `The binary keeps Node's symbols, and is larger for it: ${String(error)}\n`,
    );
  }
}

/**
 * Runs what has nothing to say when it works.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error?.message.endsWith('ENOENT') === true)
    throw new Error(`there is no ${command} here; Debian has it in a package of binutils`);
  if (status !== 0) throw new Error(`${command} failed: ${stdout}${stderr}`, { cause: error });
}
