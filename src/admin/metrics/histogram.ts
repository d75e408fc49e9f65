/** Durations as a histogram. */
import type { Durations } from '../../durations.js';
import type { Merge, Metric, Sample } from './metric.js';

/** @returns a histogram in seconds with cumulative buckets, as in Prometheus */
export function histogram(
  name: string,
  help: string,
  { boundsMs, counts, sumMs }: Pick<Durations, 'boundsMs' | 'counts' | 'sumMs'>,
  merge: Merge = 'sum',
): Metric {
  const samples: Sample[] = [];
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    const boundMs = boundsMs[index];
    const le = boundMs === undefined ? '+Inf' : String(boundMs / 1000);
    samples.push({ metricName: `${name}_bucket`, labels: { le }, value: total });
  }
  samples.push({ metricName: `${name}_sum`, labels: {}, value: sumMs / 1000 });
  samples.push({ metricName: `${name}_count`, labels: {}, value: total });
  return { name, help, type: 'histogram', merge, samples };
}
