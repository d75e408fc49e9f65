/** The end of the built command, with many sessions, and with clients and targets that do not play along. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { upgradeText } from '../fixtures/handshake.js';
import { type RawClient, connectRaw, openRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(120_000);

/** Opens so many sessions, some at a time. */
async function openMany(t: Test, url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.terminate();
  });
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on('error', () => undefined);
      return socket;
    });
    sockets.push(...some);
    await Promise.all(some.map((socket) => once(socket, 'open')));
  }
  return sockets;
}

t.test('SIGTERM under 1,000 sessions: 1001 to all, and 0 in time', async (t) => {
  const twist = await startTwist(t, ['--drain-timeout', '10s', '--close-timeout', '5s']);
  const sockets = await openMany(t, twist.url, 1000);
  const codes = sockets.map(async (socket) => (await once(socket, 'close'))[0] as number);
  const beganMs = performance.now();
  t.equal(await twist.stop(), 0);
  const tookMs = performance.now() - beganMs;
  const seen = new Map<number, number>();
  for (const code of await Promise.all(codes)) seen.set(code, (seen.get(code) ?? 0) + 1);
  t.strictSame([...seen], [[1001, 1000]]);
  t.comment(`1,000 sessions were closed in ${Math.round(tookMs)} ms of 10,000`);
  t.equal(twist.log.filter(({ rule }) => rule === 'shutdown').length, 0, 'nobody was dropped');
});

t.test('clients that do not answer, go, half-close or send on', async (t) => {
  const twist = await startTwist(t, ['--drain-timeout', '1s', '--close-timeout', '400ms']);
  const good = await openMany(t, twist.url, 1);
  const silent = await openRaw(t, twist.port);
  const reset = await openRaw(t, twist.port);
  const half = await openRaw(t, twist.port);
  const halfHead = await connectRaw(t, twist.port);
  halfHead.send('GET / HTTP/1.1\r\n');
  const code = once(good[0]!, 'close');
  const ended = twist.stop();
  await reset.waitForBytes(4);
  reset.socket.resetAndDestroy();
  await half.waitForBytes(4);
  half.socket.end();
  await halfHead.waitForEnd();
  t.match(halfHead.received.toString(), /^HTTP\/1\.1 503 [^]*Retry-After/);
  t.equal(await ended, 0);
  t.equal((await code)[0], 1001);
  await silent.waitForEnd();
  t.equal(silent.received.readUInt16BE(2), 1001, 'it was told at least');
});

t.test('what is on its way to a target arrives, though its session is dropped', async (t) => {
  let receivedBytes = 0;
  let isReading = false;
  const target = createServer((socket) => {
    socket.pause();
    const timer = setInterval(() => {
      if (isReading) socket.resume();
    }, 20);
    socket.on('data', (data) => (receivedBytes += data.length));
    socket.on('close', () => {
      clearInterval(timer);
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(target, 'listening');
  t.teardown(() => target.close());
  const { port } = target.address() as AddressInfo;
  const twist = await startServing(t, {
    args: [
      ...['serve', '--tcp', `127.0.0.1:${port}`, '--listen', '127.0.0.1:0', '--log-format', 'json'],
      ...['--drain-timeout', '3s', '--close-timeout', '1s'],
    ],
  });
  const [socket] = await openMany(t, twist.url, 1);
  const bytes = 8 * 1024 * 1024;
  socket!.send(Buffer.alloc(bytes));
  await sleep(300);
  const ended = twist.stop();
  isReading = true;
  t.equal(await ended, 0);
  t.equal(receivedBytes, bytes);
});

t.test('a target that is being connected to when the drain begins', async (t) => {
  // A queue that is full: who connects waits.
  const target = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
  await once(target, 'listening');
  t.teardown(() => target.close());
  const twist = await startServing(t, {
    args: [
      ...['serve', '--tcp', '192.0.2.1:9', '--listen', '127.0.0.1:0', '--log-format', 'json'],
      ...['--target-connect-timeout', '60s', '--handshake-timeout', '60s'],
    ],
  });
  const client = await connectRaw(t, twist.port);
  client.send(upgradeText({ Host: `127.0.0.1:${twist.port}` }));
  await sleep(200);
  const ended = twist.stop();
  await client.waitForEnd();
  // Where no packet leaves at all, the target cannot be reached at once.
  t.match(client.received.toString(), /^HTTP\/1\.1 50[23] /);
  t.equal(await ended, 0);
});

t.test('SIGHUP during the start, a reload and a drain', async (t) => {
  const directory = makeTempDir(t);
  const config = path.join(directory, 'twist.json');
  writeFileSync(config, JSON.stringify({ echo: true }));
  const twist = await startServing(t, {
    args: [
      'serve',
      '-c',
      config,
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
      '--drain-delay',
      '400ms',
    ],
  });
  const [socket] = await openMany(t, twist.url, 1);
  const closed = once(socket!, 'close');
  writeFileSync(config, JSON.stringify({ echo: true, deny: ['192.0.2.1'] }));
  for (let count = 0; count < 20; count++) twist.signal('SIGHUP');
  await twist.waitForLog(({ msg }) => msg === 'reloaded: configuration (deny)');
  writeFileSync(config, '{');
  twist.signal('SIGHUP');
  await twist.waitForLog(({ msg }) =>
    msg.startsWith('not reloaded, the old stays in force: configuration'),
  );
  twist.signal('SIGHUP');
  twist.signal('SIGTERM');
  await twist.waitForLog(({ msg }) => msg === 'stopping');
  twist.signal('SIGHUP');
  await twist.waitForLog(({ msg }) => msg === 'not reloaded: the server is stopping');
  t.equal((await closed)[0], 1001);
  t.equal(await twist.ended, 0);
});

t.test('a reload serves other routes and ends sessions that were asked to end', async (t) => {
  const directory = makeTempDir(t);
  const config = path.join(directory, 'twist.json');
  const write = (content: object): void => {
    writeFileSync(`${config}.new`, JSON.stringify({ recheck: 'end', ...content }));
    renameSync(`${config}.new`, config);
  };
  write({ routes: { '/a': 'echo', '/b': 'echo' } });
  const twist = await startServing(t, {
    args: ['serve', '-c', config, '--listen', '127.0.0.1:0', '--log-format', 'json'],
  });
  const [a] = await openMany(t, `${twist.url}/a`, 1);
  const [b] = await openMany(t, `${twist.url}/b`, 1);
  const closed = once(a!, 'close') as Promise<[number, Buffer]>;
  write({ routes: { '/b': 'echo', '/c': 'echo' } });
  twist.signal('SIGHUP');
  const [code, reason] = await within(closed, 'its Close');
  t.strictSame([code, reason.toString()], [1008, 'this path does not lead there any more']);
  await openMany(t, `${twist.url}/c`, 1);
  const echoed = once(b!, 'message');
  b!.send('still here');
  t.equal(String((await echoed)[0]), 'still here');
  t.equal(await twist.stop(), 0);
});

t.test(
  '10,000 sessions are looked at after a reload, and others are served meanwhile',
  async (t) => {
    const directory = makeTempDir(t);
    const config = path.join(directory, 'twist.json');
    writeFileSync(config, JSON.stringify({ echo: true, recheck: 'end' }));
    const twist = await startServing(t, {
      args: [
        'serve',
        '-c',
        config,
        '--listen',
        '127.0.0.1:0',
        '--log-format',
        'json',
        '--ping-interval',
        'off',
      ],
    });
    const clients: RawClient[] = [];
    for (let count = 0; count < 10_000; count++) clients.push(await openRaw(t, twist.port));
    writeFileSync(config, JSON.stringify({ echo: true, recheck: 'end', deny: ['127.0.0.0/8'] }));
    const beganMs = performance.now();
    twist.signal('SIGHUP');
    const line = await twist.waitForLog(
      ({ msg }) => msg === 'sessions closed that are not allowed any more',
    );
    t.equal(line['sessions'], 10_000);
    t.comment(`10,000 sessions in ${Math.round(performance.now() - beganMs)} ms`);
    for (const client of clients) {
      await client.waitForBytes(4);
      if (client.received.readUInt16BE(2) !== 1008) t.fail('not 1008');
      client.socket.destroy();
    }
    t.equal(await twist.stop(), 0);
  },
);

t.test('a recording that fails while the server stops', async (t) => {
  const directory = path.join(makeTempDir(t), 'logs');
  mkdirSync(directory);
  const record = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', record, '--record-sync', 'none']);
  const [socket] = await openMany(t, twist.url, 1);
  socket!.send('a');
  await once(socket!, 'message');
  renameSync(directory, `${directory}.gone`);
  t.equal(await twist.stop(), 0);
  t.ok(existsSync(`${directory}.gone/traffic.ndjson`) || existsSync(record));
  t.match(readFileSync(`${directory}.gone/traffic.ndjson`, 'utf8'), /"ev":"msg"/);
});

t.test('--once and --idle-exit', async (t) => {
  const once1 = await startTwist(t, ['--once']);
  const [socket] = await openMany(t, once1.url, 1);
  const refused = new WebSocket(once1.url);
  refused.on('error', () => undefined);
  const [, response] = (await once(refused, 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  t.equal(response.statusCode, 503);
  refused.terminate();
  socket!.close(1000);
  t.equal(await within(once1.ended, 'the end'), 0);

  const idle = await startTwist(t, ['--idle-exit', '300ms']);
  t.equal(await within(idle.ended, 'the end'), 0);
  t.ok(idle.log.some(({ msg }) => msg === 'no session for 300ms: the server stops (idleExit)'));
});

t.test('--max-lifetime: 1001, and the client comes back', async (t) => {
  const twist = await startTwist(t, ['--max-lifetime', '300ms']);
  for (let round = 0; round < 2; round++) {
    const [socket] = await openMany(t, twist.url, 1);
    const [code, reason] = (await once(socket!, 'close')) as [number, Buffer];
    t.equal(code, 1001);
    t.equal(reason.toString(), 'the session has lasted long enough: connect again');
  }
  await eventually(
    () => twist.log.filter(({ msg }) => msg === 'session ended').length === 2,
    'both lines',
  );
  t.equal(await twist.stop(), 0);
});
