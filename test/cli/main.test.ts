import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Io } from '../../src/cli/io.js';
import type { Parts } from '../../src/cli/run-cli.js';

interface Started {
  readonly io: Io;
  readonly parts: Parts;
  /** What stands in for serve.ts. */
  readonly serve: () => void;
}

/** Starts main.ts in this process, with a command line that ends at once with `exitCode`. */
async function start(t: Test, exitCode: number): Promise<Started> {
  const started: Started[] = [];
  const serve = (): void => undefined;
  const before = process.stdout.listeners('error');
  t.teardown(() => {
    process.exitCode = 0;
    process.stdout.removeAllListeners('error');
    for (const listener of before) process.stdout.on('error', listener as () => void);
  });
  await t.mockImport('../../src/cli/main.js', {
    '../../src/cli/run-cli.js': {
      runCli: (io: Io, parts: Parts) => {
        started.push({ io, parts, serve });
        return Promise.resolve(exitCode);
      },
    },
    '../../src/cli/serve.js': { serve },
  });
  await setImmediate();
  const [first] = started;
  if (first === undefined) throw new Error('main.ts did not run the command line');
  return first;
}

t.test(
  'the status of the command line becomes that of the process, which ends by itself',
  async (t) => {
    await start(t, 78);
    t.equal(process.exitCode, 78);
  },
);

t.test('the command line gets the process, and the real server', async (t) => {
  const { io, parts, serve } = await start(t, 0);
  t.same(io.argv, process.argv.slice(2));
  t.equal(io.env, process.env);
  t.equal(io.stdout, process.stdout);
  t.equal(io.stderr.isTTY, process.stderr.isTTY);
  t.equal(parts.serve, serve);
  t.match(io.readFile('package.json'), '"name": "twist-server"');
  t.throws(() => io.readFile('no such file'), { code: 'ENOENT' });
});

t.test('signals', async (t) => {
  const { io } = await start(t, 0);
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const listener = (): void => undefined;
    const remove = io.onSignal(name, listener);
    t.ok(process.listeners(name).includes(listener), name);
    remove();
    t.notOk(process.listeners(name).includes(listener));
  }
});

t.test('errors that nothing caught', async (t) => {
  const { io } = await start(t, 0);
  const listener = (): void => undefined;
  const remove = io.onCrash(listener);
  t.ok(process.listeners('uncaughtException').includes(listener));
  t.ok(process.listeners('unhandledRejection').includes(listener));
  remove();
  t.notOk(process.listeners('uncaughtException').includes(listener));
  t.notOk(process.listeners('unhandledRejection').includes(listener));
});

t.test('a reader of standard output that goes away is no failure; other errors are', async (t) => {
  const before = process.stdout.listeners('error');
  await start(t, 0);
  const added = process.stdout.listeners('error').filter((listener) => !before.includes(listener));
  t.equal(added.length, 1);
  for (const listener of added) {
    t.doesNotThrow(
      () =>
        listener.call(
          process.stdout,
          Object.assign(new Error('gone'), { code: 'EPIPE' }),
        ) as unknown,
    );
    t.throws(
      () =>
        listener.call(
          process.stdout,
          Object.assign(new Error('broken'), { code: 'EIO' }),
        ) as unknown,
      {
        code: 'EIO',
      },
    );
  }
});
