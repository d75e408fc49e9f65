/** Standard input as it comes, for `twist view -`: a page is shown once it is clear that there is something to show. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveInspection } from '../../inspect/inspection.js';
import { formatSize } from '../../config/values/units.js';
import { systemReason } from '../../system-reason.js';
import { compressionProblem } from '../convert/recording-head.js';
import type { Io } from '../io.js';
import { ViewError } from './view-error.js';

/** How long nothing may come before the page is shown all the same: who writes to a pipe may take its time. */
const PATIENCE_MS = 500;

/** So many lines that are no records, and none that is one: more of them would be none either. */
const MAX_DAMAGED = 100;

/** More than what tells that a stream is compressed. */
const MAGIC_BYTES = 8;

type Taker = Pick<
  LiveInspection,
  'receive' | 'end' | 'fail' | 'isRecording' | 'damaged' | 'exceededBytes'
>;

/**
 * Reads standard input to its end. What is wrong with it after this has settled is told on standard error, and on the page.
 *
 * @param stopped settles when nobody waits any more
 * @returns a promise that settles once something of a recording has come, or nothing yet
 * @throws ViewError as a rejection, when there is nothing to show
 */
export async function viewStream(
  io: Pick<Io, 'stdin' | 'stderr'>,
  inspection: Taker,
  stopped: Promise<void>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const stream = new ViewedStream(io, inspection);
  let read = Promise.resolve();
  // Something of a recording has come.
  const begun = new Promise<void>((resolve) => {
    read = stream.read(resolve);
  });
  const timer = new AbortController();
  const patience = sleep(patienceMs, undefined, { signal: timer.signal, ref: true });
  // It is aborted when it is not needed any more.
  patience.catch(() => undefined);
  await Promise.race([begun, read, patience, stopped]);
  timer.abort();
  if (stream.problem !== null) throw new ViewError(stream.problem);
  stream.isShown = true;
}

class ViewedStream {
  /** Why there is nothing to show, unless it is too late for that. */
  problem: string | null = null;
  /** The page is there, so nobody waits for a problem. */
  isShown = false;

  readonly #io: Pick<Io, 'stdin' | 'stderr'>;
  readonly #inspection: Taker;
  /** Its first bytes. */
  #magic = Buffer.alloc(0);

  constructor(io: Pick<Io, 'stdin' | 'stderr'>, inspection: Taker) {
    this.#io = io;
    this.#inspection = inspection;
  }

  /**
   * Settles at the end of the stream, or of what is wanted of it.
   *
   * @param tellBegun called when something of a recording has come
   */
  async read(tellBegun: () => void): Promise<void> {
    const inspection = this.#inspection;
    let problem: string | null = null;
    try {
      for await (const bytes of this.#io.stdin()) {
        inspection.receive(bytes);
        problem = inspection.isRecording ? null : this.#problemOf(bytes);
        if (problem !== null) break;
        if (inspection.isRecording) tellBegun();
      }
    } catch (error) {
      problem = `cannot read standard input: ${systemReason(error)}`;
    }
    inspection.end();
    problem ??= this.#problemAtEnd();
    if (problem === null) return;
    inspection.fail(problem);
    if (this.isShown || inspection.isRecording) this.#io.stderr.write(`twist: ${problem}\n`);
    else this.problem = problem;
  }

  /** What is wrong with a stream of which nothing is a record so far. */
  #problemOf(bytes: Uint8Array): string | null {
    if (this.#magic.length < MAGIC_BYTES)
      this.#magic = Buffer.concat([this.#magic, bytes.subarray(0, MAGIC_BYTES)]);
    const problem = compressionProblem(this.#magic, '-', 'twist view');
    return problem ?? (this.#inspection.damaged < MAX_DAMAGED ? null : NO_RECORDING);
  }

  #problemAtEnd(): string | null {
    const { isRecording, exceededBytes, damaged } = this.#inspection;
    if (isRecording) return null;
    if (exceededBytes !== null && damaged === 0) {
      const size = formatSize(exceededBytes);
      return `cannot show standard input: it has nothing but lines of more than ${size}; a file may have longer ones`;
    }
    return this.#magic.length === 0 ? 'cannot show standard input: it is empty' : NO_RECORDING;
  }
}

const NO_RECORDING = 'cannot show standard input: it is no recording of twist';
