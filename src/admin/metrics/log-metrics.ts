/** Metrics of the operational log. */
import { type Metric, type MetricSource, counter } from './metric.js';

/** Where the log goes. */
export interface MeasuredOutput {
  /** Lines that nobody took, and that there was no room for. */
  readonly lostLines: number;
}

export function logMetrics(output: MeasuredOutput): MetricSource {
  return {
    collect(): Metric[] {
      return [
        counter(
          'twist_log_lines_lost_total',
          'Lines of the log that were lost because their reader took no more',
          output.lostLines,
        ),
      ];
    },
  };
}
