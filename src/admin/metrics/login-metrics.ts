/** Metrics of passwords. */
import { type Metric, type MetricSource, counter } from './metric.js';

/** What is read of whoever verifies them. */
export interface MeasuredLogins {
  readonly counters: {
    readonly right: number;
    readonly remembered: number;
    readonly wrong: number;
    readonly abandoned: number;
    readonly refused: number;
  };
}

const RESULTS = ['right', 'remembered', 'wrong', 'abandoned', 'refused'] as const;

export function loginMetrics({ counters }: MeasuredLogins): MetricSource {
  return {
    collect: (): Metric[] => [
      counter(
        'twist_logins_total',
        'Requests with a password by its result; refused and abandoned ones were not verified',
        RESULTS.map((result) => ({ labels: { result }, value: counters[result] })),
      ),
    ],
  };
}
