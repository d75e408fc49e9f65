/** The inspector as a worker has it: its records go to the primary, which has the page. */
import type { EndSession, Inspector } from '../../app/inspect/inspector.js';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { BatchFeed } from '../../recording/write/batch-feed.js';

/** A pipe to the primary. */
export interface FeedPipe {
  write(bytes: Uint8Array, done: () => void): unknown;
  end(done: () => void): unknown;
  destroy(): unknown;
}

/** For the last records, in milliseconds. */
const CLOSE_MS = 500;

export class WorkerFeed implements Inspector {
  readonly feed: BatchFeed;
  onEnd: EndSession = () => null;
  readonly #pipe: FeedPipe;
  readonly #closeMs: number;

  constructor(pipe: FeedPipe, memory: MemoryAccount, closeMs = CLOSE_MS) {
    this.feed = new BatchFeed({ tool: null, memory });
    this.#pipe = pipe;
    this.#closeMs = closeMs;
  }

  start(): Promise<void> {
    this.feed.connect(this.#pipe);
    return Promise.resolve();
  }

  reload(): void {
    // The primary does.
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#closeMs);
      this.#pipe.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#pipe.destroy();
  }
}
