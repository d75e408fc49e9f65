/**
 * Health and metrics of all workers together. Counters never go backwards: the last known counts of a worker that is
 * gone stay in the sum.
 */
import type { AdminSource, MetricsFormat } from '../admin/admin-source.js';
import {
  type Metric,
  type MetricSnapshot,
  type SnapshotOf,
  counter,
  gauge,
  mergeSnapshots,
} from '../admin/metrics/metric.js';
import type { LocalSource } from '../admin/local-source.js';
import type { Primary } from './primary.js';
import type { Reply } from './questions.js';

/** Probes wait a second by default: name a stuck worker before that. In milliseconds. */
const PROBE_MS = 800;
/** Scrapers wait ten seconds. In milliseconds. */
const SCRAPE_MS = 3000;
/** How often workers are asked for their counts: what a dying worker counted since is lost. In milliseconds. */
const COUNT_MS = 2000;

/** The number of the primary among processes. */
const PRIMARY = 0;

type Watched = Pick<Primary, 'ask' | 'size' | 'isFull' | 'connections' | 'counters' | 'onDeath'>;

export class WorkersSource implements AdminSource {
  readonly #primary: Watched;
  readonly #own: Pick<LocalSource, 'snapshot' | 'start' | 'stop'>;
  /** As they were told last, by worker. */
  readonly #last = new Map<number, MetricSnapshot>();
  /** The counters of all that are gone. */
  #gone: MetricSnapshot = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param own tells of the process of the primary */
  constructor(primary: Watched, own: Pick<LocalSource, 'snapshot' | 'start' | 'stop'>) {
    this.#primary = primary;
    this.#own = own;
    primary.onDeath = this.#forget.bind(this);
  }

  /** Starts asking workers for their counts at intervals, so that those of a dead worker are known. */
  async start(): Promise<void> {
    await this.#own.start();
    this.#timer = setInterval(() => {
      void this.#primary.ask({ what: 'counts' }, COUNT_MS).then((replies) => {
        this.#keep(replies);
      });
    }, COUNT_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#own.stop();
  }

  /** Whether all serving workers respond. A worker being replaced is no reason to restart the others. */
  async isAlive(): Promise<boolean> {
    const replies = await this.#primary.ask({ what: 'problems' }, PROBE_MS);
    return replies.every(({ value }) => value !== null);
  }

  /** A worker being replaced is no reason to send clients elsewhere, as long as others serve. */
  async problems(): Promise<readonly string[]> {
    const replies = await this.#primary.ask({ what: 'problems' }, PROBE_MS);
    if (replies.length === 0) return ['no worker serves'];
    const found = this.#primary.isFull ? ['full: all connections are taken (maxConnections)'] : [];
    const phrases = replies.flatMap(({ worker, value }) =>
      phrasesOf(value).map((phrase) => ({ worker, phrase })),
    );
    for (const { worker, phrase } of phrases) {
      const isOfAll = phrases.filter((one) => one.phrase === phrase).length === this.#primary.size;
      const sentence = isOfAll ? phrase : `worker ${worker}: ${phrase}`;
      if (!found.includes(sentence)) found.push(sentence);
    }
    return found;
  }

  async metrics(format: MetricsFormat): Promise<string> {
    const replies = await this.#primary.ask({ what: 'metrics' }, SCRAPE_MS);
    this.#keep(replies);
    const parts: SnapshotOf[] = [
      { worker: PRIMARY, snapshot: [...this.#ofWorkers(replies), ...(await this.#own.snapshot())] },
      { worker: null, snapshot: this.#gone },
    ];
    for (const [worker, snapshot] of this.#last) parts.push({ worker, snapshot });
    const { render } = await import('../admin/metrics/prometheus.js');
    return await render(parts, format);
  }

  #ofWorkers(replies: readonly Reply[]): readonly Metric[] {
    const { size, connections, counters } = this.#primary;
    const isUp = new Set(replies.flatMap(({ worker, value }) => (value === null ? [] : worker)));
    const numbers = Array.from({ length: size }, (_, index) => index + 1);
    return [
      gauge(
        'twist_worker_up',
        'Whether a worker has answered: 0 while it is replaced, or stuck',
        numbers.map((worker) => ({ labels: { worker }, value: isUp.has(worker) ? 1 : 0 })),
      ),
      gauge(
        'twist_workers_connections',
        'Connections of all workers that count for maxConnections: those whose request has come',
        connections,
      ),
      counter('twist_worker_deaths_total', 'Workers that have died', counters.deaths),
      counter(
        'twist_worker_lost_connections_total',
        'Connections that were open when their worker died',
        counters.lostConnections,
      ),
    ];
  }

  #keep(replies: readonly Reply[]): void {
    for (const { worker, value } of replies)
      if (Array.isArray(value)) this.#last.set(worker, value as MetricSnapshot);
  }

  #forget(worker: number): void {
    const last = this.#last.get(worker);
    if (last === undefined) return;
    this.#last.delete(worker);
    const counters = last.filter(({ type, merge }) => type !== 'gauge' && merge === 'sum');
    this.#gone = mergeSnapshots(
      [this.#gone, counters].map((snapshot) => ({ worker: null, snapshot })),
    );
  }
}

/** What is wrong with a worker. */
function phrasesOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : ['it does not answer'];
}
