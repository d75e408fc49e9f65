/** The chart of Helm holds copies of what is elsewhere, and numbers that others have too. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { CHART as PLAN } from '../../bench/simulation/plans.mjs';
import { CHART, OWN_KEYS, chartRules, chartSchema } from '../../tools/chart/chart.mjs';

const read = (file: string): string => readFileSync(path.join(CHART, file), 'utf8');

t.test('the copies are of today', (t) => {
  t.equal(read('files/twist.rules.yml'), chartRules(), 'npm run chart');
  const schema: unknown = JSON.parse(read('values.schema.json'));
  t.strictSame(schema, chartSchema(), 'npm run docs');
  t.end();
});

t.test('each key that the chart refuses is one of the configuration, and has its sentence', (t) => {
  const { properties } = JSON.parse(readFileSync('config.schema.json', 'utf8')) as {
    properties: Readonly<Record<string, unknown>>;
  };
  const sentences = read('templates/_checks.tpl').matchAll(/^ {2}"(\w+)" "/gm);
  t.strictSame(
    [...sentences].map(([, key]) => key),
    OWN_KEYS,
  );
  for (const key of OWN_KEYS) t.ok(key in properties, key);
  const line = /^# is an echo server\. These keys are the chart's own: (.*)\.$/m.exec(
    read('values.yaml'),
  );
  t.strictSame(line?.[1]?.split(', '), OWN_KEYS, 'values.yaml names them');
  t.end();
});

t.test('the chart, the package and the simulation agree', (t) => {
  const chart = read('Chart.yaml');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.match(chart, `appVersion: ${version}\n`);
  const values = read('values.yaml');
  t.match(values, `  drainTimeout: ${PLAN.drainTimeout}s\n`);
  t.match(values, `\npreStopSeconds: ${PLAN.preStop}\n`);
  t.equal(PLAN.minReady, PLAN.preStop + PLAN.drainTimeout, 'minReadySeconds as it is derived');
  t.match(values, '    maxSurge: 25%\n');
  t.equal(PLAN.surge, PLAN.pods / 4);
  t.end();
});
