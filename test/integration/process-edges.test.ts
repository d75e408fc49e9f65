/** What comes from outside beside the network: readers of the log that stop reading, signals, terminals that go. */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { encodeFrames, textFrame } from '../fixtures/frames.js';
import { HASH, PASSWORD } from '../fixtures/password-hashes.js';
import { RawClient } from '../fixtures/raw-client.js';
import { findCommands } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type LogLine, runTwist, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const SCRIPT = fileURLToPath(new URL('../../bin/twist.js', import.meta.url));
const onLinux = { skip: process.platform === 'linux' ? false : 'needs mkfifo and /proc' };
/** A server whose log goes into a pipe that nobody reads, unless the test does. */
class Unread {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  /** What was read of the log. */
  text = '';
  readonly #test: Test;
  readonly #socketPath: string;
  readonly #reader: number;
  readonly #writer: number;

  constructor(t: Test, format: 'json' | 'pretty') {
    this.#test = t;
    const directory = makeTempDir(t);
    this.#socketPath = path.join(directory, 'twist.sock');
    const pipe = path.join(directory, 'log');
    spawnSync('mkfifo', [pipe]);
    this.#reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#writer = openSync(pipe, constants.O_WRONLY);
    const args = [
      'serve',
      '--echo',
      '--listen',
      `unix:${this.#socketPath}`,
      '--log-format',
      format,
      // What is lost is lost for the reader's sake alone.
      ...['--max-log-rate', 'off'],
    ];
    this.child = spawn('env', ['-i', process.execPath, SCRIPT, ...args], {
      stdio: ['ignore', 'pipe', this.#writer],
    });
    this.ended = once(this.child, 'exit');
    t.teardown(() => {
      this.child.kill('SIGKILL');
      closeSync(this.#reader);
      closeSync(this.#writer);
    });
  }

  async connect(): Promise<RawClient> {
    const socket = connect({ path: this.#socketPath, allowHalfOpen: true });
    this.#test.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  async ready(): Promise<void> {
    await eventually(() => existsSync(this.#socketPath), 'the server');
  }

  /** So many refused handshakes, which make a line each. */
  async refuse(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const client = await this.connect();
      client.send('GET / HTTP/1.1\r\n\r\n');
      await client.waitForEnd();
      client.socket.destroy();
    }
  }

  /** Reads what is there. */
  read(): void {
    const bytes = Buffer.alloc(65_536);
    try {
      for (;;) {
        const count = readSync(this.#reader, bytes);
        if (count === 0) return;
        this.text += bytes.toString('utf8', 0, count);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }

  async readUntil(isThere: () => boolean, what: string): Promise<void> {
    await eventually(() => {
      this.read();
      return isThere();
    }, what);
  }

  get lines(): LogLine[] {
    return this.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine);
  }
}

for (const format of ['json', 'pretty'] as const) {
  t.test(`a log that nobody reads stops nothing: ${format}`, onLinux, async (t) => {
    const server = new Unread(t, format);
    await server.ready();
    const bystander = await server.connect();
    await bystander.open();
    await server.refuse(1000);
    bystander.send(encodeFrames([textFrame('hello')], true));
    await bystander.waitForBytes(7);
    server.child.kill('SIGTERM');
    bystander.socket.destroy();
    const [code, signal] = await within(server.ended, 'the end');
    t.strictSame([code, signal], [0, null]);
  });
}

t.test('what is lost is counted, and told when the log is read again', onLinux, async (t) => {
  const server = new Unread(t, 'json');
  await server.ready();
  const count = 9000;
  await server.refuse(count);
  await server.readUntil(() => server.text.includes('were lost'), 'the count');
  const refused = server.lines.filter(({ msg }) => msg.startsWith('handshake refused'));
  const [lost] = server.lines.filter(({ msg }) => msg.includes('were lost'));
  t.match(lost, { level: 'warn' });
  t.ok(refused.length > 1000, 'a megabyte of them waited');
  t.equal(refused.length + Number(lost!['lines']), count, 'every line was read or counted');
  await server.refuse(10);
  await server.readUntil(
    () => server.text.split('handshake refused').length > refused.length + 10,
    'more',
  );
  t.equal(server.lines.filter(({ msg }) => msg.includes('were lost')).length, 1);
});

t.test(
  'the last lines of a process that ends reach a reader who comes back',
  onLinux,
  async (t) => {
    const server = new Unread(t, 'json');
    await server.ready();
    await server.refuse(1000);
    server.child.kill('SIGTERM');
    await server.readUntil(() => server.text.includes('"stopped"'), 'the last line');
    const [code] = await within(server.ended, 'the end');
    t.equal(code, 0);
    t.equal(server.lines.filter(({ msg }) => msg.startsWith('handshake refused')).length, 1000);
  },
);

t.test('a reader who is only slow loses nothing', onLinux, async (t) => {
  const server = new Unread(t, 'json');
  await server.ready();
  const count = 3000;
  const state = { isOver: false };
  const reading = (async () => {
    while (!state.isOver) {
      server.read();
      await sleep(5);
    }
  })();
  await server.refuse(count);
  state.isOver = true;
  await reading;
  await server.readUntil(() => server.text.split('handshake refused').length > count, 'all lines');
  t.equal(server.lines.filter(({ msg }) => msg.startsWith('handshake refused')).length, count);
  t.notMatch(server.text, /were lost/);
});

t.test('neither SIGUSR1 nor SIGUSR2 does anything', async (t) => {
  const twist = await startTwist(t);
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    twist.signal(signal);
    t.match(await twist.waitForLog((line) => line['signal'] === signal), {
      level: 'info',
      msg: 'signal ignored',
    });
  }
  t.notMatch(twist.stderr, /debugger/i);
  t.ok(twist.isRunning);
  t.equal(await twist.stop(), 0);
});

t.test('Node’s own warnings are lines of the log', async (t) => {
  const twist = await startTwist(t, [], {
    nodeArgs: [
      '--import',
      'data:text/javascript,setTimeout(() => process.emitWarning("careful"), 500)',
    ],
  });
  t.match(await twist.waitForLog(({ msg }) => msg === 'careful'), {
    level: 'warn',
    name: 'Warning',
  });
  t.notMatch(twist.stderr, /^\(node:/m);
});

t.test('--log-format json: what keeps a server from starting is JSON too', async (t) => {
  const json = ['--log-format', 'json'];
  for (const [args, ending, msg] of [
    [
      ['serve', '--echo', '--listen', '203.0.113.1:1', ...json],
      1,
      /^cannot listen on 203\.0\.113\.1:1/,
    ],
    [['serve', '--echo', '--config', '/nonexistent', ...json], 78, /there is no such file/],
    [['serve', ...json], 2, /mode/],
    [['serve', '--echo', '--log-format=json', '--max-message', 'x'], 2, /--max-message cannot be/],
    [['serve', '--nonsense', ...json], 2, /unknown option/],
  ] as const) {
    const { ending: status, stderr } = await runTwist(t, { args });
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine);
    t.equal(status, ending, args.join(' '));
    t.match(lines.at(-1), { level: 'fatal', msg, time: /Z$/ });
  }
  const env = { TWIST_LOG_FORMAT: 'json', TWIST_MAX_MESSAGE: 'x' };
  const { ending, stderr } = await runTwist(t, { args: ['serve', '--echo'], env });
  t.equal(ending, 78);
  t.match(JSON.parse(stderr), { level: 'fatal', msg: /TWIST_MAX_MESSAGE/ });
});

const TERMINAL = `
import os, pty, signal, subprocess, sys, time
master, slave = pty.openpty()
is_session = sys.argv[1] == 'hangup'
def own():
    os.setsid()
    if is_session:
        import fcntl, termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own)
os.close(slave)
text = b''
while b'listening' not in text: text += os.read(master, 4096)
os.close(master)
if not is_session:
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
print(child.wait(20))
`;

t.test('a terminal that goes', async (t) => {
  if (findCommands(t, ['python3']) === null) return;
  const statusOf = async (how: string): Promise<string> => {
    const serve = [process.execPath, SCRIPT, 'serve', '--echo', '--listen', '127.0.0.1:0'];
    const python = spawn(
      'env',
      ['-i', 'PATH=' + process.env['PATH']!, 'python3', '-c', TERMINAL, how, ...serve],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    python.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    await within(once(python, 'close'), 'the end');
    return text.trim();
  };
  t.equal(await statusOf('hangup'), '-1', 'ended by SIGHUP, as whoever closed it expects');
  t.equal(await statusOf('SIGTERM'), '0', 'a graceful stop later on');
});

t.test('no file that the server was given is served', async (t) => {
  const root = makeTempDir(t);
  const at = (name: string): string => path.join(root, name);
  mkdirSync(at('tokens'));
  writeFileSync(at('index.html'), 'the page');
  writeFileSync(at('users'), `ada:${HASH}\n`, { mode: 0o644 });
  writeFileSync(at('tokens/one'), 'a: 127.0.0.1:1\n');
  writeFileSync(at('mode.mjs'), 'export default { name: "m", message() {} };');
  writeFileSync(at('config.json'), '{}');
  const record = at('traffic.ndjson');
  const twist = await startServing(t, {
    args: [
      ...['serve', '--mode', at('mode.mjs'), '--static', root, '--listen', '127.0.0.1:0'],
      ...['--auth-file', at('users'), '--token-file', at('tokens'), '--config', at('config.json')],
      ...['--route', '/t=token', '--record', record, '--log-format', 'json'],
    ],
  });
  writeFileSync(`${record}.20261123T043105.123Z`, 'rotated');
  linkSync(at('users'), at('other-name.html'));
  const statusOf = async (name: string): Promise<number> => {
    const url = `http://127.0.0.1:${twist.port}/${name}`;
    const Authorization = `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`;
    return (await fetch(url, { headers: { Authorization } })).status;
  };
  t.equal(await statusOf(''), 200, 'the rest is');
  for (const name of [
    ...['users', 'other-name.html', 'tokens/one', 'mode.mjs', 'config.json', 'traffic.ndjson'],
    'traffic.ndjson.20261123T043105.123Z',
  ])
    t.equal(await statusOf(name), 404, name);
  t.ok(twist.log.some(({ msg }) => /--auth-file .* can be read by every user/.test(msg)));
});
