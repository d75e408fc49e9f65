/**
 * A small Debian 12 in an archive: the image that a container is built from where no registry can be reached, and the system that
 * the Debian package is tried in.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

const RELEASE = 'bookworm';

/**
 * Makes it of the sources that apt has here, by mmdebstrap, which needs root.
 * @param {string} archive the file to write, which ends in `.tar`
 * @param {readonly string[]} packages beside those that every Debian has
 * @param {readonly string[]} [flags] more for mmdebstrap
 */
export function makeDebianRoot(archive, packages, flags = []) {
  const targets = output('apt-get', [
    ...['indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)'],
  ]);
  const sources = new Set(
    targets.split('\n').flatMap((line) => {
      const [, uri, suite] =
        /^(\S+) (bookworm(?:-security|-updates)?) main Packages$/.exec(line) ?? [];
      return uri === undefined ? [] : [`deb ${uri} ${suite ?? ''} main`];
    }),
  );
  if (sources.size === 0)
    throw new Error('a Debian can be made on Debian 12 only, after apt-get update');
  // How this machine reaches its mirrors.
  const settings = `${archive}.apt.conf`;
  const reach = output('apt-config', ['dump'])
    .split('\n')
    .filter((line) => /^Acquire::https?::/.test(line));
  writeFileSync(settings, reach.map((line) => `${line}\n`).join(''));
  const own = ['--quiet', '--variant=minbase', `--include=${packages.join()}`];
  const args = [...own, `--aptopt=${settings}`, ...flags, RELEASE, archive, ...sources];
  // What a caller prints is for others to read.
  execFileSync('mmdebstrap', args, { stdio: ['ignore', 2, 2] });
  rmSync(settings);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8' });
}
