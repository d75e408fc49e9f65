import t from 'tap';
import { Stop } from '../../../src/cli/convert/stop.js';

const never = new Promise<string>(() => undefined);

t.test('what comes first counts', async (t) => {
  const stop = new Stop();
  t.equal(await stop.orStopped(Promise.resolve('done')), 'done');
  await t.rejects(stop.orStopped(Promise.reject(new Error('failed'))), new Error('failed'));
  const waiting = stop.orStopped(never);
  t.notOk(stop.isStopped);
  stop.stop();
  t.ok(stop.isStopped);
  t.equal(await waiting, null);
  t.equal(await stop.orStopped(never), null, 'it stays stopped');
  stop.stop();
});

t.test('a stop without anybody who waits', async (t) => {
  const stop = new Stop();
  stop.stop();
  t.ok(stop.isStopped);
});
