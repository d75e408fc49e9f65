import t from 'tap';
import { load } from '../../../src/config/load.js';
import { ExitCode } from '../../../src/cli/exit-code.js';
import type { UnusedSignal } from '../../../src/cli/io.js';
import { failed, openLog, tellReady } from '../../../src/cli/serve/run-server.js';
import { ConfigError } from '../../../src/errors.js';
import { createLog } from '../../../src/cli/output/log.js';
import { fakeIo } from '../fake-io.js';

t.test('what the process reports goes to the log', async (t) => {
  const loaded = load({
    flags: { echo: true, logFormat: 'json' },
    environment: {},
    readFile: () => '',
  });
  const io = fakeIo([]);
  let warn: (warning: Error) => void = () => undefined;
  let hear: (name: UnusedSignal) => void = () => undefined;
  let lose: (lines: number) => void = () => undefined;
  const log = openLog(
    loaded,
    {
      ...io,
      stderr: {
        ...io.stderr,
        doNotWait: (tellLost) => {
          lose = tellLost;
        },
      },
      onWarning: (listener) => {
        warn = listener;
        return () => undefined;
      },
      onUnusedSignal: (listener) => {
        hear = listener;
        return () => undefined;
      },
    },
    false,
    { worker: 3 },
  );
  warn(new Error('old'));
  hear('SIGUSR1');
  lose(5);
  t.equal(failed(new TypeError('no'), log), ExitCode.Failure);
  const lines = io.written.err.trim().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { worker: 3, level: 'warn', name: 'Error', msg: 'old' },
      { worker: 3, level: 'info', signal: 'SIGUSR1', msg: 'signal ignored' },
      { worker: 3, level: 'warn', lines: 5 },
      { worker: 3, level: 'fatal', msg: 'twist cannot go on' },
    ],
  );
  t.throws(() => failed(new ConfigError('bad'), log), ConfigError);
});

t.test('whoever waits until it is ready is told', async (t) => {
  for (const [env, lines] of [
    [{}, 0],
    [{ NOTIFY_SOCKET: '/run/notify', PATH: '/nowhere' }, 1],
  ] as const) {
    const io = fakeIo([], { env });
    const log = createLog('info', 'json', io.stderr);
    await tellReady(io, log);
    t.equal(io.written.err.split('systemd-notify').length - 1, lines);
  }
});
