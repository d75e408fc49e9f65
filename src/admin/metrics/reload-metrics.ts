/** Metrics of reloads (SIGHUP). */
import { type MetricSource, counter } from './metric.js';

export interface ReloadCounters {
  readonly succeeded: number;
  readonly failed: number;
}

export function reloadMetrics(counters: ReloadCounters): MetricSource {
  return {
    collect: () => [
      counter('twist_reloads_total', 'Reloads that were asked for (SIGHUP), by their result', [
        { labels: { result: 'succeeded' }, value: counters.succeeded },
        { labels: { result: 'failed' }, value: counters.failed },
      ]),
    ],
  };
}
