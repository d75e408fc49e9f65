/**
 * Makes a small Debian 12 that packages are installed in: `node tools/packaging/make-root.mjs` writes `.packaging/root.tar`, if it is
 * not there. It needs root, mmdebstrap, and the sources that apt has here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';

const TARGET = '.packaging/root.tar';

/** What the package depends on. */
const PACKAGES = 'adduser,init-system-helpers,libgcc-s1,libstdc++6,logrotate';

if (!existsSync(TARGET)) make();

function make() {
  mkdirSync('.packaging', { recursive: true });
  // How this machine reaches its mirrors.
  const settings = '.packaging/apt.conf';
  const reach = output('apt-config', ['dump'])
    .split('\n')
    .filter((line) => /^Acquire::https?::/.test(line));
  writeFileSync(settings, reach.map((line) => `${line}\n`).join(''));
  const targets = output('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(CODENAME) $(COMPONENT)',
  ]);
  const sources = new Set(
    targets.split('\n').flatMap((line) => {
      const [, uri, suite] = /^(\S+) (bookworm(?:-security|-updates)?) main$/.exec(line) ?? [];
      return uri === undefined ? [] : [`deb ${uri} ${suite ?? ''} main`];
    }),
  );
  const unfinished = `${TARGET}.unfinished.tar`;
  const flags = ['--quiet', '--variant=minbase', `--include=${PACKAGES}`, `--aptopt=${settings}`];
  execFileSync('mmdebstrap', [...flags, 'bookworm', unfinished, ...sources], { stdio: 'inherit' });
  renameSync(unfinished, TARGET);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8' });
}
