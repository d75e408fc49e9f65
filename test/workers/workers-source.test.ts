import t, { type Test } from 'tap';
import { type MetricSnapshot, counter, gauge } from '../../src/admin/metrics/metric.js';
import type { Question } from '../../src/workers/messages.js';
import type { Reply } from '../../src/workers/questions.js';
import { WorkersSource } from '../../src/workers/workers-source.js';
import { eventually } from '../fixtures/within.js';

class FakePrimary {
  readonly size = 2;
  isFull = false;
  connections = 5;
  readonly counters = { deaths: 1, replaced: 1, lostConnections: 3 };
  onDeath: (worker: number) => void = () => undefined;
  readonly asked: string[] = [];
  /** What each worker answers; undefined for one that does not serve. */
  values: unknown[] = [];

  ask({ what }: Question): Promise<readonly Reply[]> {
    this.asked.push(what);
    return Promise.resolve(
      this.values.flatMap((value, index) =>
        value === undefined ? [] : { worker: index + 1, value },
      ),
    );
  }
}

interface Scene {
  readonly primary: FakePrimary;
  readonly source: WorkersSource;
  readonly calls: string[];
}

function make(t: Test): Scene {
  const primary = new FakePrimary();
  const calls: string[] = [];
  const source = new WorkersSource(primary, {
    start: () => {
      calls.push('start');
      return Promise.resolve();
    },
    stop: () => calls.push('stop'),
    snapshot: () => Promise.resolve([gauge('twist_own', 'Of the primary', 1, 'each')]),
  });
  t.teardown(() => {
    source.stop();
  });
  return { primary, source, calls };
}

const counted = (count: number): MetricSnapshot => [
  counter('twist_things_total', 'Things', count),
  gauge('twist_open', 'Open things', count),
  counter('process_seconds_total', 'Seconds', count, 'each'),
];

t.test('what is wrong: of all of them, of one, and of the whole', async (t) => {
  const { primary, source } = make(t);
  for (const [values, isFull, problems] of [
    [[[], []], false, []],
    [[undefined, []], false, []],
    [[undefined, undefined], false, ['no worker serves']],
    [[['draining'], ['draining']], false, ['draining']],
    [[['no disk'], []], false, ['worker 1: no disk']],
    [[null, []], false, ['worker 1: it does not answer']],
    [[[], []], true, ['full: all connections are taken (maxConnections)']],
  ] as const) {
    primary.values = [...values];
    primary.isFull = isFull;
    t.strictSame(await source.problems(), problems);
    t.equal(await source.isAlive(), !values.includes(null as never));
  }
});

t.test('counters of all workers add up, and never go backwards', async (t) => {
  const { primary, source } = make(t);
  const lines = async (): Promise<string[]> =>
    (await source.metrics('prometheus')).split('\n').filter((line) => /^[a-z]/.test(line));
  primary.values = [counted(10), counted(5)];
  t.strictSame((await lines()).sort(), [
    'process_seconds_total{worker="1"} 10',
    'process_seconds_total{worker="2"} 5',
    'twist_open 15',
    'twist_own{worker="0"} 1',
    'twist_things_total 15',
    'twist_worker_deaths_total 1',
    'twist_worker_lost_connections_total 3',
    'twist_worker_up{worker="1"} 1',
    'twist_worker_up{worker="2"} 1',
    'twist_workers_connections 5',
  ]);
  primary.onDeath(1);
  primary.onDeath(1);
  primary.values = [undefined, null];
  const alone = await lines();
  for (const line of [
    'twist_things_total 15',
    'twist_open 5',
    'twist_worker_up{worker="1"} 0',
    'twist_worker_up{worker="2"} 0',
  ])
    t.ok(alone.includes(line), line);
  primary.values = [counted(1), counted(6)];
  const again = await lines();
  for (const line of ['twist_things_total 17', 'twist_open 7']) t.ok(again.includes(line), line);
});

t.test('workers are asked also when nobody wants to know', async (t) => {
  const { primary, source, calls } = make(t);
  primary.values = [counted(3), null];
  await source.start();
  await eventually(() => primary.asked.includes('counts'), 'a question');
  primary.onDeath(1);
  primary.values = [undefined, undefined];
  t.match(await source.metrics('prometheus'), 'twist_things_total 3\n');
  source.stop();
  t.strictSame(calls, ['start', 'stop']);
});
