/** What the views of a page read: records by their numbers, of live traffic or of a file. */
import type { Buffer } from 'node:buffer';
import type { RecordIndex } from './record-index.js';
import type { SessionTable } from './session-table.js';

export interface RecordStore {
  readonly source: 'live' | 'file';
  readonly index: RecordIndex;
  readonly sessions: SessionTable;
  /** Records that were lost on the way here, and lines that are no records. */
  readonly lost: number;
  readonly damaged: number;
  /** Lines that are too long to be kept, and how long one may be, in bytes. */
  readonly tooLong: number;
  readonly maxLineBytes: number;
  /** What lines, index and sessions take. */
  readonly usedBytes: number;
  /** How much of a file has an index, from 0 to 1; null for live traffic. */
  readonly progress: number | null;
  readonly file: { readonly name: string; readonly bytes: number } | null;
  /** Why it shows not all, in a sentence. */
  readonly fault: string | null;
  /** Nothing more comes. */
  readonly hasEnded: boolean;
  /** @returns the line of a record that is there, without its newline; valid until the next call */
  line(n: number): Buffer;
}
