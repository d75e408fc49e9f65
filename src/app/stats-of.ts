import { type Stats, statSync } from 'node:fs';

/**
 * @returns undefined when there is nothing by that name
 * @throws what `node:fs` throws for all else: of a name in what is no directory, its own option says in some
 *   versions that nothing is there, and in others not
 */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
