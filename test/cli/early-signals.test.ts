import t, { type Test } from 'tap';
import type { onSignal } from '../../src/cli/early-signals.js';
import type { Signal } from '../../src/cli/io.js';

interface Started {
  readonly isWorker: boolean;
  readonly isViewer: boolean;
  readonly onSignal: typeof onSignal;
  /** What would have happened to this process. */
  readonly fate: string[];
  /** Calls what hears a signal, as Node does. */
  readonly send: (name: Signal) => void;
}

const NAMES = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Loads the file into this process; signals, the end and the command line are played. */
async function start(t: Test, command: string, isTTY = false): Promise<Started> {
  const fate: string[] = [];
  const before = new Map(NAMES.map((name) => [name, process.listeners(name)]));
  const added = (name: Signal): (() => void)[] =>
    process.listeners(name).filter((each) => !before.get(name)?.includes(each)) as (() => void)[];
  t.teardown(() => {
    for (const name of NAMES) for (const each of added(name)) process.off(name, each);
  });
  t.intercept(process, 'argv', { value: ['node', 'twist', command] });
  t.intercept(process.stderr, 'isTTY', { value: isTTY });
  t.intercept(process, 'kill', {
    value: (pid: number, name: string) => fate.push(`${name} to ${pid === process.pid}`),
  });
  t.intercept(process, 'exit', { value: (code: number) => fate.push(`exit ${code}`) });
  const loaded = await t.mockImport<Pick<Started, 'isViewer' | 'isWorker' | 'onSignal'>>(
    '../../src/cli/early-signals.js',
    {},
  );
  return {
    isWorker: loaded.isWorker,
    isViewer: loaded.isViewer,
    onSignal: loaded.onSignal,
    fate,
    send: (name) => {
      for (const each of added(name)) each();
    },
  };
}

t.test('a server that does not run yet has nothing to stop', async (t) => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    const { fate, send } = await start(t, 'serve');
    send(name);
    t.equal(fate[0], 'exit 0', name);
  }
});

t.test(
  'a terminal that closes ends it; without one it is to open files, of which none is',
  async (t) => {
    const { fate, send } = await start(t, 'serve');
    send('SIGHUP');
    t.strictSame(fate, []);
  },
);

t.test(
  'other commands die of a signal, as they would by themselves; process 1 exits',
  async (t) => {
    for (const [command, isTTY, name, code] of [
      ['config', false, 'SIGTERM', 143],
      ['convert', false, 'SIGINT', 130],
      ['config', false, 'SIGHUP', 129],
      ['serve', true, 'SIGHUP', 129],
    ] as const) {
      const { fate, send } = await start(t, command, isTTY);
      send(name);
      t.strictSame(fate, [`${name} to true`, `exit ${code}`], `${command} ${name}`);
      fate.length = 0;
      send(name);
      t.strictSame(fate, [], 'and then nobody hears it any more');
    }
  },
);

t.test('a worker leaves signals to its primary', async (t) => {
  process.env['_TWIST_WORKER'] = '1';
  const { isWorker, fate, send } = await start(t, 'serve', true);
  t.ok(isWorker);
  t.equal(process.env['_TWIST_WORKER'], undefined, 'what it starts itself is no worker');
  for (const name of NAMES) send(name);
  t.strictSame(fate, []);
});

t.test('an inspector ends with its server, and not by the signals of a terminal', async (t) => {
  process.env['_TWIST_VIEWER'] = '1';
  const { isViewer, isWorker, fate, send } = await start(t, 'view', true);
  t.strictSame([isViewer, isWorker], [true, false]);
  t.equal(process.env['_TWIST_VIEWER'], undefined);
  for (const name of NAMES) send(name);
  t.strictSame(fate, []);
});

t.test('whoever asks for a signal is the only one to hear it', async (t) => {
  const { onSignal, fate, send } = await start(t, 'serve');
  let count = 0;
  const remove = onSignal('SIGTERM', () => (count += 1));
  const removeOther = onSignal('SIGTERM', () => (count += 10));
  send('SIGTERM');
  t.equal(count, 11);
  remove();
  removeOther();
  send('SIGTERM');
  t.equal(count, 11);
  t.strictSame(fate, []);
  send('SIGINT');
  t.strictSame(fate.slice(0, 1), ['exit 0'], 'the others are heard as before');
});
