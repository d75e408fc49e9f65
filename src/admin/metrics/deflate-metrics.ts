/** Metrics of permessage-deflate. */
import type { DeflateCounters } from '../../extensions/permessage-deflate/deflate-counters.js';
import { type Metric, type MetricSource, counter, gauge } from './metric.js';

/** @param limitBytes what compressors may keep between messages (`deflateMemory`) */
export function deflateMetrics(counters: DeflateCounters, limitBytes: number): MetricSource {
  return {
    collect(): Metric[] {
      const { wireBytesIn, plainBytesIn, wireBytesOut, plainBytesOut, inflaters } = counters;
      const {
        liveCount = 0,
        liveBytes = 0,
        evictedForMemory = 0,
        evictedIdle = 0,
      } = counters.budget ?? {};
      return [
        counter(
          'twist_deflate_bytes_total',
          'Compressed messages in bytes, as they are on the wire and as they are without compression',
          [
            { labels: { direction: 'in', form: 'compressed' }, value: wireBytesIn },
            { labels: { direction: 'in', form: 'plain' }, value: plainBytesIn },
            { labels: { direction: 'out', form: 'compressed' }, value: wireBytesOut },
            { labels: { direction: 'out', form: 'plain' }, value: plainBytesOut },
          ],
        ),
        gauge('twist_deflate_contexts', 'Compressors and decompressors that are kept', [
          { labels: { kind: 'compressor' }, value: liveCount },
          { labels: { kind: 'decompressor' }, value: inflaters },
        ]),
        gauge('twist_deflate_memory_bytes', 'Memory of compressors that are kept', liveBytes),
        // A limit per process: the sum is what all of them may keep.
        gauge(
          'twist_deflate_memory_limit_bytes',
          'What compressors may keep (deflateMemory)',
          limitBytes,
        ),
        counter('twist_deflate_evictions_total', 'Compressors that were given up', [
          { labels: { reason: 'memory' }, value: evictedForMemory },
          { labels: { reason: 'idle' }, value: evictedIdle },
        ]),
      ];
    },
  };
}
