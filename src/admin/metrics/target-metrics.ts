/** Metrics of connections to targets. */
import { HANDSHAKE_RULES, type HandshakeRule } from '../../errors.js';
import type { TargetCounters } from '../../modes/tcp/target-counters.js';
import { histogram } from './histogram.js';
import { type Metric, type MetricSource, counter } from './metric.js';

/** The ways in which an attempt fails, by the rules that refusals name. */
const FAILURES = (Object.keys(HANDSHAKE_RULES) as HandshakeRule[]).filter(
  (rule) => rule.startsWith('target-') || rule === 'exhausted',
);

export function targetMetrics({ connects, failures }: TargetCounters): MetricSource {
  return {
    collect(): Metric[] {
      return [
        histogram(
          'twist_target_connect_seconds',
          'From a request to a connection to its target that can be used, of those that came about',
          connects,
        ),
        counter(
          'twist_target_failures_total',
          'Connections to targets that failed, by the rule that the refusal of the client names',
          FAILURES.map((rule) => ({ labels: { rule }, value: failures.get(rule) ?? 0 })),
        ),
      ];
    },
  };
}
