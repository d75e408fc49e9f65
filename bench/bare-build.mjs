/**
 * twist without its counters and without the place where a recorder listens: what they cost while nobody records and nobody
 * asks for metrics. The lines are cut out of the sources before they are built.
 */
import { readFileSync } from 'node:fs';
import { buildReadable } from './readable-build.mjs';

const FILES = /src[\\/]session[\\/](input|output)\.ts$/;
const STATEMENT =
  /^\s*(if \(\w+\) )?(this\.feed\?\.\w+\(.*\)|(stats|traffic)\.\w+(\+\+| \+= .*));$/;
/** So many there are at least, in both files: the sources may have changed. */
const FEWEST = 24;

/**
 * @param {string} outfile
 * @throws {Error} when there is little to cut
 */
export async function buildBare(outfile) {
  let count = 0;
  await buildReadable(outfile, [
    {
      name: 'bare',
      setup(build) {
        build.onLoad({ filter: FILES }, ({ path }) => {
          const lines = readFileSync(path, 'utf8').split('\n');
          const kept = lines.map((line) => (STATEMENT.test(line) ? '' : line));
          count += lines.filter((line, index) => line !== kept[index]).length;
          return { contents: kept.join('\n'), loader: 'ts' };
        });
      },
    },
  ]);
  if (count < FEWEST)
    throw new Error(`only ${count} lines count or record: bench/bare-build.mjs has to be mended`);
}
