/**
 * The Node that the single binary is made of: one version, known by its checksums, from npm's package of its program.
 * A blob fits only the version that made it (docs/adr/0043-single-binary-and-debian-package.md).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

export const NODE_VERSION = '24.21.0';

/** What `npm view node-linux-ARCH@VERSION dist.integrity` says. */
const INTEGRITY = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64:
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

/** @typedef {keyof typeof INTEGRITY} Architecture */

/** As Node calls them. */
export const ARCHITECTURES = /** @type {Architecture[]} */ (Object.keys(INTEGRITY));

const ROOT = path.join(import.meta.dirname, '../..');

/** What was fetched stays here. */
const STORE = path.join(ROOT, '.packaging');

/**
 * Fetches it, if that was not done before.
 * @param {Architecture} architecture
 * @returns {{ program: string, license: string }} the paths of the program and of its license, with those of its libraries
 */
export function fetchNode(architecture) {
  const folder = path.join(STORE, `node-${NODE_VERSION}-linux-${architecture}`);
  if (!existsSync(folder)) unpack(architecture, folder);
  return { program: path.join(folder, 'bin/node'), license: path.join(folder, 'LICENSE') };
}

/**
 * The program of the machine that builds, if it is of the right version.
 * @returns {Architecture}
 */
export function ownArchitecture() {
  const own = ARCHITECTURES.find((one) => one === process.arch);
  if (process.platform !== 'linux' || own === undefined)
    throw new Error(
      `a binary is built on Linux, on ${ARCHITECTURES.join(' or ')}, not on ${process.platform} ${process.arch}`,
    );
  return own;
}

/**
 * @param {Architecture} architecture
 * @param {string} folder
 */
function unpack(architecture, folder) {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const name = `node-linux-${architecture}@${NODE_VERSION}`;
  // `npm pack` takes the package of another architecture too, and runs no script.
  const packed = execFileSync('npm', ['pack', name, '--silent', '--pack-destination', unfinished], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const file = path.join(unfinished, packed.trim());
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found !== INTEGRITY[architecture])
    throw new Error(`${name} is not what it was: its checksum is ${found}`);
  const wanted = ['package/bin/node', 'package/LICENSE'];
  execFileSync('tar', ['-xzf', file, '-C', unfinished, '--strip-components=1', ...wanted]);
  rmSync(file);
  // What was cut off in the middle is not taken for the whole.
  renameSync(unfinished, folder);
}
