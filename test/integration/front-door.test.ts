/** Who comes in, and who takes whose place: the built command, with peers that reset, say nothing, or may not come. */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { binaryFrame, encodeFrames, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { RawClient } from '../fixtures/raw-client.js';
import { findCommands } from '../fixtures/service-process.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

const GOOD = '127.0.0.1';
const DENIED = '127.0.0.2';
const isLinux = process.platform === 'linux';
const onLinux = { skip: isLinux ? false : 'the loopback network has one address here' };

async function connectFrom(t: Test, port: number, localAddress: string): Promise<RawClient> {
  const socket = connect({ port, host: GOOD, localAddress, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** Opens a session and sees a message come back. */
async function isServed(t: Test, port: number, from = GOOD): Promise<boolean> {
  const client = await connectFrom(t, port, from);
  await client.open();
  client.send(encodeFrames([textFrame('hello')], true));
  await client.waitForBytes(7);
  client.socket.destroy();
  return true;
}

/** Connects, writes all, and resets: everything is there before the server accepts, which sleeps meanwhile. */
async function hitAndReset(port: number, from: string, bytes: Uint8Array): Promise<void> {
  const socket = connect({ port, host: GOOD, localAddress: from });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.resetAndDestroy();
}

async function whileStopped(twist: TwistProcess, act: () => Promise<void>): Promise<void> {
  twist.signal('SIGSTOP');
  try {
    await act();
  } finally {
    twist.signal('SIGCONT');
  }
}

t.test(
  'request, frames and reset at once from an address that may not connect',
  onLinux,
  async (t) => {
    const target = { connections: 0, bytes: 0 };
    const tcp = await startTarget(t, (socket: Socket) => {
      target.connections++;
      socket.on('data', ({ length }) => (target.bytes += length));
      socket.pipe(socket);
    });
    const bytes = Buffer.concat([
      Buffer.from(upgradeText()),
      encodeFrames([binaryFrame(new Uint8Array(64 * 1024))], true),
    ]);
    for (const rule of [
      ['--deny', DENIED],
      ['--allow', GOOD],
      ['--trust-proxy', DENIED, '--trust-proxy-header', 'proxy-protocol', '--allow', GOOD],
    ]) {
      const serve = ['serve', '--tcp', `127.0.0.1:${tcp.port}`, '--listen', '127.0.0.1:0'];
      const twist = await startServing(t, {
        args: [...serve, '--log-format', 'json', '--log-level', 'debug', ...rule],
      });
      target.connections = target.bytes = 0;
      for (let round = 0; round < 10; round++) {
        await whileStopped(twist, async () => {
          for (let index = 0; index < 10; index++) await hitAndReset(twist.port, DENIED, bytes);
        });
      }
      const dropped = await twist.waitForLogs(({ msg }) => msg.includes('reset before'), 100);
      t.equal(dropped.length, 100, 'all were there before they were accepted');
      t.ok(await isServed(t, twist.port), 'a client beside');
      t.strictSame(
        [target.connections, target.bytes],
        [1, 5],
        `${rule.join(' ')}: nothing of theirs`,
      );
      t.notOk(twist.stderr.includes('"peer":"unix"'));
      await twist.stop();
    }
  },
);

t.test(
  'a client that may connect and resets at once is none either, and no line of the log',
  onLinux,
  async (t) => {
    const twist = await startTwist(t, ['--max-connections-per-address', '3']);
    await whileStopped(twist, async () => {
      for (let index = 0; index < 50; index++)
        await hitAndReset(twist.port, GOOD, Buffer.from('PROXY UNKNOWN\r\n'));
    });
    t.ok(await isServed(t, twist.port));
    await twist.stop();
    t.strictSame(
      twist.log.filter(({ msg }) => msg.includes('refused')),
      [],
    );
  },
);

t.test('the health checks of HAProxy with send-proxy leave no line in the log', async (t) => {
  const commands = findCommands(t, ['haproxy']);
  if (commands === null) return;
  const twist = await startTwist(t, [
    ...['--trust-proxy', GOOD, '--trust-proxy-header', 'proxy-protocol'],
    ...['--log-level', 'debug'],
  ]);
  const probe = createServer().listen(0, GOOD);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  const file = path.join(makeTempDir(t), 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  mode tcp
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen front
  bind 127.0.0.1:${port}
  server twist 127.0.0.1:${twist.port} send-proxy check check-send-proxy inter 10ms
`,
  );
  const haproxy = spawn(commands[0], ['-f', file], { stdio: 'ignore' });
  t.teardown(() => haproxy.kill('SIGKILL'));
  // Long enough for a hundred checks; HAProxy says nowhere how many there were.
  await sleep(1500);
  const client = await connectFrom(t, port, GOOD);
  await client.open();
  client.socket.destroy();
  const line = await twist.waitForLog(({ msg }) => msg === 'session ended');
  t.equal(line['peer'], `127.0.0.1:${client.port}`, 'the client, as HAProxy tells it');
  t.strictSame(
    twist.log.filter(({ msg }) => msg.includes('refused')),
    [],
  );
});

t.test(
  'silent connections from an address that may not connect take no place',
  onLinux,
  async (t) => {
    const twist = await startTwist(t, ['--deny', DENIED, '--max-connections', '200']);
    const before = twist.countFds();
    const first = await connectFrom(t, twist.port, DENIED);
    for (let index = 0; index < 400; index++) await connectFrom(t, twist.port, DENIED);
    await first.waitForEnd();
    t.ok(twist.countFds() - before < 70, 'nor more than 64 descriptors');
    for (let index = 0; index < 3; index++) t.ok(await isServed(t, twist.port));
    const denied = await connectFrom(t, twist.port, DENIED);
    denied.send(upgradeText());
    await denied.waitForEnd();
    t.match(denied.received.toString(), /^HTTP\/1\.1 403 [^]*\r\n\r\naddress not allowed\n$/);
    t.match(await twist.waitForLog(({ msg }) => msg.startsWith('handshake refused')), {
      status: 403,
      rule: 'address',
      peer: `${DENIED}:${denied.port}`,
    });
  },
);

t.test('thousands that say nothing keep nobody out, whoever they are', onLinux, async (t) => {
  const twist = await startTwist(t, [
    ...['--max-connections', '500', '--listen', '127.0.0.1:0'],
    ...['--log-level', 'debug'],
  ]);
  const ports = twist.listening.map(({ address }) => Number(new URL(String(address)).port));
  const before = twist.countFds();
  const open = await connectFrom(t, twist.port, GOOD);
  await open.open();
  let flooders = 0;
  const flood = async (): Promise<void> => {
    const client = await connectFrom(t, ports[flooders % ports.length]!, '127.0.0.3');
    if (flooders++ % 2 === 0) client.send('GET / HTTP/1.1\r\nX: ');
  };
  for (let index = 0; index < 1500; index++) await flood();
  t.ok(twist.countFds() - before < 500 + 64 + 10, 'the limit is that of the process');
  for (const port of ports) t.ok(await isServed(t, port, '127.0.0.4'));
  for (let index = 0; index < 500; index++) {
    await flood();
    if (index % 100 === 0) t.ok(await isServed(t, twist.port, GOOD), 'in the middle of it');
  }
  open.send(encodeFrames([textFrame('still')], true));
  await open.waitForBytes(7);
  t.notOk(open.hasEnded, 'who has a session keeps it');
  const lines = twist.log.filter(({ msg }) => msg.startsWith('connections dropped'));
  t.ok(lines.length > 0 && lines.length < 30, 'the log tells, and is not flooded');
});

t.test('unfinished handshakes have limits of their own', onLinux, async (t) => {
  const twist = await startTwist(t, [
    '--max-handshakes',
    '30',
    '--max-handshakes-per-address',
    '10',
  ]);
  const before = twist.countFds();
  for (const from of ['127.0.0.3', '127.0.0.4'])
    for (let index = 0; index < 40; index++) await connectFrom(t, twist.port, from);
  await eventually(() => twist.countFds() - before <= 20, 'ten of each address');
  for (let last = 5; last < 10; last++)
    for (let index = 0; index < 10; index++) await connectFrom(t, twist.port, `127.0.0.${last}`);
  await eventually(() => twist.countFds() - before <= 30, 'thirty in all');
  t.ok(await isServed(t, twist.port));
});

t.test('on all addresses an IPv4 client is one of IPv4', async (t) => {
  const twist = await startServing(t, {
    args: ['serve', '--echo', '--listen', ':0', '--log-format', 'json', '--deny', '127.0.0.2'],
  });
  const client = await connectFrom(t, twist.port, GOOD);
  await client.open();
  client.socket.destroy();
  t.match(await twist.waitForLog(({ msg }) => msg === 'session ended'), {
    peer: `127.0.0.1:${client.port}`,
  });
  if (isLinux) {
    const denied = await connectFrom(t, twist.port, DENIED);
    denied.send(upgradeText());
    await denied.waitForEnd();
    t.match(denied.received.toString(), /^HTTP\/1\.1 403 /);
  }
});

t.test('a client that speaks TLS is named as one', async (t) => {
  const twist = await startTwist(t);
  const socket = connectTls({ port: twist.port, host: GOOD });
  const [error] = (await once(socket, 'error')) as [Error];
  t.ok(error);
  t.match(await twist.waitForLog(({ msg }) => msg.startsWith('handshake refused')), {
    rule: 'tls',
    msg: /this is the beginning of TLS/,
  });
});
