/** Files that the server was given for itself. None of them is served, whatever name leads to it. */
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

export interface PrivatePaths {
  /** Files, and directories with all that is in them; they need not be there. */
  readonly files: readonly string[];
  /** Where recordings go, as `--record` takes it: with `%` where a part stands for the time. */
  readonly recording: string | null;
}

export class PrivateFiles {
  #files: readonly string[] = [];
  /** The directory of recordings, as far as it does not change with time, and how names go on from there. */
  #recordings: { readonly directory: string; readonly names: RegExp } | null = null;

  constructor(paths: PrivatePaths) {
    this.replace(paths);
  }

  /** From now on it is these. */
  replace({ files, recording }: PrivatePaths): void {
    this.#files = recording === null ? files : [...files, recording];
    this.#recordings = recording === null ? null : recordingsOf(path.resolve(recording));
  }

  /**
   * Whether a file is one of them. Ask for each request: files are replaced, and rotated.
   *
   * @param target its path, without links
   */
  async has(target: string, stats: Stats): Promise<boolean> {
    const found = await Promise.all(this.#files.map((file) => isOf(file, target, stats)));
    return found.includes(true) || (await this.#isRecording(target));
  }

  async #isRecording(target: string): Promise<boolean> {
    if (this.#recordings === null) return false;
    const { directory, names } = this.#recordings;
    const root = await realpathOf(directory);
    return root !== null && target.startsWith(root) && names.test(target.slice(root.length));
  }
}

/** Whether it is this file, another name of it, in this directory, or what this file was before a rotation. */
async function isOf(file: string, target: string, { dev, ino }: Stats): Promise<boolean> {
  const real = await realpathOf(file);
  if (real === null) return false;
  if (target === real || target.startsWith(`${real}${path.sep}`)) return true;
  // A recording that is a link is rotated where the link leads to.
  if (target.startsWith(`${real}.`)) return true;
  const stats = await stat(real).catch(() => null);
  return stats?.dev === dev && stats.ino === ino;
}

/** Rotated files keep their name, with something after it. */
function recordingsOf(recording: string): { readonly directory: string; readonly names: RegExp } {
  const [fixed = ''] = recording.split('%', 1);
  const directory = fixed.slice(0, fixed.lastIndexOf(path.sep) + 1);
  const parts = recording.slice(directory.length).split(/(%.)/);
  const names = parts.map((part, index) => {
    if (index % 2 === 0) return escaped(part);
    return part === '%%' ? '%' : '[0-9]+';
  });
  return {
    directory,
    names: new RegExp(`^${escaped(path.sep)}?${names.join('')}(?:\\.[^${escaped(path.sep)}]*)?$`),
  };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

async function realpathOf(file: string): Promise<string | null> {
  return await realpath(file).catch(() => null);
}
