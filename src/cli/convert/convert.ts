/** `twist convert`: recordings in, another format out, in memory that does not depend on their size. */
import { promises, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ConfigError, TwistError } from '../../errors.js';
import { type Converter, ConvertError } from '../../recording/convert/converter.js';
import { RecordFilter } from '../../recording/convert/filter.js';
import { SpoolError } from '../../recording/convert/spool-file.js';
import { legendText } from '../../recording/convert/text/legend.js';
import { type NumberedRecord, RecordReader } from '../../recording/format/record-reader.js';
import { RECORDING_VERSION } from '../../recording/format/record.js';
import { destinationOf, type Destination } from './destination.js';
import { Follower } from './follow.js';
import { TEXT_FORMAT } from './formats.js';
import { InputFile, readStream, type InputTaker } from './input.js';
import { inOrderOfTime, readMerged } from './merge.js';
import { ConvertReport } from './report.js';
import type { ConvertRequest } from './request.js';
import { ExitCode } from '../exit-code.js';
import type { Io, Signal } from '../io.js';
import { OutputBuffer } from './output-buffer.js';
import { statsOf } from '../../app/stats-of.js';
import { hasColor } from '../output/style.js';
import { systemReason } from '../../system-reason.js';
import { version } from '../../app/version.js';

/** What a shell reports for a command that a signal has ended. */
const SIGNAL_STATUS: Readonly<Record<Signal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const STANDARD = '-';

/**
 * @returns the exit status: 0 also when some lines were damaged, 1 when nothing else was there
 * @throws ConfigError when the output is an input
 */
export async function convert(request: ConvertRequest, io: Io): Promise<number> {
  const report = new ConvertReport(io.stderr, () => performance.now());
  try {
    return await new Conversion(request, io, report).run();
  } catch (error) {
    if (!(error instanceof ConvertError)) throw error;
    // `twist convert ... | head` has seen enough.
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE') return ExitCode.Ok;
    report.note(error.message);
    return ExitCode.Failure;
  }
}

class Conversion implements InputTaker {
  readonly #request: ConvertRequest;
  readonly #io: Io;
  readonly #report: ConvertReport;
  readonly #stop = new AbortController();
  #stopSignal: Signal | null = null;
  readonly #destination: Destination;
  readonly #output: OutputBuffer;
  readonly #converter: Converter;
  readonly #filter: RecordFilter | null;
  /** Is said before anything is read; empty for nothing. */
  readonly #legend: string;
  /** Bytes of all inputs; null if the progress is not shown, or the size is not known. */
  readonly #totalBytes: number | null;
  /** The input that is read. */
  #input = '';
  #bytes = 0;
  #records = 0;
  #isVersionNoted = false;

  constructor(request: ConvertRequest, io: Io, report: ConvertReport) {
    this.#request = request;
    this.#io = io;
    this.#report = report;
    const { format, out, filters } = request;
    const stats = request.inputs.map((input, index) => this.#statsOf(input, index));
    this.#destination = this.#destinationOf();
    this.#refuseSameFile(stats);
    this.#output = new OutputBuffer((bytes) => this.#writing(() => this.#destination.write(bytes)));
    const isTerminal = out === null && io.stdout.isTTY === true;
    const { color, isFull, times } = request;
    const colored =
      color === 'auto' ? isTerminal && hasColor(io.stdout, io.env) : color === 'always';
    this.#legend = isTerminal && isReadAlong(request, io) ? legendText(colored, times) : '';
    const converter = format.make(this.#output, {
      tool: `twist/${version()}`,
      spoolDir: io.env['TMPDIR'] ?? io.env['TEMP'] ?? '/tmp',
      isCut: isTerminal && !isFull,
      isFull,
      times,
      hasColor: colored,
    });
    this.#filter = filters === null ? null : new RecordFilter(converter, filters);
    this.#converter = this.#filter ?? converter;
    const isWatched = io.stderr.isTTY === true && !isTerminal && !request.isFollowing;
    this.#totalBytes = isWatched ? totalSize(stats) : null;
  }

  async run(): Promise<number> {
    const removers = (['SIGINT', 'SIGTERM'] as const).map((name) =>
      this.#io.onSignal(name, () => {
        this.#stopSignal = name;
        // A second signal ends the process: something may hang.
        for (const remove of removers) remove();
        this.#stop.abort();
      }),
    );
    let isDone = false;
    try {
      await this.#writing(() => this.#open());
      if (this.#legend !== '') this.#io.stderr.write(this.#legend);
      await this.#readAll();
      // Following ends with a signal, and a pipe may; a file is converted completely or not at all.
      if (this.#stopSignal !== null && !this.#isEndless()) return SIGNAL_STATUS[this.#stopSignal];
      await this.#writing(() => this.#converter.finish());
      await this.#output.flush();
      await this.#writing(() => this.#destination.commit());
      isDone = true;
    } finally {
      for (const remove of removers) remove();
      if (!isDone) this.#destination.discard();
      this.#report.end();
    }
    this.#tellWhatIsLeftOut();
    const isAllDamaged = this.#records === 0 && this.#report.damagedLines > 0;
    return isAllDamaged ? ExitCode.Failure : ExitCode.Ok;
  }

  async #open(): Promise<void> {
    const { out } = this.#request;
    try {
      await this.#destination.open();
    } catch (error) {
      // A file that is created can only miss its directory.
      if (out === null || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new ConvertError(`cannot write ${out}: there is no directory ${path.dirname(out)}`);
    }
  }

  // ---- From the inputs

  begin(name: string): RecordReader {
    const input = name === STANDARD ? 'standard input' : name;
    this.#input = input;
    return new RecordReader((line, reason) => {
      this.#report.damaged(input, line, reason);
    });
  }

  async take(records: readonly NumberedRecord[], bytes: number): Promise<void> {
    await this.#writing(async () => {
      for (const { record, bytes: line } of records) {
        if (this.#filter?.isFull === true) {
          this.#stop.abort();
          return;
        }
        if (record.ev === 'file' && record.v > RECORDING_VERSION) this.#noteVersion(record.v);
        const ready = this.#converter.convert(record, line);
        if (ready !== undefined) await ready;
      }
    });
    this.#records += records.length;
    this.#bytes += bytes;
    if (this.#totalBytes === null) return;
    const totalBytes = this.#totalBytes;
    this.#report.progress({ bytes: this.#bytes, totalBytes, records: this.#records });
  }

  async idle(): Promise<void> {
    await this.#writing(async () => {
      await this.#converter.flush?.();
    });
    await this.#output.flush();
  }

  note(sentence: string): void {
    this.#report.note(sentence);
  }

  /** Files in the order of their times, unless one of the inputs has none; the newest is followed. */
  async #readAll(): Promise<void> {
    const { inputs, isFollowing } = this.#request;
    const isOrdered = this.#isAllFiles(inputs);
    const inOrder = isOrdered
      ? await this.#reading(() => inOrderOfTime(inputs))
      : inputs.map((input) => ({ path: input, startTime: 0 }));
    const followed = isFollowing ? inOrder.pop() : undefined;
    // It looks at what exists before anything else is read, which may take a while.
    const follower =
      followed === undefined ? null : await this.#reading(() => followerOf(followed.path));
    try {
      if (isOrdered) await this.#reading(() => readMerged(inOrder, this, this.#stop.signal));
      else for (const input of inOrder) await this.#read(input.path);
      if (follower !== null) await this.#reading(() => follower.run(this, this.#stop.signal));
    } finally {
      await follower?.close();
    }
  }

  #isAllFiles(inputs: readonly string[]): boolean {
    return inputs.every((input) => input !== STANDARD && statsOf(input)?.isFile() === true);
  }

  async #read(input: string): Promise<void> {
    this.#input = input;
    await this.#reading(async () => {
      if (input === STANDARD) {
        await readStream(this.#io.stdin(), this, this.#stop.signal);
        return;
      }
      const file = await InputFile.open(input, await promises.open(input), this.begin(input));
      try {
        await file.readOn(this, this.#stop.signal);
        if (!this.#stop.signal.aborted) await this.take(file.finish(), 0);
      } finally {
        await file.close();
      }
    });
  }

  /** Does `work`, which reads: what the system reports is then about the input, or was told of the output before. */
  async #reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { path } = error as NodeJS.ErrnoException;
      throw failure(`cannot read ${path ?? this.#input}`, error);
    }
  }

  // ---- What is looked at first

  /** Null for standard input, and for a file that is waited for. */
  #statsOf(input: string, index: number): Stats | null {
    if (input === STANDARD) return null;
    const mayBeMissing = this.#isFollowed(index);
    try {
      const stats = mayBeMissing ? statsOf(input) : statSync(input);
      if (stats === undefined) return null;
      if (stats.isDirectory()) throw new ConvertError(`cannot read ${input}: it is a directory`);
      return stats;
    } catch (error) {
      throw failure(`cannot read ${input}`, error);
    }
  }

  #destinationOf(): Destination {
    try {
      return destinationOf(this.#request.out, this.#io);
    } catch (error) {
      throw failure(`cannot write ${this.#outName}`, error);
    }
  }

  #refuseSameFile(inputs: readonly (Stats | null)[]): void {
    const { existing } = this.#destination;
    if (existing === null) return;
    const index = inputs.findIndex(
      (each) => each !== null && each.dev === existing.dev && each.ino === existing.ino,
    );
    if (index < 0) return;
    const { out, inputs: names } = this.#request;
    const what = out === null ? 'standard output' : '--out';
    const sentence = `${what} cannot be ${JSON.stringify(names[index])}: it is an input`;
    throw new ConfigError(sentence, { source: 'flag' });
  }

  #isFollowed(index: number): boolean {
    return this.#request.isFollowing && index === this.#request.inputs.length - 1;
  }

  #isEndless(): boolean {
    return this.#request.isFollowing || this.#request.inputs.includes(STANDARD);
  }

  // ---- What is said

  get #outName(): string {
    return this.#request.out ?? 'standard output';
  }

  /** Does `work`, which writes: all that the system reports is then about the output. */
  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw failure(`cannot write ${this.#outName}`, error);
    }
  }

  #noteVersion(found: number): void {
    if (this.#isVersionNoted) return;
    this.#isVersionNoted = true;
    this.note(
      `${this.#input} is a recording of version ${found}, and this twist knows version ${RECORDING_VERSION}: some of it may be missing`,
    );
  }

  #tellWhatIsLeftOut(): void {
    const givenUp = this.#converter.givenUp ?? 0;
    if (givenUp > 0)
      this.note(
        `sessions without an end that were given up, so as not to fill the memory: ${givenUp}`,
      );
    if (this.#filter === null) return;
    const { strayRecords, passedRecords } = this.#filter;
    if (strayRecords > 0) {
      this.note(
        `records left out because the beginning of their session is missing: ${strayRecords}`,
      );
    }
    if (passedRecords === 0 && this.#records > 0) {
      this.note(`none of ${this.#records} records is what the filters ask for`);
    }
  }
}

/** Whether somebody reads the text as it comes, and wants to be told what it means. */
function isReadAlong({ format, isFollowing, hasLegend }: ConvertRequest, { stderr }: Io): boolean {
  return isFollowing && hasLegend && format === TEXT_FORMAT && stderr.isTTY === true;
}

/** @returns null if one of them is no file */
function totalSize(stats: readonly (Stats | null)[]): number | null {
  let bytes = 0;
  for (const each of stats) {
    if (each?.isFile() !== true) return null;
    bytes += each.size;
  }
  return bytes;
}

async function followerOf(input: string): Promise<Follower> {
  const follower = new Follower(input);
  await follower.begin();
  return follower;
}

/** @returns what the system reported as a sentence; anything else as it is */
function failure(what: string, error: unknown): unknown {
  if (error instanceof SpoolError) {
    const sentence = `cannot write a temporary file in ${error.directory}: ${systemReason(error.cause)}; set TMPDIR to another directory`;
    return new ConvertError(sentence, { cause: error.cause });
  }
  if (error instanceof TwistError || (error as NodeJS.ErrnoException).syscall === undefined) {
    return error;
  }
  return new ConvertError(`${what}: ${systemReason(error)}`, { cause: error });
}
