/** Makes the Debian that packages are installed in: `node tools/packaging/make-root.mjs` writes `.packaging/root.tar`, if it is not there. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { makeDebianRoot } from '../debian-root.mjs';

const TARGET = '.packaging/root.tar';

/** What the package depends on. */
const PACKAGES = ['adduser', 'init-system-helpers', 'libgcc-s1', 'libstdc++6', 'logrotate'];

if (!existsSync(TARGET)) {
  mkdirSync('.packaging', { recursive: true });
  const unfinished = `${TARGET}.unfinished.tar`;
  makeDebianRoot(unfinished, PACKAGES);
  renameSync(unfinished, TARGET);
}
