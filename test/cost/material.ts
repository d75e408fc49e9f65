/** What cases are made of: texts in one piece, and a directory that is gone when the process ends. */
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

/**
 * The same text, in one piece as a file or a read brings it: what is put together of strings takes its memory when it is
 * first looked at.
 */
export function flat(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

let directory: string | null = null;

export function scratchDirectory(): string {
  if (directory !== null) return directory;
  const made = mkdtempSync(path.join(os.tmpdir(), 'twist-cost-'));
  process.on('exit', () => {
    rmSync(made, { recursive: true, force: true });
  });
  directory = made;
  return made;
}
