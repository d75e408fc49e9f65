/** What a file of a recording begins with: it identifies the file, whatever its name, and tells when it began. */
import type { promises } from 'node:fs';

/** This much of the first line is unique: it has a time in microseconds. */
const HEAD_BYTES = 512;

const NEWLINE = 0x0a;

/** A key of every record, and the time in one: both come before the payload, whatever that holds. */
const RECORD = /^\s*\{[^]*"ev":/;
const TIME = /"t":\s*(\d+(?:\.\d+)?)/;

/** What compressed files begin with, and what decompresses them. */
const COMPRESSED: readonly (readonly [magic: string, name: string, tool: string])[] = [
  ['\x1f\x8b', 'gzip', 'gunzip -c'],
  ['\x28\xb5\x2f\xfd', 'zstd', 'zstd -dc'],
  ['\xfd7zXZ', 'xz', 'xz -dc'],
  ['BZh', 'bzip2', 'bzip2 -dc'],
];

export interface RecordingHead {
  /** The beginning of its first line; a copy of the file has the same. */
  readonly text: string;
  /** It is the beginning of a recording, and complete as far as it is examined. */
  readonly isRecording: boolean;
  /** When the file began, in seconds since 1970; null when nothing tells. */
  readonly startTime: number | null;
}

/** Reads the beginning of a regular file. */
export async function readHead(file: Pick<promises.FileHandle, 'read'>): Promise<RecordingHead> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return headOf(buffer.subarray(0, bytesRead));
}

/** @param bytes that a file begins with */
export function headOf(bytes: Uint8Array): RecordingHead {
  const end = bytes.indexOf(NEWLINE);
  const line = bytes.subarray(0, end === -1 ? HEAD_BYTES : Math.min(end, HEAD_BYTES));
  const text = Buffer.from(line).toString('latin1');
  const isComplete = end !== -1 || bytes.length >= HEAD_BYTES;
  const time = TIME.exec(text)?.[1];
  return {
    text,
    isRecording: isComplete && RECORD.test(text),
    startTime: time === undefined ? null : Number(time),
  };
}

/** @returns a sentence if the file is compressed; else null */
export function compressionProblem(
  bytes: Uint8Array,
  input: string,
  command = 'twist convert',
): string | null {
  const start = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  const found = COMPRESSED.find(([magic]) => start.startsWith(magic));
  if (found === undefined) return null;
  const [, name, tool] = found;
  if (input === '-')
    return `standard input is compressed (${name}); decompress it: ${tool} | ${command} -`;
  return `${input} is compressed (${name}); decompress it: ${tool} ${input} | ${command} -`;
}
