/**
 * Builds the image from the Dockerfile where no registry of images can be reached: `node tools/image.mjs [--arch arm64]`. The
 * official image of Node is stood in for by one made of the same parts, from Debian's packages and npm's. It needs Debian 12,
 * root, and buildah, mmdebstrap, podman and runc. With Docker and a registry, `docker build -t twist .` does the same.
 */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { URL, fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeDebianRoot } from './debian-root.mjs';

/** What the image is called; its test looks for it there. */
const NAME = 'localhost/twist';

/** The major version that the Dockerfile asks for. */
const NODE_MAJOR = '24';

/** What the official image has, as far as a build needs it. */
const PACKAGES = ['binutils', 'ca-certificates', 'libatomic1', 'libstdc++6'];

/** How others call a processor. */
const PROCESSORS = /** @type {const} */ ({ amd64: 'x64', arm64: 'arm64' });

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { values: flags } = parseArgs({ options: { arch: { type: 'string' } } });
const arch = flags.arch ?? (process.arch === 'arm64' ? 'arm64' : 'amd64');
if (arch !== 'amd64' && arch !== 'arm64') fail(`--arch cannot be ${arch}: give amd64 or arm64`);

process.env['CONTAINERS_CONF'] = path.join(ROOT, 'tools/image/containers.conf');
process.env['BUILDAH_ISOLATION'] = 'chroot';
for (const command of ['buildah', 'mmdebstrap', 'podman', 'runc'])
  if (spawnSync(command, ['--version']).error !== undefined)
    fail(`there is no ${command} (Debian package ${command})`);

const scratch = mkdtempSync(path.join(os.tmpdir(), 'twist-image-'));
process.on('exit', () => {
  rmSync(scratch, { recursive: true, force: true });
});

const base = makeBase(arch);
/** @type {unknown} */
const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const { version } = /** @type {{ version: string }} */ (manifest);
run('buildah', [
  ...['bud', '--quiet', '--pull-never', '--layers', '--format', 'docker'],
  ...['--platform', `linux/${arch}`, '--build-arg', `NODE_IMAGE=${base}`],
  ...['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision()}`],
  ...settingsOfThisMachine(scratch),
  ...['--tag', `${NAME}:${arch}`, ROOT],
]);
process.stdout.write(`${NAME}:${arch}\n`);

/**
 * Makes the image to build from, or finds it: it is kept by the store of images, under a name made of what it is made of.
 * @param {keyof typeof PROCESSORS} arch
 * @returns its name
 */
function makeBase(arch) {
  const parts = [...PACKAGES, NODE_MAJOR, String(makeBase), String(makeDebianRoot)];
  const recipe = createHash('sha256').update(parts.join());
  const name = `localhost/twist-base:${arch}-${recipe.digest('hex').slice(0, 12)}`;
  if (spawnSync('buildah', ['inspect', '--type', 'image', name]).status === 0) return name;
  const directory = mkdtempSync(path.join(scratch, 'base-'));
  const system = path.join(directory, 'system.tar');
  try {
    makeDebianRoot(system, PACKAGES, [`--architectures=${arch}`]);
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
  const node = `node-linux-${PROCESSORS[arch]}`;
  run('npm', [
    ...['install', '--silent', '--no-save', '--force', '--ignore-scripts', '--prefix', directory],
    ...[`${node}@${NODE_MAJOR}`, 'npm@11'],
  ]);
  const modules = path.join(directory, 'node_modules');
  const box = output('buildah', ['from', '--arch', arch, 'scratch']);
  run('buildah', ['add', '--quiet', box, system, '/']);
  for (const part of ['bin/node', 'LICENSE'])
    run('buildah', ['copy', '--quiet', box, path.join(modules, node, part), `/usr/local/${part}`]);
  const npm = '/usr/local/lib/node_modules/npm';
  run('buildah', ['copy', '--quiet', box, path.join(modules, 'npm'), npm]);
  const links = path.join(directory, 'links');
  mkdirSync(links);
  for (const name of ['npm', 'npx']) {
    const file = path.join(links, name);
    writeFileSync(file, `#!/bin/sh\nexec node ${npm}/bin/${name}-cli.js "$@"\n`, { mode: 0o755 });
  }
  run('buildah', ['copy', '--quiet', box, links, '/usr/local/bin']);
  run('buildah', ['commit', '--quiet', '--rm', box, name]);
  return name;
}

/**
 * Has npm in the container reach its registry as it is reached here. Nothing of it gets into the image.
 * @param {string} directory for a file that is mounted
 */
function settingsOfThisMachine(directory) {
  const npmrc = path.join(directory, 'npmrc');
  const ours = output('npm', ['config', 'get', 'globalconfig']);
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  const hasExtra = extra !== undefined && existsSync(extra);
  writeFileSync(
    npmrc,
    `${existsSync(ours) ? readFileSync(ours, 'utf8') : ''}\n${hasExtra ? `cafile=${extra}\n` : ''}`,
  );
  const mounts = [[npmrc, '/usr/local/etc/npmrc'], ...(hasExtra ? [[extra, extra]] : [])];
  return mounts.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]);
}

function revision() {
  const asked = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : 'unknown';
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${command} ${args[0]} failed: ${error?.message ?? `status ${status}`}`);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) fail(`${command} ${args[0]} failed: ${error?.message ?? stderr}`);
  return stdout.trim();
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  process.stderr.write(`tools/image.mjs: ${reason}\n`);
  process.exit(1);
}
