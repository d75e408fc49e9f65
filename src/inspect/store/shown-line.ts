/** Lines of others may say what ours would not: it is hidden before anybody sees it. */
import { Buffer } from 'node:buffer';
import { OpenRedaction } from '../../recording/format/open-redaction.js';
import { parseLine } from './line-scan.js';
import { HAS_SECRETS } from './record-index.js';

/** @returns the line, without what `flags` say that it must not show */
export function shownLine(line: Buffer, flags: number): Buffer {
  if ((flags & HAS_SECRETS) === 0) return line;
  const record = parseLine(line);
  // The file has changed since, and nobody knows what this is.
  if (record === null || typeof record === 'string') return Buffer.alloc(0);
  const { bytes } = new OpenRedaction().apply({ record, bytes: line });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
