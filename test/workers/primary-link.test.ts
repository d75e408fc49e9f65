import t from 'tap';
import { counter } from '../../src/admin/metrics/metric.js';
import type { ReloadOutcome, WorkerOrder } from '../../src/workers/messages.js';
import { PrimaryLink } from '../../src/workers/primary-link.js';
import { FakeChannel } from '../fixtures/fake-channel.js';

const unexpected = (): void => {
  t.fail('this was to happen in no case');
};

const STOP = { kind: 'stop' } as const;

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

t.test('what the primary says is heard like a signal of the system', async (t) => {
  const channel = new FakeChannel();
  const exits: string[] = [];
  const link = new PrimaryLink(channel, () => exits.push('exit'));
  channel.says(STOP);
  t.strictSame(exits, ['exit'], 'nothing is there to be stopped with care');
  const heard: string[] = [];
  const remove = link.onSignal('SIGTERM', () => heard.push('one'));
  link.onSignal('SIGTERM', () => heard.push('two'));
  channel.says(STOP);
  t.strictSame(heard, ['one', 'two']);
  remove();
  channel.says(STOP);
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

t.test('a reload is heard like a signal, and has an answer', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  channel.says({ kind: 'order', order: { configText: 'first' } as WorkerOrder });
  t.equal(link.readConfig(), 'first');
  const texts: string[] = [];
  link.onSignal('SIGHUP', () => texts.push(link.readConfig()));
  const reload = (id: number, text: string | null, fault: string | null = null): void => {
    channel.says({ kind: 'question', id, question: { what: 'reload', config: { text, fault } } });
  };
  reload(1, 'second');
  reload(2, 'third');
  t.strictSame(texts, ['second', 'third']);
  const value: ReloadOutcome = { isWell: true, message: 'reloaded' };
  link.reloaded(value);
  link.reloaded(value);
  t.strictSame(channel.sent.slice(1), [
    { kind: 'answer', id: 1, value },
    { kind: 'answer', id: 2, value },
  ]);
  t.throws(
    () => {
      reload(3, null, 'EACCES');
    },
    { code: 'EACCES' },
  );
});

t.test('places are asked for; without the primary there is none', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, () => undefined);
  const limits = { maxConnections: 5, maxConnectionsPerAddress: 2 };
  const asked = link.places.reserve('192.0.2.1', limits, true);
  link.places.release(null);
  t.equal(channel.sent.length, 1, 'all of a turn go together');
  await new Promise(setImmediate);
  const request = { asks: [[1, '192.0.2.1', true]], releases: [null], limits };
  t.strictSame(channel.sent[1], { kind: 'places', request });
  channel.says({
    kind: 'places',
    answers: [
      [1, 'full'],
      [7, null],
    ],
  });
  t.equal(await asked, 'full');
  const late = link.places.reserve(null, limits, true);
  channel.disconnect();
  t.equal(await late, 'draining');
  t.equal(await link.places.reserve(null, limits, true), 'draining');
});

t.test('what this process tells of itself', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  const ask = (id: number, what: 'problems' | 'metrics' | 'counts'): void => {
    channel.says({ kind: 'question', id, question: { what } });
  };
  const answers = async (): Promise<unknown[]> => {
    await new Promise(setImmediate);
    return channel.sent
      .splice(0)
      .flatMap((message) => (message.kind === 'answer' ? [[message.id, message.value]] : []));
  };
  for (const what of ['problems', 'metrics', 'counts'] as const) ask(1, what);
  t.strictSame(
    await answers(),
    [1, 1, 1].map((id) => [id, undefined]),
    'there is nothing yet',
  );
  link.watch({
    problems: () => Promise.resolve(['full']),
    counted: () => [],
    snapshot: () => Promise.resolve([counter('twist_a_total', 'A', 1)]),
  });
  ask(1, 'problems');
  ask(2, 'metrics');
  ask(3, 'counts');
  t.match((await answers()).sort(), [
    [1, ['full']],
    [2, [{ name: 'twist_a_total' }]],
    [3, []],
  ]);
});

t.test('a session is ended by the worker that has it', async (t) => {
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, unexpected);
  const ask = async (id: number): Promise<unknown> => {
    const question = { what: 'end', session: 'ONE', code: 1000, reason: 'enough' } as const;
    channel.says({ kind: 'question', id, question });
    await new Promise(setImmediate);
    return channel.sent.at(-1);
  };
  const problem = 'this session is not open any more';
  t.strictSame(await ask(1), { kind: 'answer', id: 1, value: problem });
  const asked: unknown[] = [];
  link.onEnd = (...given) => {
    asked.push(given);
    return null;
  };
  t.strictSame(await ask(2), { kind: 'answer', id: 2, value: 'ended' });
  t.strictSame(asked, [['ONE', 1000, 'enough']]);
});
