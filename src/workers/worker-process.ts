/** What the primary needs from the process of a worker. */
import type { Batch } from '../recording/write/batch.js';
import type { ToPrimary, ToWorker } from './messages.js';

export interface WorkerProcess {
  /** 0 when the system has started none. */
  readonly pid: number;
  /** A message that does not arrive is not reported: the end of the process is. */
  send(message: ToWorker): void;
  /** Sends a signal of the system. */
  kill(signal: 'SIGKILL'): void;
}

/** What is told about it. */
export interface WorkerEvents {
  message(message: ToPrimary): void;
  /** Records for the inspector, in whole lines. */
  records(batch: Batch): void;
  /** Whole lines of its standard error. */
  output(lines: string): void;
  /** It is gone. @param how its exit status, the signal that ended it, or why it was not started */
  exited(how: number | string): void;
}

/** Starts the process of a worker. @throws {Error} the system's, when there can be none */
export type StartWorker = (events: WorkerEvents) => WorkerProcess;
