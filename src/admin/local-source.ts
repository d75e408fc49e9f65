/** Health and metrics of this process. */
import {
  type AdminSource,
  type HealthSource,
  type MetricsFormat,
  findProblems,
} from './admin-source.js';
import { LoopMetrics } from './metrics/loop-metrics.js';
import { type Metric, type MetricSnapshot, type MetricSource, gauge } from './metrics/metric.js';
import type { ProcessMetrics } from './metrics/prometheus.js';

export class LocalSource implements AdminSource {
  readonly #health: readonly HealthSource[];
  readonly #metrics: MetricSource[];
  readonly #version: string;
  readonly #loop = new LoopMetrics();
  #process: Promise<ProcessMetrics> | null = null;

  /** @param version of twist */
  constructor(health: readonly HealthSource[], metrics: readonly MetricSource[], version: string) {
    this.#version = version;
    this.#health = health;
    this.#metrics = [...metrics];
  }

  /** Has metrics of something else among its own. */
  add(source: MetricSource): void {
    this.#metrics.push(source);
  }

  /** Starts measuring the event loop. Until then nothing here costs anything. */
  async start(): Promise<void> {
    this.#loop.start();
    await this.#measureProcess();
  }

  /** Stops measuring. */
  stop(): void {
    this.#loop.stop();
  }

  isAlive(): Promise<boolean> {
    return Promise.resolve(true);
  }

  problems(): Promise<readonly string[]> {
    return Promise.resolve(findProblems(this.#health));
  }

  /** Only what twist itself counts, without the figures of the process. */
  counted(): MetricSnapshot {
    return this.#metrics.flatMap((source) => source.collect());
  }

  async snapshot(): Promise<MetricSnapshot> {
    const ours = this.counted();
    const measured = await this.#measureProcess();
    return [this.#ready(), ...ours, ...this.#loop.collect(), ...(await measured.collect())];
  }

  async metrics(format: MetricsFormat): Promise<string> {
    const snapshot = await this.snapshot();
    const { render } = await import('./metrics/prometheus.js');
    return await render([{ worker: null, snapshot }], format);
  }

  #ready(): Metric {
    const isReady = findProblems(this.#health).length === 0;
    const help = 'Whether clients may be sent here, as /readyz says: 1 or 0';
    return gauge('twist_ready', help, isReady ? 1 : 0, 'each');
  }

  #measureProcess(): Promise<ProcessMetrics> {
    return (this.#process ??= import('./metrics/prometheus.js').then(
      ({ ProcessMetrics: Made }) => new Made(this.#version),
    ));
  }
}
