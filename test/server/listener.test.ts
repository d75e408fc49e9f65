import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type Server as NetServer, type Socket, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import type { ListenerKind } from '../../src/connection/socket.js';
import { ConfigError } from '../../src/errors.js';
import {
  type BindAddress,
  type Listener,
  closeWhenQuiet,
  listen,
} from '../../src/server/listener.js';
import { setUnixMode } from '../../src/server/unix-socket.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

const ANY_PORT: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

async function start(
  t: Test,
  address: BindAddress,
  onConnection: (socket: Socket, kind: ListenerKind) => void = (socket) => socket.destroy(),
): Promise<Listener> {
  const listener = await listen(address, onConnection);
  t.teardown(() => listener.server.close());
  return listener;
}

const portOf = ({ url }: Listener): number => Number(new URL(url).port);

const socketPath = (t: Test): string => path.join(makeTempDir(t), 'twist.sock');

/** A socket file with nobody behind it, as a killed server leaves it. */
function leaveStale(file: string): void {
  const script =
    'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  // Without tap's hooks: the process is killed before they could write anything.
  spawnSync(process.execPath, ['-e', script, file], { env: {} });
  t.ok(lstatSync(file).isSocket());
}

t.test('port 0: the URL has the port that it really got', async (t) => {
  const accepted: Socket[] = [];
  const listener = await start(t, ANY_PORT, (socket, kind) => {
    accepted.push(socket);
    t.equal(kind, 'tcp');
  });
  t.match(listener.url, /^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
  t.strictSame(listener.server.address(), {
    address: '127.0.0.1',
    family: 'IPv4',
    port: portOf(listener),
  });
  const client = await connectRaw(t, portOf(listener));
  await eventually(() => accepted.length === 1, 'the connection');
  t.equal(accepted[0]!.remotePort, client.port);
});

t.test('who can reach a listener', async (t) => {
  const kindAt = async (address: BindAddress, host?: string): Promise<string> => {
    const kinds: string[] = [];
    const listener = await listen(address, (socket, kind, isLoopback) => {
      socket.destroy();
      kinds.push(isLoopback ? `${kind} loopback` : kind);
    });
    t.teardown(() => listener.server.close());
    connect(
      address.kind === 'unix' ? { path: address.path } : { port: portOf(listener), host: host! },
    ).on('error', () => undefined);
    await eventually(() => kinds.length > 0, 'the connection');
    return kinds[0]!;
  };
  const tcp = (host: string | null): BindAddress => ({ kind: 'tcp', host, port: 0 });
  t.equal(await kindAt(tcp('127.0.0.1'), '127.0.0.1'), 'tcp loopback');
  t.equal(await kindAt(tcp('127.1.2.3'), '127.1.2.3'), 'tcp loopback');
  t.equal(await kindAt(tcp('localhost'), 'localhost'), 'tcp loopback', 'a name that leads there');
  t.equal(await kindAt(tcp('0.0.0.0'), '127.0.0.1'), 'tcp', 'whatever address it is reached by');
  t.equal(await kindAt(tcp(null), '127.0.0.1'), 'tcp');
  t.equal(await kindAt({ kind: 'unix', path: socketPath(t) }), 'unix');
  if (!hasIpv6) return;
  t.equal(await kindAt(tcp('::1'), '::1'), 'tcp loopback');
  t.equal(await kindAt(tcp('::ffff:127.0.0.1'), '127.0.0.1'), 'tcp loopback');
  t.equal(await kindAt(tcp('::'), '::1'), 'tcp');
});

t.test('accepted sockets: half-open, and drained when all was taken', async (t) => {
  const accepted: Socket[] = [];
  const listener = await start(t, ANY_PORT, (socket) => accepted.push(socket));
  await connectRaw(t, portOf(listener));
  await eventually(() => accepted.length === 1, 'the connection');
  const [socket] = accepted;
  t.equal(socket!.allowHalfOpen, true);
  t.equal(socket!.writableHighWaterMark, 1);
});

t.test(
  'an IPv6 address stands in brackets',
  { skip: hasIpv6 ? false : 'no IPv6 here' },
  async (t) => {
    const listener = await start(t, { kind: 'tcp', host: '::1', port: 0 });
    t.match(listener.url, /^ws:\/\/\[::1\]:[1-9]\d*$/);
  },
);

t.test('no host is every address', async (t) => {
  const listener = await start(t, { kind: 'tcp', host: null, port: 0 });
  t.match(listener.url, hasIpv6 ? /^ws:\/\/\[::\]:[1-9]\d*$/ : /^ws:\/\/.*:[1-9]\d*$/);
  await connectRaw(t, portOf(listener));
});

t.test('a port that is taken', async (t) => {
  const { url } = await start(t, ANY_PORT);
  const port = Number(new URL(url).port);
  await t.rejects(
    listen({ ...ANY_PORT, port }, () => undefined),
    {
      code: 'EADDRINUSE',
      address: '127.0.0.1',
      port,
    },
  );
});

t.test('a Unix socket', async (t) => {
  const file = socketPath(t);
  const kinds: ListenerKind[] = [];
  const listener = await start(t, { kind: 'unix', path: file }, (socket, kind) => {
    kinds.push(kind);
    socket.destroy();
  });
  t.equal(listener.url, `unix:${file}`);
  await once(connect(file).resume(), 'close');
  t.strictSame(kinds, ['unix']);
  listener.server.close();
  await eventually(() => !existsSync(file), 'the file to go with its server');
});

/** Permissions of a file, as `stat` shows them. */
const modeOf = (file: string): string => (lstatSync(file).mode & 0o777).toString(8);

t.test('a Unix socket gets the mode that is asked for, whatever the umask', async (t) => {
  const before = process.umask(0o022);
  t.teardown(() => process.umask(before));
  for (const mask of [0o000, 0o077, 0o027]) {
    process.umask(mask);
    for (const mode of [0o660, 0o600, 0o666, 0o777]) {
      const file = socketPath(t);
      const listener = await listen(
        { kind: 'unix', path: file },
        (socket) => socket.destroy(),
        mode,
      );
      t.equal(modeOf(file), mode.toString(8));
      t.equal(process.umask(mask), mask, 'the umask is what it was');
      await once(connect(file).resume(), 'close');
      listener.server.close();
    }
    const file = socketPath(t);
    await start(t, { kind: 'unix', path: file });
    t.equal(modeOf(file), (0o777 & ~mask).toString(8), 'without one the umask decides');
  }
});

t.test('nobody else can connect before it has its mode', async (t) => {
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  const file = socketPath(t);
  const seen: string[] = [];
  const opened = listen({ kind: 'unix', path: file }, (socket) => socket.destroy(), 0o666);
  // The socket is bound in a later turn: it is looked at as soon as it is there, and before 'listening'.
  while (!existsSync(file)) await Promise.resolve();
  seen.push(modeOf(file));
  const { server } = await opened;
  seen.push(modeOf(file));
  server.close();
  t.strictSame(seen, ['600', '666']);
});

t.test('a mode that cannot be had: the socket is not left open', async (t) => {
  const { server } = await start(t, { kind: 'unix', path: socketPath(t) });
  t.throws(() => {
    setUnixMode(server, '/nowhere/twist.sock', 0o660);
  }, new ConfigError('cannot listen on unix:/nowhere/twist.sock with the mode 0660: there is no such file'));
  t.notOk(server.listening);
});

t.test('where no umask can be set the socket is bound all the same', async (t) => {
  const { bindPrivately } = await t.mockImport<{ bindPrivately: (bind: () => unknown) => void }>(
    '../../src/server/unix-socket.js',
    {
      'node:process': {
        umask: () => {
          throw new Error('ERR_WORKER_UNSUPPORTED_OPERATION');
        },
      },
    },
  );
  let count = 0;
  bindPrivately(() => count++);
  t.equal(count, 1);
});

t.test('a stale Unix socket is removed', async (t) => {
  const file = socketPath(t);
  leaveStale(file);
  const listener = await start(t, { kind: 'unix', path: file });
  t.ok(listener.server.listening);
  await once(connect(file).resume(), 'close');
});

t.test('a live Unix socket is refused, and goes on working', async (t) => {
  const file = socketPath(t);
  let acceptedCount = 0;
  const other: NetServer = createServer((socket) => {
    acceptedCount += 1;
    socket.destroy();
  });
  t.teardown(() => other.close());
  other.listen(file);
  await once(other, 'listening');
  await t.rejects(
    listen({ kind: 'unix', path: file }, () => undefined),
    new ConfigError(`cannot listen on unix:${file}: another server is listening there`),
  );
  await once(connect(file).resume(), 'close');
  t.ok(acceptedCount >= 1);
});

t.test('a live Unix socket whose backlog is full is refused too', async (t) => {
  const file = socketPath(t);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ path: workerData.file, backlog: 1 }, () => {
      parentPort.postMessage('listening');
      // Accepts nobody until it is told to go.
      Atomics.wait(workerData.gate, 0, 0);
      server.close();
      process.exit();
    });`;
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(script, { eval: true, workerData: { file, gate } });
  t.teardown(async () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await worker.terminate();
  });
  await once(worker, 'message');
  let isFull = false;
  while (!isFull) {
    const client = connect(file);
    t.teardown(() => client.destroy());
    isFull = await new Promise((resolve) => {
      client.on('connect', () => {
        resolve(false);
      });
      client.on('error', () => {
        resolve(true);
      });
    });
  }
  await t.rejects(
    listen({ kind: 'unix', path: file }, () => undefined),
    new ConfigError(`cannot listen on unix:${file}: another server is listening there`),
  );
  t.ok(lstatSync(file).isSocket(), 'it is still there');
});

t.test('what is no socket is refused, and left alone', async (t) => {
  const directory = makeTempDir(t);
  writeFileSync(path.join(directory, 'file'), 'precious');
  mkdirSync(path.join(directory, 'directory'));
  symlinkSync('file', path.join(directory, 'link'));
  for (const name of ['file', 'directory', 'link']) {
    const taken = path.join(directory, name);
    await t.rejects(
      listen({ kind: 'unix', path: taken }, () => undefined),
      new ConfigError(`cannot listen on unix:${taken}: the file exists and is not a socket`),
    );
    t.ok(existsSync(taken), name);
  }
});

t.test('a directory that does not exist', async (t) => {
  const file = path.join(makeTempDir(t), 'nowhere', 'twist.sock');
  await t.rejects(listen({ kind: 'unix', path: file }, () => undefined));
  t.notOk(existsSync(file));
});

t.test('a path that is too long is refused, where the system would cut it', async (t) => {
  const directory = makeTempDir(t);
  const pathOf = (bytes: number): string =>
    path.join(directory, 'ü'.padEnd(bytes - Buffer.byteLength(directory) - 2, 'x'));
  const longest = pathOf(107);
  t.equal(Buffer.byteLength(longest), 107);
  await start(t, { kind: 'unix', path: longest });
  t.ok(existsSync(longest));
  const tooLong = pathOf(108);
  await t.rejects(
    listen({ kind: 'unix', path: tooLong }, () => undefined),
    new ConfigError(`cannot listen on unix:${tooLong}: the path is too long for a Unix socket`),
  );
  t.strictSame(readdirSync(directory), [path.basename(longest)]);
});

t.test('a Unix socket in a directory that is not there', async (t) => {
  const directory = path.join(makeTempDir(t), 'nowhere');
  const file = path.join(directory, 'x.sock');
  await t.rejects(
    listen({ kind: 'unix', path: file }, () => undefined),
    new ConfigError(`cannot listen on unix:${file}: there is no directory ${directory}`),
    'which libuv tells as a lack of permission',
  );
  const plain = path.join(makeTempDir(t), 'file');
  writeFileSync(plain, '');
  for (const [below, reason] of [
    [`${plain}/x.sock`, `${plain} is not a directory`],
    [`${plain}/y/x.sock`, `${plain}/y cannot be looked into (ENOTDIR)`],
  ] as const) {
    await t.rejects(
      listen({ kind: 'unix', path: below }, () => undefined),
      new ConfigError(`cannot listen on unix:${below}: ${reason}`),
    );
  }
});

t.test('a flood of newcomers puts off the end for its time at most', async (t) => {
  let nowMs = 0;
  t.intercept(performance, 'now', { value: () => nowMs });
  let isClosed = false;
  const server = { close: () => (isClosed = true) } as unknown as NetServer;
  let accepted = 0;
  const flood = (): number => {
    nowMs += 100;
    return ++accepted;
  };
  await closeWhenQuiet([{ server, outlivesUs: false }], flood, 1000);
  t.ok(isClosed);
  t.equal(accepted, 10);
});
