/** The lines of a recording on their way to its file, of which somebody else gets a copy. */
import type { Batch, BatchSource } from './batch.js';
import type { BatchFeed } from './batch-feed.js';

export class WatchedSource implements BatchSource {
  readonly #source: BatchSource;
  readonly #feed: Pick<BatchFeed, 'take'>;

  constructor(source: BatchSource, feed: Pick<BatchFeed, 'take'>) {
    this.#source = source;
    this.#feed = feed;
  }

  get bytes(): number {
    return this.#source.bytes;
  }

  take(): Batch {
    const batch = this.#source.take();
    this.#feed.take(batch);
    return batch;
  }

  recycle(batch: Batch): void {
    this.#source.recycle(batch);
  }
}
