import t from 'tap';
import { loginMetrics } from '../../../src/admin/metrics/login-metrics.js';
import { LoginCounters } from '../../../src/server/auth/authenticator.js';

t.test('each result, from the beginning', async (t) => {
  const counters = new LoginCounters();
  Object.assign(counters, { right: 1, remembered: 2, wrong: 3, abandoned: 4, refused: 5 });
  const [logins, ...others] = loginMetrics({ counters }).collect();
  t.equal(others.length, 0);
  t.match(logins, { name: 'twist_logins_total', type: 'counter', merge: 'sum' });
  t.strictSame(
    logins!.samples.map(({ labels, value }) => [labels['result'], value]),
    [
      ['right', 1],
      ['remembered', 2],
      ['wrong', 3],
      ['abandoned', 4],
      ['refused', 5],
    ],
  );
  t.equal(loginMetrics({ counters: new LoginCounters() }).collect()[0]!.samples.length, 5);
});
