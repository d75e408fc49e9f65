/** Metrics of files and sockets that cannot be opened. */
import { type Metric, type MetricSource, counter } from './metric.js';

/** What is read of whoever watches them. */
export interface MeasuredDescriptors {
  readonly shortages: number;
}

export function descriptorMetrics(watched: MeasuredDescriptors): MetricSource {
  return {
    collect: (): Metric[] => [
      counter(
        'twist_descriptor_shortages_total',
        'How often nothing more could be opened, and newcomers were closed without an answer',
        watched.shortages,
      ),
    ],
  };
}
