/** What is counted of permessage-deflate, in all sessions that share one memory budget. */
import type { CompressorBudget } from './compressor-budget.js';

export class DeflateCounters {
  /** Payload bytes of compressed messages, as they were on the wire and as their modes saw them. */
  wireBytesIn = 0;
  plainBytesIn = 0;
  wireBytesOut = 0;
  plainBytesOut = 0;
  /** Sessions that have a decompressor. */
  inflaters = 0;
  /** The compressors that are kept between messages; null before there is the extension. */
  budget: Pick<
    CompressorBudget,
    'liveBytes' | 'liveCount' | 'evictedForMemory' | 'evictedIdle'
  > | null = null;
}
