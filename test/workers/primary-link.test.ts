import t from 'tap';
import type { PassedSignal, WorkerOrder } from '../../src/workers/messages.js';
import { PrimaryLink } from '../../src/workers/primary-link.js';
import { FakeChannel } from '../fixtures/fake-channel.js';

const unexpected = (): void => {
  t.fail('this was to happen in no case');
};

const signal = (name: PassedSignal) => ({ kind: 'signal', name }) as const;

t.test('a worker says that it is there, and gets its order', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  t.strictSame(channel.sent, [{ kind: 'ready' }]);
  const order = { worker: 1 } as WorkerOrder;
  channel.says({ kind: 'order', order });
  t.equal(await link.order, order);
  await link.tell({ kind: 'listening', lines: [] });
  t.equal(channel.sent.length, 2);
});

t.test('signals of the primary are heard like those of the system', async (t) => {
  const channel = new FakeChannel();
  const exits: string[] = [];
  const link = new PrimaryLink(channel, () => exits.push('exit'));
  channel.says(signal('SIGHUP'));
  t.strictSame(exits, [], 'nothing is there to be reloaded');
  channel.says(signal('SIGTERM'));
  t.strictSame(exits, ['exit'], 'nothing is there to be stopped with care');
  const heard: string[] = [];
  const remove = link.onSignal('SIGTERM', () => heard.push('one'));
  link.onSignal('SIGTERM', () => heard.push('two'));
  channel.says(signal('SIGTERM'));
  t.strictSame(heard, ['one', 'two']);
  remove();
  channel.says(signal('SIGTERM'));
  t.strictSame(heard, ['one', 'two', 'two']);
  t.equal(exits.length, 1);
});

t.test('without its primary it stops as after a signal, and is not ended by Node', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  let count = 0;
  link.onSignal('SIGTERM', () => count++);
  channel.disconnect();
  t.equal(count, 1);
  t.ok(channel.exitedAfterDisconnect);
});

t.test('a worker that is only told that it is needed runs on', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  link.setNeeded(false);
  t.notOk(channel.isNeeded);
  link.setNeeded(true);
  t.ok(channel.isNeeded);
});
