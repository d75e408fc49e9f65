/** Reads the files of a recording in the order of their times, those of several servers at once. */
import { promises } from 'node:fs';
import type { NumberedRecord } from '../../recording/format/record-reader.js';
import { InputFile, type InputTaker } from './input.js';
import { readHead } from './recording-head.js';

/** A file and when it began. */
interface TimedFile {
  readonly path: string;
  /** Seconds since 1970; for a file without a time, that of the file before it. */
  readonly startTime: number;
}

/** Sorts files by when they began; a file that does not tell stays after the one before it. */
export async function inOrderOfTime(paths: readonly string[]): Promise<TimedFile[]> {
  const files: TimedFile[] = [];
  let last = -Infinity;
  for (const path of paths) {
    const handle = await promises.open(path);
    try {
      last = (await readHead(handle)).startTime ?? last;
    } finally {
      await handle.close();
    }
    files.push({ path, startTime: last });
  }
  return files.sort((one, other) => compare(one.startTime, other.startTime));
}

/** Reads files to their ends; a file is open only while its turn lasts. */
export async function readMerged(
  files: readonly TimedFile[],
  taker: InputTaker,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...files];
  const open: Source[] = [];
  try {
    while (!signal.aborted) {
      const [first] = open;
      const next = waiting[0];
      if (next !== undefined && (first === undefined || next.startTime <= first.time)) {
        waiting.shift();
        await place(open, await Source.open(next, taker));
        continue;
      }
      if (first === undefined) return;
      // As far as it may go before it is another one's turn.
      const limit = Math.min(open[1]?.time ?? Infinity, next?.startTime ?? Infinity);
      await taker.take(first.takeUntil(limit), first.takeBytes());
      open.shift();
      await place(open, first);
    }
  } finally {
    for (const source of open) await source.close();
  }
}

/** A source comes back in the order of its next record. One that has none is closed, and so is one that cannot be read. */
async function place(sources: Source[], source: Source): Promise<void> {
  let hasMore = false;
  try {
    hasMore = await source.fill();
  } finally {
    if (!hasMore) await source.close();
  }
  if (hasMore) insert(sources, source);
}

/** Keeps the sources sorted by time; of two with the same time the earlier one stays first. */
function insert(sources: Source[], source: Source): void {
  let at = sources.length;
  while (at > 0 && sources[at - 1]!.time > source.time) at--;
  sources.splice(at, 0, source);
}

class Source {
  /** The time of the next record; within a file it does not go back, whatever the clock did. */
  time = -Infinity;

  readonly #file: InputFile;
  #records: readonly NumberedRecord[] = [];
  #next = 0;
  #bytes = 0;
  #isAtEnd = false;

  private constructor(file: InputFile, startTime: number) {
    this.#file = file;
    this.time = startTime;
  }

  static async open({ path, startTime }: TimedFile, taker: InputTaker): Promise<Source> {
    const handle = await promises.open(path);
    const file = await InputFile.open(path, handle, taker.begin(path));
    return new Source(file, startTime);
  }

  /** Reads until there is a next record. @returns whether there is one */
  async fill(): Promise<boolean> {
    while (this.#next === this.#records.length) {
      if (this.#isAtEnd) return false;
      const { records, bytes } = await this.#file.read();
      this.#isAtEnd = bytes === 0;
      this.#records = this.#isAtEnd ? this.#file.finish() : records;
      this.#next = 0;
      this.#bytes += bytes;
    }
    this.#noteTime();
    return true;
  }

  /** @returns the next record, and those after it that are no later than `limit` */
  takeUntil(limit: number): readonly NumberedRecord[] {
    const start = this.#next;
    do {
      this.#next++;
      if (this.#next < this.#records.length) this.#noteTime();
    } while (this.#next < this.#records.length && this.time <= limit);
    return this.#records.slice(start, this.#next);
  }

  /** @returns how much was read since the last call */
  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #noteTime(): void {
    this.time = Math.max(this.time, this.#records[this.#next]!.record.t);
  }
}

function compare(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
