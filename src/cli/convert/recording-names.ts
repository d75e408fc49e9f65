/** The names that the files of one recording may have: what it is called, and what rotation makes of that. */
import { promises } from 'node:fs';
import path from 'node:path';
import {
  fileNameExpression,
  parseFileNamePattern,
} from '../../recording/file/file-name-pattern.js';

/** What follows the name of a rotated file: rotated by us, or by logrotate with and without dates. */
const ROTATED = '(?:[.-].+)?';

/** logrotate's `extension`: the date comes before that. */
const DATE = '-\\d{8}(?:-\\d+)?';

export class RecordingNames {
  /** No part of the name stands for the time. */
  readonly isFixed: boolean;
  readonly #path: string;

  /** @param given the path of a file, or what `--record` was given, with parts for the time */
  constructor(given: string) {
    const pattern = parseFileNamePattern(given);
    this.isFixed = pattern === null || pattern.isFixed;
    this.#path = given;
  }

  /** @returns the existing paths, in no order */
  async list(): Promise<string[]> {
    if (this.isFixed) {
      const { dir, base, name, ext } = path.parse(this.#path);
      const source = `${escapeExpression(base)}${ROTATED}|${escapeExpression(name)}${DATE}${escapeExpression(ext)}`;
      return await namesIn(dir, source);
    }
    const { root } = path.parse(this.#path);
    const parts = this.#path.slice(root.length).split('/');
    let found = [root];
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (!isLast && !part.includes('%')) {
        found = found.map((directory) => path.join(directory, part));
        continue;
      }
      const source = `${fileNameExpression(part)}${isLast ? ROTATED : ''}`;
      const lists = await Promise.all(found.map((directory) => namesIn(directory, source)));
      found = lists.flat();
    }
    return found;
  }
}

/** The matching files of a directory; none if the directory does not exist. */
async function namesIn(directory: string, source: string): Promise<string[]> {
  const expression = new RegExp(`^(?:${source})$`, 's');
  try {
    const names = await promises.readdir(directory === '' ? '.' : directory);
    return names.filter((name) => expression.test(name)).map((name) => path.join(directory, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
