import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import { ServerCounters } from '../../src/server/server-counters.js';
import { Bench, QUIET, Witness } from '../fixtures/session-bench.js';
import type { SessionSummary } from '../../src/session/session.js';

/** A session's summary, as it ends without anything in it. */
function summaryOf(changes: Partial<SessionSummary>): SessionSummary {
  const mode = new Witness();
  new Bench(mode, QUIET).open().session.finish();
  return { ...mode.summaries[0]!, ...changes };
}

t.test('clients make no labels of their own', async (t) => {
  const counters = new ServerCounters();
  for (const closeCode of [1000, 1000, 1015, 1016, 2999, 3000, 3999, 4000, 4321, 4999, 0])
    counters.countEnd(summaryOf({ closeCode, closedBy: 'client' }));
  counters.countEnd(summaryOf({ closeCode: 1000, closedBy: 'server' }));
  t.strictSame(
    [...counters.closes.values()].map(({ code, side, count }) => `${side} ${code} ${count}`),
    [
      'client 1000 2',
      'client 1015 1',
      'client other 3',
      'client 3xxx 2',
      'client 4xxx 3',
      'server 1000 1',
    ],
  );
});

t.test('rules, defects and refusals', async (t) => {
  const counters = new ServerCounters();
  counters.countEnd(summaryOf({ rule: 'reserved-bit' }));
  counters.countEnd(summaryOf({ rule: 'reserved-bit' }));
  counters.countEnd(summaryOf({ error: 'ECONNRESET' }));
  counters.countEnd(summaryOf({ error: new Error('mine') }));
  t.strictSame([...counters.rules], [['reserved-bit', 2]]);
  t.equal(counters.defects, 1);
  counters.countRefusal(new HandshakeError('origin'));
  counters.countRefusal(new HandshakeError('origin'));
  t.strictSame([...counters.refused], [['origin', 2]]);
});

t.test('a mode on a path is counted in one place', async (t) => {
  const counters = new ServerCounters();
  const echo = counters.sessionsOf('echo', '/a');
  t.equal(counters.sessionsOf('echo', '/a'), echo);
  t.not(counters.sessionsOf('echo', null), echo);
  t.not(counters.sessionsOf('record', '/a'), echo);
  t.equal(counters.routes.length, 3);
});
