import t from 'tap';
import { feedMetrics, inspectMetrics } from '../../../src/admin/metrics/recording-metrics.js';

t.test('what an inspector has missed, and whether it is there', async (t) => {
  const inspector = { feed: { lost: 3 }, isUp: true, counters: { restarts: 2 } };
  const valuesOf = (): unknown[] =>
    inspectMetrics(inspector)
      .collect()
      .map(({ name, samples }) => [name, samples[0]!.value]);
  t.strictSame(valuesOf(), [
    ['twist_inspect_lost_records_total', 3],
    ['twist_inspect_restarts_total', 2],
    ['twist_inspect_up', 1],
  ]);
  inspector.isUp = false;
  t.strictSame(valuesOf()[2], ['twist_inspect_up', 0]);
});

t.test('a worker only knows what it has not sent', async (t) => {
  const [metric, ...others] = feedMetrics({ feed: { lost: 4 } }).collect();
  t.match(metric, { name: 'twist_inspect_lost_records_total', samples: [{ value: 4 }] });
  t.strictSame(others, []);
});
