/** The command as a user meets it: exit status, what it says and where, signals, and the bundle. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { closeFrame, encodeFrames } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type LogLine,
  BUNDLE,
  runTwist,
  startServing,
  startTwist,
  TwistProcess,
} from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';
import { echoOf, openWs } from '../fixtures/ws-client.js';

t.setTimeout(120_000);

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Flags that make a server loggable and keep it off fixed ports. */
const JSON_LOG = ['--log-format', 'json'] as const;

t.test('questions are answered on standard output', async (t) => {
  const answers: readonly (readonly [args: readonly string[], stdout: RegExp])[] = [
    [['--version'], new RegExp(`^twist ${version}\n$`)],
    [['--help'], /^Usage: twist COMMAND \[OPTIONS\]\n/],
    [[], /^Usage: twist COMMAND \[OPTIONS\]\n/],
    [['serve', '--help'], /^Usage: twist serve MODE \[OPTIONS\]\n[^]*--echo[^]*Topics: /],
    [['serve', '--help', 'all'], /^Listen: [^]*--echo[^]*TWIST_MAX_MESSAGE/],
    [['help', 'limits'], /^Limits: [^]*TWIST_MAX_MESSAGE/],
    [['config'], /^Usage: twist config COMMAND \[OPTIONS\]\n/],
    [['config', 'check', '--echo'], /^configuration is valid/],
  ];
  for (const [args, stdout] of answers) {
    t.match(
      await runTwist(t, { args }),
      { ending: 0, stdout, stderr: '' },
      `twist ${args.join(' ')}`,
    );
  }
});

/** One sentence about what is wrong, with nothing else around it. */
async function assertRefusesToStart(
  t: Test,
  args: readonly string[],
  ending: number,
  sentence: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const outcome = await runTwist(t, { args, env });
  const isJson = outcome.stderr.startsWith('{');
  t.equal(isJson, args.includes('json'), 'JSON where the log is to be JSON');
  const stderr = isJson
    ? `twist: ${(JSON.parse(outcome.stderr) as LogLine).msg}\n`
    : outcome.stderr;
  t.strictSame(
    { ...outcome, stderr },
    { ending, stdout: '', stderr: `twist: ${sentence}\n` },
    `twist ${args.join(' ')}`,
  );
}

t.test('wrong usage is one sentence and exit status 2', async (t) => {
  const size = 'give a size from 125 bytes to 1g, such as 64k or 16m';
  const cases: readonly (readonly [args: readonly string[], sentence: string])[] = [
    [['--bogus'], "unknown option '--bogus'; see twist --help"],
    [
      ['serve'],
      'choose a mode: --echo, --tcp TARGET, --token-file PATH, --mode FILE, --replay FILE, --record FILE or --route PATH=MODE; see twist serve --help',
    ],
    [['serve', '--ecko'], "unknown option '--ecko'; did you mean --echo?"],
    [['serve', '--echo=yes'], '--echo takes no value; see twist serve --help'],
    [['serve', '--echo', 'extra'], 'unexpected argument "extra"; see twist serve --help'],
    [
      ['serve', '--echo', '--max-message'],
      `--max-message needs a value: ${size}; see twist serve --help`,
    ],
    [['serve', '--echo', '--max-message', '1x'], `--max-message cannot be "1x": ${size}`],
    [
      ['serve', '--echo', '--output-pause', '1g'],
      '--output-pause cannot be "1g": it must be at most --output-limit, which is 16m by default',
    ],
    [
      ['serve', '--echo', '--listen', '127.0.0.1:65536'],
      '--listen cannot be "127.0.0.1:65536": give PORT, HOST:PORT, [IPV6]:PORT, :PORT (every ' +
        'address) or systemd, any of them after wss:// or ws://, or unix:PATH, with a port from 0 to 65535',
    ],
  ];
  for (const [args, sentence] of cases) await assertRefusesToStart(t, args, 2, sentence);
});

t.test('a bad configuration is one sentence and exit status 78', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.json');
  const serve = ['serve', '--config', file];
  const contents: readonly (readonly [content: string, sentence: string])[] = [
    ['{"ecko": true}', `${file} has an unknown key "ecko"; did you mean echo?`],
    ['[]', `${file} must hold one JSON object, { ... }`],
    [
      '{"echo": true, "maxMessage": "1x"}',
      `maxMessage in ${file} cannot be "1x": give a size from 125 bytes to 1g, such as 64k or 16m`,
    ],
  ];
  for (const [content, sentence] of contents) {
    writeFileSync(file, content);
    await assertRefusesToStart(t, serve, 78, sentence);
  }
  writeFileSync(file, '{"ecko": true}');
  await assertRefusesToStart(t, ['config', 'check', '-c', file], 78, contents[0]![1]);
  writeFileSync(file, '{"echo": true,,}');
  const { ending, stderr } = await runTwist(t, { args: serve });
  t.equal(ending, 78, 'not JSON');
  t.match(stderr, new RegExp(`^twist: ${file}, line 1, column \\d+: [^\n]+\n$`), 'says where');
  await assertRefusesToStart(
    t,
    ['serve', '--echo', '-c', `${file}.not`],
    78,
    `--config cannot be "${file}.not": there is no such file`,
  );
  await assertRefusesToStart(
    t,
    ['serve', '--echo'],
    78,
    'TWIST_MAX_MESSAGE cannot be "x": give a size from 125 bytes to 1g, such as 64k or 16m',
    { TWIST_MAX_MESSAGE: 'x' },
  );
});

t.test('an address that cannot be had is one sentence and exit status 1', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await assertRefusesToStart(
    t,
    ['serve', '--echo', '--listen', `127.0.0.1:${port}`],
    1,
    `cannot listen on 127.0.0.1:${port}: the address is in use already`,
  );

  const dir = makeTempDir(t);
  const file = path.join(dir, 'file');
  writeFileSync(file, 'mine');
  const socket = path.join(dir, 'socket');
  await assertRefusesToStart(
    t,
    // All or nothing: what could be had is given back.
    ['serve', '--echo', '--listen', `unix:${socket}`, '--listen', `unix:${file}`, ...JSON_LOG],
    1,
    `cannot listen on unix:${file}: the file exists and is not a socket`,
  );
  t.equal(readFileSync(file, 'utf8'), 'mine', 'the file is untouched');
  t.notOk(existsSync(socket), 'the socket is gone');
});

/** Sends a text to a URL and waits for its echo. */
async function echo(t: Test, url: string, text: string): Promise<void> {
  const socket = await openWs(t, url);
  t.equal(await echoOf(socket, text), text, `echo from ${url}`);
  socket.close(1000);
  await within(once(socket, 'close'), 'the end');
}

t.test('it listens on all addresses it is given', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.sock');
  const listen = ['127.0.0.1:0', ':0', `unix:${file}`];
  const twist = await startServing(t, {
    args: ['serve', '--echo', ...JSON_LOG, ...listen.flatMap((each) => ['--listen', each])],
  });
  await twist.waitForLogs(({ msg }) => msg === 'listening', listen.length);
  const [loopback, every, unix] = twist.listening.map(({ address }) => String(address));
  t.match(loopback, /^ws:\/\/127\.0\.0\.1:[1-9]\d*$/, 'the port it really got');
  t.match(every, /^ws:\/\/(\[::\]|0\.0\.0\.0):[1-9]\d*$/, 'the port it really got');
  t.equal(unix, `unix:${file}`, 'the path');
  t.strictSame(
    twist.listening.map(({ mode }) => mode),
    ['echo', 'echo', 'echo'],
    'each line names the mode',
  );
  await echo(t, loopback!, 'loopback');
  await echo(t, `ws://127.0.0.1:${new URL(every!).port}`, 'every address');
  await echo(t, `ws+unix:${file}:/path`, 'Unix socket');
  t.match(
    await twist.waitForLog(({ path }) => path === '/path'),
    { peer: 'unix', code: 1000 },
    'the log says so',
  );
  t.equal(await twist.stop(), 0, 'a good end');
  t.notOk(existsSync(file), 'the socket is removed');
});

t.test('a Unix socket: stale ones are removed, live ones are refused', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.sock');
  const args = ['serve', '--echo', ...JSON_LOG, '--listen', `unix:${file}`];
  const killed = await startServing(t, { args });
  t.equal(await killed.stop('SIGKILL'), 'SIGKILL', 'killed');
  t.ok(statSync(file).isSocket(), 'its socket is still there');

  const alive = await startServing(t, { args });
  await echo(t, `ws+unix:${file}:/`, 'in place of the stale one');
  await assertRefusesToStart(
    t,
    args,
    1,
    `cannot listen on unix:${file}: another server is listening there`,
  );
  await echo(t, `ws+unix:${file}:/`, 'still served');
  t.equal(await alive.stop(), 0, 'a good end');
});

/** The limit on messages that is in force, by the reason of the Close that exceeding it gets. */
async function messageLimit(t: Test, twist: TwistProcess): Promise<number> {
  const client = await connectRaw(t, twist.port);
  await client.open();
  client.send(encodeFrames([{ opcode: 2, length: 2n ** 40n }], true));
  await client.waitForEnd();
  return Number(/(\d+) bytes$/.exec(client.received.toString('latin1'))![1]);
}

t.test('flag before environment before file before default', async (t) => {
  const file = path.join(makeTempDir(t), 'twist.json');
  writeFileSync(
    file,
    JSON.stringify({ echo: true, listen: '127.0.0.1:0', logFormat: 'json', maxMessage: '3k' }),
  );
  const withFile = { TWIST_CONFIG: file };
  const withBoth = { ...withFile, TWIST_MAX_MESSAGE: '2k' };
  const cases: readonly (readonly [
    what: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    limit: number,
  ])[] = [
    ['the default', ['--echo', '--listen', '127.0.0.1:0', ...JSON_LOG], {}, 16 * 1024 ** 2],
    ['the file', ['--config', file], {}, 3072],
    ['the file, named by the environment', [], withFile, 3072],
    ['the environment', [], withBoth, 2048],
    ['the flag', ['--max-message', '1k'], withBoth, 1024],
  ];
  for (const [what, args, env, limit] of cases) {
    const twist = await startServing(t, { args: ['serve', ...args], env });
    t.equal(await messageLimit(t, twist), limit, what);
    await twist.kill();
  }
  const { stdout } = await runTwist(t, {
    args: ['config', 'print', '--max-fragments', '9', '-c', file],
    env: withBoth,
  });
  t.match(stdout, /^maxFragments +9 +--max-fragments$/m, 'config print names the flag');
  t.match(stdout, /^maxMessage +2k +TWIST_MAX_MESSAGE$/m, 'config print names the variable');
  t.match(stdout.replaceAll(file, 'FILE'), /^echo +true +FILE$/m, 'config print names the file');
  t.match(stdout, /^maxHeaders +100 +default$/m, 'config print names the default');
});

t.test('everything can come from the environment', async (t) => {
  const twist = await startServing(t, {
    args: ['serve'],
    env: {
      TWIST_ECHO: 'true',
      TWIST_LISTEN: '127.0.0.1:0',
      TWIST_LOG_FORMAT: 'json',
      TWIST_SUBPROTOCOL: 'none',
      TWIST_MAX_MESAGE: '1k',
    },
  });
  t.match(
    await twist.waitForLog(({ level }) => level === 'warn'),
    {
      msg: 'TWIST_MAX_MESAGE is not an option of twist and has no effect; did you mean TWIST_MAX_MESSAGE?',
    },
    'a variable that is no option is named',
  );
  const client = await connectRaw(t, twist.port);
  await client.open({ 'Sec-WebSocket-Protocol': 'chat' });
  t.pass('no subprotocol was selected');
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} sends everybody away and exits with 0`, async (t) => {
    const count = 30;
    const twist = await startTwist(t);
    const sockets = Array.from({ length: count }, () => new WebSocket(twist.url));
    const ends = sockets.map((socket) => once(socket, 'close') as Promise<[number, Buffer]>);
    await within(Promise.all(sockets.map((socket) => once(socket, 'open'))), 'the connections');
    t.equal(await twist.stop(signal), 0, 'exit status');
    const reason = 'the server is shutting down';
    t.strictSame(
      (await Promise.all(ends)).map(([code, text]) => [code, text.toString()]),
      Array.from({ length: count }, () => [1001, reason]),
      'each peer is told',
    );
    t.match(
      twist.log.filter(({ msg }) => msg === 'session ended'),
      Array.from({ length: count }, () => ({ closedBy: 'server', code: 1001, reason })),
      'the log says so',
    );
    t.equal(twist.log.find(({ msg }) => msg === 'stopping')?.['connections'], count, 'stopping');
    t.equal(twist.log.at(-1)?.msg, 'stopped', 'the last line');
  });
}

/** A server with a session whose client answers no Close. */
async function startWithUnresponsiveClient(
  t: Test,
  flags: readonly string[],
): Promise<{ twist: TwistProcess; client: RawClient }> {
  const twist = await startTwist(t, flags);
  const client = await connectRaw(t, twist.port);
  await client.open();
  return { twist, client };
}

const SENT_AWAY = encodeFrames([closeFrame(1001, 'the server is shutting down')], false);

/**
 * Newcomers get 503 until the listener is closed, which is when nobody waits there any more; then they are refused.
 * Linux resets those who come between the two.
 */
async function nobodyGetsIn(t: Test, twist: TwistProcess): Promise<void> {
  for (;;) {
    const late = await connectRaw(t, twist.port).catch((error: unknown) => error);
    if (!(late instanceof RawClient)) {
      t.match(late, { code: 'ECONNREFUSED' }, 'nobody else gets in');
      return;
    }
    late.send(upgradeText());
    await late.waitForEnd();
    if (late.received.length > 0) {
      t.equal(late.received.toString('latin1', 0, 12), 'HTTP/1.1 503');
    }
  }
}

t.test('a second signal stops at once, with exit status 1', async (t) => {
  // Only the second signal can end this before the test gives up.
  const patience = ['--drain-timeout', '10m', '--close-timeout', '10m'];
  const { twist, client } = await startWithUnresponsiveClient(t, patience);
  twist.signal('SIGTERM');
  await client.waitForBytes(SENT_AWAY.length);
  t.strictSame(client.received, Buffer.from(SENT_AWAY), 'the client is told');
  await nobodyGetsIn(t, twist);
  t.ok(twist.isRunning, 'it waits for the client');
  t.equal(await twist.stop('SIGTERM'), 1, 'exit status');
  t.match(
    await twist.waitForPeer(client),
    { closedBy: 'server', code: 1001, rule: 'shutdown' },
    'the log says so',
  );
});

t.test('who does not answer is dropped when the time is over', async (t) => {
  const cases = [
    [['--drain-timeout', '300ms', '--close-timeout', '10m'], 'shutdown'],
    [['--drain-timeout', '10m', '--close-timeout', '300ms'], 'close-timeout'],
  ] as const;
  for (const [flags, rule] of cases) {
    const { twist, client } = await startWithUnresponsiveClient(t, flags);
    t.equal(await twist.stop(), 0, 'exit status');
    t.match(await twist.waitForPeer(client), { code: 1001, rule }, flags.join(' '));
  }
});

t.test('SIGHUP without a terminal changes nothing', async (t) => {
  const twist = await startTwist(t);
  twist.signal('SIGHUP');
  await twist.waitForLog(({ msg }) => msg === 'reloaded: nothing has changed');
  await echo(t, twist.url, 'still here');
  t.equal(await twist.stop(), 0, 'a good end');
});

t.test('a signal right behind the line that says "listening" is not lost', async (t) => {
  for (let round = 0; round < 5; round++) {
    const twist = await startTwist(t);
    t.equal(await twist.stop(), 0, 'exit status');
  }
});

t.test('the bundle is all that is needed', async (t) => {
  const script = path.join(makeTempDir(t), 'twist.cjs');
  copyFileSync(BUNDLE, script);
  t.strictSame(
    await runTwist(t, { script, args: ['--version'] }),
    { ending: 0, stdout: `twist ${version}\n`, stderr: '' },
    'it starts without node_modules and package.json',
  );
  const twist = await startTwist(t, [], { script });
  await echo(t, twist.url, 'from the bundle');
  t.equal(await twist.stop(), 0, 'a good end');
});

t.test('a pretty log comes out of the bundle too', async (t) => {
  const twist = new TwistProcess({
    args: ['serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'pretty'],
  });
  t.teardown(() => twist.kill());
  await eventually(() => twist.stderr.includes('\n'), 'a line of the log');
  t.match(twist.stderr, /listening address=ws:\/\/127\.0\.0\.1:\d+ mode=echo\n$/, 'for people');
  const [url] = /ws:\S+/.exec(twist.stderr)!;
  await echo(t, url, 'pretty');
  t.equal(await twist.stop(), 0, 'a good end');
});

t.test(
  'whatever writes to standard output says so when it cannot',
  { skip: !existsSync('/dev/full') && 'no /dev/full' },
  (t) => {
    for (const args of [
      ['--help'],
      ['--version'],
      ['serve', '--help'],
      ['help', 'all'],
      ['config', 'print'],
      ['config', 'print', '--json'],
      ['config', 'check', '--echo'],
    ]) {
      const run = (redirection: string): object => {
        const command = `"$0" "$@" ${redirection}`;
        const shell = ['-c', command, process.execPath, path.resolve('bin/twist.js'), ...args];
        const { status, stderr } = spawnSync('sh', shell, { encoding: 'utf8', env: {} });
        return { status, stderr };
      };
      const failure = {
        status: 1,
        stderr: 'twist: cannot write standard output: the disk is full\n',
      };
      t.strictSame(run('> /dev/full'), failure, args.join(' '));
      t.strictSame(run('| true'), { status: 0, stderr: '' }, 'nobody who reads is no failure');
    }
    t.end();
  },
);
