import t, { type Test } from 'tap';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { load } from '../../../src/config/load.js';
import type { Signal } from '../../../src/cli/io.js';
import { createLog } from '../../../src/cli/output/log.js';
import type { serveWorkers } from '../../../src/cli/serve/serve-workers.js';
import type { Flags } from '../../../src/config/text-sources.js';
import type { Viewer } from '../../../src/workers/viewer/viewer.js';
import { FakeWorkers } from '../../fixtures/fake-workers.js';
import type { SelfSigned } from '../../fixtures/self-signed.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { LOCALHOST, beginTls, lasting } from '../../fixtures/tls.js';
import { eventually, within } from '../../fixtures/within.js';
import { type FakeIo, fakeIo } from '../fake-io.js';

interface Run {
  readonly io: FakeIo;
  readonly workers: FakeWorkers;
  readonly exitCode: Promise<number>;
  readonly signal: (name: Signal) => void;
  /** How many addresses workers were said to listen on. */
  readonly listeners: number[];
  /** Whether they were said to send records. */
  readonly feeds: boolean[];
}

async function start(
  t: Test,
  flags: Flags = {},
  files: Readonly<Record<string, string>> = {},
  inspector: Partial<Viewer> | null = null,
): Promise<Run> {
  const workers = new FakeWorkers();
  const listeners: number[] = [];
  const feeds: boolean[] = [];
  const module = await t.mockImport<{ serveWorkers: typeof serveWorkers }>(
    '../../../src/cli/serve/serve-workers.js',
    {
      '../../../src/workers/cluster-worker.js': {
        clusterWorkers: (count: number, hasFeed: boolean) => {
          listeners.push(count);
          feeds.push(hasFeed);
          return workers.start;
        },
      },
      '../../../src/cli/serve/inspector.js': { inspectorOf: () => Promise.resolve(inspector) },
    },
  );
  const loaded = load({
    flags: { echo: true, listen: ['9001', '9002'], ...flags },
    environment: {},
    readFile: () => '{}',
  });
  const signals = new Map<Signal, () => void>();
  const io: FakeIo = {
    ...fakeIo([], { files }),
    onSignal: (name, listener) => {
      signals.set(name, listener);
      return () => signals.delete(name);
    },
  };
  const log = createLog('info', 'json', io.stderr);
  const given = { workers: 2, loaded, flags, configText: null };
  const exitCode = module.serveWorkers(given, io, log);
  return {
    io,
    workers,
    exitCode,
    listeners,
    feeds,
    signal: (name) => {
      signals.get(name)!();
    },
  };
}

t.test('workers serve until a signal ends them', async (t) => {
  const { workers, exitCode, signal, io, listeners } = await start(t);
  await eventually(() => workers.all.length === 2, 'two workers');
  for (const worker of workers.all) worker.serves();
  workers.last.writes('a line of a worker\n');
  signal('SIGHUP');
  signal('SIGTERM');
  for (const worker of workers.all) {
    t.strictSame([worker.questions.length, worker.stops], [1, 1]);
    worker.exits(0);
  }
  t.equal(await within(exitCode, 'the end'), 0);
  t.match(io.written.err, /"msg":"listening".*\n.*a line of a worker\n/);
  t.strictSame(listeners, [2]);
});

t.test('a third signal ends them at once', async (t) => {
  const { workers, exitCode, signal, io } = await start(t);
  await eventually(() => workers.all.length === 2, 'two workers');
  for (const worker of workers.all) worker.serves();
  for (let count = 0; count < 3; count++) signal('SIGTERM');
  for (const worker of workers.all) {
    t.strictSame(worker.kills, ['SIGKILL']);
    worker.exits('SIGKILL');
  }
  t.strictSame(io.exits, [1]);
  t.equal(await within(exitCode, 'the end'), 1);
});

t.test('why a worker cannot start is said once', async (t) => {
  const { workers, exitCode, io } = await start(t);
  await eventually(() => workers.all.length === 2, 'two workers');
  for (const worker of workers.all) {
    worker.says({ kind: 'failed', sentence: 'the file is bad', exitCode: 78 });
    worker.exits(78);
  }
  t.equal(await within(exitCode, 'the end'), 78);
  t.equal(io.written.err, 'twist: the file is bad\n');
});

t.test('the path of a Unix socket is looked at before there is a worker', async (t) => {
  const file = path.join(makeTempDir(t), 'file');
  writeFileSync(file, '');
  const { workers, exitCode, io } = await start(t, { listen: [`unix:${file}`] });
  t.equal(await within(exitCode, 'the end'), 1);
  t.match(io.written.err, 'the file exists and is not a socket');
  t.equal(workers.all.length, 0);
});

t.test('the configuration file is read again, once for all workers', async (t) => {
  for (const [files, config] of [
    [{ 'a.json': '{"echo":true}' }, { text: '{"echo":true}', fault: null }],
    [{}, { text: null, fault: 'ENOENT' }],
  ] as const) {
    const { workers, exitCode, signal } = await start(t, { config: 'a.json' }, files);
    await eventually(() => workers.all.length === 2, 'two workers');
    for (const worker of workers.all) worker.serves();
    signal('SIGHUP');
    for (const worker of workers.all) t.match(worker.questions, [{ question: { config } }]);
    signal('SIGTERM');
    for (const worker of workers.all) worker.exits(0);
    await within(exitCode, 'the end');
  }
});

t.test('a pipe in the place of the configuration file is not waited for', async (t) => {
  const config = path.join(makeTempDir(t), 'a.json');
  execFileSync('mkfifo', [config]);
  const { workers, exitCode, signal } = await start(t, { config }, { [config]: '{"echo":true}' });
  await eventually(() => workers.all.length === 2, 'two workers');
  for (const worker of workers.all) worker.serves();
  signal('SIGHUP');
  for (const worker of workers.all)
    t.match(worker.questions, [{ question: { config: { text: null, fault: 'ESPIPE' } } }]);
  signal('SIGTERM');
  for (const worker of workers.all) worker.exits(0);
  await within(exitCode, 'the end');
});

t.test('nobody else may connect to a Unix socket before it has its mode', async (t) => {
  const before = process.umask(0o022);
  t.teardown(() => process.umask(before));
  for (const [unixMode, umask, during] of [
    ['0660', 0o022, 0o177],
    ['umask', null, 0o022],
  ] as const) {
    const file = path.join(makeTempDir(t), 'twist.sock');
    const { workers, exitCode, signal } = await start(t, { listen: [`unix:${file}`], unixMode });
    await eventually(() => workers.all.length === 2, 'two workers');
    t.equal(process.umask(during), during, 'the primary binds');
    for (const worker of workers.all) {
      worker.serves();
      t.equal(worker.order.umask, umask, 'a worker makes files');
    }
    signal('SIGTERM');
    for (const worker of workers.all) worker.exits(0);
    await within(exitCode, 'the end');
    t.equal(process.umask(0o022), 0o022);
  }
});

t.test('the primary has the admin endpoint', async (t) => {
  const { workers, exitCode, signal, io } = await start(t, { admin: '127.0.0.1:0' });
  await eventually(() => workers.all.length === 2, 'two workers');
  const [, address] = /"address":"(http:[^"]+)"/.exec(io.written.err)!;
  t.equal(await (await fetch(`${address}/readyz`)).text(), 'no worker serves\n');
  for (const worker of workers.all) worker.serves();
  signal('SIGTERM');
  for (const worker of workers.all) worker.exits(0);
  t.equal(await within(exitCode, 'the end'), 0);
  await t.rejects(fetch(`${address}/readyz`));

  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const failing = await start(t, { admin: `127.0.0.1:${port}` });
  t.equal(await within(failing.exitCode, 'the end'), 1);
  t.equal(failing.workers.all.length, 0);
});

t.test(
  'the admin endpoint has the certificates of the workers, and reads them again',
  async (t) => {
    const dir = makeTempDir(t);
    const cert = path.join(dir, 'cert.pem');
    const key = path.join(dir, 'key.pem');
    const write = (one: SelfSigned): void => {
      writeFileSync(cert, one.cert);
      writeFileSync(key, one.key);
    };
    write(LOCALHOST);
    const flags = { admin: ':0', tlsCert: [cert], tlsKey: [key] };
    const { workers, exitCode, signal, io } = await start(t, flags);
    await eventually(() => workers.all.length === 2, 'two workers');
    for (const worker of workers.all) worker.serves();
    const [, port] = /"address":"https:[^"]*:(\d+)","msg":"admin endpoint"/.exec(io.written.err)!;
    const shown = async (): Promise<string> => {
      const socket = beginTls(t, Number(port));
      await within(once(socket, 'secureConnect'), 'the TLS handshake');
      return socket.getPeerX509Certificate()!.toString();
    };
    t.equal(await shown(), new X509Certificate(LOCALHOST.cert).toString());
    const next = lasting('localhost');
    write(next);
    signal('SIGHUP');
    for (const worker of workers.all) worker.answers({ isWell: true, message: 'reloaded' });
    const wanted = new X509Certificate(next.cert).toString();
    for (let text = ''; text !== wanted;) text = await within(shown(), 'a certificate');
    signal('SIGTERM');
    for (const worker of workers.all) worker.exits(0);
    t.equal(await within(exitCode, 'the end'), 0);
  },
);

t.test('one inspector shows the records of all workers, and ends their sessions', async (t) => {
  const texts: string[] = [];
  const calls: string[] = [];
  const inspector = {
    feed: {
      lost: 0,
      take: ({ chunks }: { readonly chunks: readonly Uint8Array[] }) => {
        texts.push(Buffer.concat(chunks).toString());
      },
    },
    isUp: true,
    counters: { restarts: 0 },
    onEnd: null as unknown as Viewer['onEnd'],
    start: () => Promise.resolve(void calls.push('start')),
    reload: () => calls.push('reload'),
    close: () => Promise.resolve(void calls.push('close')),
  } as unknown as Viewer;
  const { workers, exitCode, signal, feeds } = await start(t, { inspect: '0' }, {}, inspector);
  await eventually(() => workers.all.length === 2, 'two workers');
  t.strictSame(feeds, [true]);
  for (const worker of workers.all) worker.serves();
  workers.all[0]!.records('one\n');
  workers.all[1]!.records('two\n');
  t.strictSame(texts.splice(0), ['one\n', 'two\n']);
  const gone = 'this session is not open any more';
  const end = async (...answers: readonly unknown[]): Promise<unknown> => {
    const ended = inspector.onEnd('ONE', 1000, 'enough');
    for (const [index, value] of answers.entries()) workers.all[index]!.answers(value);
    return await ended;
  };
  t.equal(await end(gone, 'ended'), null);
  t.equal(await end(gone, gone), gone);
  workers.all[1]!.exits(1);
  await eventually(() => workers.all.length === 3, 'another one');
  t.match(JSON.parse(texts[0]!), { ev: 'gap', records: 0, error: 'worker-died', worker: 2 });
  workers.last.serves();
  signal('SIGHUP');
  signal('SIGTERM');
  for (const worker of workers.all) worker.exits(0);
  t.equal(await within(exitCode, 'the end'), 0);
  t.equal(texts.length, 1, 'the end of all is no death');
  t.strictSame(calls, ['start', 'reload', 'close']);
});
