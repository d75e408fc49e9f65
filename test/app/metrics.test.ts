/** The metrics that there are, those that docs/operations.md explains, and those that dashboard and alerts ask for. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { LETS_IN_ALL } from '../fixtures/logins.js';
import { LocalSource } from '../../src/admin/local-source.js';
import type { MetricSnapshot } from '../../src/admin/metrics/metric.js';
import { makeAdmin, makeSource } from '../../src/app/admin.js';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { Durations } from '../../src/durations.js';
import { DeflateCounters } from '../../src/extensions/permessage-deflate/deflate-counters.js';
import { TargetCounters } from '../../src/modes/tcp/target-counters.js';
import { ServerCounters } from '../../src/server/server-counters.js';
import { CertificateWatch } from '../../src/server/tls/certificate-watch.js';
import { logMetrics } from '../../src/admin/metrics/log-metrics.js';
import { inspectMetrics } from '../../src/admin/metrics/recording-metrics.js';
import { ServerTls } from '../../src/server/tls/server-tls.js';
import { Traffic } from '../../src/session/counters.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { tlsContext } from '../fixtures/tls.js';

const ALERTS = 'deploy/prometheus/twist.rules.yml';
const DASHBOARD = 'deploy/grafana/twist.json';

const read = (file: string): string => readFileSync(file, 'utf8');

/** All metrics of a server that has everything. */
async function everything(): Promise<MetricSnapshot> {
  const log = new KeptLog();
  const context = tlsContext({}, log);
  const watch = new CertificateWatch({ files: [], read: async () => context.set, context, log });
  const findProblems = (): string[] => [];
  const source = makeSource(
    { deflateMemory: 1 },
    {
      server: {
        counters: new ServerCounters(),
        traffic: new Traffic(),
        connectionCount: 0,
        freeMessageBytes: 0,
        maxConnections: 1,
        nowMs: 0,
        clientLog: { leftOut: { debug: 0, info: 0, warn: 0, error: 0 } },
        findProblems,
      },
      recorder: {
        findProblems,
        counters: {
          ...{ records: 0, bytes: 0, batches: 0, lost: 0, failures: 0, files: 0 },
          ...{ deletedFiles: 0, totalBytes: 0, maxTotalBytes: 1 },
          ...{ waitingBytes: 0, limitBytes: 0, lagMs: 0, isFull: false, syncs: new Durations() },
        },
      },
      memory: new MemoryAccount(),
      deflate: new DeflateCounters(),
      targets: new TargetCounters(),
      tls: new ServerTls({ context, watch, openKeyLog: null }),
      reloads: { succeeded: 0, failed: 0 },
      authenticator: LETS_IN_ALL,
      descriptors: { shortages: 0, findProblems },
    },
  );
  source.add(logMetrics({ lostLines: 0 }));
  source.add(inspectMetrics({ feed: { lost: 0 }, isUp: true, counters: { restarts: 0 } }));
  return await source.snapshot();
}

/** What the primary of several workers adds. */
const OF_WORKERS = [
  ...read('src/workers/workers-source.ts').matchAll(/'(twist_workers?_[a-z_]+)'/g),
].map(([, name = '']) => name);

t.test('each metric is explained, and none that is not there', async (t) => {
  t.equal(OF_WORKERS.length, 4);
  const names = [...(await everything()).map(({ name }) => name), ...OF_WORKERS];
  const explained = [
    ...read('docs/operations.md').matchAll(/^\| `((?:twist|process|nodejs)_\w+)`/gm),
  ];
  t.strictSame(explained.map(([, name]) => name).sort(), names.toSorted());
});

t.test('names are as Prometheus has them', async (t) => {
  for (const { name, help, type } of await everything()) {
    t.match(name, /^[a-z]+(_[a-z]+)+$/, name);
    t.equal(name.endsWith('_total'), type === 'counter', name);
    t.notMatch(name, /_(ms|milliseconds|count|sum|bucket)\b/, name);
    t.match(help, /^[A-Z].*[^.]$/s, name);
  }
});

t.test('dashboard and alerts ask for what is there', async (t) => {
  const names = new Set(
    (await everything()).flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  for (const name of OF_WORKERS) names.add(name);
  for (const file of [ALERTS, DASHBOARD]) {
    const asked = read(file).matchAll(/\b(?:twist|process|nodejs)_[a-z_]+(?=[{[ )"'])/g);
    const unknown = [...asked].map(([name]) => name).filter((name) => !names.has(name));
    t.strictSame(unknown, [], file);
  }
  const dashboard = read(DASHBOARD);
  const missing = [...names].filter(
    (name) =>
      name.startsWith('twist_') && !/_(sum|count|bucket)$/.test(name) && !dashboard.includes(name),
  );
  t.strictSame(missing, [], 'and the dashboard leaves nothing out');
});

t.test('each alert says what to do, here and in the guide', async (t) => {
  const guide = read('docs/operations.md').replace(/\s+/g, ' ');
  const alerts = [
    ...read(ALERTS).matchAll(
      /- alert: (\w+)\n[^]*?summary: .+\n +description:\s+(['"])([^]*?)\2\n/g,
    ),
  ];
  t.equal(alerts.length, read(ALERTS).split('- alert:').length - 1);
  for (const [, name = '', , description = ''] of alerts) {
    t.match(description, /\.$/, name);
    t.ok(guide.includes(`\`${name}\``), name);
    t.ok(guide.includes(description.replace(/\s+/g, ' ')), `${name}: ${description}`);
  }
});

t.test('the endpoint has the certificates of the server', async (t) => {
  const log = new KeptLog();
  const context = tlsContext({}, log);
  const watch = new CertificateWatch({ files: [], read: async () => context.set, context, log });
  const source = new LocalSource([], [], 'test');
  for (const [tls, scheme] of [
    [new ServerTls({ context, watch, openKeyLog: null }), 'https:'],
    [null, 'http:'],
  ] as const) {
    const address = { admin: { host: null, port: 0 } };
    const admin = makeAdmin(address, source, { authenticator: null, tls }, log)!;
    await admin.start();
    t.equal(new URL(admin.url).protocol, scheme);
    await admin.close();
  }
});
