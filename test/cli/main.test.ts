import fs, { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Io } from '../../src/cli/io.js';
import type { Parts } from '../../src/cli/run-cli.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { FakeChannel } from '../fixtures/fake-channel.js';
import { eventually } from '../fixtures/within.js';
import { createLog } from '../../src/cli/output/log.js';
import type { ViewerChannel } from '../../src/cli/view/server-link.js';
import type { WorkersStart } from '../../src/cli/serve/serve-workers.js';

/** What was listened for, and by whom. */
const signals: (readonly [name: string, listener: () => void])[] = [];
const onSignal = (name: string, listener: () => void): (() => void) => {
  signals.push([name, listener]);
  return () => undefined;
};

interface Started {
  readonly io: Io;
  readonly parts: Parts;
  /** What stands in for serve.ts. */
  readonly serve: () => void;
  readonly check: () => void;
  /** The calls that would have ended this process. */
  readonly exits: readonly { readonly args: readonly unknown[] }[];
  /** How often standard error was told to write what waits. */
  readonly finished: { count: number; text: string };
}

interface Scene {
  /** All descriptors are terminals, and the signal that says that they are gone comes. */
  readonly hangsUp?: boolean;
  /** What stands in for other modules. */
  readonly modules?: Readonly<Record<string, unknown>>;
  /** The same, in the process of an inspector. */
  readonly viewer?: Readonly<Record<string, unknown>>;
  /** The same, in a worker. */
  readonly worker?: Readonly<Record<string, unknown>>;
  /** Of all descriptors, which are terminals at first, whether they are none at the end. */
  readonly isThereNoTerminal?: readonly boolean[];
  /** Why standard output takes nothing. */
  readonly problem?: string;
  /** Takes what is closed. */
  readonly closed?: number[];
}

/** Starts main.ts in this process, with a command line that ends at once with `exitCode`. */
async function start(
  t: Test,
  exitCode: number,
  { hangsUp = false, isThereNoTerminal, problem, closed = [], worker, viewer, modules }: Scene = {},
): Promise<Started> {
  const finished = { count: 0, text: '' };
  let asked = 0;
  const started: Started[] = [];
  const serve = (): void => undefined;
  const check = (): void => undefined;
  const exits: { args: readonly unknown[] }[] = [];
  t.intercept(process, 'exit', { value: (...args: unknown[]) => exits.push({ args }) });
  const before = process.stdout.listeners('error');
  t.teardown(() => {
    process.exitCode = 0;
    process.stdout.removeAllListeners('error');
    for (const listener of before) process.stdout.on('error', listener as () => void);
  });
  const exitListeners = process.listeners('exit');
  t.teardown(() => {
    for (const listener of process.listeners('exit'))
      if (!exitListeners.includes(listener)) process.off('exit', listener);
    for (const name of ['SIGUSR1', 'SIGUSR2']) process.removeAllListeners(name);
  });
  const isStaged = hangsUp || problem !== undefined || isThereNoTerminal !== undefined;
  await t.mockImport('../../src/cli/main.js', {
    // It would listen for signals of this process.
    '../../src/cli/early-signals.js': {
      onSignal,
      isWorker: worker !== undefined,
      isViewer: viewer !== undefined,
    },
    ...worker,
    ...viewer,
    ...modules,
    ...(problem !== undefined && {
      '../../src/cli/output/standard-output.js': {
        StandardOutput: class {
          finish = (): Promise<string | undefined> => Promise.resolve(problem);
        },
      },
    }),
    ...(isStaged && {
      '../../src/cli/output/error-output.js': {
        StandardError: class {
          readonly isTTY = true;
          write(text: string): void {
            finished.text += text;
          }
          finish(): void {
            finished.count++;
          }
        },
      },
      'node:tty': {
        isatty: (descriptor: number) => asked++ < 3 || isThereNoTerminal?.[descriptor] !== true,
      },
      'node:fs': { ...fs, closeSync: (descriptor: number) => closed.push(descriptor) },
    }),
    '../../src/cli/run-cli.js': {
      runCli: (io: Io, parts: Parts) => {
        started.push({ io, parts, serve, check, exits, finished });
        if (hangsUp) {
          io.onSignal('SIGHUP', () => undefined);
          signals.at(-1)![1]();
        }
        return Promise.resolve(exitCode);
      },
    },
    '../../src/app/compose.js': { checkComposition: check },
    '../../src/cli/serve/serve.js': { serve },
  });
  await setImmediate();
  const [first] = started;
  if (first === undefined) throw new Error('main.ts did not run the command line');
  return first;
}

t.test('the status of the command line becomes that of the process, which ends', async (t) => {
  const { exits } = await start(t, 78);
  t.equal(process.exitCode, 78);
  await eventually(() => exits.length > 0, 'the end');
  t.same(exits, [{ args: [] }], 'with the status that is set');
});

t.test('what could not be written to standard output is a failure', async (t) => {
  for (const [exitCode, expected] of [
    [0, 1],
    [78, 78],
  ] as const) {
    const { exits, finished } = await start(t, exitCode, { problem: 'the disk is full' });
    await eventually(() => exits.length > 0, 'the end');
    t.equal(finished.text, 'twist: cannot write standard output: the disk is full\n');
    t.equal(process.exitCode, expected);
    process.exitCode = 0;
  }
});

t.test('the command line gets the process, and the real server', async (t) => {
  const { io, parts, serve, check } = await start(t, 0);
  t.same(io.argv, process.argv.slice(2));
  t.equal(io.env, process.env);
  t.equal(io.stdout.isTTY, process.stdout.isTTY);
  t.equal(io.stderr.isTTY, isatty(2));
  t.intercept(process, 'stdin', { value: Readable.from([Buffer.from('a line')]) });
  const read: Uint8Array[] = [];
  for await (const bytes of io.stdin()) read.push(bytes);
  t.equal(Buffer.concat(read).toString(), 'a line');
  t.equal(parts.serve, serve);
  t.equal(parts.check, check);
  t.match(io.readFile('package.json'), '"name": "twist-server"');
  t.throws(() => io.readFile('no such file'), { code: 'ENOENT' });
});

t.test('modules are imported from files, ES and CommonJS', async (t) => {
  const { io } = await start(t, 0);
  const folder = makeTempDir(t);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  t.match(await io.importFile(file('a b#.mjs', 'export default 1;')), { default: 1 });
  t.match(await io.importFile(file('c.cjs', 'module.exports = { d: 2 };')), { default: { d: 2 } });
  const relative = path.relative(process.cwd(), file('e.mjs', 'export default 3;'));
  t.match(await io.importFile(relative), { default: 3 }, 'from the working directory');
  await t.rejects(io.importFile(file('throws.mjs', 'throw new TypeError("no");')), TypeError);
});

t.test('a module that waits for ever is given up when there is nothing else to do', async (t) => {
  const { io } = await start(t, 0);
  const file = path.join(makeTempDir(t), 'waits.mjs');
  writeFileSync(file, 'await new Promise(() => {});');
  const before = process.rawListeners('beforeExit');
  const imported = io.importFile(file);
  const [added] = process.rawListeners('beforeExit').filter((each) => !before.includes(each));
  added?.();
  await t.rejects(imported, new Error('it waits for something that never comes (top-level await)'));
  t.same(process.rawListeners('beforeExit'), before, 'nothing is listened for any more');
});

t.test('signals are what is heard from the beginning', async (t) => {
  const { io } = await start(t, 0);
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    let heard = 0;
    io.onSignal(name, () => heard++);
    const [known, listener] = signals.at(-1)!;
    t.equal(known, name);
    listener();
    t.equal(heard, 1);
  }
});

t.test('signals that mean nothing do nothing, from the beginning', async (t) => {
  const { io } = await start(t, 0);
  for (const name of ['SIGUSR1', 'SIGUSR2'] as const) {
    t.ok(process.listenerCount(name) > 0, name);
    const heard: string[] = [];
    const remove = io.onUnusedSignal((signal) => heard.push(signal));
    process.emit(name, name);
    t.same(heard, [name]);
    remove();
    process.emit(name, name);
    t.equal(heard.length, 1);
  }
});

t.test('Node’s warnings go where they are listened for, and nowhere else', async (t) => {
  const { io } = await start(t, 0);
  const before = process.listeners('warning');
  const listener = (): void => undefined;
  const remove = io.onWarning(listener);
  t.same(process.listeners('warning'), [listener]);
  remove();
  t.same(process.listeners('warning'), before);
});

t.test('whose terminal has hung up ends by the same signal', async (t) => {
  const kills: { args: readonly unknown[] }[] = [];
  t.intercept(process, 'kill', { value: (...args: unknown[]) => kills.push({ args }) });
  const { exits } = await start(t, 0, { hangsUp: true });
  await eventually(() => exits.length > 0, 'the end');
  t.same(kills, [{ args: [process.pid, 'SIGHUP'] }]);
});

t.test('at the end what waits is written, and terminals that are gone are let go', async (t) => {
  const closed: number[] = [];
  const before = process.listeners('exit');
  const { finished } = await start(t, 0, { isThereNoTerminal: [false, true, false], closed });
  const [atExit] = process.listeners('exit').filter((each) => !before.includes(each));
  atExit!(0);
  process.off('exit', atExit!);
  t.same(closed, [1]);
  t.equal(finished.count, 1);
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

t.test('errors of bytes are told to whoever wrote them, and not twice', async (t) => {
  const before = process.stdout.listeners('error');
  const { io } = await start(t, 0);
  await io.bytes.write(new Uint8Array(0));
  const error = Object.assign(new Error('broken'), { code: 'EIO' });
  for (const listener of process.stdout.listeners('error')) {
    if (before.includes(listener)) continue;
    t.doesNotThrow(() => listener.call(process.stdout, error) as unknown);
  }
});

t.test('the command line can end the process at once', async (t) => {
  const { io, exits } = await start(t, 0);
  const before = exits.length;
  io.exit(3);
  t.same(exits.slice(before), [{ args: [3] }]);
});

t.test('a worker runs no command line: it does what its primary says', async (t) => {
  const ran: unknown[][] = [];
  const channel = new FakeChannel();
  const exits: unknown[] = [];
  t.intercept(process, 'exit', { value: (code: unknown) => exits.push(code) });
  await t.rejects(
    start(t, 0, {
      worker: {
        '../../src/workers/cluster-worker.js': { clusterChannel: () => channel },
        '../../src/cli/serve/run-worker.js': {
          runWorker: async (...given: unknown[]) => {
            ran.push(given);
            await new Promise(() => undefined);
          },
        },
      },
    }),
    { message: 'main.ts did not run the command line' },
  );
  await eventually(() => ran.length > 0, 'the worker');
  t.same(channel.sent, [{ kind: 'ready' }]);
  const io = ran[0]![0] as Io;
  t.intercept(io, 'exit', { value: (code: unknown) => exits.push(code) });
  channel.says({ kind: 'stop' });
  t.same(exits, [0], 'nothing is served yet');
});

t.test('nor does an inspector: it has a channel to its server', async (t) => {
  const ran: [Io, ViewerChannel][] = [];
  const sent: unknown[] = [];
  t.intercept(process, 'exit', { value: () => undefined });
  t.teardown(() => process.removeAllListeners('message'));
  t.intercept(process, 'send', {
    value: (message: unknown, ...rest: unknown[]) => {
      sent.push(message);
      (rest.at(-1) as () => void)();
      return true;
    },
  });
  await t.rejects(
    start(t, 0, {
      viewer: {
        '../../src/cli/view/run-viewer.js': {
          runViewer: (...given: [Io, ViewerChannel]) => {
            ran.push(given);
            return new Promise(() => undefined);
          },
        },
      },
    }),
    { message: 'main.ts did not run the command line' },
  );
  await eventually(() => ran.length > 0, 'the inspector');
  const [, channel] = ran[0]!;
  channel.send({ kind: 'ready' });
  t.strictSame(sent, [{ kind: 'ready' }]);
  const heard: unknown[] = [];
  channel.onMessage((message) => heard.push(message));
  process.emit('message', { kind: 'reload' }, undefined);
  t.strictSame(heard, [{ kind: 'reload' }]);
});

t.test('several processes are run by a module that is loaded only then', async (t) => {
  const { io, parts } = await start(t, 0, {
    modules: {
      '../../src/cli/serve/serve-workers.js': {
        serveWorkers: (...given: unknown[]) => Promise.resolve(given.length),
      },
    },
  });
  t.equal(
    await parts.serveWorkers({} as WorkersStart, io, createLog('info', 'json', io.stderr)),
    3,
  );
});
