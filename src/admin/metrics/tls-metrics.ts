/** Metrics of TLS on the server's own side. */
import { type Metric, type MetricSource, counter, gauge } from './metric.js';

/** What is read of it. */
export interface MeasuredTls {
  readonly context: {
    readonly counters: {
      readonly handshakes: number;
      readonly resumed: number;
      readonly failed: number;
    };
    readonly set: {
      readonly certificates: readonly { readonly title: string; readonly validToMs: number }[];
    };
  };
  readonly watch: {
    readonly counters: { readonly reloads: number; readonly failedReloads: number };
  };
}

export function tlsMetrics({ context, watch }: MeasuredTls): MetricSource {
  return {
    collect(): Metric[] {
      const { handshakes, resumed, failed } = context.counters;
      const { reloads, failedReloads } = watch.counters;
      return [
        counter('twist_tls_handshakes_total', 'TLS handshakes of clients, by their result', [
          { labels: { result: 'full' }, value: handshakes - resumed },
          { labels: { result: 'resumed' }, value: resumed },
          { labels: { result: 'failed' }, value: failed },
        ]),
        counter('twist_tls_reloads_total', 'Certificates read again, by the result', [
          { labels: { result: 'succeeded' }, value: reloads },
          { labels: { result: 'failed' }, value: failedReloads },
        ]),
        gauge(
          'twist_tls_certificate_expiry_timestamp_seconds',
          'When a certificate expires, in seconds since 1970',
          context.set.certificates.map(({ title, validToMs }) => ({
            labels: { certificate: title },
            value: validToMs / 1000,
          })),
          'max',
        ),
      ];
    },
  };
}
