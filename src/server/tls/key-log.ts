/** The secrets of TLS sessions in a file (`SSLKEYLOGFILE`), for Wireshark. */
import {
  type WriteStream,
  closeSync,
  constants,
  createWriteStream,
  fchmodSync,
  fstatSync,
  openSync,
} from 'node:fs';
import type { Log } from '../../log.js';
import { systemReason } from '../../system-reason.js';

/** Only the owner may read it. */
const MODE = 0o600;

/** To open a pipe would wait for somebody who reads it, and the server with it. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

export class KeyLog {
  readonly #stream: WriteStream;

  /** Opens the file, to append to it. @throws NodeJS.ErrnoException when that cannot be done */
  constructor(path: string, log: Log) {
    const fd = openSync(path, FLAGS, MODE);
    try {
      // An existing file may be readable by everybody. Leave devices and pipes as they are.
      if (fstatSync(fd).isFile()) fchmodSync(fd, MODE);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#stream = createWriteStream(path, { fd });
    this.#stream.on('error', (error) => {
      log.error({ file: path, error: systemReason(error) }, 'TLS keys are not logged any more');
    });
  }

  readonly write = (line: Buffer): void => {
    if (this.#stream.writable) this.#stream.write(line);
  };

  close(): void {
    this.#stream.end();
  }
}
