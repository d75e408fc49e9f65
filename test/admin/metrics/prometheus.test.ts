import t from 'tap';
import { histogram } from '../../../src/admin/metrics/histogram.js';
import {
  type MetricSnapshot,
  counter,
  gauge,
  mergeSnapshots,
} from '../../../src/admin/metrics/metric.js';
import { ProcessMetrics, render } from '../../../src/admin/metrics/prometheus.js';

const SNAPSHOT: MetricSnapshot = [
  counter('twist_messages_total', 'Messages', [
    { labels: { direction: 'in', type: 'text' }, value: 3 },
    { labels: { direction: 'out', type: 'text' }, value: 4 },
  ]),
  gauge('twist_sessions', 'Open sessions', [{ labels: { mode: 'a"b\\c\nd' }, value: 2 }]),
  gauge('twist_limit', 'A limit', 7, 'max'),
  gauge('twist_lag_seconds', 'Of one process', 0.5, 'each'),
  histogram('twist_connect_seconds', 'Times', {
    boundsMs: [5, 1000],
    counts: [1, 2, 3],
    sumMs: 9500,
  }),
];

t.test('as text', async (t) => {
  t.equal(
    await render([{ worker: null, snapshot: SNAPSHOT }], 'prometheus'),
    `# HELP twist_messages_total Messages
# TYPE twist_messages_total counter
twist_messages_total{direction="in",type="text"} 3
twist_messages_total{direction="out",type="text"} 4

# HELP twist_sessions Open sessions
# TYPE twist_sessions gauge
twist_sessions{mode="a\\"b\\\\c\\nd"} 2

# HELP twist_limit A limit
# TYPE twist_limit gauge
twist_limit 7

# HELP twist_lag_seconds Of one process
# TYPE twist_lag_seconds gauge
twist_lag_seconds 0.5

# HELP twist_connect_seconds Times
# TYPE twist_connect_seconds histogram
twist_connect_seconds_bucket{le="0.005"} 1
twist_connect_seconds_bucket{le="1"} 3
twist_connect_seconds_bucket{le="+Inf"} 6
twist_connect_seconds_sum 9.5
twist_connect_seconds_count 6
`,
  );
});

t.test('as OpenMetrics, whose counters have two names', async (t) => {
  const text = await render([{ worker: null, snapshot: SNAPSHOT }], 'openmetrics');
  t.match(
    text,
    '# TYPE twist_messages counter\ntwist_messages_total{direction="in",type="text"} 3\n',
  );
  t.match(text, /twist_connect_seconds_count 6\n# EOF\n$/);
});

t.test('what several processes have counted', async (t) => {
  // As it comes from another process.
  const copy = JSON.parse(JSON.stringify(SNAPSHOT)) as MetricSnapshot;
  const other = [...copy, counter('twist_more_total', 'More', 1)];
  const text = await render(
    [
      { worker: 1, snapshot: SNAPSHOT },
      { worker: 2, snapshot: other },
    ],
    'prometheus',
  );
  for (const line of [
    'twist_messages_total{direction="in",type="text"} 6',
    'twist_messages_total{direction="out",type="text"} 8',
    'twist_limit 7',
    'twist_lag_seconds{worker="1"} 0.5',
    'twist_lag_seconds{worker="2"} 0.5',
    'twist_connect_seconds_bucket{le="1"} 6',
    'twist_connect_seconds_sum 19',
    'twist_more_total 1',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  t.strictSame(mergeSnapshots([]), []);
});

t.test('figures of the process', async (t) => {
  const metrics = await new ProcessMetrics('1.2.3').collect();
  const names = metrics.map(({ name }) => name);
  for (const name of [
    'twist_build_info',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_open_fds',
    'nodejs_heap_size_used_bytes',
    'nodejs_version_info',
  ]) {
    t.ok(names.includes(name), name);
  }
  t.notOk(names.some((name) => /handles|requests|resources|gc_|heap_space|lag/.test(name)));
  for (const { name, help, merge, type } of metrics) {
    t.notMatch(help, /\.$/, name);
    t.equal(merge, name === 'twist_build_info' ? 'max' : 'each');
    t.equal(type, name.endsWith('_total') ? 'counter' : 'gauge');
  }
});

t.test('where open files cannot be counted, they are not', async (t) => {
  const counted = await new ProcessMetrics('1').collect();
  t.ok(counted.find(({ name }) => name === 'process_open_fds')!.samples[0]!.value > 3);
  const other = await new ProcessMetrics('1', '/missing').collect();
  t.notOk(other.some(({ name }) => name === 'process_open_fds'));
});
