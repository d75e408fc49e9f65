/** The directory that is served, and which of its files a request may have. */
import { accessSync, constants, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import type { PrivateFiles } from './private-files.js';

/** What a request's path leads to. */
export type Found =
  | { readonly kind: 'nothing' }
  /** A directory that was asked for without its trailing slash. */
  | { readonly kind: 'directory' }
  /** A file, by its path within the root, with no links in either. */
  | { readonly kind: 'file'; readonly root: string; readonly segments: readonly string[] };

const NOTHING: Found = { kind: 'nothing' };
const DIRECTORY: Found = { kind: 'directory' };
const INDEX = 'index.html';

/** What the system says of a path that leads nowhere, or where we may not look. */
const NOWHERE: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'];

export class StaticDirectory {
  readonly #directory: string;
  readonly #private: PrivateFiles | null;

  /**
   * @param directory as it was given with `--static`
   * @param privateFiles what leads nowhere, as if it were not there
   * @throws ConfigError when that is no directory
   */
  constructor(directory: string, privateFiles: PrivateFiles | null = null) {
    const fault = faultOf(directory);
    if (fault !== null)
      throw new ConfigError(
        `--static ${directory} cannot be used: ${fault}; give a directory that holds the files to serve`,
      );
    this.#directory = directory;
    this.#private = privateFiles;
  }

  /**
   * Finds what a path leads to, without ever leaving the directory. Names that begin with a dot, `..`
   * among them, lead nowhere; so do empty ones, and separators in disguise. A link counts as what it
   * leads to, which has to be inside: only its own name is looked at, because a directory that is changed
   * in one step, as Kubernetes does it, has links to a hidden one.
   *
   * The directory's own links are followed for each request, so that a link to the current release may
   * be moved to the next one.
   *
   * @param urlPath as sent, without the query
   * @throws NodeJS.ErrnoException when the system fails
   */
  async find(urlPath: string): Promise<Found> {
    const names = decode(urlPath);
    if (names === null) return NOTHING;
    const isDirectoryMeant = names.at(-1) === '';
    if (isDirectoryMeant) names[names.length - 1] = INDEX;
    if (!names.every(isServed)) return NOTHING;
    try {
      const root = await realpath(this.#directory);
      const target = await realpath(path.join(root, ...names));
      const segments = segmentsWithin(root, target);
      if (segments === null) return NOTHING;
      const stats = await stat(target);
      if ((await this.#private?.has(target, stats)) === true) return NOTHING;
      if (stats.isFile()) return { kind: 'file', root, segments };
      return stats.isDirectory() && !isDirectoryMeant ? DIRECTORY : NOTHING;
    } catch (error) {
      if (NOWHERE.includes((error as NodeJS.ErrnoException).code)) return NOTHING;
      throw error;
    }
  }
}

/** Why files cannot be served from there; null when they can. */
function faultOf(directory: string): string | null {
  try {
    if (!statSync(directory).isDirectory()) return 'it is not a directory';
    // It is never listed, so this is all that is needed, and without it each request is a 404.
    accessSync(directory, constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What `throwIfNoEntry` of statSync takes for no entry differs between Node 20 and 24.
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such directory';
    if (code === 'EACCES') return 'permission to look into it is denied';
    return `it cannot be read (${String(code)})`;
  }
}

/** The names of a path, of which only the last may be empty; null when one cannot be decoded. */
function decode(urlPath: string): string[] | null {
  try {
    return urlPath
      .slice(1)
      .split('/')
      .map((name) => decodeURIComponent(name));
  } catch {
    return null;
  }
}

function isServed(name: string): boolean {
  return (
    name !== '' && !name.startsWith('.') && !['/', '\\', '\0'].some((one) => name.includes(one))
  );
}

/** How `target` is reached from `root`; null when it is outside. */
function segmentsWithin(root: string, target: string): string[] | null {
  const relative = path.relative(root, target);
  const segments = relative.split(path.sep);
  // It is absolute when it leads to another drive.
  return segments[0] === '..' || path.isAbsolute(relative) ? null : segments;
}
