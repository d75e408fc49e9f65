/** The torn end of a file whose process was killed, or whose disk was full: half a line. */
import { Buffer } from 'node:buffer';
import type { RecordingFileSystem } from './recording-file-system.js';

const NEWLINE = 0x0a;
const BLOCK_BYTES = 64 * 1024;

/** The beginnings of lines of a recording: of a header, and of all others. */
const LINE_STARTS = ['{"v":', '{"ev":'];

/** The end of a file. */
export interface Tail {
  /** The number of bytes after its last newline. */
  readonly bytes: number;
  /** The file does not begin like a recording, so it is not ours to cut. */
  readonly isForeign: boolean;
}

/**
 * Looks for the last newline of a file, from its end, a block at a time.
 *
 * @param sizeBytes of the file, at least 1
 */
export async function findTail(
  fileSystem: RecordingFileSystem,
  path: string,
  sizeBytes: number,
): Promise<Tail> {
  const fd = await fileSystem.openToRead(path);
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    const read = async (start: number, end: number): Promise<Buffer> => {
      let length = 0;
      while (start + length < end) {
        const into = block.subarray(length, end - start);
        const count = await fileSystem.read(fd, into, start + length);
        // It is shorter than it was a moment ago.
        if (count === 0) break;
        length += count;
      }
      return block.subarray(0, length);
    };
    const last = await read(sizeBytes - 1, sizeBytes);
    if (last[0] === NEWLINE) return { bytes: 0, isForeign: false };
    let end = sizeBytes;
    while (end > 0) {
      const start = Math.max(end - BLOCK_BYTES, 0);
      const newline = (await read(start, end)).lastIndexOf(NEWLINE);
      end = newline === -1 ? start : start + newline + 1;
      if (newline !== -1) break;
    }
    const head = (await read(0, Math.min(sizeBytes, 8))).toString('latin1');
    const isOurs = LINE_STARTS.some((start) => head.startsWith(start) || start.startsWith(head));
    return { bytes: sizeBytes - end, isForeign: !isOurs };
  } finally {
    await fileSystem.close(fd);
  }
}
