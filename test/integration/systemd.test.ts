/** Under systemd, as far as its own commands go without it: sockets that it passes on, and word that the server is ready. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { findCommands, findPort } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { COMMAND, TwistProcess, runTwist, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';
import { echoOf, openWs } from '../fixtures/ws-client.js';

t.setTimeout(120_000);

const SERVE = ['serve', '--echo', '--log-format', 'json', '--drain-timeout', '2s'] as const;

/** A process that takes the place of the one that listens when the first client comes. */
async function activate(
  t: Test,
  activator: string,
  sockets: readonly string[],
  args: readonly string[],
): Promise<TwistProcess> {
  const twist = new TwistProcess({ command: [activator, ...sockets, ...COMMAND], args });
  t.teardown(() => twist.kill());
  const count = sockets.filter((word) => word === '--listen').length;
  await within(
    (async (): Promise<void> => {
      while (twist.stderr.split('Listening on').length <= count)
        await new Promise((resolve) => setTimeout(resolve, 10));
    })(),
    'the sockets',
  );
  return twist;
}

async function echo(t: Test, url: string, message: string): Promise<string> {
  return await echoOf(await openWs(t, url), message);
}

t.test('clients wait for the server that they start', async (t) => {
  const [activator] = findCommands(t, ['systemd-socket-activate']) ?? [];
  if (activator === undefined) return;
  for (const flags of [[], ['--workers', '2']]) {
    const port = await findPort();
    const file = path.join(makeTempDir(t), 'twist.sock');
    const sockets = ['--listen', `127.0.0.1:${port}`, '--listen', file];
    const twist = await activate(t, activator, sockets, [
      ...SERVE,
      '--listen',
      'systemd',
      ...flags,
    ]);
    const urls = [`ws://127.0.0.1:${port}/`, `ws+unix:${file}:/`];
    for (const url of urls) t.equal(await echo(t, url, url), url);
    // Of several workers the first may serve before all of them listen.
    const listening = await twist.waitForLogs(({ msg }) => msg === 'listening', 2);
    t.match(
      listening.map(({ address }) => address),
      [`ws://127.0.0.1:${port}`, /^systemd:/],
    );
    t.equal(await twist.stop(), 0);
    const peers = twist.log.flatMap(({ msg, peer }) => (msg === 'session ended' ? [peer] : []));
    t.match(peers.sort(), [/^127\.0\.0\.1:/, 'unix']);
  }
});

t.test('sockets by their names', async (t) => {
  const [activator] = findCommands(t, ['systemd-socket-activate']) ?? [];
  if (activator === undefined) return;
  const ports = [await findPort(), await findPort()];
  const sockets = [
    ...ports.flatMap((port) => ['--listen', `127.0.0.1:${port}`]),
    '--fdname=one:two',
  ];
  const args = [...SERVE, '--listen', 'systemd:two', '--listen', '127.0.0.1:0'];
  const twist = await activate(t, activator, sockets, args);
  t.equal(await echo(t, `ws://127.0.0.1:${ports[1]}`, 'two'), 'two');
  t.match(
    twist.log.filter(({ level }) => level === 'warn'),
    [{ names: ['one'], msg: /nothing listens on/ }],
  );
  t.equal(await twist.stop(), 0);
});

t.test('without sockets it does not start', async (t) => {
  for (const flags of [[], ['--workers', '2']]) {
    const outcome = await runTwist(t, {
      args: ['serve', '--echo', '--listen', 'systemd', ...flags],
    });
    t.strictSame(outcome, {
      ending: 1,
      stdout: '',
      stderr:
        'twist: cannot listen on systemd: systemd has passed no socket to this process; is the socket unit started?\n',
    });
  }
});

/** Receives datagrams, as systemd does, and writes each as a line of JSON. */
const NOTIFIED = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)`;

t.test('systemd is told once all listen', async (t) => {
  if (findCommands(t, ['systemd-notify', 'python3']) === null) return;
  for (const flags of [[], ['--workers', '2']]) {
    const file = path.join(makeTempDir(t), 'notify');
    const systemd = spawn('python3', ['-c', NOTIFIED, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => {
      systemd.kill('SIGKILL');
    });
    const lines = createInterface({ input: systemd.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const line = await within(lines.next(), 'a datagram');
      return JSON.parse(line.done === true ? 'null' : line.value) as unknown;
    };
    t.equal(await next(), 'bound');
    const twist = await startTwist(t, flags, { env: { NOTIFY_SOCKET: file } });
    t.match(await next(), /^READY=1$/m);
    t.equal(await twist.stop(), 0);
    t.notMatch(twist.stderr, 'does not know');
  }
});
