/** The writer of a recording on real file systems: full, removed, renamed under load, and a slow pipe. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { readFile, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { RecordingWriter, type WriterOptions } from '../../src/recording/file/recording-writer.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { LineSource } from '../fixtures/line-source.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually, within } from '../fixtures/within.js';
import { HEADER, KeptOwner } from '../fixtures/writer-owner.js';

/** Numbers the lines that it appends, as long as it may. */
class Load {
  readonly source = new LineSource();
  readonly owner = new KeptOwner();
  readonly log = new KeptLog();
  readonly writer: RecordingWriter;
  appended = 0;
  lost = 0;
  peakBytes = 0;

  constructor(options: Partial<WriterOptions> & { path: string }) {
    const defaults = { sync: 'none', onFull: 'stop', rotateBytes: 0, queueBytes: 4 * 1024 * 1024 };
    this.writer = new RecordingWriter(
      { ...(defaults as WriterOptions), log: this.log, ...options },
      this.source,
      this.owner,
    );
  }

  /** Some lines. */
  append(count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.writer.isDropping) {
        this.writer.lose(1);
        this.lost++;
      } else {
        this.source.append(Buffer.from(lineOf(this.appended++)));
        this.writer.appended();
      }
    }
    this.peakBytes = Math.max(this.peakBytes, this.source.bytes);
  }

  /** Appends until it is told to end, never while the queue is full. */
  async run(isOver: () => boolean, count = 200): Promise<void> {
    while (!isOver()) {
      if (!this.owner.isFull) this.append(count);
      await sleep(1);
    }
  }
}

/** A line of 100 to 131 bytes. */
const lineOf = (number: number): string =>
  `{"n":${number},"x":"${'x'.repeat(90 + (number % 31))}"}\n`;

/** The numbers of the lines; each line must be whole. */
function numbersOf(text: string): number[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  return lines
    .filter((line) => line !== HEADER && !line.startsWith('{"ev":"gap"'))
    .map((line) => {
      const { n } = JSON.parse(line) as { n: number };
      if (`${line}\n` !== lineOf(n)) throw new Error(`not as it was appended: ${line}`);
      return n;
    });
}

/** True when the numbers are those from `first` on, in order. */
function isSequence(numbers: readonly number[], first = 0): boolean {
  return numbers.every((number, index) => number === first + index);
}

/** A file system of one megabyte, with a file on it that leaves some of that. */
function mountSmallDisk(
  t: Test,
  roomBytes = 200 * 1024,
): { directory: string; ballast: string } | null {
  const directory = path.join(makeTempDir(t), 'disk');
  mkdirSync(directory);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    t.pass('left out', { skip: `no file system can be mounted here: ${String(error)}` });
    return null;
  }
  t.teardown(() => {
    execFileSync('umount', ['-l', directory]);
  });
  const ballast = path.join(directory, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1000 * 1024 - roomBytes));
  return { directory, ballast };
}

const TIMES = { retryMs: 100 };

t.test('a full disk, and records that wait', async (t) => {
  const disk = mountSmallDisk(t);
  if (disk === null) return;
  const file = path.join(disk.directory, 'traffic.ndjson');
  const load = new Load({ path: file, sync: 'interval', times: TIMES });
  await load.writer.start();
  await load.run(() => load.writer.isStopped);
  // What sessions say when they are closed.
  load.append(20);
  await sleep(300);
  t.equal(load.writer.isStopped, true);
  // Between two attempts: each of them writes what fits, and takes back the line that does not.
  let between = '';
  await eventually(() => {
    between = readFileSync(file, 'utf8');
    return between.endsWith('\n');
  }, 'whole lines');
  t.ok(isSequence(numbersOf(between)), 'in order');
  await rm(disk.ballast);
  await eventually(() => !load.writer.isStopped, 'the recording to go on');
  load.append(1000);
  await load.writer.close();
  const numbers = numbersOf(await readFile(file, 'utf8'));
  t.equal(numbers.length, load.appended);
  t.ok(isSequence(numbers), 'each line once, in order');
  t.strictSame(
    load.owner.calls.filter((call) => call !== 'taken' && call !== 'done'),
    ['failed ENOSPC', 'recovered'],
  );
  t.match(load.writer.stats, { records: load.appended, lost: 0, failures: 1, files: 1 });
});

t.test('a full disk, and records that are dropped', async (t) => {
  const disk = mountSmallDisk(t);
  if (disk === null) return;
  const file = path.join(disk.directory, 'traffic.ndjson');
  const load = new Load({ path: file, onFull: 'drop', times: TIMES });
  await load.writer.start();
  await load.run(() => load.lost > 10_000);
  await rm(disk.ballast);
  const enough = (): boolean => !load.writer.isDropping && load.writer.stats.records > 2500;
  await load.run(enough, 2);
  await load.writer.close();
  const text = await readFile(file, 'utf8');
  const numbers = numbersOf(text);
  t.ok(isSequence(numbers), 'what was appended, in order');
  t.equal(numbers.length, load.appended);
  t.ok(load.lost > 10_000);
  t.equal(load.owner.missing, load.lost, 'the gap is as large as it says');
  t.equal(load.writer.stats.lost, load.lost);
  t.match(text, `{"ev":"gap","records":${load.lost},"error":"ENOSPC"}\n`);
});

t.test('a full disk that gets room when the recording itself is removed', async (t) => {
  const disk = mountSmallDisk(t, 700 * 1024);
  if (disk === null) return;
  const file = path.join(disk.directory, 'traffic.ndjson');
  const load = new Load({ path: file, times: TIMES });
  await load.writer.start();
  await load.run(() => load.writer.isStopped);
  await rm(file);
  await eventually(() => !load.writer.isStopped, 'the recording to go on');
  load.append(100);
  await load.writer.close();
  const numbers = numbersOf(await readFile(file, 'utf8'));
  t.ok(isSequence(numbers, numbers[0]), 'without a hole');
  t.equal(numbers.at(-1), load.appended - 1);
  t.equal(load.log.find('the file was removed: a new one is opened under its name').length, 1);
});

t.test('a directory that is removed under load', async (t) => {
  const directory = path.join(makeTempDir(t), 'a', 'b');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'traffic.ndjson');
  const load = new Load({ path: file });
  await load.writer.start();
  let appendedBefore = 0;
  let isOver = false;
  // A test that fails before its end must not go on for ever.
  t.teardown(() => (isOver = true));
  const running = load.run(() => isOver);
  for (let round = 0; round < 10; round++) {
    await sleep(100);
    // What is in the file goes with it; what is appended from then on does not.
    // It may be gone between two attempts, and what was made again meanwhile goes in the next round.
    await rm(path.dirname(directory), { recursive: true, force: true, maxRetries: 10 });
    appendedBefore = load.appended;
  }
  await sleep(100);
  isOver = true;
  await running;
  await load.writer.close();
  const numbers = numbersOf(await readFile(file, 'utf8'));
  t.ok(isSequence(numbers, numbers[0]), 'without a hole');
  t.ok(numbers[0]! <= appendedBefore, 'nothing is missing that came after');
  t.equal(numbers.at(-1), load.appended - 1);
  t.equal(load.writer.stats.lost, 0);
});

/** All files of a directory in the order of their names, one behind the other. */
async function readAll(directory: string): Promise<{ text: string; sizes: number[] }> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(
    names.map((name) => readFile(path.join(directory, name), 'utf8')),
  );
  return { text: texts.join(''), sizes: texts.map(({ length }) => length) };
}

t.test('a file that is renamed and reopened every 100 ms under load', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'traffic.ndjson');
  const load = new Load({ path: file, sync: 'interval' });
  await load.writer.start();
  let isOver = false;
  // A test that fails before its end must not go on for ever.
  t.teardown(() => (isOver = true));
  const running = load.run(() => isOver, 300);
  for (let round = 0; round < 30; round++) {
    await sleep(100);
    await rename(file, path.join(directory, `a-${String(round).padStart(3, '0')}`));
    await load.writer.reopen();
  }
  isOver = true;
  await running;
  await load.writer.close();
  const { text, sizes } = await readAll(directory);
  t.equal(sizes.length, 31);
  const numbers = numbersOf(text);
  t.equal(numbers.length, load.appended);
  t.ok(isSequence(numbers), 'all of them, in order');
});

t.test('files that are rotated by their size under load', async (t) => {
  const directory = makeTempDir(t);
  const rotateBytes = 256 * 1024;
  const load = new Load({ path: path.join(directory, 'traffic.ndjson'), rotateBytes });
  await load.writer.start();
  const startMs = performance.now();
  await load.run(() => performance.now() - startMs > 2000, 300);
  await load.writer.close();
  const { text, sizes } = await readAll(directory);
  t.ok(sizes.length > 10);
  t.ok(Math.max(...sizes) <= rotateBytes);
  t.equal(load.writer.stats.files, sizes.length);
  // The file of now has the shortest name, which sorts first.
  const current = text.slice(0, sizes[0]);
  const numbers = numbersOf(text.slice(sizes[0]) + current);
  t.equal(numbers.length, load.appended);
  t.ok(isSequence(numbers), 'all of them, in order');
});

/** Reads 20 KiB every 20 ms at most; after the signal until there is nothing more. */
async function readSlowly(fd: number, read: Buffer[], ending: AbortSignal): Promise<void> {
  const block = Buffer.alloc(20 * 1024);
  for (;;) {
    await sleep(20);
    let length = -1;
    try {
      length = readSync(fd, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    if (length > 0) read.push(Buffer.from(block.subarray(0, length)));
    else if (length === 0 && ending.aborted) return;
  }
}

t.test('a pipe whose reader takes a megabyte a second', async (t) => {
  const file = path.join(makeTempDir(t), 'pipe');
  execFileSync('mkfifo', [file]);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const queueBytes = 512 * 1024;
  const load = new Load({ path: file, queueBytes, sync: 'interval' });
  await load.writer.start();
  const ending = new AbortController();
  const read: Buffer[] = [];
  const reader = readSlowly(fd, read, ending.signal);
  const startMs = performance.now();
  await load.run(() => performance.now() - startMs > 2000, 500);
  t.ok(load.owner.calls.includes('full'));
  t.ok(load.peakBytes <= queueBytes + 500 * 140, `at most ${load.peakBytes} bytes waited`);
  await load.writer.close();
  ending.abort();
  await within(reader, 'the reader');
  closeSync(fd);
  const numbers = numbersOf(Buffer.concat(read).toString());
  t.equal(numbers.length, load.appended);
  t.ok(isSequence(numbers), 'all of them, in order');
  t.equal(load.writer.stats.lost, 0);
});
