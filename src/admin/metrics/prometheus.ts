/**
 * The one place that knows prom-client: it writes the text forms and measures the process. What twist counts
 * never passes through its counters, which cost a lookup each (docs/adr/0028-health-and-metrics.md).
 */
import { readdir } from 'node:fs/promises';
import {
  type OpenMetricsContentType,
  type PrometheusContentType,
  type Metric as PromMetric,
  Registry,
  collectDefaultMetrics,
} from 'prom-client';
import type { MetricsFormat } from '../admin-source.js';
import {
  type Labels,
  type Metric,
  type MetricSnapshot,
  type SnapshotOf,
  gauge,
  mergeSnapshots,
} from './metric.js';

/** Its own look at the event loop cannot be turned off: ours is better (loop-metrics.ts), so it comes seldom. */
const LOOP_RESOLUTION_MS = 3_600_000;

/**
 * What is not measured: figures that cost a list of all open sockets, collections of garbage, of which
 * prom-client 15 sees the first one of several, and what says little.
 */
const NOT_MEASURED: readonly string[] = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  // Of 10,000 connections the library's own way keeps the event loop for 8 ms or more: ours counts elsewhere.
  'process_open_fds',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_gc_duration_seconds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_max_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
  'nodejs_eventloop_lag_p50_seconds',
  'nodejs_eventloop_lag_p90_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'nodejs_heap_space_size_available_bytes',
];

const NODE_VERSION = 'nodejs_version_info';

/** The figures of the process and of Node. */
export class ProcessMetrics {
  readonly #version: string;
  readonly #openFiles: string;
  readonly #registry = new Registry();

  /**
   * @param version of twist
   * @param openFiles a directory with one name for each open file, which Linux has
   */
  constructor(version: string, openFiles = '/proc/self/fd') {
    this.#version = version;
    this.#openFiles = openFiles;
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS,
    });
    for (const name of NOT_MEASURED) this.#registry.removeSingleMetric(name);
  }

  async collect(): Promise<MetricSnapshot> {
    const measured = (await this.#registry.getMetricsAsJSON()).map(ofEachProcess);
    return [this.#buildInfo(measured), ...measured, ...(await this.#countFiles())];
  }

  async #countFiles(): Promise<Metric[]> {
    try {
      const names = await readdir(this.#openFiles);
      // The directory itself was open while it was read.
      return [gauge('process_open_fds', 'Open files and sockets', names.length - 1, 'each')];
    } catch {
      return [];
    }
  }

  #buildInfo(measured: MetricSnapshot): Metric {
    const node = measured.find(({ name }) => name === NODE_VERSION)?.samples[0]?.labels['version'];
    return gauge(
      'twist_build_info',
      'Always 1; its labels say which version of twist runs, on which version of Node',
      [{ labels: { version: this.#version, node: node! }, value: 1 }],
      'max',
    );
  }
}

type Measured = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];

function ofEachProcess({ name, help, type, values }: Measured): Metric {
  return {
    name,
    help: help.replace(/\.$/, ''),
    // Its names of the types are numbers for the compiler, and text when it runs.
    type: type as unknown as Metric['type'],
    merge: 'each',
    samples: values.map(({ labels, value }) => ({ labels: labels as Labels, value })),
  };
}

/** @returns what several processes have counted, as one text */
export async function render(parts: readonly SnapshotOf[], format: MetricsFormat): Promise<string> {
  const registry = new Registry<OpenMetricsContentType | PrometheusContentType>();
  if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of mergeSnapshots(parts)) registry.registerMetric(asPromMetric(metric));
  return await registry.metrics();
}

/** What a registry asks of its metrics when it is rendered: their names may be changed, and are read back. */
function asPromMetric({ name, help, type, samples }: Metric): PromMetric {
  const made = { name, help, type, values: samples, get: () => Promise.resolve(made) };
  return made as unknown as PromMetric;
}
