/** What was packed, for tests: `npm run packages` makes it and runs them. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { skipWithout } from '../fixtures/interop.js';

const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'x64';

export const BINARY = path.resolve(`dist/binary/twist-linux-${ARCHITECTURE}`);

/** An empty Debian. */
export const ROOT_ARCHIVE = path.resolve('.packaging/root.tar');

/** @returns whether the binary is there; the test is skipped without it, or fails in CI */
export function hasBinary(t: Test): boolean {
  if (existsSync(BINARY)) return true;
  skipWithout(t, `there is no ${BINARY}: npm run packages`);
  return false;
}

/** @returns the path of the Debian package for this machine; null where it cannot be tested */
export function findDeb(t: Test): string | null {
  const folder = 'dist/debian';
  const ending = ARCHITECTURE === 'x64' ? '_amd64.deb' : '_arm64.deb';
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((one) => one.endsWith(ending));
  if (name !== undefined && existsSync(ROOT_ARCHIVE) && process.getuid!() === 0)
    return path.resolve(folder, name);
  skipWithout(
    t,
    'there is no Debian package, no root to install it in, or you are not root: npm run packages',
  );
  return null;
}
