import { write } from 'node:fs';

/** Writes all bytes to an open file. Rejects with what `node:fs` reports. */
export async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  // A disk that becomes full takes a part, and the error comes with the rest.
  for (let at = 0; at < bytes.length;) at += await writeSome(descriptor, bytes, at);
}

function writeSome(descriptor: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, at, bytes.length - at, null, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
