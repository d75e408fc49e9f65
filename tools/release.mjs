/**
 * Makes a release on this machine: `npm run release -- VERSION [--dry-run]`. It dates the changelog, sets the version,
 * builds, tests, packs, and makes a commit and a tag. What others would see, the push and the publishing, it leaves to
 * a person and prints the commands for (docs/adr/0045-release-and-matrix.md).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { withRelease } from './release/changelog.mjs';
import { assertNewer, distTag } from './release/version.mjs';

const ROOT = path.join(import.meta.dirname, '..');

const NPM_FILES = ['package.json', 'package-lock.json'];

/** Beside those: what names the version of this project, and of nothing else. */
const NAMES_VERSION = ['deploy/helm/twist/Chart.yaml', 'deploy/kubernetes/twist.yaml'];

/** What must pass, in this order; the version is built in, so it is set before. */
const STEPS = [
  ['npm', 'run', '--silent', 'build'],
  ['npm', 'test'],
  ['npm', 'run', '--silent', 'package:check'],
];

/** @typedef {{ name: string, version: string, repository?: unknown }} Manifest */

process.chdir(ROOT);
try {
  main();
} catch (error) {
  process.stderr.write(`release: ${/** @type {Error} */ (error).message}\n`);
  process.exitCode = 1;
}

function main() {
  const [version, isDryRun] = readArguments();
  const manifest = readManifest();
  const texts = textsOf(manifest, version);
  const files = [...texts.keys(), ...NPM_FILES];
  if (isDryRun) {
    print(`It would write ${files.join(', ')},`);
    print(`run ${STEPS.map((step) => step.join(' ')).join('; ')}; npm pack,`);
    print(`commit, and tag v${version}. Nothing was changed.`);
    return;
  }
  // Ctrl-C ends the step that is under way; what was written is still put back.
  process.on('SIGINT', () => undefined);
  try {
    for (const [file, text] of texts) writeFileSync(file, text);
    run('npm', ['version', version, '--no-git-tag-version', '--ignore-scripts', '--silent']);
    for (const [command = '', ...args] of STEPS) run(command, args);
    const others = statusOf().filter((file) => !files.includes(file));
    if (others.length > 0) throw new Error(`building changed ${others.join(', ')}`);
    mkdirSync('dist', { recursive: true });
    // It is built; another build would be another one than was tested.
    run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', 'dist']);
    git('add', '--', ...files);
    run('git', ['commit', '--quiet', '--message', `Version ${version}`]);
  } catch (error) {
    git('checkout', '--quiet', 'HEAD', '--', ...files);
    throw error;
  }
  run('git', ['tag', '--annotate', `v${version}`, '--message', `${manifest.name} ${version}`]);
  printRest(manifest, version);
}

/** @returns {[version: string, isDryRun: boolean]} */
function readArguments() {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [version, ...others] = positionals;
  if (version === undefined || others.length > 0)
    throw new Error('say one version: npm run release -- 1.0.0 [--dry-run]');
  // Without the two hyphens npm takes the flag for its own, and does not pass it on.
  return [version, values['dry-run'] || process.env['npm_config_dry_run'] === 'true'];
}

/** @returns {Manifest} */
function readManifest() {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  return /** @type {Manifest} */ (manifest);
}

/**
 * @param {Manifest} manifest
 * @param {string} version
 * @returns {Map<string, string>} the files that name the version, as they will be; without npm's own
 * @throws Error for whatever speaks against this release
 */
function textsOf(manifest, version) {
  const dirty = statusOf();
  if (dirty.length > 0) throw new Error(`commit or stash first: ${dirty.join(', ')}`);
  assertNewer(version, manifest.version);
  if (git('tag', '--list', `v${version}`) !== '')
    throw new Error(`there is a tag v${version} already`);
  const date = new Date().toISOString().slice(0, 10);
  const texts = new Map([
    ['CHANGELOG.md', withRelease(readFileSync('CHANGELOG.md', 'utf8'), version, date)],
  ]);
  for (const file of NAMES_VERSION)
    if (existsSync(file))
      texts.set(file, readFileSync(file, 'utf8').replaceAll(manifest.version, version));
  return texts;
}

/** @returns {string[]} the files that differ from the last commit, new ones too */
function statusOf() {
  return git('status', '--porcelain')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(3));
}

/**
 * @param {Manifest} manifest
 * @param {string} version
 */
function printRest({ name, repository }, version) {
  const tag = `v${version}`;
  print(`
${name} ${version} is committed and tagged here, and packed as dist/${name}-${version}.tgz. To show it to others:

    git push origin HEAD ${tag}

The workflow "Release" then tests it again, and publishes it with its provenance once you approve. Or by hand, without provenance:

    npm publish dist/${name}-${version}.tgz --tag ${distTag(version)} --provenance=false

To take it back before that: git tag -d ${tag} && git reset --keep HEAD~1`);
  if (repository === undefined)
    print(`
package.json names no repository. npm publishes no provenance without it: take the release back, then
npm pkg set repository.type=git repository.url=git+https://HOST/OWNER/NAME.git bugs.url=https://HOST/OWNER/NAME/issues
homepage=https://HOST/OWNER/NAME, commit, and release again.`);
}

/** @param {readonly string[]} args */
function git(...args) {
  // Only what ends it: a path in a status begins with a blank.
  return execFileSync('git', args, { encoding: 'utf8' }).replace(/\n$/, '');
}

/**
 * Runs what tells its progress itself.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  print(`\n== ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}
