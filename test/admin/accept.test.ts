import t from 'tap';
import { formatFor } from '../../src/admin/accept.js';

t.test('OpenMetrics is for those who ask for it, text for all others', async (t) => {
  const cases: readonly (readonly [accept: string, format: string])[] = [
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version=1.0.0; Charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=2', 'prometheus'],
    ['application/openmetrics-text;q=high', 'prometheus'],
    ['application/openmetrics-text;q=0.1,text/plain;q=0.2', 'prometheus'],
    ['application/openmetrics-text;q=0.2,text/*;q=0.2', 'openmetrics'],
    // Prometheus 2.
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
  ];
  for (const [accept, format] of cases) t.equal(formatFor(accept), format, accept);
});
