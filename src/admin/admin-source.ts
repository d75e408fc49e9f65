/** Where the admin endpoint gets its answers: this process, or all workers of one. */

/** The two forms of metrics: the text format of Prometheus, version 0.0.4, and OpenMetrics 1.0. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export interface AdminSource {
  /** Whether the event loop, or that of every worker, responds. */
  isAlive(): Promise<boolean>;
  /** Why no client should be sent here, a phrase each; empty when all is well. */
  problems(): Promise<readonly string[]>;
  /** All metrics as text. */
  metrics(format: MetricsFormat): Promise<string>;
}

/** A part of the server that knows whether it is healthy. */
export interface HealthSource {
  /** Why no client should be sent here, a phrase each; empty when all is well. */
  findProblems(): readonly string[];
}

/** @returns what all of them have to say */
export function findProblems(sources: readonly HealthSource[]): string[] {
  return sources.flatMap((source) => source.findProblems());
}
