/** Which version may come next. */
import { createRequire } from 'node:module';

/** @typedef {{ version: string, compare(other: string): number, prerelease: readonly (string | number)[] }} SemVer */

// It comes with several of the tools, and brings no types.
/** @type {unknown} */
const library = createRequire(import.meta.url)('semver');
const semver = /** @type {{ parse(text: string): SemVer | null }} */ (library);

/**
 * @param {string} text
 * @param {string} current the version there is
 * @throws Error unless it is a version, and a newer one
 */
export function assertNewer(text, current) {
  const next = semver.parse(text);
  // The parser takes a "v" and build metadata, and leaves both out.
  if (next?.version !== text)
    throw new Error(`"${text}" is not a version like 1.0.0 or 1.0.0-beta.1`);
  if (next.compare(current) <= 0)
    throw new Error(`${text} is not newer than ${current}, which package.json has`);
}

/**
 * @param {string} version
 * @returns {string} the name under which npm offers it: those who name none get no prerelease
 */
export function distTag(version) {
  return semver.parse(version)?.prerelease.length === 0 ? 'latest' : 'next';
}
