import t from 'tap';
import { descriptorMetrics } from '../../../src/admin/metrics/descriptor-metrics.js';

t.test('how often there were none', async (t) => {
  const watched = { shortages: 0 };
  const source = descriptorMetrics(watched);
  watched.shortages = 3;
  t.match(source.collect(), [
    { name: 'twist_descriptor_shortages_total', samples: [{ value: 3 }] },
  ]);
});
