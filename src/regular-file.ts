/**
 * Files that are read again while the server runs. At the start a pipe will do, as a shell makes one of `<(...)`.
 * To open it a second time waits for somebody who writes to it, perhaps for ever, and the server waits with it.
 */

/** @throws {Error} with the code `ESPIPE` for a pipe or a device; that a directory is none shows when it is read */
export function checkRegular(stats: { isFile(): boolean; isDirectory(): boolean }): void {
  if (stats.isFile() || stats.isDirectory()) return;
  throw Object.assign(new Error('not a regular file'), { code: 'ESPIPE' });
}
