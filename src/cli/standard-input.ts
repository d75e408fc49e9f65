/** Standard input as a stream of bytes. */
import { fstatSync } from 'node:fs';

/**
 * Node reads nothing from a directory and reports no error, as if it were empty.
 *
 * @param process whose standard input is opened when it is read
 * @throws NodeJS.ErrnoException as a rejection of what is read first
 */
export async function* standardInput(
  process: { readonly stdin: AsyncIterable<Uint8Array> },
  statsOf: (descriptor: number) => { isDirectory(): boolean } = fstatSync,
): AsyncGenerator<Uint8Array> {
  if (statsOf(0).isDirectory()) {
    throw Object.assign(new Error('EISDIR: standard input is a directory'), {
      code: 'EISDIR',
      syscall: 'read',
    });
  }
  yield* process.stdin;
}
