/** What the chart brings for Prometheus, and the rule that its adapter needs. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { chartRules } from '../../tools/chart/chart.mjs';
import { findCommands } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { at, findHelm, listAt, one, run, textAt, textsAt, valuesOf } from './chart.js';

t.setTimeout(400_000);

const helm = await findHelm(t);
if (helm !== null) {
  t.test('the alerts of a release', async (t) => {
    const documents = await helm.manifests(valuesOf('everything'));
    const spec = at(one(documents, 'PrometheusRule'), 'spec');
    const expected = chartRules().replaceAll('job="twist"', 'job="twist-metrics"');
    t.equal(expected.match(/job="twist-metrics"/g)?.length, 3, 'all of a job');
    const file = path.join(makeTempDir(t), 'rules.json');
    writeFileSync(file, JSON.stringify(spec));
    for (const rule of listAt(spec, 'groups.0.rules'))
      t.ok(expected.includes(textAt(rule, 'expr')), textAt(rule, 'alert'));
    t.ok(
      documents.some(
        ({ kind, metadata }) => kind === 'Service' && metadata.name === 'twist-metrics',
      ),
      'the job has the name of the service that is scraped',
    );
    const found = findCommands(t, ['promtool']);
    if (found === null) return;
    const { status, stdout } = await run(found[0], ['check', 'rules', file], '');
    t.equal(status, 0, stdout);
    t.match(stdout, new RegExp(`${chartRules().match(/- alert:/g)!.length} rules found`));
  });

  t.test('the service monitor finds the metrics of its release, and nothing else', async (t) => {
    const documents = await helm.manifests(valuesOf('everything'));
    const monitor = one(documents, 'ServiceMonitor');
    const wanted = Object.entries(textsAt(monitor, 'spec.selector.matchLabels'));
    const services = documents.filter((document) => {
      const labels = textsAt(document, 'metadata.labels');
      return document.kind === 'Service' && wanted.every(([key, value]) => labels[key] === value);
    });
    t.strictSame(
      services.map(({ metadata }) => metadata.name),
      ['twist-metrics'],
    );
    t.equal(at(services[0], 'spec.ports.0.name'), at(monitor, 'spec.endpoints.0.port'));
    t.equal(at(monitor, 'spec.endpoints.0.scheme'), 'https', 'as the endpoint with a certificate');
  });
}

t.test('the rule of the adapter gives the sum of a pod', async (t) => {
  const found = findCommands(t, ['promtool']);
  if (found === null) return;
  const adapter = readFileSync('deploy/prometheus/adapter.yml', 'utf8');
  const query = /metricsQuery: (.*)/
    .exec(adapter)![1]!
    .replace('<<.Series>>', 'twist_sessions')
    .replace('<<.LabelMatchers>>', 'namespace="sockets",pod=~"a|b"')
    .replace('<<.GroupBy>>', 'pod');
  t.notMatch(query, '<<');
  const series = (labels: string, value: number) => ({
    series: `twist_sessions{namespace="${labels}"}`,
    values: String(value),
  });
  const file = path.join(makeTempDir(t), 'test.json');
  writeFileSync(
    file,
    JSON.stringify({
      rule_files: [],
      tests: [
        {
          input_series: [
            series('sockets",pod="a",mode="echo",path="/echo', 100),
            series('sockets",pod="a",mode="tcp', 20),
            series('sockets",pod="b",mode="tcp', 7),
            series('other",pod="a",mode="tcp', 1000),
          ],
          promql_expr_test: [
            {
              expr: query,
              eval_time: '0s',
              exp_samples: [
                { labels: '{pod="a"}', value: 120 },
                { labels: '{pod="b"}', value: 7 },
              ],
            },
          ],
        },
      ],
    }),
  );
  const { status, stdout, stderr } = await run(found[0], ['test', 'rules', file], '');
  t.equal(status, 0, stdout + stderr);
});
