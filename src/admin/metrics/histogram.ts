/** Durations that are counted in buckets. */
import type { Metric, Sample } from './metric.js';

/** What is counted, by whoever measures. */
export interface DurationCounts {
  /** The upper bounds of the buckets, in milliseconds, inclusive and rising. */
  readonly boundsMs: readonly number[];
  /** How many durations fell into each bucket; one more, for those beyond the last bound. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** @returns a histogram in seconds, as Prometheus wants them: each bucket holds those before it */
export function histogram(
  name: string,
  help: string,
  { boundsMs, counts, sumMs }: DurationCounts,
): Metric {
  const samples: Sample[] = [];
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    const bound = boundsMs[index];
    const le = bound === undefined ? '+Inf' : bound / 1000;
    samples.push({ metricName: `${name}_bucket`, labels: { le }, value: total });
  }
  samples.push({ metricName: `${name}_sum`, labels: {}, value: sumMs / 1000 });
  samples.push({ metricName: `${name}_count`, labels: {}, value: total });
  return { name, help, type: 'histogram', merge: 'sum', samples };
}
