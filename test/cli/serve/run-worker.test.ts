import t from 'tap';
import { LocalSource } from '../../../src/admin/local-source.js';
import { ExitCode } from '../../../src/cli/exit-code.js';
import { runWorker } from '../../../src/cli/serve/run-worker.js';
import type { serve } from '../../../src/cli/serve/serve.js';
import { ConfigError } from '../../../src/errors.js';
import type { ToPrimary, WorkerOrder } from '../../../src/workers/messages.js';
import { PrimaryLink } from '../../../src/workers/primary-link.js';
import { FakeChannel } from '../../fixtures/fake-channel.js';
import { type FakeIo, fakeIo } from '../fake-io.js';

const unexpected = (): void => {
  t.fail('this was to happen in no case');
};

const ORDER: WorkerOrder = {
  worker: 2,
  serial: 5,
  flags: { echo: true, logFormat: 'json' },
  configText: null,
  reloadedText: null,
  ticketKeys: Buffer.alloc(48).toString('base64'),
  umask: null,
  isTTY: false,
  isStyled: false,
};

interface Ran {
  readonly exitCode: ExitCode;
  readonly io: FakeIo;
  /** What it told its primary after it was ready. */
  readonly told: readonly ToPrimary[];
}

async function run(order: Partial<WorkerOrder>, server: typeof serve): Promise<Ran> {
  const channel = new FakeChannel();
  const io = fakeIo([]);
  const link = new PrimaryLink(channel, () => undefined);
  const ended = runWorker(io, link, server);
  channel.says({ kind: 'order', order: { ...ORDER, ...order } });
  const exitCode = await ended;
  return { exitCode, io, told: channel.sent.slice(1) };
}

t.test('a worker serves as it is ordered, and says who it is in every line', async (t) => {
  const lines = [{ address: 'ws://127.0.0.1:9001', mode: 'echo' }];
  const { exitCode, io, told } = await run({}, (resources, given, log, again, membership) => {
    t.equal(resources.settings.echo, true);
    t.equal(given.stderr.isTTY, false);
    t.equal(again().values.echo.value, true);
    membership!.group.listening(lines);
    log.info('hello');
    return Promise.resolve(ExitCode.Ok);
  });
  t.equal(exitCode, ExitCode.Ok);
  t.strictSame(told, [{ kind: 'listening', lines }]);
  t.match(JSON.parse(io.written.err), { level: 'info', worker: 2, msg: 'hello' });
});

t.test('it has the umask that the primary had', async (t) => {
  const before = process.umask(0o177);
  t.teardown(() => process.umask(before));
  await run({ umask: 0o027 }, () => {
    t.equal(process.umask(0o027), 0o027);
    return Promise.resolve(ExitCode.Ok);
  });
});

t.test('it has the configuration that its primary has read, and hears its signals', async (t) => {
  const order = {
    flags: { config: 'twist.json' },
    configText: '{ "echo": true, "maxHeaders": 7, "logFormat": "json" }',
    isTTY: true,
  };
  const { exitCode } = await run(order, async (resources, given) => {
    t.equal(resources.settings.maxHeaders, 7);
    t.equal(given.stderr.isTTY, true);
    given.stderr.doNotWait(() => undefined);
    t.equal(given.stderr.lostLines, 0);
    given.onSignal('SIGTERM', unexpected)();
    return Promise.resolve(ExitCode.Failure);
  });
  t.equal(exitCode, ExitCode.Failure);
});

t.test('why it cannot start is told to its primary', async (t) => {
  const listening = await run({}, (_resources, _io, _log, _load, membership) => {
    membership!.failed('the port is taken');
    return Promise.resolve(ExitCode.Failure);
  });
  t.strictSame(
    [listening.exitCode, listening.told, listening.io.written.err],
    [1, [{ kind: 'failed', sentence: 'the port is taken', exitCode: 1 }], ''],
  );
  for (const [source, exitCode] of [
    ['flag', 2],
    ['file', 78],
    [null, 78],
  ] as const) {
    const { told, ...ran } = await run({}, () => {
      throw new ConfigError('it is wrong', source === null ? {} : { source });
    });
    t.equal(ran.exitCode, exitCode);
    t.strictSame(told, [{ kind: 'failed', sentence: 'it is wrong', exitCode }]);
  }
});

t.test('a defect is logged where it is', async (t) => {
  const { exitCode, io, told } = await run({}, () => Promise.reject(new TypeError('no')));
  t.equal(exitCode, ExitCode.Failure);
  t.strictSame(told, []);
  t.match(JSON.parse(io.written.err), { level: 'fatal', worker: 2, msg: 'twist cannot go on' });
});

t.test('what fails before there is a log is not hidden', async (t) => {
  const order = { flags: null as unknown as WorkerOrder['flags'] };
  await t.rejects(
    run(order, () => Promise.resolve(ExitCode.Ok)),
    TypeError,
  );
});

t.test('places are asked of the primary', async (t) => {
  const { told } = await run({}, async (_resources, _io, _log, _load, membership) => {
    const { group } = membership!;
    membership!.watch(new LocalSource([], [], 'dev'));
    void group.reserve('192.0.2.1', { maxConnections: 1, maxConnectionsPerAddress: 1 }, true);
    group.release(null);
    await new Promise(setImmediate);
    return ExitCode.Ok;
  });
  t.match(told, [
    { kind: 'places', request: { asks: [[1, '192.0.2.1', true]], releases: [null] } },
  ]);
});

t.test('a worker that comes after a reload has what that has changed, and no more', async (t) => {
  const order = {
    flags: { config: 'twist.json' },
    configText: '{ "echo": true, "allow": "10.0.0.1", "maxHeaders": 7 }',
    reloadedText: '{ "echo": true, "allow": "10.0.0.2", "maxHeaders": 8 }',
  };
  await run(order, ({ settings, values }, _io, _log, again) => {
    t.match(settings, { allow: ['10.0.0.2'], maxHeaders: 7 });
    t.match(values, { allow: { value: ['10.0.0.2'] }, maxHeaders: { value: 7 } });
    t.equal(again().values.maxHeaders.value, 7, 'what it reads again comes with a reload');
    return Promise.resolve(ExitCode.Ok);
  });
});

t.test('what came of a reload is told to the primary; a defect here as well', async (t) => {
  const { io, told } = await run({}, (_resources, _io, _log, _load, membership) => {
    const { reloadLog } = membership!.group;
    reloadLog.info({}, 'nobody has asked');
    reloadLog.error({ err: new Error('a defect') }, 'not reloaded');
    reloadLog.error({}, 'not reloaded either');
    return Promise.resolve(ExitCode.Ok);
  });
  t.strictSame(told, []);
  t.match(JSON.parse(io.written.err), { level: 'error', err: { message: 'a defect' } });
});

t.test('with an inspector its records go to the primary, by a pipe', async (t) => {
  const made: unknown[] = [];
  class FakeSocket {
    readonly destroy = unexpected;

    constructor(options: unknown) {
      made.push(options);
    }
  }
  const { runWorker: runIt } = await t.mockImport<{ runWorker: typeof runWorker }>(
    '../../../src/cli/serve/run-worker.js',
    { 'node:net': { Socket: FakeSocket } },
  );
  const channel = new FakeChannel();
  const link = new PrimaryLink(channel, () => undefined);
  const asked: unknown[] = [];
  const ended = runIt(fakeIo([]), link, (_resources, _io, _log, _load, _membership, inspector) => {
    inspector!.onEnd = (...given) => {
      asked.push(given);
      return null;
    };
    return Promise.resolve(ExitCode.Ok);
  });
  const flags = { echo: true, inspect: '0' };
  channel.says({ kind: 'order', order: { ...ORDER, flags } });
  t.equal(await ended, ExitCode.Ok);
  t.strictSame(made, [{ fd: 4, readable: false }]);
  t.equal(await link.onEnd('ONE', 1000, 'enough'), null);
  t.strictSame(asked, [['ONE', 1000, 'enough']]);
});
