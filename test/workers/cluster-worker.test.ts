import { EventEmitter } from 'node:events';
import t, { type Test } from 'tap';
import type { clusterChannel, clusterWorkers } from '../../src/workers/cluster-worker.js';
import { WORKER_VARIABLE } from '../../src/workers/messages.js';
import type { WorkerProcess } from '../../src/workers/worker-process.js';

interface Handle {
  close(): void;
}

class FakeProcess extends EventEmitter {
  pid: number | undefined = 77;
  readonly stdio: (EventEmitter | null | undefined)[] = [null, null, null, null];
  stderr: EventEmitter | null = Object.assign(new EventEmitter(), {
    setEncoding() {
      return this;
    },
  });
  readonly sent: unknown[][] = [];
  readonly kills: string[] = [];

  send(...given: unknown[]): boolean {
    this.sent.push(given);
    const done = given.at(-1);
    if (typeof done === 'function') (done as () => void)();
    return true;
  }

  kill(signal: string): void {
    this.kills.push(signal);
  }
}

class FakeClusterWorker extends EventEmitter {
  readonly process = new FakeProcess();
}

class FakeCluster {
  readonly SCHED_RR = 2;
  schedulingPolicy = 1;
  settings: unknown;
  environment: unknown;
  readonly worker = new FakeClusterWorker();

  setupPrimary(settings: unknown): void {
    this.settings = settings;
  }

  fork(environment: unknown): FakeClusterWorker {
    this.environment = environment;
    return this.worker;
  }
}

interface Scene {
  readonly cluster: FakeCluster;
  readonly forked: FakeClusterWorker;
  readonly child: FakeProcess;
  readonly heard: unknown[];
  readonly worker: WorkerProcess;
}

async function start(
  t: Test,
  listeners: number,
  prepare: (child: FakeProcess) => void = () => undefined,
  ...hasFeed: [] | [boolean]
): Promise<Scene> {
  const cluster = new FakeCluster();
  prepare(cluster.worker.process);
  const loaded = await t.mockImport<{ clusterWorkers: typeof clusterWorkers }>(
    '../../src/workers/cluster-worker.js',
    { 'node:cluster': { default: cluster } },
  );
  const heard: unknown[] = [];
  const worker = loaded.clusterWorkers(
    listeners,
    ...hasFeed,
  )({
    records: ({ chunks }) => heard.push(Buffer.concat(chunks).toString()),
    message: (message) => heard.push(message),
    output: (lines) => heard.push(lines),
    exited: (how) => heard.push(['exited', how]),
  });
  return { cluster, forked: cluster.worker, child: cluster.worker.process, heard, worker };
}

t.test('a worker is told apart, and connections are given out in turn', async (t) => {
  const { cluster, worker, child, heard } = await start(t, 1);
  t.equal(cluster.schedulingPolicy, cluster.SCHED_RR);
  t.strictSame(cluster.environment, { [WORKER_VARIABLE]: '1' });
  t.equal(worker.pid, 77);
  worker.send({ kind: 'stop' });
  t.strictSame(child.sent[0]![0], { kind: 'stop' });
  worker.kill('SIGKILL');
  t.strictSame(child.kills, ['SIGKILL']);
  cluster.worker.emit('message', { kind: 'ready' });
  child.stderr!.emit('data', 'one\ntwo');
  child.stderr!.emit('end');
  t.strictSame(heard, [{ kind: 'ready' }, 'one\n', 'two\n']);
});

t.test('records come by a pipe of their own, where they are asked for', async (t) => {
  const pipe = new EventEmitter();
  const { cluster, heard } = await start(
    t,
    1,
    (child) => {
      child.stdio[4] = pipe;
    },
    true,
  );
  t.match(cluster.settings, { stdio: ['ignore', 'inherit', 'pipe', 'ipc', 'pipe'] });
  pipe.emit('data', Buffer.from('one\ntw'));
  pipe.emit('data', Buffer.from('o\n'));
  t.strictSame(heard, ['one\n', 'two\n']);
  const { cluster: other } = await start(t, 1);
  t.match(other.settings, { stdio: { length: 4 } });
});

t.test('its end is told once, with how it ended', async (t) => {
  for (const [given, told] of [
    [[1, null], 1],
    [[null, 'SIGKILL'], 'SIGKILL'],
    [[null, null], 0],
  ] as const) {
    const { forked, heard } = await start(t, 1);
    // A message that did not arrive is no end.
    forked.emit('error', new Error('EPIPE'));
    forked.emit('exit', ...given);
    forked.emit('exit', ...given);
    t.strictSame(heard, [['exited', told]]);
  }
});

t.test('a process that the system does not start has an end too', async (t) => {
  const { forked, worker, heard } = await start(t, 1, (child) => {
    child.pid = undefined;
    child.stderr = null;
  });
  t.equal(worker.pid, 0);
  forked.emit('error', new Error('spawn EAGAIN'));
  t.strictSame(heard, [['exited', 'spawn EAGAIN']]);
});

t.test('connections that it has not taken are closed with it, but none that it has', async (t) => {
  const { forked, child } = await start(t, 2);
  const closed: string[] = [];
  const handle = (name: string): Handle => ({ close: () => closed.push(name) });
  for (const name of ['a', 'b', 'c']) child.send({ act: 'newconn' }, handle(name));
  child.send({ act: 'other' }, undefined);
  child.send({ act: 'other' }, null);
  child.send({ act: 'other' }, {});
  t.equal(child.sent.length, 6);
  forked.emit('exit', null, 'SIGKILL');
  t.strictSame(closed, ['b', 'c'], 'one for each address may be under way');
});

t.test('the channel of a worker to its primary', async (t) => {
  const calls: unknown[] = [];
  const worker = {
    exitedAfterDisconnect: false,
    process: {
      channel: { ref: () => calls.push('ref'), unref: () => calls.push('unref') } as object | null,
    },
    send: (...given: unknown[]) => calls.push(given),
    on: (...given: unknown[]) => calls.push(given),
  };
  const loaded = await t.mockImport<{ clusterChannel: typeof clusterChannel }>(
    '../../src/workers/cluster-worker.js',
    { 'node:cluster': { default: { worker } } },
  );
  const channel = loaded.clusterChannel();
  channel.exitedAfterDisconnect = true;
  t.ok(worker.exitedAfterDisconnect);
  t.ok(channel.exitedAfterDisconnect);
  channel.ref();
  channel.unref();
  const done = (): void => undefined;
  channel.send({ kind: 'ready' }, done);
  channel.on('disconnect', done);
  worker.process.channel = null;
  channel.ref();
  channel.unref();
  t.strictSame(calls, [
    'ref',
    'unref',
    [{ kind: 'ready' }, undefined, undefined, done],
    ['disconnect', done],
  ]);
});
