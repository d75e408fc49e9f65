import t from 'tap';
import { Drain } from '../../src/server/drain.js';
import { KeptLog } from '../fixtures/kept-log.js';

t.test('nobody is let in any more, and with nobody there it is over', async (t) => {
  const log = new KeptLog();
  const told: string[] = [];
  const drain = new Drain(
    {
      connections: new Set(),
      log,
      stopAccepting: () => told.push('stopAccepting'),
      stopNow: () => told.push('stopNow'),
    },
    10_000,
  );
  drain.emptied();
  await drain.run();
  t.strictSame(told, ['stopAccepting']);
  t.strictSame(
    log.lines.map(({ message }) => message),
    ['stopping', 'stopped'],
  );
});
