/**
 * Metrics as plain data, which can go to another process. They are made when somebody asks; until then there are
 * only the counters of the server's parts.
 */

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  /** The name of a part of a histogram; by default that of the metric. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/**
 * How values of several processes are merged: the sum, the largest, or one for each process, with a label
 * `worker`.
 */
export type Merge = 'sum' | 'max' | 'each';

export interface Metric {
  readonly name: string;
  /** One sentence without its full stop. */
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly merge: Merge;
  readonly samples: readonly Sample[];
}

/** All metrics of one process at one time. */
export type MetricSnapshot = readonly Metric[];

/** The metrics of one process. */
export interface SnapshotOf {
  /** Its number; null when it is the only one, and has no label for it. */
  readonly worker: number | null;
  readonly snapshot: MetricSnapshot;
}

/** Something that has metrics. */
export interface MetricSource {
  /** @returns those that it has now */
  collect(): readonly Metric[];
}

const NO_LABELS: Labels = {};

/** A counter, whose name ends in `_total`. */
export function counter(
  name: string,
  help: string,
  value: number | readonly Sample[],
  merge: Merge = 'sum',
): Metric {
  return { name, help, type: 'counter', merge, samples: samplesOf(value) };
}

export function gauge(
  name: string,
  help: string,
  value: number | readonly Sample[],
  merge: Merge = 'sum',
): Metric {
  return { name, help, type: 'gauge', merge, samples: samplesOf(value) };
}

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === 'number' ? [{ labels: NO_LABELS, value }] : value;
}

/** Merges what several processes have counted. */
export function mergeSnapshots(parts: readonly SnapshotOf[]): MetricSnapshot {
  const merged = new Map<
    string,
    { readonly metric: Metric; readonly samples: Map<string, Sample> }
  >();
  for (const { worker, snapshot } of parts) {
    for (const metric of snapshot) {
      let into = merged.get(metric.name);
      if (into === undefined) {
        into = { metric, samples: new Map() };
        merged.set(metric.name, into);
      }
      for (const sample of metric.samples)
        addTo(into.samples, labelled(sample, metric, worker), metric);
    }
  }
  return [...merged.values()].map(({ metric, samples }) => ({
    ...metric,
    samples: [...samples.values()],
  }));
}

function labelled(sample: Sample, { merge }: Metric, worker: number | null): Sample {
  if (merge !== 'each' || worker === null) return sample;
  return { ...sample, labels: { ...sample.labels, worker } };
}

function addTo(samples: Map<string, Sample>, sample: Sample, { merge }: Metric): void {
  // All processes list their labels in the same order.
  const key = JSON.stringify([sample.metricName, sample.labels]);
  const other = samples.get(key);
  if (other === undefined) {
    samples.set(key, sample);
    return;
  }
  const value = merge === 'max' ? Math.max(other.value, sample.value) : other.value + sample.value;
  samples.set(key, { ...other, value });
}
