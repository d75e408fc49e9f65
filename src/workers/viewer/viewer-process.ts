/** What a server needs from the process of its inspector. */
import type { FeedSink } from '../../recording/write/batch-feed.js';
import type { FromViewer, ToViewer } from './viewer-messages.js';

export interface ViewerProcess {
  /** Undefined when the system has started none. */
  readonly pid: number | undefined;
  /** Takes the records. */
  readonly input: FeedSink;
  /** Nothing more comes: it ends by itself. */
  end(): void;
  /** A message that does not arrive is not reported: the end of the process is. */
  send(message: ToViewer): void;
  kill(): void;
}

/** What is told about it. */
export interface ViewerEvents {
  message(message: FromViewer): void;
  /** Whole lines of its standard error: what Node says when it dies. */
  output(lines: string): void;
  /** It is gone. @param how its exit status, the signal that ended it, or why it was not started */
  exited(how: number | string): void;
}

/** Starts the process of an inspector. @throws {Error} the system's, when there can be none */
export type StartViewer = (events: ViewerEvents) => ViewerProcess;
