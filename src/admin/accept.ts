/** Which form of the metrics a scraper prefers (RFC 9110 §12.5.1). */
import type { MetricsFormat } from './admin-source.js';

const OPEN_METRICS = 'application/openmetrics-text';
const OPEN_METRICS_VERSION = '1.0.0';
const TEXT: readonly string[] = ['text/plain', 'text/*', '*/*'];

/**
 * OpenMetrics where it is asked for by name and nothing is preferred to it, as Prometheus does; text for all
 * others, whatever they accept.
 *
 * @param accept the Accept header; empty for none
 */
export function formatFor(accept: string): MetricsFormat {
  let openMetrics = 0;
  let text = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = weightOf(parameters);
    const version = valueOf(parameters, 'version') ?? OPEN_METRICS_VERSION;
    if (type === OPEN_METRICS && version === OPEN_METRICS_VERSION)
      openMetrics = Math.max(openMetrics, weight);
    else if (TEXT.includes(type)) text = Math.max(text, weight);
  }
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'prometheus';
}

function weightOf(parameters: readonly string[]): number {
  const weight = Number(valueOf(parameters, 'q') ?? 1);
  return weight >= 0 && weight <= 1 ? weight : 0;
}

function valueOf(parameters: readonly string[], name: string): string | undefined {
  const start = `${name}=`;
  return parameters.find((parameter) => parameter.startsWith(start))?.slice(start.length);
}
