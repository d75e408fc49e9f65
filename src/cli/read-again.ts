/** The configuration file while the server runs. */
import { statSync } from 'node:fs';
import { checkRegular } from '../regular-file.js';
import type { Io } from './io.js';

/** Reads a file that was read at the start. @throws NodeJS.ErrnoException what `node:fs` throws; `ESPIPE` for a pipe */
export function readAgain(path: string, io: Pick<Io, 'readFile'>): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) checkRegular(stats);
  return io.readFile(path);
}
